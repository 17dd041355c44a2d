// Histories known to be good and known to be bad, by name; half a million small ones against a search that is
// too simple to be wrong; and large ones against time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "linearizability/check.hpp"
#include "linearizability/history.hpp"
#include "linearizability/search.hpp"

namespace swarm::linearizability {
namespace {

constexpr std::uint64_t kPlenty = 50'000'000;

// One operation as a line: client, call, return (-1: unknown), and what was done.
struct Line {
  const char* client;
  std::int64_t call, returned;
  Operation op;
};

Operation reads(std::string value) {
  Operation op;
  if (!value.empty()) op.seen = {std::move(value)};
  return op;
}
Operation sees(std::vector<std::string> values) {
  Operation op;
  op.seen = std::move(values);
  return op;
}
Operation does(Kind kind, std::string value, std::optional<bool> succeeded = {}) {
  Operation op;
  op.kind = kind;
  op.value = std::move(value);
  op.succeeded = succeeded;
  return op;
}
Operation writes(std::string value) { return does(Kind::write, std::move(value)); }
Operation appends(std::string value) { return does(Kind::append, std::move(value)); }
Operation adds(std::string value) { return does(Kind::add, std::move(value)); }
Operation swaps(std::string from, std::string to, std::optional<bool> succeeded) {
  Operation op = does(Kind::cas, std::move(to), succeeded);
  op.expected = std::move(from);
  return op;
}

History history_of(const std::vector<Line>& lines, const std::string& key = "x") {
  History history;
  for (const auto& line : lines) {
    Operation op = line.op;
    op.client = line.client;
    op.key = key;
    op.call = line.call;
    if (line.returned >= 0) op.returned = line.returned;
    history.push_back(std::move(op));
  }
  return history;
}

Verdict verdict(const std::vector<Line>& lines, Model model) {
  const History history = history_of(lines);
  EXPECT_EQ(malformed(history, model), "");
  return check(history, model, Budget(kPlenty));
}
bool good(const std::vector<Line>& lines, Model model = Model::cas) {
  return verdict(lines, model).word == Verdict::Word::linearizable;
}
bool bad(const std::vector<Line>& lines, Model model = Model::cas) {
  return verdict(lines, model).word == Verdict::Word::contradiction;
}

// ---- registers

TEST(Register, WhatFollowsOneAnotherIsRead) {
  EXPECT_TRUE(good({}));
  EXPECT_TRUE(good({{"a", 0, 1, reads("")}, {"a", 2, 3, writes("1")}, {"b", 4, 5, reads("1")}}));
}

TEST(Register, AStaleReadIsBad) {
  EXPECT_TRUE(bad({{"a", 0, 1, writes("1")}, {"a", 2, 3, writes("2")}, {"b", 4, 5, reads("1")}}));
}

TEST(Register, AReadBesideAWriteMaySeeEither) {
  EXPECT_TRUE(good({{"a", 0, 1, writes("1")}, {"a", 2, 6, writes("2")}, {"b", 3, 5, reads("1")}}));
  EXPECT_TRUE(good({{"a", 0, 1, writes("1")}, {"a", 2, 6, writes("2")}, {"b", 3, 5, reads("2")}}));
}

TEST(Register, ReadsThatGoBackAreBad) {
  EXPECT_TRUE(bad({{"a", 0, 1, writes("1")},
                   {"a", 2, 9, writes("2")},
                   {"b", 3, 4, reads("2")},
                   {"c", 5, 6, reads("1")}}));
}

TEST(Register, ALostWriteIsBad) { EXPECT_TRUE(bad({{"a", 0, 1, writes("1")}, {"b", 2, 3, reads("")}})); }

TEST(Register, AValueThatNobodyWroteIsBad) { EXPECT_TRUE(bad({{"a", 0, 1, reads("7")}})); }

TEST(Register, AValueIsNotReadBeforeItIsWritten) {
  EXPECT_TRUE(bad({{"a", 0, 1, reads("1")}, {"b", 2, 3, writes("1")}}));
}

TEST(Register, AWriteOfUnknownOutcomeMayComeLateOrNever) {
  const Line unknown{"a", 0, -1, writes("1")};
  EXPECT_TRUE(good({unknown, {"b", 1, 2, reads("")}, {"b", 50, 60, reads("1")}}));
  EXPECT_TRUE(good({unknown, {"b", 1, 2, reads("")}, {"b", 50, 60, reads("")}}));
  EXPECT_TRUE(bad({unknown, {"b", 1, 2, reads("1")}, {"b", 3, 4, reads("")}})) << "it came, and is gone";
  EXPECT_TRUE(bad({{"b", 1, 2, reads("1")}, {"a", 5, -1, writes("1")}})) << "not before its call";
}

TEST(Register, AnUnknownWriteTakesEffectOnceOnly) {
  EXPECT_TRUE(bad({{"a", 0, -1, writes("1")},
                   {"b", 1, 2, reads("1")},
                   {"b", 3, 4, writes("2")},
                   {"b", 5, 6, reads("2")},
                   {"b", 7, 8, reads("1")}}));
}

TEST(Register, AnUnknownWriteCanBeOwedToAnAnswerThatOnlyDenies) {
  const std::vector<Line> lines{{"b", 1, 2, writes("1")}, {"b", 3, 4, swaps("1", "2", false)}};
  EXPECT_TRUE(bad(lines));
  std::vector<Line> with = lines;
  with.push_back({"a", 0, -1, writes("9")});
  EXPECT_TRUE(good(with));
}

TEST(Register, TwoSwapsOfTheSameValueAreALostUpdate) {
  EXPECT_TRUE(bad(
      {{"a", 0, 1, writes("1")}, {"b", 2, 6, swaps("1", "2", true)}, {"c", 3, 7, swaps("1", "3", true)}}));
  EXPECT_TRUE(good(
      {{"a", 0, 1, writes("1")}, {"b", 2, 6, swaps("1", "2", true)}, {"c", 3, 7, swaps("1", "3", false)}}));
}

TEST(Register, ASwapThatFailedSaysThatTheValueWasAnother) {
  EXPECT_TRUE(bad({{"a", 0, 1, writes("1")}, {"b", 2, 3, swaps("1", "2", false)}}));
}

TEST(Register, ADeleteTellsWhetherItWasThere) {
  EXPECT_TRUE(good({{"a", 0, 1, does(Kind::remove, "", false)},
                    {"a", 2, 3, writes("1")},
                    {"a", 4, 5, does(Kind::remove, "", true)},
                    {"a", 6, 7, reads("")}}));
  EXPECT_TRUE(bad({{"a", 0, 1, does(Kind::remove, "", true)}}));
  EXPECT_TRUE(bad({{"a", 0, 1, writes("1")}, {"a", 2, 3, does(Kind::remove, "", false)}}));
}

TEST(Register, AnInstantThatIsSharedIsNoOrderBetweenClientsButOneWithinAClient) {
  EXPECT_TRUE(good({{"a", 0, 5, writes("1")}, {"b", 5, 6, reads("")}}));
  EXPECT_TRUE(bad({{"a", 0, 5, writes("1")}, {"a", 5, 6, reads("")}}));
}

TEST(Register, KeysAreObjectsOfTheirOwn) {
  History both = history_of({{"a", 0, 1, writes("1")}, {"a", 2, 3, reads("1")}}, "x");
  const History other = history_of({{"b", 0, 1, writes("2")}, {"b", 4, 5, reads("1")}}, "y");
  both.insert(both.end(), other.begin(), other.end());
  const Verdict found = check(both, Model::reg, Budget(kPlenty));
  EXPECT_EQ(found.word, Verdict::Word::contradiction);
  EXPECT_EQ(found.key, "y");
  EXPECT_EQ(found.window, (std::vector<std::uint32_t>{3})) << "nobody wrote what it read";
}

// ---- lists and sets

TEST(ListAppend, AReadHasEverythingInOneOrder) {
  EXPECT_TRUE(good({{"a", 0, 5, appends("1")}, {"b", 1, 4, appends("2")}, {"a", 6, 7, sees({"2", "1"})}},
                   Model::append));
  EXPECT_TRUE(bad({{"a", 0, 1, appends("1")}, {"b", 2, 4, appends("2")}, {"a", 6, 7, sees({"2", "1"})}},
                  Model::append));
}

TEST(ListAppend, ADuplicateIsBad) {
  EXPECT_TRUE(bad({{"a", 0, 1, appends("1")}, {"a", 2, 3, sees({"1", "1"})}}, Model::append));
  EXPECT_TRUE(bad({{"a", 0, -1, appends("1")}, {"b", 2, 3, sees({"1", "1"})}}, Model::append));
}

TEST(ListAppend, ALostAppendIsBadAndAnUnknownOneIsNot) {
  EXPECT_TRUE(bad({{"a", 0, 1, appends("1")}, {"a", 2, 3, sees({})}}, Model::append));
  EXPECT_TRUE(
      good({{"a", 0, -1, appends("1")}, {"b", 2, 3, sees({})}, {"b", 9, 10, sees({"1"})}}, Model::append));
}

TEST(Set, WhatWasAddedIsThereUntilItIsRemoved) {
  const Operation removes = does(Kind::remove, "1");
  EXPECT_TRUE(
      good({{"a", 0, 1, adds("1")}, {"a", 2, 3, adds("2")}, {"b", 4, 5, sees({"2", "1"})}}, Model::set));
  EXPECT_TRUE(good({{"a", 0, 1, adds("1")}, {"a", 2, 3, removes}, {"b", 4, 5, sees({})}}, Model::set));
  EXPECT_TRUE(bad({{"a", 0, 1, adds("1")}, {"a", 2, 3, removes}, {"b", 4, 5, sees({"1"})}}, Model::set));
  EXPECT_TRUE(bad({{"a", 0, 1, adds("1")}, {"b", 4, 5, sees({})}}, Model::set));
  EXPECT_TRUE(good({{"a", 0, -1, adds("1")}, {"b", 4, 5, sees({})}, {"b", 6, 7, sees({"1"})}}, Model::set));
}

// ---- what is no history

TEST(History, WhatIsMalformedIsNamed) {
  const auto wrong = [](const std::vector<Line>& lines, Model model) {
    return malformed(history_of(lines), model);
  };
  EXPECT_EQ(wrong({{"a", 5, 4, reads("")}}, Model::reg),
            "the read of client a on key x returns before it is called");
  EXPECT_EQ(
      wrong({{"a", 0, 4, reads("")}, {"a", 3, 5, writes("1")}}, Model::reg),
      "the write of client a on key x is called before its read on key x has returned: a client does one "
      "thing at a time");
  EXPECT_EQ(wrong({{"a", 0, -1, writes("1")}, {"a", 3, 5, writes("1")}}, Model::reg), "");
  EXPECT_EQ(wrong({{"a", 0, 1, swaps("1", "2", true)}}, Model::reg),
            "the cas of client a on key x is none of the operations that the model register has");
  EXPECT_EQ(wrong({{"a", 0, 1, swaps("1", "2", {})}}, Model::cas),
            "the cas of client a on key x does not say whether it succeeded");
}

// ---- the window

TEST(Window, IsTheFewThatContradictEachOther) {
  std::vector<Line> lines;
  for (int i = 0; i < 400; ++i)
    lines.push_back(
        {"a", 10 * i, 10 * i + 1, i % 2 == 0 ? writes(std::to_string(i)) : reads(std::to_string(i - 1))});
  lines.push_back({"b", 2'005, 2'006, reads("190")});  // ten writes too late
  const Verdict found = verdict(lines, Model::reg);
  ASSERT_EQ(found.word, Verdict::Word::contradiction);
  EXPECT_TRUE(found.smallest);
  ASSERT_EQ(found.window.size(), 3U) << "the write that was read, one after it, and the read";
  EXPECT_EQ(found.window.front(), 190U);
  EXPECT_EQ(found.window.back(), 400U);
}

TEST(Window, IsMadeSmallWhenTheBudgetEndsAndSaysSo) {
  std::vector<Line> lines;
  for (int i = 0; i < 100; ++i) lines.push_back({"a", 10 * i, 10 * i + 1, writes(std::to_string(i))});
  lines.push_back({"b", 2'000, 2'001, reads("5")});
  const Verdict found = check(history_of(lines), Model::reg, Budget(300));
  EXPECT_EQ(found.word, Verdict::Word::contradiction);
  EXPECT_FALSE(found.smallest);
}

// ---- budget

std::vector<Line> a_hard_one() {
  std::vector<Line> lines;
  static const char* kClients[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e",
                                   "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
  for (int i = 0; i < 30; ++i) lines.push_back({kClients[i], 0, 100, appends(std::to_string(i))});
  lines.push_back({"z", 200, 201, sees({"nobody's"})});
  return lines;
}

TEST(Budget, WhatTakesTooLongIsNotGuessed) {
  const Verdict found = check(history_of(a_hard_one()), Model::append, Budget(100'000));
  EXPECT_EQ(found.word, Verdict::Word::gave_up);
  EXPECT_EQ(found.key, "x");
  EXPECT_LE(found.steps, 100'001U);
}

TEST(Budget, WhoeverAsksMayStopIt) {
  int asked = 0;
  const Verdict found =
      check(history_of(a_hard_one()), Model::append, Budget(kPlenty, [&] { return ++asked < 3; }));
  EXPECT_EQ(found.word, Verdict::Word::gave_up);
  EXPECT_EQ(asked, 3);
}

// ---- against brute force

// Tries every order; states are plain lists of texts.
class Brute {
 public:
  Brute(const History& history, Model model) : history_(history), model_(model) {}
  bool explains() { return from(0, {}); }

 private:
  using Plain = std::vector<std::string>;

  bool from(unsigned done, const Plain& state) {
    bool complete = true;
    for (std::size_t i = 0; i < history_.size(); ++i)
      complete = complete && ((done >> i & 1U) != 0 || !history_[i].returned);
    if (complete) return true;
    for (std::size_t i = 0; i < history_.size(); ++i) {
      if ((done >> i & 1U) != 0 || !may_come(i, done)) continue;
      if (auto after = does_it(history_[i], state); after && from(done | 1U << i, *after)) return true;
    }
    return false;
  }
  bool may_come(std::size_t i, unsigned done) const {
    for (std::size_t j = 0; j < history_.size(); ++j) {
      if (j == i || (done >> j & 1U) != 0 || !history_[j].returned) continue;
      if (*history_[j].returned < history_[i].call) return false;
    }
    return true;
  }
  std::optional<Plain> does_it(const Operation& op, Plain state) const {
    if (op.kind == Kind::read) {
      Plain seen = op.seen;
      if (model_ == Model::set) std::sort(seen.begin(), seen.end());
      return !op.returned || seen == state ? std::optional(state) : std::nullopt;
    }
    if (op.kind == Kind::append) state.push_back(op.value);
    if (op.kind == Kind::append) return state;
    if (model_ == Model::set) {
      std::set<std::string> values(state.begin(), state.end());
      op.kind == Kind::add ? void(values.insert(op.value)) : void(values.erase(op.value));
      return Plain(values.begin(), values.end());
    }
    if (op.kind == Kind::write) return Plain{op.value};
    const bool fits = op.kind == Kind::remove ? !state.empty() : state == Plain{op.expected};
    if (op.succeeded && *op.succeeded != fits) return std::nullopt;
    if (op.kind == Kind::remove) return Plain{};
    return fits ? Plain{op.value} : state;
  }

  const History& history_;
  Model model_;
};

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : rng_(seed) {}

  History history(Model model) {
    History out;
    const std::uint64_t count = 1 + rng_.below(6), clients = 1 + rng_.below(3);
    std::vector<std::int64_t> free(clients, 0);
    std::vector<std::string> state;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t client = rng_.below(clients);
      Operation op = operation(model);
      op.client = std::to_string(client);
      op.key = "x";
      op.call = free[client] + 1 + rng_.between(0, 3);
      op.returned = op.call + rng_.between(0, 6);
      free[client] = *op.returned;
      answer(op, model, state);
      if (rng_.chance(1, 5)) forget(op);
      out.push_back(std::move(op));
    }
    return out;
  }

 private:
  std::string value() { return std::to_string(rng_.below(3)); }
  Operation operation(Model model) {
    Operation op;
    const std::uint64_t dice = rng_.below(10);
    if (dice < 5) return op;
    op.value = value();
    if (model == Model::append) op.kind = Kind::append;
    if (model == Model::set) op.kind = dice < 8 ? Kind::add : Kind::remove;
    if (model == Model::reg) op.kind = dice < 9 ? Kind::write : Kind::remove;
    if (model == Model::cas) op.kind = dice < 7 ? Kind::write : dice < 9 ? Kind::cas : Kind::remove;
    if (op.kind == Kind::cas) op.expected = value();
    if (op.kind == Kind::remove && model != Model::set) op.value.clear();
    return op;
  }
  // As if operations took effect in this order, mostly: some of it is wrong then, and some is not.
  void answer(Operation& op, Model model, std::vector<std::string>& state) {
    if (op.kind == Kind::read) op.seen = rng_.chance(1, 8) ? std::vector<std::string>{value()} : state;
    if (op.kind == Kind::append) state.push_back(op.value);
    if (model == Model::append) return;
    if (model == Model::set) {
      std::set<std::string> values(state.begin(), state.end());
      if (op.kind == Kind::add) values.insert(op.value);
      if (op.kind == Kind::remove) values.erase(op.value);
      state.assign(values.begin(), values.end());
      return;
    }
    if (op.kind == Kind::cas) op.succeeded = rng_.chance(1, 8) || state == std::vector{op.expected};
    if (op.kind == Kind::remove) op.succeeded = rng_.chance(1, 8) || !state.empty();
    if (op.kind == Kind::write || (op.kind == Kind::cas && *op.succeeded)) state = {op.value};
    if (op.kind == Kind::remove) state.clear();
  }
  static void forget(Operation& op) {
    op.returned.reset();
    op.succeeded.reset();
    op.seen.clear();
  }
  Rng rng_;
};

std::string told(const History& history) {
  std::string out;
  for (const auto& op : history) {
    out += op.client + " " + to_string(op.kind) + " " + op.expected + ">" + op.value + " [";
    for (const auto& seen : op.seen) out += seen + ",";
    out += "] " + (op.succeeded ? (*op.succeeded ? std::string("yes ") : std::string("no ")) : std::string());
    out += std::to_string(op.call) + ".." + (op.returned ? std::to_string(*op.returned) : "?") + "\n";
  }
  return out;
}

class AgainstBruteForce : public ::testing::TestWithParam<Model> {};

TEST_P(AgainstBruteForce, TheyAgreeOnAllSmallHistories) {
  Chance chance(17 + static_cast<std::uint64_t>(GetParam()));
  int broken = 0;
  for (int i = 0; i < 125'000; ++i) {
    const History history = chance.history(GetParam());
    ASSERT_EQ(malformed(history, GetParam()), "") << told(history);
    const bool explained = Brute(history, GetParam()).explains();
    const Verdict found = check(history, GetParam(), Budget(kPlenty));
    ASSERT_EQ(found.word == Verdict::Word::linearizable, explained) << told(history);
    if (explained) continue;
    ++broken;
    History window;
    for (const std::uint32_t op : found.window) window.push_back(history[op]);
    ASSERT_TRUE(found.smallest);
    ASSERT_FALSE(Brute(window, GetParam()).explains()) << told(history) << "window:\n" << told(window);
  }
  EXPECT_GT(broken, 20'000);
  EXPECT_LT(broken, 105'000);
}

INSTANTIATE_TEST_SUITE_P(Models, AgainstBruteForce,
                         ::testing::Values(Model::reg, Model::cas, Model::append, Model::set));

// ---- against time

// Five clients on one key; a tenth of the writes are of unknown outcome, and some of those take effect.
History a_long_one(std::uint64_t count) {
  Rng rng(5);
  History history;
  std::vector<std::int64_t> free(5, 0);
  std::string state;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto next = std::min_element(free.begin(), free.end());
    Operation op;
    op.client = std::to_string(next - free.begin());
    op.key = "x";
    op.call = *next + rng.between(1, 10);
    op.returned = op.call + rng.between(1, 20);
    *next = *op.returned;
    if (rng.chance(1, 2)) {
      op.kind = Kind::write;
      op.value = std::to_string(i);
    }
    history.push_back(std::move(op));
  }
  // They take effect in the order of some instant between call and return.
  std::vector<std::pair<std::int64_t, std::uint32_t>> points;
  for (std::uint32_t i = 0; i < count; ++i)
    points.emplace_back(rng.between(history[i].call, *history[i].returned), i);
  std::sort(points.begin(), points.end());
  for (const auto& [time, i] : points) {
    Operation& op = history[i];
    if (op.kind == Kind::read && !state.empty()) op.seen = {state};
    const bool unknown = op.kind == Kind::write && rng.chance(1, 10);
    if (op.kind == Kind::write && (!unknown || rng.chance(1, 2))) state = op.value;
    if (unknown) op.returned.reset();
  }
  return history;
}

TEST(Speed, AHundredThousandOperationsTakeFewSteps) {
  const Verdict found = check(a_long_one(100'000), Model::reg, Budget(kPlenty));
  EXPECT_EQ(found.word, Verdict::Word::linearizable);
  EXPECT_LT(found.steps, 2'000'000U);
}

}  // namespace
}  // namespace swarm::linearizability
