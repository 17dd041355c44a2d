// Faults inside of a daemon, one by one, without sockets or disks.
#include "real/faults.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "model/wire.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "real/faults_clock.hpp"
#include "real/faults_disk.hpp"
#include "real/faults_links.hpp"
#include "real/faults_pace.hpp"
#include "real/http/reactor.hpp"
#include "real/http/run_until.hpp"
#include "real/mesh/delay_line.hpp"

namespace swarm::real {
namespace {

const Address kOwn = Address::v4(127, 0, 9, 1), kPeer = Address::v4(127, 0, 9, 2, 2377),
              kOther = Address::v4(127, 0, 9, 3, 4711);

LinkRules rules_of(std::initializer_list<const char*> lines) {
  std::vector<faults::Fault> all;
  for (const char* line : lines) all.push_back(*faults::parse(line));
  LinkRules rules;
  rules.set(kOwn, all);
  return rules;
}

TEST(LinkRules, KnowDirectionsAndAllOthers) {
  const LinkTrouble one_way = rules_of({"cut 127.0.9.1 -> 127.0.9.2"}).to(kPeer);
  EXPECT_TRUE(one_way.cut_out);
  EXPECT_FALSE(one_way.cut_in);
  EXPECT_TRUE(rules_of({"cut 127.0.9.2 -> *"}).to(kPeer).cut_in);
  EXPECT_FALSE(rules_of({"cut 127.0.9.2 -> *"}).to(kPeer).cut_out);
  EXPECT_TRUE(rules_of({"cut * <-> *"}).to(kOther).cut_out);
  EXPECT_FALSE(rules_of({"cut 127.0.9.2 <-> 127.0.9.3"}).to(kPeer).is_cut());
}

TEST(LinkRules, PartitionsAreCutsBetweenSides) {
  EXPECT_TRUE(rules_of({"partition 127.0.9.1"}).to(kPeer).cut_in);
  EXPECT_TRUE(rules_of({"partition 127.0.9.1 | 127.0.9.2"}).to(kPeer).cut_out);
  EXPECT_FALSE(rules_of({"partition 127.0.9.1 | 127.0.9.2"}).to(kOther).is_cut());
  EXPECT_FALSE(rules_of({"partition 127.0.9.1 one-way"}).to(kPeer).cut_in);
  EXPECT_FALSE(rules_of({"partition 127.0.9.1 127.0.9.2"}).to(kPeer).is_cut());
}

TEST(LinkRules, TheLatestOfTwoSettingsCounts) {
  const LinkTrouble both =
      rules_of({"net 127.0.9.1 <-> * latency 20ms jitter 1ms", "net * <-> * loss 0.5 latency 80ms"})
          .to(kPeer);
  EXPECT_EQ(both.latency, Duration::millis(80));
  EXPECT_EQ(both.jitter, Duration::millis(1));
  EXPECT_EQ(both.loss, 500'000);
}

TEST(DelayLine, WhatIsLateByAFaultThatIsOverGoesByTheOneThatIsNow) {
  Rng chance(1);
  relay::LinkFault lossy, late;
  lossy.loss = 1'000'000;
  late.latency = Duration::millis(5);
  relay::DelayLine line(lossy, chance);
  const Instant now = Instant{} + Duration::seconds(100);
  EXPECT_EQ(line.due(10, now), 0u);
  EXPECT_GT(line.next(), now + Duration::seconds(3600));
  line.change(late, now);
  EXPECT_EQ(line.due(15, now + Duration::millis(4)), 0u);
  EXPECT_EQ(line.due(15, now + Duration::millis(5)), 10u);
  line.gone(10);
  EXPECT_EQ(line.next(), now + Duration::millis(9));
  EXPECT_EQ(line.due(5, now + Duration::millis(9)), 5u);
}

class Wire final : public ports::Transport {
 public:
  Result<void> listen(const Address&) override { return {}; }
  void stop_listening() override {}
  ports::LinkId open(const Address&, const Address&, const wire::Hello&) override { return ++last; }
  void set_identity(const wire::Hello&) override {}
  Result<void> set_credentials(const ports::Credentials&) override { return {}; }
  void send(ports::LinkId, ports::Frame frame) override {
    sent.push_back(std::get<raft::Message>(frame).term);
  }
  void close(ports::LinkId link) override { closed.push_back(link); }
  ports::LinkId last = 0;
  std::vector<std::uint64_t> sent;
  std::vector<ports::LinkId> closed;
};

class Links : public testing::Test {
 protected:
  Links()
      : links(
            reactor, [this](ports::Event event) { heard.push_back(std::move(event)); }, 7) {
    links.put_before(wire);
    link = links.open(kPeer, kOwn, {});
  }
  void break_by(std::initializer_list<const char*> lines) {
    std::vector<faults::Fault> all;
    for (const char* line : lines) all.push_back(*faults::parse(line));
    links.set(kOwn, all);
  }
  void say(std::uint64_t term) {
    raft::Message message;
    message.term = term;
    links.send(link, message);
  }

  Reactor reactor;
  Wire wire;
  std::vector<ports::Event> heard;
  FaultyTransport links;
  ports::LinkId link = 0;
};

TEST_F(Links, WithoutFaultsAllPasses) {
  say(1);
  links.hear(ports::FrameArrived{link, raft::Message()});
  EXPECT_EQ(wire.sent.size(), 1u);
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(Links, ACutLosesWhatIsSaidAndHeard) {
  break_by({"cut 127.0.9.1 <-> *"});
  say(1);
  links.hear(ports::FrameArrived{link, raft::Message()});
  EXPECT_TRUE(wire.sent.empty());
  EXPECT_TRUE(heard.empty());
  const ports::LinkId dial = links.open(kOther, kOwn, {});
  EXPECT_GT(dial, 1000u);  // no connection is tried
  break_by({});
  ASSERT_EQ(heard.size(), 1u);  // and it may be dialled again
  EXPECT_EQ(std::get<ports::LinkClosed>(heard[0]).link, dial);
}

TEST_F(Links, TheEndOfALinkIsNotSeenWhileItIsCut) {
  break_by({"cut 127.0.9.2 -> 127.0.9.1"});
  links.hear(ports::LinkClosed{link, "closed by the peer"});
  EXPECT_TRUE(heard.empty());
  break_by({});
  EXPECT_EQ(heard.size(), 1u);
}

TEST_F(Links, HeldFramesComeInOneBurstInOrder) {
  break_by({"hold 127.0.9.1 -> 127.0.9.2"});
  for (std::uint64_t term = 1; term <= 3; ++term) say(term);
  EXPECT_TRUE(wire.sent.empty());
  break_by({});
  EXPECT_EQ(wire.sent, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(LinkRules, OnAStreamACutAndAHoldAreSilence) {
  EXPECT_TRUE(rules_of({"hold 127.0.9.1 -> 127.0.9.2"}).to(kPeer).on_stream().mute);
  EXPECT_FALSE(rules_of({"hold 127.0.9.2 -> 127.0.9.1"}).to(kPeer).on_stream().any());
  EXPECT_TRUE(rules_of({"cut 127.0.9.2 -> 127.0.9.1"}).to(kPeer).on_stream().deaf);
  const auto late = rules_of({"net 127.0.9.1 <-> * latency 80ms loss 0.5"}).to(kPeer).on_stream();
  EXPECT_EQ(late.latency, Duration::millis(80));
  EXPECT_EQ(late.loss, 500'000);
}

TEST_F(Links, LatencyKeepsTheOrderAndLossLoses) {
  break_by({"net 127.0.9.1 <-> * latency 30ms jitter 10ms"});
  const Instant begun = steady_now();
  for (std::uint64_t term = 1; term <= 20; ++term) say(term);
  EXPECT_TRUE(wire.sent.empty());
  run_until(reactor, [&] { return wire.sent.size() == 20; });
  EXPECT_GE((steady_now() - begun).ns, Duration::millis(20).ns);
  EXPECT_TRUE(std::is_sorted(wire.sent.begin(), wire.sent.end()));
  break_by({"net 127.0.9.1 <-> * loss 1"});
  say(99);
  EXPECT_EQ(wire.sent.size(), 20u);
}

class Store final : public ports::Disk {
 public:
  void commit(ports::DiskBatch, std::uint64_t token) override { committed.push_back(token); }
  void scan(ports::Family, std::string_view,
            const std::function<bool(std::string_view, std::string_view)>&) override {}
  std::optional<std::string> get(ports::Family, std::string_view) override { return std::nullopt; }
  std::string mark() override { return {}; }
  std::optional<ports::Unusable> unusable() override { return std::nullopt; }
  void reopen() override { ++reopened; }
  int reopened = 0;
  bool has_manager_state() override { return false; }
  void wipe_manager() override {}
  bool locked() override { return false; }
  Result<bool> unlock(std::string_view) override { return false; }
  ports::DiskLock lock() override { return {}; }
  void wipe_all() override {}
  std::vector<std::uint64_t> committed;
};

ports::DiskBatch an_own_write() {
  ports::DiskBatch batch;
  batch.put(ports::Family::identity, "k", "v");
  batch.sync = true;
  return batch;
}

ports::DiskBatch a_write(bool sync) {
  ports::DiskBatch batch;
  batch.put(ports::Family::raft_log, "k", "v");
  batch.sync = sync;
  return batch;
}

TEST(FaultyDisk, SyncsAreLateAndTheOrderStays) {
  Reactor reactor;
  Store store;
  FaultyDisk disk(reactor, store, [](const ports::Event&) { FAIL(); });
  DiskTrouble slow;
  slow.fsync_delay = Duration::millis(20);
  disk.set(slow);
  disk.commit(a_write(true), 1);
  disk.commit(a_write(false), 2);
  EXPECT_TRUE(store.committed.empty());
  run_until(reactor, [&] { return store.committed.size() == 2; });
  EXPECT_EQ(store.committed, (std::vector<std::uint64_t>{1, 2}));
}

TEST(FaultyDisk, OfAThrottledNodeItAnswersSoManyTimesAsLateAndInOrder) {
  Reactor reactor;
  Store store;
  std::vector<std::uint64_t> answered;
  FaultyDisk disk(reactor, store, [&](const ports::Event& event) {
    answered.push_back(std::get<ports::DiskDone>(event).token);
  });
  DiskTrouble slow;
  slow.pace = 20 * kTruePace;
  disk.set(slow);
  const Instant begun = steady_now();
  for (const std::uint64_t token : {1, 2}) disk.commit(a_write(true), token);
  while ((steady_now() - begun).ns < Duration::millis(3).ns) continue;  // so long it took
  for (const std::uint64_t token : store.committed) disk.hear(ports::DiskDone{token});
  EXPECT_TRUE(answered.empty());
  disk.set({});
  disk.hear(ports::DiskDone{3});  // behind those that are late
  run_until(reactor, [&] { return answered.size() == 3; });
  EXPECT_GE((steady_now() - begun).ns, Duration::millis(60).ns);
  EXPECT_EQ(answered, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(FaultyDisk, AnotherTroubleDoesNotCountItsOperationsAnew) {
  Reactor reactor;
  Store store;
  std::string said;
  FaultyDisk disk(reactor, store, [&](const ports::Event& event) {
    if (const auto* failed = std::get_if<ports::DiskFailed>(&event)) said = failed->why;
  });
  DiskTrouble failing;
  failing.write_error = "EIO";
  failing.after = 2;
  disk.set(failing);
  disk.commit(a_write(false), 1);
  failing.fsync_delay = Duration::millis(1);
  disk.set(failing);
  disk.commit(a_write(false), 2);
  EXPECT_NE(said, "");
}

TEST(FaultyDisk, FromTheNthOperationOnAManagersBatchesFailUntilItIsOpenedAgain) {
  Reactor reactor;
  Store store;
  std::vector<std::uint64_t> failed;
  std::string reopened = "not asked";
  FaultyDisk disk(reactor, store, [&](const ports::Event& event) {
    if (const auto* one = std::get_if<ports::DiskFailed>(&event)) failed.push_back(one->token);
    if (const auto* one = std::get_if<ports::DiskReopened>(&event)) reopened = one->why;
  });
  DiskTrouble failing;
  failing.write_error = "EIO";
  failing.after = 2;
  disk.set(failing);
  for (const std::uint64_t token : {1, 2, 3}) disk.commit(a_write(false), token);
  EXPECT_EQ(failed, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_TRUE(disk.unusable().has_value());
  disk.reopen();
  EXPECT_NE(reopened.find("Input/output error"), std::string::npos) << reopened;
  disk.set({});
  disk.commit(a_write(false), 4);
  EXPECT_EQ(failed.back(), 4u) << "it was not opened again";
  disk.reopen();
  EXPECT_EQ(store.reopened, 1);
  EXPECT_FALSE(disk.unusable().has_value());
  disk.commit(a_write(false), 5);
  EXPECT_EQ(store.committed, (std::vector<std::uint64_t>{1, 5}));
}

TEST(FaultyDisk, TheNodesOwnBatchesWaitForADeviceThatFailsAndFindRoomOnOneThatIsFull) {
  Reactor reactor;
  Store store;
  std::vector<std::string> waits;
  FaultyDisk disk(reactor, store, [&](const ports::Event& event) {
    if (const auto* one = std::get_if<ports::DiskWaits>(&event)) waits.push_back(one->why);
  });
  DiskTrouble full;
  full.full = true;
  disk.set(full);
  disk.commit(an_own_write(), 1);
  EXPECT_EQ(store.committed, (std::vector<std::uint64_t>{1}));
  DiskTrouble failing;
  failing.fsync_error = "EIO";
  disk.set(failing);
  disk.commit(an_own_write(), 2);
  disk.commit(an_own_write(), 3);
  EXPECT_EQ(waits.size(), 1u);
  disk.set({});
  EXPECT_EQ(store.committed, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(waits.back(), "");
}

TEST(FaultyClock, NeverGoesBackAndRunsAtItsRate) {
  FaultyClock clock;
  const Instant before = clock.now();
  clock.set(Duration::seconds(-3600), 1'000'000'000, Duration{});
  EXPECT_GE(clock.now(), before);
  EXPECT_LT((clock.wall() - wall_now()).ns, Duration::seconds(-3599).ns);
  clock.set({}, 2'000'000'000, {});
  const Instant now = clock.now(), truth = steady_now();
  EXPECT_NEAR(static_cast<double>((clock.true_time_of(now + Duration::seconds(2)) - truth).ns), 1e9, 5e7);
  clock.set({}, 1'000'000'000, Duration::seconds(30));
  EXPECT_GE((clock.now() - now).ns, Duration::seconds(30).ns);
}

class Desk : public testing::Test {
 protected:
  Desk()
      : links(
            reactor, [](const ports::Event&) {}, 1),
        disk(reactor, store, [](const ports::Event&) {}),
        desk(reactor, kOwn, {&links, &disk, &clock, [](const auto&) {}, [] {}}) {
    links.put_before(wire);
  }
  FaultDesk::Answer ask(std::string method, std::string target, std::string body = {}) {
    return desk.answer({std::move(method), std::move(target), {}, std::move(body)});
  }
  Reactor reactor;
  Wire wire;
  Store store;
  FaultyTransport links;
  FaultyDisk disk;
  FaultyClock clock;
  FaultDesk desk;
};

constexpr const char* kCut = R"({"kind":"cut","from":["127.0.9.1"],"to":["*"]})";

TEST_F(Desk, BeginsListsEndsAndHeals) {
  EXPECT_EQ(ask("POST", "/swarmpy/v1/faults", kCut).body, R"({"Id":1})");
  EXPECT_FALSE(links.rules().empty());
  EXPECT_EQ(ask("GET", "/swarmpy/v1/faults").body,
            R"([{"Id":1,"Fault":{"kind":"cut","from":["127.0.9.1"],"to":["*"]}}])");
  EXPECT_EQ(ask("DELETE", "/swarmpy/v1/faults/1").status, 204u);
  EXPECT_EQ(ask("DELETE", "/swarmpy/v1/faults/1").status, 204u);
  EXPECT_TRUE(links.rules().empty());
  ask("POST", "/swarmpy/v1/faults", kCut);
  EXPECT_EQ(ask("POST", "/swarmpy/v1/faults/heal").status, 204u);
  EXPECT_EQ(ask("GET", "/swarmpy/v1/faults").body, "[]");
}

TEST_F(Desk, AFaultWithAForEndsByItself) {
  ask("POST", "/swarmpy/v1/faults", R"({"kind":"cut","from":["127.0.9.1"],"to":["*"],"for":"20ms"})");
  EXPECT_FALSE(links.rules().empty());
  run_until(reactor, [&] { return links.rules().empty(); });
}

TEST_F(Desk, RefusesWhatItCannotDoInASentence) {
  const auto refused = [&](const char* body, const char* part) {
    const auto answer = ask("POST", "/swarmpy/v1/faults", body);
    EXPECT_GE(answer.status, 400u) << body;
    EXPECT_NE(answer.body.find(part), std::string::npos) << answer.body;
  };
  refused(R"({"kind":"kil","node":"m1"})", "kill");
  refused(R"({"kind":"kill","node":"127.0.9.1"})", "from outside");
  refused(R"({"kind":"disk","node":"127.0.9.1","flip":1})", "sim");
  refused(R"({"kind":"disk","node":"127.0.9.2","full":true})", "127.0.9.1");
  refused(R"({"kind":"cut","from":["m1"],"to":["m2"]})", "addresses");
  EXPECT_EQ(ask("GET", "/swarmpy/v1/faults").body, "[]");
  EXPECT_EQ(ask("PUT", "/swarmpy/v1/faults").status, 404u);
}

}  // namespace
}  // namespace swarm::real
