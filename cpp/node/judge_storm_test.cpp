// Forty thousand messages, of honest members and with one, two or three things changed, at a real replica in
// every role. None may end it, and what it has on disk afterwards opens.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "codec/codec.hpp"
#include "model/key_value.hpp"
#include "model/transaction.hpp"
#include "node/meters.hpp"
#include "node/test_member.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"

namespace swarm::node {
namespace {

using raft::Entry;
using raft::EntryType;
using raft::Message;
using raft::MessageType;
using raft::Role;

// A failed check says which message it was, and ends the test instead of the program.
[[noreturn]] void throw_check(const std::string& sentence) { throw std::logic_error(sentence); }

class Storm {
 public:
  explicit Storm(std::uint64_t seed) : rng_(seed) {}

  // An honest message of the moment, and mostly one or two things of it changed.
  Message next(const Member& member) {
    Message message = honest(member);
    for (std::uint64_t changes = rng_.below(4); changes > 0; --changes) change(message, member);
    return message;
  }

 private:
  Message honest(const Member& member) {
    constexpr std::array kTypes{MessageType::app,
                                MessageType::app_resp,
                                MessageType::vote,
                                MessageType::vote_resp,
                                MessageType::snap,
                                MessageType::heartbeat,
                                MessageType::pre_vote,
                                MessageType::heartbeat_resp,
                                MessageType::pre_vote_resp,
                                MessageType::app,
                                MessageType::timeout_now,
                                MessageType::read_index,
                                MessageType::app,
                                MessageType::transfer_leader,
                                MessageType::read_index_resp};
    Message message;
    message.type = kTypes[rng_.below(kTypes.size())];
    message.from = rng_.chance(1, 2) ? 1 : 3;
    message.to = kSelf;
    message.term = std::max<raft::Term>(member.term(), 1) + rng_.below(2);
    const raft::Index last = member.raft().last_index();
    message.index = last - std::min(last, rng_.below(3));
    message.log_term = term_at(member, message.index);
    message.commit = std::min(last, member.raft().commit() + rng_.below(3));
    message.reject = rng_.chance(1, 3);
    if (message.type == MessageType::app) add_entries(message);
    if (message.type == MessageType::snap) add_snapshot(message, member);
    if (message.type == MessageType::read_index || message.type == MessageType::read_index_resp)
      message.entries = {{0, 0, EntryType::normal, "12345678"}};
    return message;
  }
  static raft::Term term_at(const Member& member, raft::Index index) {
    const auto found = member.raft().entries(index, 1);
    return found.empty() || found[0].index != index ? 5 : found[0].term;
  }
  void add_entries(Message& message) {
    message.commit += rng_.below(4);
    for (std::uint64_t count = rng_.below(4); count > 0; --count) {
      Entry entry = rng_.chance(1, 3) ? conf_change() : Entry{};
      entry.term = message.term;
      entry.index = message.index + 1 + message.entries.size();
      if (entry.type == EntryType::normal && rng_.chance(1, 2)) {
        model::Transaction one;
        one.request = rng_.next();
        one.actions.push_back(model::WriteKey{"key", "value", {}, {}});
        entry.data = codec::encode(one);
      }
      message.entries.push_back(std::move(entry));
    }
  }
  // Good ones, and some that no group can become.
  Entry conf_change() {
    raft::ConfChangeV2 change;
    change.transition = static_cast<raft::Transition>(rng_.below(3));
    for (std::uint64_t count = rng_.below(3); count > 0; --count) {
      const auto type = static_cast<raft::ConfChangeType>(rng_.below(4));
      change.changes.push_back({type, rng_.below(6), {}});
    }
    change.v1 = rng_.chance(1, 4);
    return raft::encode_conf_change(change);
  }
  void add_snapshot(Message& message, const Member& member) {
    message.snapshot = std::make_shared<raft::Snapshot>();
    message.snapshot->index = member.raft().last_index() + rng_.below(3);
    message.snapshot->term = message.term;
    message.snapshot->conf_state = member.group();
    if (message.snapshot->conf_state.voters.empty()) message.snapshot->conf_state.voters = {1, 2, 3};
    if (member.has_store()) message.snapshot->data = member.packed();
  }

  std::uint64_t number(const Member& member) {
    const std::uint64_t last = member.raft().last_index();
    const std::array<std::uint64_t, 14> numbers{0,
                                                1,
                                                2,
                                                3,
                                                last,
                                                last + 1,
                                                std::max<std::uint64_t>(last, 1) - 1,
                                                member.raft().commit(),
                                                member.term(),
                                                1'000'000'000,
                                                std::uint64_t{1} << 62,
                                                std::uint64_t{1} << 63,
                                                ~std::uint64_t{0},
                                                ~std::uint64_t{0} - 1};
    return rng_.chance(1, 8) ? rng_.next() : numbers[rng_.below(numbers.size())];
  }
  std::string bytes() {
    std::string out(rng_.below(40), '\0');
    for (char& one : out) one = static_cast<char>(rng_.below(256));
    return out;
  }
  void change(Message& message, const Member& member) {
    switch (rng_.below(14)) {
      case 0:
        message.term = number(member);
        break;
      case 1:
        message.log_term = number(member);
        break;
      case 2:
        message.index = number(member);
        break;
      case 3:
        message.commit = number(member);
        break;
      case 4:
        message.from = rng_.below(6);
        break;
      case 5:
        message.from = number(member);
        break;
      case 6:
        message.type = static_cast<MessageType>(rng_.below(kRaftMessageTypes + 2));
        break;
      case 7:
        message.context = rng_.chance(1, 2) ? "CampaignTransfer" : bytes();
        break;
      case 8:
        message.reject = !message.reject;
        message.reject_hint = number(member);
        break;
      case 9:
        message.entries.resize(rng_.below(3));
        break;
      case 10:
        if (!message.entries.empty())
          change_entry(message.entries[rng_.below(message.entries.size())], member);
        break;
      case 11:
        message.snapshot = std::make_shared<raft::Snapshot>();
        break;
      default:
        if (message.snapshot) change_snapshot(*message.snapshot, member);
    }
  }
  void change_entry(Entry& entry, const Member& member) {
    const std::uint64_t draw = rng_.below(4);
    if (draw == 0) entry.index = number(member);
    if (draw == 1) entry.term = number(member);
    if (draw == 2) entry.type = static_cast<EntryType>(rng_.below(4));
    if (draw == 3) entry.data = bytes();
  }
  void change_snapshot(raft::Snapshot& snapshot, const Member& member) {
    raft::ConfState& group = snapshot.conf_state;
    const std::array lists{&group.voters, &group.learners, &group.voters_outgoing, &group.learners_next};
    const std::uint64_t draw = rng_.below(6);
    if (draw == 0) snapshot.index = number(member);
    if (draw == 1) snapshot.term = number(member);
    if (draw == 2) lists[rng_.below(lists.size())]->push_back(rng_.below(6));
    if (draw == 3) lists[rng_.below(lists.size())]->clear();
    if (draw == 4) snapshot.data = bytes();
    if (draw == 5 && !snapshot.data.empty()) snapshot.data[rng_.below(snapshot.data.size())] ^= 0x20;
  }

  Rng rng_;
};

struct Count {
  int refused = 0, believed = 0;
};

// A member of a role as it began hears some messages; then another begins anew.
void storm(Start start, std::uint64_t seed, Count& count) {
  Member member(start);
  Storm storm(seed);
  Rng ticks(seed + 1);
  for (int i = 0; i < 100; ++i) {
    const auto broken = member.hear(storm.next(member));
    ++(broken ? count.refused : count.believed);
    if (ticks.chance(1, 10)) member.tick();
  }
  ASSERT_LT(member.term(), raft::kTermBound);
  EXPECT_EQ(member.why_closed(), "") << "seed " << seed;
}

class JudgeStorm : public testing::TestWithParam<Start> {};

TEST_P(JudgeStorm, NoMessageEndsAMember) {
  const CheckHandler before = set_check_handler(throw_check);
  Count count;
  std::uint64_t seed = 1'000 * static_cast<std::uint64_t>(GetParam());
  for (int i = 0; i < 80 && !HasFatalFailure(); ++i, ++seed) {
    try {
      storm(GetParam(), seed, count);
    } catch (const std::exception& error) {
      FAIL() << "seed " << seed << ": " << error.what();
    }
  }
  set_check_handler(before);
  EXPECT_GT(count.refused, 1'000);
  EXPECT_GT(count.believed, 1'000) << "else this proves little";
}

std::string name_of(const testing::TestParamInfo<Start>& one) {
  constexpr std::array kNames{"joiner", "learner", "follower", "candidate", "leader"};
  return kNames[static_cast<std::size_t>(one.param)];
}
INSTANTIATE_TEST_SUITE_P(Roles, JudgeStorm,
                         testing::Values(Start::joiner, Start::learner, Start::follower, Start::candidate,
                                         Start::leader),
                         name_of);

TEST(JudgeStormRoles, AreWhatTheySay) {
  EXPECT_EQ(Member(Start::follower).raft().role(), Role::follower);
  EXPECT_EQ(Member(Start::candidate).raft().role(), Role::candidate);
  EXPECT_EQ(Member(Start::leader).raft().role(), Role::leader);
  EXPECT_EQ(Member(Start::learner).group().learners, std::vector<std::uint64_t>{kSelf});
  EXPECT_TRUE(Member(Start::joiner).group().voters.empty());
  EXPECT_TRUE(Member(Start::leader).has_store());
}

}  // namespace
}  // namespace swarm::node
