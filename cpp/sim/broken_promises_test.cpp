// Raft's promises, broken by what no Raft can bear: a disk that forgets. Each ready-made rule that nothing
// else breaks is broken here, by faults alone; and none breaks in storms that Raft does bear.
#include <gtest/gtest.h>
#include <cstdint>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "faults/draw.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "sim/client.hpp"
#include "sim/test_swarm.hpp"
#include "sim/watch.hpp"
#include "sim/watch_rules.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

std::string seconds(Instant at) {
  const std::string ms = std::to_string((at - Instant{}).ns / 1'000'000 % 1000);
  return std::to_string((at - Instant{}).ns / 1'000'000'000) + "." + std::string(3 - ms.size(), '0') + ms +
         "s";
}

// One voter forgets that it has voted and what it has acknowledged; so the manager that was away, which knows
// of neither, wins the same term, and writes over what was committed and answered.
struct TwoHistories : Swarm {
  // `longer`: the manager that is away is asked for much that it cannot commit, so that its log is the longer
  // one, and an older write is what is lost.
  explicit TwoHistories(const RuleSpec& spec, bool longer = false) {
    world.watch().add(*make_rule(spec));
    away = world.leader();
    EXPECT_EQ(create("kept", 1), 201u);
    world.run_for(Duration::seconds(1));
    for (const std::string name : {"m1", "m2", "m3"})
      if (name != away) begin("disk " + name + " old_copy");
    const FaultId alone = begin("partition " + away);
    for (int i = 0; longer && i < 40; ++i)
      world.call(away, post("/services/create", to_json(wish("never" + std::to_string(i), 1))));
    EXPECT_TRUE(world.run_until([&] { return !world.leader().empty() && world.leader() != away; },
                                Duration::seconds(20)));
    first = world.leader();
    term = world.node(first).inspect().raft->term();
    EXPECT_EQ(longer ? update("kept") : create("lost", 1), longer ? 200u : 201u);
    world.run_for(Duration::seconds(1));
    for (const std::string name : {"m1", "m2", "m3"})
      if (name != away && name != first) forgetful = name;
    EXPECT_FALSE(world.watch().broken());
    begin("partition " + first);
    EXPECT_TRUE(world.end_fault(alone).ok());
    world.crash(forgetful);
    forgot = world.now();
    world.start(forgetful);
  }
  static ServiceWish wish(const std::string& name, std::uint64_t replicas) {
    ServiceWish made;
    made.name = name;
    made.replicas = replicas;
    return made;
  }
  std::uint32_t update(const std::string& name) {
    const auto service = world.node(first).inspect().store->service_named(name);
    const std::string target =
        "/services/" + name + "/update?version=" + std::to_string(service->meta.version);
    return world.ask(first, post(target, to_json(wish(name, 2)))).head.status;
  }
  // Until the rule is broken, which ends a run.
  bool breaks(Duration within) {
    const Instant end = world.now() + within;
    while (!world.watch().broken() && world.now() < end && world.step()) continue;
    return world.watch().broken().has_value();
  }
  std::string caveat() const {
    return ". This run is outside of what Raft assumes: " + forgetful +
           "'s disk came back as an older copy at " + to_string(forgot - Instant{});
  }
  std::string away, first, forgetful;
  raft::Term term = 0;
  Instant forgot;
};

TEST(BrokenPromises, TwoLeadersOfATermAreTold) {
  TwoHistories swarm({"one_leader_per_term", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "one_leader_per_term");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_EQ(said.what, swarm.first + " and " + swarm.away + " both led in term " +
                           std::to_string(swarm.term) + ", at " + seconds(said.at) + swarm.caveat());
}

TEST(BrokenPromises, ACommitThatIsWrittenOverIsTold) {
  TwoHistories swarm({"no_lost_commits", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "no_lost_commits");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_NE(said.what.find(", was another one on "), std::string::npos) << said.what;
  EXPECT_NE(said.what.find(" at " + seconds(said.at) + swarm.caveat()), std::string::npos) << said.what;
}

TEST(BrokenPromises, TwoLogsThatDifferAreTold) {
  TwoHistories swarm({"log_matching", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "log_matching");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_TRUE(said.what.starts_with("the logs of ")) << said.what;
  EXPECT_NE(said.what.find(" of term " + std::to_string(swarm.term) + ", at " + seconds(said.at)),
            std::string::npos)
      << said.what;
}

TEST(BrokenPromises, AWriteThatWasAnsweredAndIsGoneIsTold) {
  TwoHistories swarm({"no_lost_writes", "", 0});
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_EQ(said.name, "no_lost_writes");
  EXPECT_EQ(said.at, swarm.world.now());
  EXPECT_NE(said.what.find(", which leads in term " + std::to_string(swarm.term)), std::string::npos)
      << said.what;
}

TEST(BrokenPromises, AnUpdateThatWasAnsweredAndIsGoneIsTold) {
  TwoHistories swarm({"no_lost_writes", "", 0}, true);
  ASSERT_TRUE(swarm.breaks(Duration::seconds(20)));
  const Broken& said = *swarm.world.watch().broken();
  EXPECT_TRUE(said.what.starts_with("service kept was written and the write was answered; " + swarm.away +
                                    ", which leads in term "))
      << said.what;
  EXPECT_NE(said.what.find(", had an older one at " + seconds(said.at)), std::string::npos) << said.what;
}

// A manager that is started again may have another log than it had: all of it is compared once more.
TEST(BrokenPromises, ACommitThatIsAnotherAfterARestartIsTold) {
  WorldOptions options;
  options.check = false;  // they would find the forgery
  World world(options);
  for (const auto* name : {"m1", "m2", "m3"})
    world.add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  ASSERT_EQ(form_swarm(world, {"m1", "m2", "m3"}, {}), "");
  world.watch().add(*make_rule({"no_lost_commits", "", 0}));
  world.run_for(Duration::seconds(5));
  const std::string forged = world.leader() == "m1" ? "m2" : "m1";
  world.crash(forged);
  ports::Disk& disk = world.disk_of_dead(forged);
  const auto state = node::load_replica(disk);
  ASSERT_TRUE(state.ok());
  raft::Entry entry;
  for (const raft::Entry& one : state->entries)
    if (one.index <= state->applied && one.type == raft::EntryType::normal && !one.data.empty()) entry = one;
  ASSERT_GT(entry.index, 0u);
  entry.data.clear();
  ports::DiskBatch batch;
  batch.put(ports::Family::raft_log, node::log_key(entry.index), codec::encode(entry));
  disk.commit(std::move(batch), 0);
  ASSERT_FALSE(world.watch().broken());
  world.start(forged);
  world.run_for(Duration::seconds(5));
  ASSERT_TRUE(world.watch().broken());
  const std::string& said = world.watch().broken()->what;
  EXPECT_TRUE(said.starts_with("entry " + std::to_string(entry.index) + ", which ")) << said;
  EXPECT_NE(said.find(" had committed, was another one on " + forged + " at "), std::string::npos) << said;
}

// Without a rule of the user's own the engine's own say it.
TEST(BrokenPromises, NobodyNeedsToAskForThem) {
  const CheckHandler before =
      set_check_handler([](const std::string& sentence) { throw std::runtime_error(sentence); });
  Swarm swarm;
  const std::string follower = swarm.world.leader() == "m1" ? "m2" : "m1";
  swarm.begin("disk " + follower + " old_copy");
  swarm.world.crash(swarm.world.leader());
  swarm.world.run_for(Duration::seconds(10));
  swarm.world.crash(follower);
  std::string said;
  try {
    swarm.world.start(follower);
    swarm.world.run_for(Duration::seconds(10));
  } catch (const std::exception& failed) {
    said = failed.what();
  }
  set_check_handler(before);
  EXPECT_NE(said.find("the term on disk went back"), std::string::npos) << said;
  EXPECT_NE(said.find("This run is outside of what Raft assumes"), std::string::npos) << said;
}

TEST(BrokenPromises, NoneCriesWolfInStorms) {
  std::map<std::string, std::uint64_t> asked;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Swarm swarm(seed);
    std::map<std::string, RuleId> rules;
    for (const char* kind : {"one_leader_per_term", "no_lost_commits", "no_lost_writes", "log_matching",
                             "at_most_one_per_slot", "replicas_at_most_desired", "update_pace"})
      rules[kind] = swarm.world.watch().add(*make_rule({kind, "", 0}));
    faults::DrawOptions options;
    options.seed = seed;
    options.managers = {"m1", "m2", "m3"};
    options.workers = {"w1", "w2"};
    options.every = Duration::seconds(1);
    options.lasts = Duration::seconds(2);
    options.duration = Duration::seconds(8);
    ASSERT_TRUE(swarm.world.run_plan(*faults::draw(options)).ok());
    for (int i = 0; i < 4; ++i) {
      swarm.create("web" + std::to_string(i), 3);
      swarm.world.run_for(Duration::seconds(2));
    }
    swarm.world.heal();
    swarm.world.run_for(Duration::seconds(2));
    const auto& broken = swarm.world.watch().broken();
    ASSERT_FALSE(broken) << "seed " << seed << ": " << broken->name << ": " << broken->what;
    for (const auto& [kind, id] : rules) asked[kind] += swarm.world.watch().asked(id);
  }
  for (const auto& [kind, times] : asked) EXPECT_GT(times, 10'000u) << kind;
}

}  // namespace
}  // namespace swarm::sim
