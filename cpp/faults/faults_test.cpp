// The vocabulary: what is written is read again as it was, in both forms; what is wrong is refused in a
// sentence with the nearest word.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "faults/draw.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "faults/plan.hpp"

namespace swarm::faults {
namespace {

std::string why_not(std::string_view line) {
  const auto fault = parse(line);
  return fault ? "taken: " + to_text(*fault) : sentence(fault.error());
}
std::string why_not_json(std::string_view json) {
  const auto fault = from_json(json);
  return fault ? "taken: " + to_text(*fault) : sentence(fault.error());
}

const std::vector<std::pair<std::string, std::string>> kForms = {
    {"partition m1 | m2 m3 w1 w2 one-way at 1.5s for 3s",
     R"({"kind":"partition","groups":[["m1"],["m2","m3","w1","w2"]],"one_way":true,"at":"1.5s","for":"3s"})"},
    {"partition leader for 2s", R"({"kind":"partition","of":"leader","for":"2s"})"},
    {"partition m2 m3", R"({"kind":"partition","groups":[["m2","m3"]]})"},
    {"cut m1 <-> m2 m3", R"({"kind":"cut","from":["m1"],"to":["m2","m3"]})"},
    {"cut m1 -> *", R"({"kind":"cut","from":["m1"],"to":["*"],"both":false})"},
    {"net m1 -> * latency 80ms loss 0.05",
     R"({"kind":"net","from":["m1"],"to":["*"],"both":false,"latency":"80ms","loss":0.05})"},
    {"net leader <-> w1 jitter 1ms duplicate 1 reorder 0.000001",
     R"({"kind":"net","from":["leader"],"to":["w1"],"jitter":"1ms","duplicate":1,"reorder":0.000001})"},
    {"hold m1 <-> m2 for 5s", R"({"kind":"hold","from":["m1"],"to":["m2"],"for":"5s"})"},
    {"throttle w1 factor 2.5", R"({"kind":"throttle","node":"w1","factor":2.5})"},
    {"disk m2 fsync_delay 500ms", R"({"kind":"disk","node":"m2","fsync_delay":"500ms"})"},
    {"disk m2 full", R"({"kind":"disk","node":"m2","full":true})"},
    {"disk m2 errors fsync=ENOSPC,write=EIO after 3",
     R"({"kind":"disk","node":"m2","errors":{"fsync":"ENOSPC","write":"EIO"},"after":3})"},
    {"disk m2 lost_tail 4 flip 2 torn old_copy",
     R"({"kind":"disk","node":"m2","lost_tail":4,"flip":2,"torn":true,"old_copy":true})"},
    {"disk m2 altered", R"({"kind":"disk","node":"m2","altered":true})"},
    {"clock m3 skew -2s drift 1.01 jump 1m0s",
     R"({"kind":"clock","node":"m3","skew":"-2s","drift":1.01,"jump":"1m0s"})"},
    {"freeze w1 for 2s", R"({"kind":"freeze","node":"w1","for":"2s"})"},
    {"power_off m1", R"({"kind":"power_off","node":"m1"})"},
    {"stop m1", R"({"kind":"stop","node":"m1"})"},
    {"kill leader at 2s for 1s", R"({"kind":"kill","node":"leader","at":"2s","for":"1s"})"},
    {"kill_task web.1 at 1s", R"({"kind":"kill_task","task":"web.1","at":"1s"})"},
    {"port w1 8080", R"({"kind":"port","node":"w1","port":8080})"},
    {"image web:2 exists false", R"({"kind":"image","reference":"web:2","exists":false})"},
    {"image web:2 exit_code 1 after 1s ignores_term start 10ms",
     R"({"kind":"image","reference":"web:2","exit_code":1,"after":"1s","ignores_term":true,"start":"10ms"})"},
    {"transfer", R"({"kind":"transfer"})"},
};

TEST(Fault, EveryKindHasATextAndAJsonFormThatAreInverse) {
  std::vector<int> seen(kKinds);
  for (const auto& [text, json] : kForms) {
    const auto from_text = parse(text);
    ASSERT_TRUE(from_text.ok()) << text << ": " << from_text.error().message;
    EXPECT_EQ(to_text(*from_text), text);
    EXPECT_EQ(to_json(*from_text), json);
    const auto read = from_json(json);
    ASSERT_TRUE(read.ok()) << json << ": " << read.error().message;
    EXPECT_EQ(*read, *from_text);
    ++seen[static_cast<std::size_t>(from_text->kind)];
  }
  for (const int times : seen) EXPECT_GT(times, 0);
}

std::string some_name(Rng& rng) {
  static const std::vector<std::string> kNames{"m1",      "m2",          "w1",    "leader", "at",      "for",
                                               "a b",     "\"q\"",       "|",     "->",     "latency", "torn",
                                               "-x",      "back\\slash", "web.1", "web:2",  "node-7",  "*",
                                               "one-way", "\xc3\xa9",    "true"};
  return kNames[rng.below(kNames.size())];
}

Argument some_value(const Parameter& parameter, Rng& rng) {
  const auto number = [&] {
    const std::int64_t span = std::min<std::int64_t>(parameter.most - parameter.least, 1'000'000'000'000'000);
    return parameter.least + rng.between(0, rng.chance(1, 2) ? std::min<std::int64_t>(span, 100) : span);
  };
  const auto names = [&](std::uint64_t most) {
    Names some;
    for (std::uint64_t i = 0, n = 1 + rng.below(most); i < n; ++i) some.push_back(some_name(rng));
    return some;
  };
  switch (parameter.type) {
    case Type::flag:
      return rng.chance(1, 2);
    case Type::count:
      return number();
    case Type::span:
      return Duration{number()};
    case Type::ratio:
      return Ratio{number()};
    case Type::factor:
      return Factor{number()};
    case Type::name:
      return some_name(rng);
    case Type::names:
      return names(3);
    case Type::groups: {
      Groups groups;
      for (std::uint64_t i = 0, n = 1 + rng.below(3); i < n; ++i) groups.push_back(names(3));
      return groups;
    }
    case Type::errnos:
      return Errnos{{rng.chance(1, 2) ? "write" : "read", rng.chance(1, 2) ? "EIO" : "ENOSPC"}};
  }
  return false;
}

Fault some_fault(Rng& rng) {
  Fault fault;
  fault.kind = static_cast<Kind>(rng.below(kKinds));
  for (const auto& parameter : parameters(fault.kind))
    if (parameter.required || rng.chance(1, 2))
      fault.set(std::string(parameter.key), some_value(parameter, rng));
  if (rng.chance(1, 2)) fault.at = Duration{rng.between(0, 90'000'000'000)};
  if (rng.chance(1, 2) && !fault.is_momentary()) fault.lasts = Duration{rng.between(1, 90'000'000'000)};
  return fault;
}

TEST(Fault, RandomFaultsSurviveBothForms) {
  Rng rng(7);
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Fault fault = some_fault(rng);
    if (!check(fault)) continue;
    ++good;
    const auto text = parse(to_text(fault));
    ASSERT_TRUE(text.ok()) << to_text(fault) << ": " << text.error().message;
    ASSERT_EQ(*text, fault) << to_text(fault) << " became " << to_text(*text);
    const auto json = from_json(to_json(fault));
    ASSERT_TRUE(json.ok()) << to_json(fault) << ": " << json.error().message;
    ASSERT_EQ(*json, fault) << to_json(fault) << " became " << to_json(*json);
  }
  EXPECT_GT(good, 8'000);
}

TEST(Fault, WhatIsWrongIsRefusedWithTheNearestWord) {
  EXPECT_TRUE(
      why_not("partiton m1")
          .starts_with(
              "there is no fault \"partiton\". Did you mean \"partition\"? There are: partition, cut, net,"));
  EXPECT_TRUE(why_not("net m1 -> m2 loss 0.1 latecy 5ms")
                  .starts_with("there is no argument of net \"latecy\". Did you mean \"latency\"?"));
  EXPECT_TRUE(why_not_json(R"({"kind":"disk","node":"m1","fsync":"1s"})")
                  .starts_with("there is no argument of disk \"fsync\". There are: node, fsync_delay"))
      << why_not_json(R"({"kind":"disk","node":"m1","fsync":"1s"})");
  EXPECT_TRUE(why_not_json(R"({"kind":"disk","node":"m1","errors":{"wirte":"EIO"}})")
                  .starts_with("there is no operation of a disk \"wirte\". Did you mean \"write\"?"));
  EXPECT_TRUE(why_not_json(R"({"knd":"kill"})").starts_with("a fault wants its kind. There are: partition"));
}

TEST(Fault, WhatCannotBeIsSaid) {
  const std::pair<const char*, const char*> kCases[] = {
      {"kill", "kill: it wants node"},
      {"kill m1 m2", "there is no argument of kill \"m2\". There are: at, for."},
      {"cut m1", "cut: it wants a link: m1 -> m2 (one way) or m1 <-> m2"},
      {"cut m1 -> m1", "cut: m1 is on both ends of the link"},
      {"net m1 -> m2", "net: it wants at least one of latency, jitter, loss, duplicate, reorder"},
      {"net m1 <-> m2 loss 1.5", "net: loss is 1.5; it may be 0 to 1"},
      {"partition m1 | m2 m1", "partition: m1 is on two sides"},
      {"partition a | b | c one-way",
       "partition: one_way is between two groups: what the first says does not reach the second"},
      {"freeze w1 at -1s", "freeze: at is -1s, in the past"},
      {"freeze w1 at 9000h", "freeze: at is more than a year away"},
      {"freeze w1 for 0s", "freeze: for is 0s; it may be more than 0s, up to a year"},
      {"freeze w1 for ever", "freeze: for wants a duration (80ms, 1m30s)"},
      {"kill_task web.1 for 1s", "kill_task: it happens at once: leave out for"},
      {"throttle w1 factor 0.5", "throttle: factor is 0.5; it may be 1 to 1000000"},
      {"port w1 70000", "port: port is 70000; it may be 1 to 65535"},
      {"disk m1 after 3", "disk: after counts operations until the first of errors: it wants errors"},
      {"clock m1", "clock: it wants at least one of skew, drift, jump"},
      {"kill \"m1", "a quotation mark is not closed: kill \"m1"}};
  for (const auto& [line, sentence] : kCases) EXPECT_EQ(why_not(line), sentence) << line;
  EXPECT_EQ(why_not_json(R"({"kind":"net","from":"m1","to":"m2","loss":"much"})"),
            "net: loss wants a number from 0 to 1");
  EXPECT_EQ(
      why_not_json(R"({"kind":"partition"})"),
      "partition: it wants either groups ([[\"m1\"], [\"m2\", \"m3\"]]) or of (\"leader\", \"minority\" or a "
      "node)");
}

TEST(Fault, WhatIsSaidTwiceIsRefusedByName) {
  EXPECT_EQ(why_not("kill m1 at 1s at 2s"), "kill: at is said twice");
  EXPECT_EQ(why_not("kill m1 for 1s at 2s for 1s"), "kill: for is said twice");
  EXPECT_EQ(why_not("net m1 -> * latency 1ms loss 0.1 latency 2ms"), "net: latency is said twice");
  EXPECT_EQ(why_not("disk m1 full full"), "disk: full is said twice");
  EXPECT_EQ(why_not("image web:2 exists true exists false"), "image: exists is said twice");
  EXPECT_TRUE(why_not_json(R"({"kind":"kill","node":"m1","at":"1s", "at" :"2s"})")
                  .starts_with("the key \"at\" is there twice"));
  EXPECT_TRUE(why_not_json(R"({"kind":"kill","node":"m1","\u006eode":"m2"})")
                  .starts_with("the key \"node\" is there twice"));
  EXPECT_TRUE(why_not_json(R"({"kind":"disk","node":"m1","errors":{"write":"EIO","write":"EIO"}})")
                  .starts_with("the key \"write\" is there twice"));
  EXPECT_EQ(why_not_json(R"({"kind":"kill_task","task":"a\",\"task\":{"})"),
            R"(taken: kill_task "a\",\"task\":{")");
  EXPECT_FALSE(Plan::from_json(R"({"plan":1,"faults":[],"faults":[]})").ok());
  EXPECT_FALSE(Plan::from_json(R"({"plan":1,"faults":[{"kind":"stop","node":"m1","node":"m2"}]})").ok());
  EXPECT_TRUE(Plan::from_json(R"([{"kind":"stop","node":"m1"},{"kind":"stop","node":"m1"}])").ok());
  EXPECT_FALSE(Plan::from_text("since 0s\nsince 1s\n").ok());
}

TEST(Fault, NumbersOfSecondsAndSingleNamesAreTaken) {
  EXPECT_EQ(
      why_not_json(R"({"kind":"net","from":"m1","to":"*","both":true,"latency":0.08,"for":3,"at":null})"),
      "taken: net m1 <-> * latency 80ms for 3s");
  EXPECT_EQ(why_not_json(R"({"kind":"partition","groups":[["leader"]]})"), "taken: partition leader");
  EXPECT_EQ(why_not("power-off m1"), "taken: power_off m1");
}

TEST(Plan, BothFormsAreInverseAndOneFaultCanBeLeftOut) {
  Plan plan;
  for (const auto& [text, json] : kForms) plan.faults.push_back(*parse(text));
  plan.since = Duration::millis(1500);
  const auto text = Plan::from_text(plan.to_text());
  const auto json = Plan::from_json(plan.to_json());
  ASSERT_TRUE(text.ok() && json.ok());
  EXPECT_EQ(*text, plan);
  EXPECT_EQ(*json, plan);
  const Plan less = plan.without(1);
  EXPECT_EQ(less.faults.size() + 1, plan.faults.size());
  EXPECT_EQ(less.faults[1], plan.faults[2]);
  EXPECT_EQ(plan.without(99), plan);
  EXPECT_EQ(plan.without(plan.faults.size()), plan);
  EXPECT_EQ(plan.without(plan.faults.size() - 1).faults.back(), *(plan.faults.end() - 2));
}

TEST(Plan, WhatIsNoPlanIsRefused) {
  const auto why = [](std::string_view text) {
    const auto plan = Plan::from_json(text);
    return plan ? std::string("taken") : sentence(plan.error());
  };
  EXPECT_EQ(why(R"({"plan":2,"faults":[]})"),
            "a plan of another format: this version reads {\"plan\": 1, ...}");
  EXPECT_EQ(why(R"({"plan":1})"), "a plan wants its faults: {\"plan\": 1, \"faults\": []}");
  EXPECT_EQ(why(R"({"plan":1,"fautls":[]})"),
            "there is no key of a plan \"fautls\". Did you mean \"faults\"? There are: plan, since, faults.");
  EXPECT_EQ(why(R"([{"kind":"kill","node":"m1"},"kill"])"), "fault 1 of the plan: kill: it wants node");
  EXPECT_EQ(sentence(Plan::from_text("# a comment\nkill m1\n\nkil m2").error()).substr(0, 40),
            "line 4: there is no fault \"kil\". Did you");
}

TEST(Plan, BeginsWhereItSaysOrNow) {
  Plan plan{{*parse("kill m1 at 2s"), *parse("kill m2 at 3s")}, std::nullopt};
  const Instant now{5'000'000'000};
  EXPECT_EQ(plan.beginning(now), now);
  plan.since = Duration{};
  EXPECT_EQ(plan.beginning(Instant{1'000'000'000}), Instant{});
  EXPECT_EQ(plan.beginning(now), now - Duration::seconds(2));  // past: the first begins at once
}

TEST(Draw, TheSameSeedIsTheSamePlanAndEveryFaultEndsInIt) {
  DrawOptions options;
  options.managers = {"m1", "m2", "m3"};
  options.workers = {"w1", "w2"};
  std::vector<int> seen(kKinds);
  for (options.seed = 0; options.seed < 200; ++options.seed) {
    const Plan plan = *draw(options);
    ASSERT_EQ(plan, *draw(options));
    ASSERT_GE(plan.faults.size(), 3u);
    for (const Fault& fault : plan.faults) {
      ASSERT_TRUE(check(fault).ok()) << to_text(fault) << ": " << check(fault).error().message;
      ASSERT_LE(*fault.at + fault.lasts.value_or(Duration{}), options.duration);
      ++seen[static_cast<std::size_t>(fault.kind)];
    }
    ASSERT_EQ(*Plan::from_text(plan.to_text()), plan);
  }
  for (const Kind kind : drawable()) EXPECT_GT(seen[static_cast<std::size_t>(kind)], 20) << word(kind);
  EXPECT_EQ(seen[static_cast<std::size_t>(Kind::kill_task)], 0);
}

TEST(Draw, OfOneNodeNothingIsDrawnThatIsBetweenNodes) {
  DrawOptions options;
  options.managers = {"m1"};
  options.kinds = {Kind::partition, Kind::cut, Kind::net, Kind::hold, Kind::clock};
  options.every = Duration::millis(100);
  const Plan plan = *draw(options);
  EXPECT_FALSE(plan.faults.empty());
  for (const Fault& fault : plan.faults) EXPECT_EQ(fault.kind, Kind::clock);
}

TEST(Draw, AQuorumIsLeftAtEveryMoment) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    DrawOptions options;
    options.seed = seed;
    for (std::uint64_t i = 0; i < 1 + seed % 7; ++i) options.managers.push_back("m" + std::to_string(i));
    options.workers = {"w1", "w2"};
    options.every = Duration::millis(500);
    options.lasts = Duration::seconds(4);
    const Plan plan = *draw(options);
    ASSERT_GE(fewest_managers(plan, options.managers), options.managers.size() / 2 + 1)
        << "seed " << seed << "\n"
        << plan.to_text();
  }
  DrawOptions reckless;
  reckless.managers = {"m1", "m2", "m3"};
  reckless.every = Duration::millis(500);
  reckless.lasts = Duration::seconds(4);
  reckless.keep_quorum = false;
  EXPECT_LT(fewest_managers(*draw(reckless), reckless.managers), 2u);
}

// A manager that comes back needs a second until it is at work: until then it counts as away.
TEST(Draw, AManagerThatHasJustComeBackIsNotCountedOn) {
  constexpr Duration kRecovery = Duration::seconds(1);
  std::size_t kills = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    DrawOptions options;
    options.seed = seed;
    options.managers = {"m1", "m2", "m3"};
    options.kinds = {Kind::kill, Kind::freeze};
    options.every = Duration::millis(400);
    options.lasts = Duration::millis(700);
    Plan plan = *draw(options);
    kills += plan.faults.size();
    for (Fault& fault : plan.faults) fault.lasts = *fault.lasts + kRecovery - Duration{1};
    ASSERT_GE(fewest_managers(plan, options.managers), 2u) << "seed " << seed << "\n" << plan.to_text();
  }
  EXPECT_GT(kills, 1'000u);
}

TEST(Draw, PartsOfFramesAreFromATenthOfAPercentToATenth) {
  DrawOptions options;
  options.managers = {"m1", "m2", "m3"};
  options.kinds = {Kind::net};
  std::int64_t most = 0;
  for (options.seed = 0; options.seed < 100; ++options.seed) {
    const Plan plan = *draw(options);
    for (const Fault& fault : plan.faults)
      for (const char* key : {"loss", "duplicate", "reorder"})
        if (const auto* part = fault.find<Ratio>(key)) {
          EXPECT_GE(part->millionths, 1'000);
          most = std::max(most, part->millionths);
        }
  }
  EXPECT_GT(most, 95'000);
  EXPECT_LE(most, 100'000);
}

TEST(Draw, OptionsAreJsonAndWhatIsWrongIsSaid) {
  DrawOptions swarm;
  swarm.managers = {"m1"};
  const auto read = draw_options(
      R"({"seed":7,"kinds":["kill","net"],"every":0.5,"for":"3s","duration":"10s","keep_quorum":false})",
      swarm);
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->seed, 7u);
  EXPECT_EQ(read->kinds, (std::vector<Kind>{Kind::kill, Kind::net}));
  EXPECT_EQ(read->every, Duration::millis(500));
  EXPECT_EQ(read->managers, Names{"m1"});
  const auto why = [&](std::string_view json) {
    const auto options = draw_options(json, swarm);
    if (!options) return sentence(options.error());
    const auto plan = draw(*options);
    return plan ? std::string("drawn") : sentence(plan.error());
  };
  EXPECT_TRUE(why(R"({"kinds":["kil"]})").starts_with("there is no fault \"kil\". Did you mean \"kill\"?"));
  EXPECT_TRUE(
      why(R"({"sed":1})").starts_with("there is no option of a drawn plan \"sed\". Did you mean \"seed\"?"));
  EXPECT_EQ(why(R"({"kinds":["kill_task"]})"), "kill_task wants tasks to draw from: name them (\"web.1\")");
  EXPECT_EQ(why(R"({"every":"0s"})"), "every and for are more than 0s");
  EXPECT_EQ(why("{}"), "drawn");
}

TEST(Decimal, IsExact) {
  EXPECT_EQ(parse_decimal("0.05", 6), 50'000);
  EXPECT_EQ(parse_decimal("-1.5", 9), -1'500'000'000);
  EXPECT_EQ(parse_decimal("1.0000001", 6), std::nullopt);
  EXPECT_EQ(parse_decimal("1.", 6), std::nullopt);
  EXPECT_EQ(parse_decimal("99999999999999999999", 0), std::nullopt);
  Rng rng(3);
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t value = rng.between(-2'000'000'000, 2'000'000'000);
    EXPECT_EQ(parse_decimal(decimal(value, 9), 9), value);
  }
}

}  // namespace
}  // namespace swarm::faults
