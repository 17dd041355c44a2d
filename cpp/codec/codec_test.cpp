#include "codec/codec.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "codec/test_full_values.hpp"
#include "model/cluster.hpp"
#include "model/container_spec.hpp"
#include "model/key_value.hpp"
#include "model/kinds.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "objects.pb.h"
#include "raft.pb.h"
#include "raft/message.hpp"
#include "wire.pb.h"

namespace swarm::codec {
namespace {

using full::Filler;

template <class T, class Decode>
void expect_round_trip(const T& value, Decode decode) {
  const auto back = decode(encode(value));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, value);
}

// The same for values of every kind, whatever of them is there.
template <class Test>
void for_many_values(Test&& test) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Filler full(seed), sparse = Filler::sparse(seed);
    test(full);
    test(sparse);
  }
}

TEST(Codec, EveryFieldOfEveryObjectComesBack) {
  for_many_values([](Filler& fill) {
    model::Kinds::each([&]<class T>() { expect_round_trip(fill.of<T>(), decode<T>); });
  });
}

TEST(Codec, EveryFieldOfATransactionComesBack) {
  for_many_values([](Filler& fill) {
    auto transaction = fill.of<model::Transaction>();
    fill.each_of(transaction.actions);
    model::PutKinds::each([&]<class T>() { transaction.actions.push_back(model::Put{fill.of<T>()}); });
    expect_round_trip(transaction, decode_transaction);
  });
}

TEST(Codec, WhatAStepDoesNotSayIsNotWhatItTakesAway) {
  model::Transaction transaction;
  transaction.actions.push_back(model::NodeStep{});
  transaction.actions.push_back(model::NodeStep{{}, {}, {}, {}, std::optional<model::ManagerStatus>()});
  transaction.actions.push_back(model::TaskStep{{}, 0, {}, NodeId(), {}, {}});
  transaction.actions.push_back(model::WriteKey{"key", "", 0, ""});
  transaction.actions.push_back(model::WriteKey{"key", {}, {}, {}});
  expect_round_trip(transaction, decode_transaction);
}

TEST(Codec, EveryKindOfMessageComesBack) {
  for_many_values([](Filler& fill) {
    std::vector<wire::Message> messages;
    fill.each_of(messages);
    for (const auto& message : messages) expect_round_trip(message, decode_wire_message);
    expect_round_trip(fill.of<wire::Hello>(), decode_hello);
    expect_round_trip(fill.of<wire::ManagerPeer>(), decode_manager_peer);
  });
}

// Raft's messages have no equality of their own.
auto parts_of(const raft::Message& m) {
  return std::tuple(std::tie(m.type, m.to, m.from, m.term, m.log_term, m.index, m.entries, m.commit, m.vote),
                    std::tie(m.reject, m.reject_hint, m.context, m.state),
                    m.snapshot ? *m.snapshot : raft::Snapshot{});
}

TEST(Codec, EveryFieldOfRaftComesBack) {
  for_many_values([](Filler& fill) {
    expect_round_trip(fill.of<raft::Entry>(), decode_entry);
    expect_round_trip(fill.of<raft::ConfState>(), decode_conf_state);
    expect_round_trip(fill.of<raft::Snapshot>(), decode_snapshot);
    const auto hard = fill.of<raft::HardState>();
    const auto promise = fill.of<raft::Promise>();
    expect_round_trip(hard, decode_hard_state);
    expect_round_trip(promise, decode_promise);
    EXPECT_EQ(*decode_hard_state(encode(hard) + encode(promise)), hard);
    EXPECT_EQ(*decode_promise(encode(hard) + encode(promise)), promise);
    const auto message = fill.of<raft::Message>();
    const auto back = decode_raft_message(encode(message));
    ASSERT_TRUE(back.ok()) << back.error().message;
    EXPECT_TRUE(parts_of(*back) == parts_of(message));
    EXPECT_EQ(back->snapshot == nullptr, message.snapshot == nullptr);
  });
}

TEST(Codec, WhatIsAbsentStaysAbsent) {
  model::Service service;
  service.spec.mode = model::ReplicatedMode{0};
  service.spec.update = model::UpdateConfig{};
  expect_round_trip(service, decode<model::Service>);
  model::Service global;
  global.spec.mode = model::GlobalMode{};
  expect_round_trip(global, decode<model::Service>);
  model::Cluster cluster;
  cluster.default_addr_pool.clear();
  expect_round_trip(cluster, decode<model::Cluster>);
  expect_round_trip(model::Node{}, decode<model::Node>);
  expect_round_trip(model::Task{}, decode<model::Task>);
  expect_round_trip(model::Network{}, decode<model::Network>);
  expect_round_trip(model::KeyValue{}, decode<model::KeyValue>);
  expect_round_trip(model::Transaction{}, decode_transaction);
  expect_round_trip(wire::Message(wire::JoinReply{}), decode_wire_message);
  expect_round_trip(wire::Message(wire::LogSubscribe{}), decode_wire_message);
  raft::Message append;
  append.type = raft::MessageType::app;
  EXPECT_EQ(decode_raft_message(encode(append))->snapshot, nullptr);
}

TEST(Codec, OptionalZeroesAreNotAbsent) {
  model::TaskSpec spec;
  spec.restart = model::RestartPolicy{model::RestartCondition::none, Duration{}, 0, Duration{}};
  spec.container.emplace().init = false;
  spec.container.edit().stop_grace_period = Duration{};
  model::Service service;
  service.spec.task = spec;
  expect_round_trip(service, decode<model::Service>);
}

TEST(Codec, ATemplateTravelsOnceForAllItsTasks) {
  Filler fill;
  model::Task task = fill.of<model::Task>();
  task.templ = std::make_shared<model::TaskTemplate>(fill.of<model::TaskTemplate>());
  wire::FeedUpdate few, many;
  few.items = {task};
  for (int i = 0; i < 100; ++i) {
    task.id = fill.of<TaskId>();
    many.items.push_back(task);
  }
  const auto size_of = [](const wire::FeedUpdate& list) { return encode(wire::Message(list)).size(); };
  EXPECT_LT(size_of(many), size_of(few) + 99 * 600);
  const auto back = decode_wire_message(encode(wire::Message(many)));
  ASSERT_TRUE(back.ok());
  const auto& items = std::get<wire::FeedUpdate>(*back).items;
  EXPECT_EQ(std::get<model::Task>(items.front()).templ, std::get<model::Task>(items.back()).templ)
      << "one object in memory, too";
}

// ---- bad bytes
// --------------------------------------------------------------------------------------------------

template <class Message, class Decode>
void expect_refused(const Message& message, Decode decode, const std::string& why) {
  const auto back = decode(message.SerializeAsString());
  ASSERT_FALSE(back.ok()) << why;
  EXPECT_EQ(back.error().code, Code::data_loss);
  EXPECT_NE(back.error().message.find(why), std::string::npos) << back.error().message;
}

TEST(Codec, NumbersThatNameNothingAreErrors) {
  swarmpy::Task task;
  task.set_desired_state(513);
  expect_refused(task, decode<model::Task>, "corrupt task: task state 513 is not known");
  swarmpy::Task other;
  other.mutable_status()->set_state(1);
  expect_refused(other, decode<model::Task>, "task state 1");
  swarmpy::Node node;
  node.set_role(2);
  expect_refused(node, decode<model::Node>, "role 2");
  swarmpy::Node status;
  status.mutable_status()->set_state(4);
  expect_refused(status, decode<model::Node>, "node state 4");
  swarmpy::Service service;
  service.mutable_spec()->mutable_update()->set_order(2);
  expect_refused(service, decode<model::Service>, "update order 2");
  swarmpy::raft::Entry entry;
  entry.set_type(3);
  expect_refused(entry, decode_entry, "entry type 3");
}

TEST(Codec, IdsAndAddressesOfTheWrongLengthAreErrors) {
  swarmpy::Network network;
  network.set_id("short");
  expect_refused(network, decode<model::Network>, "network id is not 16 bytes long");
  swarmpy::wire::ManagerPeer peer;
  peer.mutable_address()->set_ip("1234");
  expect_refused(peer, decode_manager_peer, "address");
}

TEST(Codec, KindsOfAFutureVersionAreErrorsAndFieldsAreNot) {
  EXPECT_FALSE(decode_wire_message(std::string()).ok());
  swarmpy::Transaction transaction;
  transaction.add_actions();
  expect_refused(transaction, decode_transaction, "an action of an unknown kind");
  EXPECT_TRUE(is_transaction(transaction.SerializeAsString())) << "its form is that of one";
  EXPECT_FALSE(is_transaction("\x07garbage"));
  const auto with_new_field =
      decode_hard_state(encode(raft::HardState{1, 2, 3}) + std::string("\xf8\x07\x01", 3));
  ASSERT_TRUE(with_new_field.ok());
  EXPECT_EQ(*with_new_field, (raft::HardState{1, 2, 3}));
}

// What a node says of itself becomes an entry of the log, which every member must get.
TEST(Codec, AMessageThatIsLargerThanItsKindMayBeIsAnError) {
  wire::Register said;
  said.description.hostname = std::string(5'000'000, 'x');
  const auto back = decode_wire_message(encode(wire::Message(said)));
  ASSERT_FALSE(back.ok());
  EXPECT_EQ(back.error().message, "corrupt message: it is larger than its kind may be");
  said.description.hostname.resize(3'000'000);
  EXPECT_TRUE(decode_wire_message(encode(wire::Message(said))).ok());
  wire::ApiReplyBody body;
  body.bytes = std::string(5'000'000, 'x');
  EXPECT_TRUE(decode_wire_message(encode(wire::Message(body))).ok());
}

TEST(Codec, ATaskWithoutItsTemplateIsAnError) {
  swarmpy::wire::Message message;
  message.mutable_feed_update()->add_items()->mutable_task()->set_spec_version(3);
  expect_refused(message, decode_wire_message, "came without its template");
}

TEST(Codec, NoPeerCanPassForTheNodesOwnDisk) {
  swarmpy::raft::Message message;
  message.set_type(static_cast<std::uint32_t>(raft::MessageType::storage_append_resp));
  expect_refused(message, decode_raft_message, "local to its node");
  message.set_type(static_cast<std::uint32_t>(raft::MessageType::app_resp));
  message.set_from(raft::kAppendThread);
  expect_refused(message, decode_raft_message, "no peer");
}

TEST(Codec, AppendedEntriesFollowOneAnother) {
  auto message = Filler().of<raft::Message>();
  message.entries[1].index += 1;
  EXPECT_FALSE(decode_raft_message(encode(message)).ok());
}

// Whatever the bytes: a value or an error. A value that was read can be written and read again.
class BadBytes {
 public:
  template <class Decode>
  void feed(const std::string& good, Decode decode) {
    for (std::size_t cut = 0; cut < good.size(); cut += 1 + good.size() / 200)
      read(good.substr(0, cut), decode);
    for (int round = 0; round < 400; ++round) {
      std::string bad = good;
      const std::uint64_t flips = 1 + rng_.below(4);
      for (std::uint64_t i = 0; i < flips && !bad.empty(); ++i) {
        const auto at = static_cast<std::size_t>(rng_.below(bad.size()));
        bad[at] = static_cast<char>(bad[at] ^ static_cast<char>(1u << rng_.below(8)));
      }
      read(bad, decode);
    }
  }
  int refused = 0, taken = 0;

 private:
  template <class Decode>
  void read(const std::string& bytes, Decode decode) {
    const auto value = decode(bytes);
    ++(value.ok() ? taken : refused);
    EXPECT_TRUE(value.ok() || !value.error().message.empty());
  }
  Rng rng_{2026};
};

TEST(Codec, NoBytesCrashIt) {
  Filler fill;
  BadBytes bad;
  model::Kinds::each([&]<class T>() { bad.feed(encode(fill.of<T>()), decode<T>); });
  auto transaction = fill.of<model::Transaction>();
  fill.each_of(transaction.actions);
  bad.feed(encode(transaction), decode_transaction);
  std::vector<wire::Message> messages;
  fill.each_of(messages);
  for (const auto& message : messages) bad.feed(encode(message), decode_wire_message);
  bad.feed(encode(fill.of<raft::Message>()), decode_raft_message);
  bad.feed(encode(fill.of<raft::Entry>()), decode_entry);
  bad.feed(encode(fill.of<raft::Snapshot>()), decode_snapshot);
  bad.feed(encode(fill.of<raft::ConfState>()), decode_conf_state);
  EXPECT_GT(bad.refused, 100);
  EXPECT_GT(bad.taken, 100) << "flips inside texts are not noticed: checksums are the disk's and the link's";
}

}  // namespace
}  // namespace swarm::codec
