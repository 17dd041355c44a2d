// Journals: a run that is played again from its inputs is the same run, event by event; a text that is no
// journal is refused in a sentence.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/json.hpp"
#include "faults/fault.hpp"
#include "faults/plan.hpp"
#include "model/service_spec.hpp"
#include "ports/http.hpp"
#include "sim/chaos.hpp"
#include "sim/client.hpp"
#include "sim/inputs.hpp"
#include "sim/journal.hpp"
#include "sim/references.hpp"
#include "sim/watch.hpp"
#include "sim/watch_rules.hpp"  // IWYU pragma: keep: RuleSpec, which is made without its name
#include "sim/world.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

const std::vector<std::string> kMachines{"m1", "m2", "m3", "w1", "w2"};

std::unique_ptr<World> played(const std::string& text) {
  auto run = read_run(text);
  EXPECT_TRUE(run.ok()) << (run.ok() ? "" : run.error().message);
  auto world = std::make_unique<World>(run->options);
  world->play(std::make_shared<const RecordedRun>(std::move(*run)));
  return world;
}

void expect_same(World& again, const World& first) {
  while (again.step()) continue;
  again.run_until(first.now());
  EXPECT_EQ(again.events(), first.events());
  EXPECT_EQ(again.now(), first.now());
  EXPECT_EQ(again.trace_hash(), first.trace_hash());
  EXPECT_EQ(again.journal_text(), first.journal_text());
}

std::unique_ptr<World> formed(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  auto world = std::make_unique<World>(options);
  for (const auto& name : kMachines) world->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
  EXPECT_EQ(form_swarm(*world, {"m1", "m2", "m3"}, {"w1", "w2"}), "");
  return world;
}

// One random deed, of all kinds that there are.
// Long: one case for each deed.
void act(World& world, Rng& rng) {
  const std::string& name = kMachines[rng.below(kMachines.size())];
  const std::string& other = kMachines[rng.below(kMachines.size())];
  const auto number = static_cast<std::uint32_t>(rng.below(100));
  ServiceWish wish;
  wish.name = "web" + std::to_string(number);
  wish.replicas = rng.below(5);
  switch (rng.below(23)) {
    case 0:
      return world.crash(name);
    case 1:
      return world.power_off(name);
    case 2:
    case 3:
      return world.start(name);
    case 4:
      return world.pause(name);
    case 5:
    case 6:
      return world.resume(name);
    case 7:
      return world.shut_down(name);
    case 8:
      return world.cut(name, other);
    case 9:
      return world.mend(name, other);
    case 10:
      return world.partition({{"m1", name == "m1" ? "w1" : name}, {name == "m2" ? "m3" : "m2"}});
    case 11:
      return world.heal();
    case 12:
      return world.set_network({Duration::micros(100), Duration::millis(number), number, number, number});
    case 13:
      return world.set_disk_latency(name, Duration::micros(50), Duration::millis(number + 1));
    case 14:
      return world.set_image("nginx", {.lives = Duration::seconds(number + 1), .exit_code = 3});
    case 15:
      return world.hang_up(world.call(name, post("/services/create", to_json(wish))));
    case 16:
      return static_cast<void>(world.http_get(name, 8080));
    case 18:
      return static_cast<void>(world.begin_fault(*faults::parse("freeze " + name + " for 300ms")));
    case 19:
      return static_cast<void>(
          world.run_plan(*faults::Plan::from_text("kill leader at 100ms for 1s\npartition " + name + " | " +
                                                  (name == "m2" ? "m1" : "m2") + " at 200ms for 2s")));
    case 20:
      return static_cast<void>(world.end_fault(number % 10));
    case 21:
      return world.quiet(number % 2 == 0);
    case 17:
      return world.occupy_port(name, 8080, number % 2 == 0);
    default:
      return world.note("test", "number " + std::to_string(number));
  }
}

TEST(Journal, RandomScriptsAreTheSameRunAgain) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(seed);
    const auto world = formed(seed);
    Rng rng(seed);
    for (int i = 0; i < 60; ++i) {
      act(*world, rng);
      world->run_for(Duration::millis(rng.between(0, 400)));
      for (std::uint64_t steps = rng.below(5); steps > 0; --steps) world->step();
    }
    world->run_for(Duration::nanos(12'345'678'901));
    expect_same(*played(world->journal_text()), *world);
  }
}

TEST(Journal, ChaosSeedsAreTheSameRunAgain) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    Chaos chaos({.seed = seed, .storm = Duration::seconds(10)});
    chaos.run();
    expect_same(*played(chaos.world().journal_text()), chaos.world());
  }
}

TEST(Journal, TheWorldsOwnOptionsAreKept) {
  WorldOptions options;
  options.seed = ~std::uint64_t{0};
  options.codec = true;
  options.check = false;
  options.epoch = WallTime{1'000'000'007};
  options.network = {Duration::micros(7), Duration::micros(90), 3, 4, 5};
  const Moment end{12, Instant{3'000'000'009}};
  const auto read = read_run(to_text(options, {}, end, 0xfedcba9876543210ULL));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->options.seed, options.seed);
  EXPECT_TRUE(read->options.codec);
  EXPECT_FALSE(read->options.check);
  EXPECT_EQ(read->options.epoch, options.epoch);
  EXPECT_EQ(read->options.network.latency_min, Duration::micros(7));
  EXPECT_EQ(read->options.network.latency_max, Duration::micros(90));
  EXPECT_EQ(read->options.network.loss_per_mille, 3u);
  EXPECT_EQ(read->options.network.duplicate_per_mille, 4u);
  EXPECT_EQ(read->options.network.reorder_per_mille, 5u);
  EXPECT_EQ(read->end.at, end.at);
  EXPECT_EQ(read->end.steps, 12u);
  EXPECT_EQ(read->trace_hash, 0xfedcba9876543210ULL);
}

TEST(Journal, AMomentIsAsItWas) {
  const auto world = formed(3);
  world->run_for(Duration::seconds(1));
  const Instant then = world->now();
  const std::uint64_t hash = world->trace_hash();
  world->crash("m1");
  world->run_for(Duration::seconds(5));
  const auto again = played(world->journal_text());
  again->run_until(then - Duration::nanos(1));
  EXPECT_EQ(again->trace_hash(), hash);
  EXPECT_TRUE(again->alive("m1"));
  EXPECT_EQ(again->coming(), "input: crash {\"machine\":\"m1\"}");
  again->run_until(then);
  EXPECT_FALSE(again->alive("m1"));
  expect_same(*again, *world);
  EXPECT_FALSE(again->step());
  EXPECT_EQ(again->next_event(), Instant::never());
}

TEST(Journal, WhatOneInputDoesInsideIsNoInput) {
  const auto world = formed(1);
  const std::size_t before = world->journal().entries().size();
  world->partition({{"m1"}, {"m2", "m3"}});
  EXPECT_EQ(world->journal().entries().size(), before + 1);
}

TEST(Journal, LooksAreNoInputs) {
  const auto world = formed(1);
  const std::string before = world->journal_text();
  world->look("m1", get("/nodes"));
  world->take_trace();
  EXPECT_EQ(world->journal_text(), before);
}

TEST(Journal, BytesThatAreNoTextComeBack) {
  const auto world = formed(1);
  http::Request request = post("/services/create", std::string("\xff\x00\x80 \n\"", 6));
  request.headers.emplace_back("swarmpy-x", "a \"b\"");
  world->hang_up(world->call("m1", request));
  const auto run = read_run(world->journal_text());
  ASSERT_TRUE(run.ok());
  const auto& call = std::get<inputs::CallMachine>(run->entries.at(run->entries.size() - 2).input);
  EXPECT_EQ(call.request.body, request.body);
  EXPECT_EQ(call.request.headers, request.headers);
}

TEST(Journal, ItGoesOnAsAnotherRun) {
  const auto world = formed(5);
  world->run_for(Duration::seconds(1));
  const Instant then = world->now();
  world->run_for(Duration::seconds(1));
  world->crash("w1");
  world->run_for(Duration::seconds(1));
  const std::string text = world->journal_text();

  const auto same = played(text), fresh = played(text), quiet = played(text);
  for (const auto* fork : {&same, &fresh, &quiet}) (*fork)->run_until(then);
  same->let_go(World::kAllInputs);
  fresh->reseed(99);
  fresh->let_go(World::kAllInputs);
  quiet->let_go(World::kNoInputs);
  for (const auto* fork : {&same, &fresh, &quiet}) (*fork)->run_until(world->now());
  EXPECT_EQ(same->trace_hash(), world->trace_hash());
  EXPECT_NE(fresh->trace_hash(), world->trace_hash());
  EXPECT_TRUE(same->plays());
  EXPECT_FALSE(fresh->plays());
  EXPECT_FALSE(same->alive("w1"));
  EXPECT_FALSE(fresh->alive("w1"));
  EXPECT_TRUE(quiet->alive("w1"));
  fresh->run_for(Duration::seconds(3));  // time has no end
  expect_same(*played(fresh->journal_text()), *fresh);
}

TEST(Journal, WhatCameLaterMeansWhatItMeant) {
  const auto world = formed(5);
  world->run_for(Duration::seconds(1));
  const Instant then = world->now();
  ServiceWish wish;
  wish.name = "web";
  wish.replicas = 2;
  const Reply made = world->ask("m1", post("/services/create", to_json(wish)));
  ASSERT_EQ(made.head.status, 201U);
  const std::string id = docker::parse_json(made.body)->find("ID")->text()->c_str();
  world->run_for(Duration::seconds(2));
  const auto version = [](const World& of) {
    return of.node(of.leader()).inspect().store->services().begin()->second->meta.version;
  };
  wish.replicas = 3;
  const std::string target = "/services/" + id + "/update?version=" + std::to_string(version(*world));
  ASSERT_EQ(world->ask("m1", post(target, to_json(wish))).head.status, 200U);
  world->run_for(Duration::seconds(2));

  const auto run = std::make_shared<const RecordedRun>(*read_run(world->journal_text()));
  const auto replicas = [&](std::shared_ptr<const References> references) {
    World fork(run->options);
    fork.play(run);
    fork.run_until(then);
    fork.reseed(4);
    fork.let_go(World::kAllInputs, std::move(references));
    fork.run_until(world->now());
    const auto& services = fork.node(fork.leader()).inspect().store->services();
    EXPECT_EQ(services.size(), 1U);
    EXPECT_NE(services.begin()->second->id.str(), id);
    return std::get<model::ReplicatedMode>(services.begin()->second->spec.mode).replicas;
  };
  EXPECT_EQ(replicas(nullptr), 2U);  // no service has that id
  EXPECT_EQ(replicas(std::make_shared<const References>(References::of(*run))), 3U);
}

TEST(Journal, FreshChanceElectsAnotherLeader) {
  const auto world = formed(5);
  world->run_for(Duration::seconds(1));
  const std::string text = world->journal_text();
  std::set<std::string> leaders;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const auto fork = played(text);
    fork->run_until(world->now());
    fork->let_go(World::kNoInputs);
    fork->reseed(seed);
    const std::string first = fork->leader();  // how patient the others are was drawn before
    fork->crash(first);
    fork->run_for(Duration::seconds(8));
    fork->start(first);
    fork->run_for(Duration::seconds(8));
    fork->crash(fork->leader());
    fork->run_for(Duration::seconds(8));
    leaders.insert(fork->leader());
  }
  EXPECT_GE(leaders.size(), 2U);
}

TEST(Journal, WhatWasAskedIsAskedAgainAndBreaksAtTheSameEvent) {
  const auto until_broken = [](World& world) {
    const Instant end = world.now() + Duration::seconds(60);
    while (!world.watch().broken() && world.now() < end && world.step()) continue;
    const Broken said = world.watch().broken().value_or(Broken{});
    return std::tuple(world.steps(), said.at, said.name + ": " + said.what);
  };
  const auto world = formed(6);
  ServiceWish wish;
  wish.name = "web";
  wish.replicas = kMachines.size();  // one on each
  EXPECT_EQ(world->ask(world->leader(), post("/services/create", to_json(wish))).head.status, 201U);
  world->run_for(Duration::seconds(2));
  EXPECT_EQ(world->add_rule("four", {"at_least", "web", 5}), std::nullopt) << "there is no such kind";
  EXPECT_EQ(world->add_rule("quorum", {"quorum_kept", "", 0}), 0U);
  EXPECT_EQ(world->add_rule("four", {"at_least_running", "web", kMachines.size()}), 1U);
  world->crash("w1");
  const auto first = until_broken(*world);
  EXPECT_EQ(world->watch().broken()->name, "four");
  ASSERT_TRUE(std::get<2>(first).starts_with("four: web ran 4 tasks")) << std::get<2>(first);
  world->start("w1");  // clean-up
  const auto again = played(world->journal_text());
  EXPECT_EQ(until_broken(*again), first);
  expect_same(*again, *world);
}

TEST(Journal, OfTheFirstInputsNoMoreAreTold) {
  const auto world = formed(7);
  const std::size_t before = world->journal().entries().size();
  world->crash("w1");
  world->run_for(Duration::seconds(1));
  EXPECT_FALSE(world->failure_mark());
  world->mark_broken("mine", "it broke");
  world->start("w1");
  world->mark_broken("mine", "and again");
  world->run_for(Duration::seconds(1));
  ASSERT_TRUE(world->failure_mark());
  EXPECT_EQ(world->failure_mark()->inputs, before + 1);
  for (const std::size_t inputs : {before, before + 1, World::kAllInputs}) {
    const auto fork = played(world->journal_text());
    fork->step();
    fork->let_go(inputs);
    fork->run_until(world->now());
    EXPECT_EQ(fork->alive("w1"), inputs != before + 1) << inputs;
  }
}

// The run up to a moment, told again to a world that then did something of its own.
std::unique_ptr<World> forked(const World& world, Instant then) {
  auto fork = played(world.journal_text());
  fork->run_until(then);
  fork->note("fork", "it has left the run");
  fork->let_go(World::kAllInputs);
  return fork;
}

TEST(Journal, InAForkAnInputComesAfterAllElseThatIsDueAndInItsOrder) {
  const auto world = formed(5);
  world->run_for(Duration::seconds(1));
  const Instant then = world->now();
  world->run_until(then + Duration::millis(100));
  world->run_until(world->next_event());
  const std::uint64_t before = world->events();
  for (const char* text : {"a", "c", "b"}) world->note("test", text);
  world->run_for(Duration::seconds(1));

  const auto fork = forked(*world, then);
  EXPECT_FALSE(fork->plays());
  while (!fork->coming().starts_with("input: ")) ASSERT_TRUE(fork->step());
  EXPECT_EQ(fork->events(), before) << "an event of the same instant comes first";
  fork->take_trace();
  fork->run_until(world->now());
  std::string told;
  for (const auto& line : fork->take_trace())
    if (line.kind == "test") told += line.text;
  EXPECT_EQ(told, "acb");
}

TEST(Journal, InAForkNobodyHangsUpItsOwnCall) {
  const auto world = formed(5);
  world->run_for(Duration::seconds(1));
  const Instant then = world->now();
  world->run_for(Duration::millis(10));
  const CallId recorded = world->call("m1", get("/events"));
  world->run_for(Duration::millis(10));
  world->hang_up(recorded);
  world->run_for(Duration::seconds(1));

  auto fork = played(world->journal_text());
  fork->run_until(then);
  const CallId own = fork->call("m1", get("/events"));
  ASSERT_EQ(own, recorded) << "the run's own gets another number";
  fork->let_go(World::kAllInputs);
  fork->run_until(world->now());
  std::set<CallId> gone;
  for (const auto& entry : fork->journal().entries())
    if (const auto* hung_up = std::get_if<inputs::HangUp>(&entry.input)) gone.insert(hung_up->call);
  EXPECT_FALSE(gone.contains(own));
  EXPECT_TRUE(gone.contains(own + 1));
}

TEST(Journal, AFullOneTakesNoMoreAndSaysSo) {
  Journal journal;
  const auto write = [&](std::size_t bytes, std::uint64_t gave) {
    Journal::Writing written(journal, Moment{}, [&] {
      return inputs::Note{"test", std::string(bytes, 'x')};
    });
    written.gave(gave);
  };
  write(1, 3);
  write(Journal::kMostBytes, 4);
  EXPECT_EQ(journal.incomplete(), "") << "the last one that it took";
  for (const std::uint64_t gave : {5U, 6U}) write(1, gave);
  EXPECT_EQ(journal.entries().size(), 2U);
  EXPECT_EQ(journal.entries().back().gave, 4U) << "of another input";
  EXPECT_EQ(journal.incomplete(), "it has more inputs than a journal keeps (256 MiB)");
}

TEST(Journal, WhatIsNoRunIsRefused) {
  const std::string world =
      "0 0.000000000 world {\"seed\":1,\"epoch_ns\":0,\"check\":true,\"codec\":false,"
      "\"latency_min\":\"1ms\",\"latency_max\":\"1ms\",\"loss_per_mille\":0,"
      "\"duplicate_per_mille\":0,\"reorder_per_mille\":0}\n";
  const std::string end = "5 0.100000000 end {\"trace_hash\":\"00000000000000ff\"}\n";
  ASSERT_TRUE(read_run(world + end).ok());
  const auto why = [](const std::string& text) {
    const auto run = read_run(text);
    return run.ok() ? std::string() : run.error().message;
  };
  EXPECT_EQ(why(world), "line 1 of the run: its last line is not the end of the run");
  EXPECT_EQ(why(end), "line 1 of the run: the line for the world is the first one");
  EXPECT_EQ(why(world + end + end), "line 3 of the run: it stands behind the end");
  EXPECT_EQ(why(world + "0 0.000000000 crush {\"machine\":\"m1\"}\n" + end),
            "line 2 of the run: there is no input called crush");
  EXPECT_EQ(why(world + "0 0.000000000 crash {\"machine\":1}\n" + end),
            "line 2 of the run: \"machine\" is missing or not what it should be");
  EXPECT_EQ(why(world + "9 0.000000000 crash {\"machine\":\"m1\"}\n" + end),
            "line 3 of the run: it is earlier than the one before");
  EXPECT_NE(why(world + "crash m1\n" + end).find("line 2 of the run: it is no"), std::string::npos);
}

}  // namespace
}  // namespace swarm::sim
