// A program speaks on a manager's link and says what no manager can mean. No frame ends a member: the cluster
// goes on to accept writes, and each manager starts again.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/mesh.hpp"
#include "model/wire.hpp"
#include "node/judge.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "sim/chaos.hpp"
#include "sim/test_swarm.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using raft::Message;
using raft::MessageType;

class ForgedRaft : public testing::Test {
 protected:
  // A link to `to` of a program that has the key of the manager `as`.
  ports::LinkId link(const std::string& as, const std::string& to) {
    wire::Hello hello;
    hello.raft_id = swarm.world.node(as).inspect().raft_id;
    Address address = swarm.world.address(to);
    address.port = model::kManagementPort;
    return swarm.world.open_by_hand("w1", address, hello, swarm.certificate_of(as));
  }
  Message from(const std::string& as, const std::string& to, MessageType type) const {
    const Swarm& now = swarm;
    Message message;
    message.type = type;
    message.from = now.world.node(as).inspect().raft_id;
    message.to = now.world.node(to).inspect().raft_id;
    message.term = now.world.node(to).inspect().raft->term();
    return message;
  }
  // To every manager, from every other: as the leader that it hears, too.
  void forge(MessageType type, const std::function<void(Message&, const raft::RawNode&)>& say) {
    for (const std::string to : {"m1", "m2", "m3"})
      for (const std::string as : {"m1", "m2", "m3"}) {
        if (as == to) continue;
        Message message = from(as, to, type);
        say(message, *swarm.world.node(to).inspect().raft);
        swarm.world.wire_by_hand("w1").send(link(as, to), std::move(message));
        swarm.world.run_for(Duration::millis(20));
      }
  }
  void expect_alive() {
    const std::string name = "s" + std::to_string(++written);
    swarm.settle();
    EXPECT_EQ(swarm.create(name, 1), 201u);
  }
  void expect_restarts() {
    expect_alive();
    for (const auto* manager : {"m1", "m2", "m3"}) swarm.world.crash(manager);
    swarm.world.run_for(Duration::seconds(1));
    for (const auto* manager : {"m1", "m2", "m3"}) swarm.world.start(manager);
    swarm.world.run_for(Duration::seconds(5));
    expect_alive();
    const auto leader = swarm.world.node(swarm.world.leader()).inspect();
    EXPECT_EQ(leader.group->voters.size(), 3u);
    EXPECT_EQ(leader.store->services().size(), written);
  }
  std::vector<std::string> denied() {
    std::vector<std::string> found;
    for (auto& line : swarm.world.take_trace())
      if (line.kind == "warning.denied") found.push_back(line.text);
    return found;
  }

  Swarm swarm;
  std::size_t written = 0;
};

TEST_F(ForgedRaft, ATermBeyondAllTerms) {
  denied();
  for (const raft::Term term : {~raft::Term{0}, raft::kTermBound, raft::kTermBound - 1})
    forge(MessageType::heartbeat, [&](Message& m, const auto&) { m.term = term; });
  const auto lines = denied();
  ASSERT_FALSE(lines.empty());
  EXPECT_NE(lines[0].find("MsgHeartbeat from 127.0."), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("was refused: it breaks a rule: its term is out of bounds; the link is closed"),
            std::string::npos)
      << lines[0];
  expect_restarts();
}

TEST_F(ForgedRaft, ANewTermThatAMemberMayHave) {
  forge(MessageType::heartbeat, [](Message& m, const auto&) { m.term += 1'000'000; });
  expect_restarts();
}

// One member's term is raised as far as a message may, another's further: they find together again.
TEST_F(ForgedRaft, TermsThatAreFarApart) {
  const auto raise = [&](const std::string& as, const std::string& to, int times) {
    for (int i = 0; i < times; ++i) {
      Message message = from(as, to, MessageType::heartbeat_resp);
      message.term += node::kMaxTermLeap - 8;
      swarm.world.wire_by_hand("w1").send(link(as, to), std::move(message));
      swarm.world.run_for(Duration::millis(5));
    }
  };
  raise("m2", "m1", 2);
  raise("m1", "m2", 5);
  expect_restarts();
}

TEST_F(ForgedRaft, ACommitIndexBeyondTheLog) {
  forge(MessageType::heartbeat, [](Message& m, const auto&) { m.term += 5, m.commit = 1'000'000'000; });
  forge(MessageType::heartbeat, [](Message& m, const auto&) { m.commit = 1'000'000'000; });
  expect_restarts();
}

TEST_F(ForgedRaft, ASnapshotOfGarbage) {
  forge(MessageType::snap, [](Message& m, const raft::RawNode& raft) {
    m.term += 5;
    m.snapshot = std::make_shared<raft::Snapshot>();
    m.snapshot->index = raft.last_index() + 5;
    m.snapshot->term = m.term;
    m.snapshot->conf_state.voters = {m.from, m.to};
    m.snapshot->data = "garbage";
  });
  expect_restarts();
}

TEST_F(ForgedRaft, AnEntryThatCannotBeRead) {
  for (const auto type :
       {raft::EntryType::normal, raft::EntryType::conf_change, raft::EntryType::conf_change_v2})
    forge(MessageType::app, [&](Message& m, const raft::RawNode& raft) {
      const raft::Entry last = raft.entries(raft.last_index(), 1).back();
      m.term += 5;
      m.index = last.index;
      m.log_term = last.term;
      m.entries = {{m.term, last.index + 1, type, "\x07garbage"}};
      m.commit = last.index + 1;
    });
  expect_restarts();
}

TEST_F(ForgedRaft, AnEmptySnapshotAndTheWordToCampaign) {
  const auto group = *swarm.world.node("m1").inspect().group;
  forge(MessageType::snap, [&](Message& m, const auto&) {
    m.snapshot = std::make_shared<raft::Snapshot>();
    m.snapshot->index = 1'000'000;
    m.snapshot->term = m.term;
    m.snapshot->conf_state = group;
  });
  forge(MessageType::timeout_now, [](Message&, const auto&) {});
  expect_restarts();
}

TEST_F(ForgedRaft, ASnapshotWithoutAnEndIsNotHeldWithoutBound) {
  // Of a program that is not the leader nothing is held at all.
  const std::string leader = swarm.world.leader();
  const std::string to = leader == "m1" ? "m2" : "m1";
  const std::string as = leader == "m3" ? "m2" : "m3";
  const std::string forger = as == to ? "m3" : as;
  Message head = from(forger, to, MessageType::snap);
  head.snapshot = std::make_shared<raft::Snapshot>();
  head.snapshot->index = 1'000'000;
  head.snapshot->term = head.term;
  head.snapshot->conf_state = *swarm.world.node("m1").inspect().group;
  denied();
  const ports::LinkId link_of_forger = link(forger, to);
  wire::SnapshotChunk chunk{1'000'000, 0, false, codec::encode(head), std::string(1 << 20, 'x')};
  swarm.world.wire_by_hand("w1").send(link_of_forger, wire::Message(chunk));
  swarm.world.run_for(Duration::millis(50));
  const auto lines = denied();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("SnapshotChunk from 127.0."), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("another member leads in this term; the link is closed"), std::string::npos)
      << lines[0];
  expect_restarts();
}

TEST_F(ForgedRaft, WhatOnlyItsOwnNodeSaysToRaft) {
  for (const auto type :
       {MessageType::prop, MessageType::hup, MessageType::check_quorum, MessageType::forget_leader,
        MessageType::storage_append_resp, MessageType::unreachable})
    forge(type, [](Message&, const auto&) {});
  expect_restarts();
}

// The other side of the table: in storms no message of an honest member breaks a rule.
TEST(HonestRaft, BreaksNoRule) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    ChaosOptions options;
    options.seed = seed;
    options.storm = Duration::seconds(20);
    Chaos chaos(options);
    if (chaos.knobs().older_copies) continue;  // a member that has forgotten breaks one: so it is found out
    chaos.run();
    for (const auto& name : chaos.world().machines())
      EXPECT_NE(chaos.world().counted(name).find("links_frames_denied_total{reason=\"rule\"} 0\n"),
                std::string::npos)
          << name << " of seed " << seed;
  }
}

}  // namespace
}  // namespace swarm::sim
