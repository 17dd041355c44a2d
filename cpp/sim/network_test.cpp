// The network alone: how late, how often and in which order frames arrive, counted over many.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "sim/event_queue.hpp"
#include "sim/link_rules.hpp"
#include "sim/machine_index.hpp"
#include "sim/network.hpp"
#include "sim/shared.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr MachineIndex kNear = 0, kFar = 1;

LinkEnd only(MachineIndex machine) {
  LinkEnd end;
  end.in = {static_cast<std::uint8_t>(machine == kNear), static_cast<std::uint8_t>(machine == kFar)};
  return end;
}

LinkRule rule(LinkRule::What what, MachineIndex from, MachineIndex to, bool both,
              LinkSettings settings = {}) {
  return {what, only(from), only(to), both, settings};
}

// Two machines and one link between them, opened by the near one.
class TwoMachines : public testing::Test {
 protected:
  TwoMachines() {
    shared_.options.network.latency_min = Duration::millis(1);
    shared_.options.network.latency_max = Duration::millis(2);
    for (const char* address : {"10.0.0.1:2377", "10.0.0.2:2377"})
      network_.add_machine(*Address::parse(address));
    EXPECT_TRUE(network_.listen(kFar, *Address::parse("10.0.0.2:2377")).ok());
    link_ = network_.open(kNear, *Address::parse("10.0.0.2:2377"), {});
    pass(Duration::millis(10));
    EXPECT_EQ(opened_, 2);
  }
  void say(MachineIndex from, std::uint64_t number) {
    raft::Message frame;
    frame.type = raft::MessageType::heartbeat;
    frame.index = number;
    network_.send(from, link_ + (from == kNear ? 0 : 1), frame);
  }
  // Everything that is due within this time.
  void pass(Duration span) {
    const Instant end = shared_.now + span;
    while (shared_.queue.next() <= end) {
      Event event = shared_.queue.pop();
      shared_.now = event.at;
      take(event);
    }
    shared_.now = end;
  }
  void take(Event& event) {
    std::optional<ports::Event> told;
    if (auto* frame = std::get_if<FrameArrives>(&event.what)) told = network_.arrived(std::move(*frame));
    if (auto* one = std::get_if<ConnectArrives>(&event.what)) told = network_.arrived(*one);
    if (auto* one = std::get_if<AcceptArrives>(&event.what)) told = network_.arrived(*one);
    if (auto* one = std::get_if<CloseArrives>(&event.what)) told = network_.arrived(*one);
    if (auto* one = std::get_if<LinkTimeout>(&event.what)) told = network_.arrived(*one);
    if (!told) return;
    if (const auto* frame = std::get_if<ports::FrameArrived>(&*told)) {
      heard_.push_back(std::get<raft::Message>(frame->frame).index);
      when_.push_back(shared_.now);
    }
    opened_ += std::holds_alternative<ports::LinkOpened>(*told);
    if (const auto* closed = std::get_if<ports::LinkClosed>(&*told)) closed_.push_back(closed->reason);
  }
  // How long each of many frames took, said one after the other.
  std::pair<Duration, Duration> fastest_and_slowest(MachineIndex from) {
    Duration fastest = Duration::max(), slowest;
    for (int i = 0; i < 2'000; ++i) {
      const Instant said = shared_.now;
      say(from, 1);
      pass(Duration::seconds(1));
      const Duration took = when_.back() - said;
      fastest = std::min(fastest, took);
      slowest = std::max(slowest, took);
    }
    return {fastest, slowest};
  }
  void expect_between(std::pair<Duration, Duration> seen, std::int64_t least_ms, std::int64_t most_ms) {
    EXPECT_GE(seen.first, Duration::millis(least_ms));
    EXPECT_LE(seen.second, Duration::millis(most_ms));
    const Duration whole = Duration::millis(most_ms - least_ms);  // and both ends are reached
    EXPECT_LE((seen.first - Duration::millis(least_ms)).ns, whole.ns / 20);
    EXPECT_LE((Duration::millis(most_ms) - seen.second).ns, whole.ns / 20);
  }
  // Of `count` frames that are said at once, how many came.
  std::size_t come(std::uint64_t count, MachineIndex from = kNear) {
    heard_.clear();
    for (std::uint64_t i = 0; i < count; ++i) say(from, i);
    pass(Duration::seconds(60));
    return heard_.size();
  }

  Shared shared_{WorldOptions{}};
  Network network_{shared_, Rng(7)};
  ports::LinkId link_ = 0;
  int opened_ = 0;
  std::vector<std::uint64_t> heard_;
  std::vector<Instant> when_;
  std::vector<std::string> closed_;
};

TEST_F(TwoMachines, latency_is_uniform_around_what_was_said) {
  expect_between(fastest_and_slowest(kNear), 1, 2);
  LinkSettings settings;
  settings.latency = Duration::millis(80);
  settings.jitter = Duration::millis(30);
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, false, settings)});
  expect_between(fastest_and_slowest(kNear), 50, 110);
  expect_between(fastest_and_slowest(kFar), 1, 2);
  settings.jitter = Duration::millis(200);
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, true, settings)});
  expect_between(fastest_and_slowest(kNear), 0, 280);
  expect_between(fastest_and_slowest(kFar), 0, 280);
}

TEST_F(TwoMachines, jitter_alone_makes_the_worlds_own_latency_longer) {
  LinkSettings settings;
  settings.jitter = Duration::millis(40);
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, true, settings)});
  expect_between(fastest_and_slowest(kNear), 1, 42);
}

TEST_F(TwoMachines, frames_keep_their_order_however_late_they_are) {
  LinkSettings settings;
  settings.latency = settings.jitter = Duration::millis(50);
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, true, settings)});
  ASSERT_EQ(come(1'000), 1'000u);
  EXPECT_TRUE(std::is_sorted(heard_.begin(), heard_.end()));
}

TEST_F(TwoMachines, loss_and_duplicates_are_parts_of_a_million_of_all_frames) {
  LinkSettings settings;
  settings.loss_ppm = 100'000;
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, false, settings)});
  EXPECT_NEAR(static_cast<double>(come(20'000)), 18'000, 300);
  EXPECT_EQ(come(1'000, kFar), 1'000u);
  settings.loss_ppm = 0;
  settings.duplicate_ppm = 250'000;
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, false, settings)});
  EXPECT_NEAR(static_cast<double>(come(20'000)), 25'000, 400);
  EXPECT_EQ(come(1'000, kFar), 1'000u);
  settings.duplicate_ppm = 0;
  settings.loss_ppm = 1'000'000;
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, true, settings)});
  EXPECT_EQ(come(1'000) + come(1'000, kFar), 0u);
}

TEST_F(TwoMachines, those_that_are_reordered_are_late_and_overtaken) {
  LinkSettings settings;
  settings.reorder_ppm = 200'000;
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, false, settings)});
  for (const MachineIndex from : {kNear, kFar}) {
    heard_.clear();
    for (std::uint64_t i = 0; i < 3'000; ++i) {
      say(from, i);
      pass(Duration::millis(3));
    }
    pass(Duration::seconds(1));
    ASSERT_EQ(heard_.size(), 3'000u) << "none is lost";
    std::uint64_t overtaken = 0, newest = 0;
    for (const std::uint64_t one : heard_) {
      overtaken += one < newest ? 1 : 0;
      newest = std::max(newest, one);
    }
    EXPECT_NEAR(static_cast<double>(overtaken), from == kNear ? 500 : 0, from == kNear ? 120 : 0);
  }
}

TEST_F(TwoMachines, the_worlds_own_faults_are_per_mille_and_a_links_take_their_place) {
  shared_.options.network.loss_per_mille = 100;
  shared_.options.network.duplicate_per_mille = 0;
  EXPECT_NEAR(static_cast<double>(come(20'000)), 18'000, 300);
  shared_.options.network.loss_per_mille = 0;
  shared_.options.network.duplicate_per_mille = 100;
  EXPECT_NEAR(static_cast<double>(come(20'000)), 22'000, 300);
  LinkSettings none;
  none.duplicate_ppm = 0;
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, false, none)});
  EXPECT_EQ(come(1'000), 1'000u);
}

TEST_F(TwoMachines, the_latest_rule_of_a_link_holds) {
  LinkSettings slow, slower;
  slow.latency = Duration::millis(20);
  slower.latency = Duration::millis(90);
  network_.set_rules({rule(LinkRule::What::net, kNear, kFar, true, slow),
                      rule(LinkRule::What::net, kFar, kNear, false, slower)});
  expect_between(fastest_and_slowest(kNear), 20, 20);
  expect_between(fastest_and_slowest(kFar), 90, 90);
}

TEST_F(TwoMachines, a_cut_of_one_direction_leaves_the_other) {
  network_.set_rules({rule(LinkRule::What::cut, kNear, kFar, false)});
  EXPECT_EQ(come(10), 0u);
  EXPECT_EQ(come(10, kFar), 0u) << "it has given the link up meanwhile";
}

TEST_F(TwoMachines, what_vanishes_on_a_cut_is_found_out_after_ten_seconds) {
  network_.set_rules({rule(LinkRule::What::cut, kNear, kFar, false)});
  say(kNear, 1);
  pass(Duration::millis(9'900));
  EXPECT_TRUE(closed_.empty());
  say(kFar, 2);
  pass(Duration::millis(50));
  EXPECT_EQ(heard_, std::vector<std::uint64_t>{2}) << "the other direction is whole";
  pass(Duration::millis(100));
  EXPECT_EQ(closed_, std::vector<std::string>{"connection timed out"});
}

TEST_F(TwoMachines, a_cut_that_is_mended_in_time_is_not_noticed) {
  network_.set_rules({rule(LinkRule::What::cut, kNear, kFar, true)});
  say(kNear, 1);
  pass(Duration::seconds(9));
  network_.set_rules({});
  pass(Duration::seconds(9));
  EXPECT_TRUE(closed_.empty());
  EXPECT_EQ(come(3), 3u);
}

TEST_F(TwoMachines, a_close_does_not_pass_a_cut_either) {
  network_.set_rules({rule(LinkRule::What::cut, kNear, kFar, true)});
  network_.close(kNear, link_);
  pass(Duration::seconds(5));
  EXPECT_TRUE(closed_.empty());
}

TEST_F(TwoMachines, what_was_held_comes_in_order_and_at_once_and_not_over_a_cut) {
  network_.set_rules({rule(LinkRule::What::hold, kNear, kFar, false)});
  EXPECT_EQ(come(5), 0u);
  EXPECT_EQ(come(5, kFar), 5u);
  heard_.clear();
  network_.set_rules({});
  pass(Duration{});
  EXPECT_EQ(heard_, (std::vector<std::uint64_t>{0, 1, 2, 3, 4}));
  network_.set_rules({rule(LinkRule::What::hold, kNear, kFar, false)});
  EXPECT_EQ(come(5), 0u);
  network_.set_rules({rule(LinkRule::What::cut, kNear, kFar, false)});
  pass(Duration::seconds(1));
  network_.set_rules({});
  pass(Duration::seconds(1));
  EXPECT_TRUE(heard_.empty()) << "it was on its way when the link was cut";
}

}  // namespace
}  // namespace swarm::sim
