// Every number of every request at its extremes: 0, 1, -1, the ends of its type and beyond, fractions, and
// what is no number. A refusal is a sentence; an accepted number does no harm: the machines live, the
// checkers hold, and with usual numbers again all is as usual.
//
// The fields are not listed here: they are the numbers in the JSON of a spec whose every field is set
// (codec/test_full_values.hpp, which fills whatever is described). So a new one cannot be forgotten.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "codec/test_full_values.hpp"
#include "docker/api.hpp"
#include "docker/json.hpp"
#include "docker/specs.hpp"
#include "docker/url.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "node/node.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "ports/http.hpp"
#include "sim/churn.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using docker::Json;
using docker::Value;

// As they stand in a request.
constexpr const char* kExtremes[] = {"0",
                                     "1",
                                     "-1",
                                     "1000",
                                     "1001",
                                     "10000",
                                     "65535",
                                     "65536",
                                     "1000000000",            // a second
                                     "2147483647",            // 2^31 - 1
                                     "2147483648",            // 2^31
                                     "4294967295",            // 2^32 - 1
                                     "4294967296",            // 2^32
                                     "9223372036854775807",   // 2^63 - 1
                                     "9223372036854775808",   // 2^63
                                     "18446744073709551615",  // 2^64 - 1
                                     "18446744073709551616",  // 2^64
                                     "-9223372036854775808",
                                     "-9223372036854775809",
                                     "1e18",
                                     "1e19",
                                     "1e400",
                                     "-1e400",
                                     "0.5",
                                     "1.5",
                                     "true",
                                     "\"1\"",
                                     "[]",
                                     "{}"};

// ---- a document, and the numbers in it

struct Step {
  std::string key;  // empty: an array's item
  std::size_t item = 0;
};
using Path = std::vector<Step>;

std::string text_of(const Path& path) {
  std::string out;
  for (const Step& step : path)
    out += step.key.empty() ? "[" + std::to_string(step.item) + "]" : "." + step.key;
  return out;
}

void find_numbers(const Value& value, Path& at, std::vector<Path>& out) {
  if (std::string_view(value.kind()) == "number") out.push_back(at);
  if (const auto* members = value.members())
    for (const auto& [key, member] : *members) {
      at.push_back({key, 0});
      find_numbers(member, at, out);
      at.pop_back();
    }
  if (const auto* items = value.items())
    for (std::size_t i = 0; i < items->size(); ++i) {
      at.push_back({"", i});
      find_numbers((*items)[i], at, out);
      at.pop_back();
    }
}

std::vector<Path> numbers_in(const std::string& json) {
  std::vector<Path> out;
  Path at;
  find_numbers(*docker::parse_json(json), at, out);
  return out;
}

constexpr const char* kPlace = "the number goes here";

Value& walk(Value& from, const Path& path) {
  Value* at = &from;
  for (const Step& step : path) {
    if (step.key.empty()) {
      if (at->items() == nullptr) at->data = Value::Items{};
      auto& items = std::get<Value::Items>(at->data);
      if (items.size() <= step.item) items.resize(step.item + 1, Value{Value::Members{}});
      at = &items[step.item];
    } else {
      if (at->members() == nullptr) at->data = Value::Members{};
      auto& members = std::get<Value::Members>(at->data);
      const auto same = [&](const auto& member) { return member.key == step.key; };
      auto found = std::find_if(members.begin(), members.end(), same);
      if (found == members.end()) found = members.insert(members.end(), {step.key, Value{}});
      at = &found->value;
    }
  }
  return *at;
}

void write(Json& json, const Value& value) {
  if (const auto* text = value.text()) {
    json.value(*text);
  } else if (const auto* flag = std::get_if<bool>(&value.data)) {
    json.value(*flag);
  } else if (const auto* members = value.members()) {
    json.object([&] {
      for (const auto& [key, member] : *members) write(json.key(key), member);
    });
  } else if (const auto* items = value.items()) {
    json.array([&] {
      for (const Value& item : *items) write(json, item);
    });
  } else {
    json.raw(value.is_null() ? "null" : value.digits());
  }
}

// `base` with `number`, as it stands, in the place that `path` names.
std::string with(const std::string& base, const Path& path, const std::string& number) {
  Value document = *docker::parse_json(base);
  walk(document, path).data = std::string(kPlace);
  Json json;
  write(json, document);
  std::string out = json.take();
  const std::string place = '"' + std::string(kPlace) + '"';
  return out.replace(out.find(place), place.size(), number);
}

std::string first_id(const std::string& list, std::string_view key) {
  const Value value = *docker::parse_json(list);
  const bool none = value.items() == nullptr || value.items()->empty();
  return none ? std::string() : *value.items()->front().find(key)->text();
}

// ---- the swarm

constexpr const char* kService =
    R"("TaskTemplate":{"ContainerSpec":{"Image":"nginx:1.10","StopGracePeriod":1000000000,
       "Mounts":[{"Type":"tmpfs","Target":"/tmp/x"}],"Ulimits":[{"Name":"nofile","Soft":1,"Hard":1}],
       "Healthcheck":{"Test":["CMD","true"]}},
       "RestartPolicy":{"Condition":"any","Delay":100000000}},
       "EndpointSpec":{"Mode":"vip","Ports":[{"Protocol":"tcp","PublishMode":"ingress","TargetPort":80}]},
       "UpdateConfig":{"Parallelism":1,"Monitor":100000000},"Mode":{"Replicated":{"Replicas":2}})";

std::string service_named(const std::string& name) { return R"({"Name":")" + name + "\"," + kService + "}"; }

class Extremes : public testing::Test {
 protected:
  void form(const std::vector<std::string>& managers, const std::vector<std::string>& workers,
            bool check = true) {
    WorldOptions options;
    options.seed = 8;
    options.check = check;
    world_ = std::make_unique<World>(options);
    managers_ = managers;
    all_ = managers;
    all_.insert(all_.end(), workers.begin(), workers.end());
    for (const auto& name : all_) world_->add_machine({name, {}, {}, {4'000'000'000, 8LL << 30, 0, {}}});
    ASSERT_EQ(form_swarm(*world_, managers, workers), "");
  }

  // Refused in a sentence, or taken; never without an answer.
  bool takes(const Reply& reply, const std::string& what) {
    EXPECT_TRUE(reply.ended) << what;
    if (reply.head.status < 300 || reply.head.status == 304) return reply.ended;
    const std::string sentence = message_of(reply.body);
    EXPECT_GE(reply.head.status, 400U) << what;
    EXPECT_NE(sentence, "") << what << ": " << reply.body;
    EXPECT_EQ(sentence.find("inf"), sentence.npos) << what << ": " << sentence;
    EXPECT_EQ(sentence.find("nan"), sentence.npos) << what << ": " << sentence;
    return false;
  }

  void expect_alive(const std::string& what) {
    for (const auto& name : all_) {
      EXPECT_TRUE(world_->alive(name)) << name << " after " << what;
      EXPECT_EQ(world_->node(name).inspect().state, docker::SwarmState::active) << name << " after " << what;
    }
  }

  Reply ask(const http::Request& request) { return world_->ask(leader_of(*world_), request); }

  std::string version_at(const std::string& path) { return std::to_string(version_of(ask(get(path)).body)); }

  Reply update_swarm(const std::string& spec) {
    return ask(post("/swarm/update?version=" + version_at("/swarm"), spec));
  }

  std::size_t running(const std::string& service) {
    const std::string body =
        ask(get("/tasks?filters=%7B%22service%22%3A%5B%22" + service + "%22%5D%7D")).body;
    std::size_t count = 0;
    for (std::size_t at = body.find(kRuns); at != body.npos; at = body.find(kRuns, at + 1)) ++count;
    return count;
  }

  bool has_running(const std::string& service, std::size_t wanted) {
    for (int i = 0; i < 60; ++i, world_->run_for(Duration::millis(500)))
      if (running(service) == wanted) return true;
    return false;
  }

  static constexpr const char* kRuns = R"("State":"running")";
  std::unique_ptr<World> world_;
  std::vector<std::string> managers_, all_;
};

std::vector<Path> numbers_of_a_service() {
  codec::full::Filler filler;
  Json json;
  auto spec = filler.of<model::ServiceSpec>();
  spec.mode = model::ReplicatedMode{2};
  docker::write_service_spec(json, spec);
  return numbers_in(json.take());
}

std::vector<Path> numbers_of_the_swarm() {
  codec::full::Filler filler;
  Json json;
  docker::write_cluster_spec(json, filler.of<model::ClusterSpec>());
  return numbers_in(json.take());
}

TEST_F(Extremes, TheFieldsAreThoseOfFullSpecs) {
  std::string all;
  for (const auto& paths : {numbers_of_a_service(), numbers_of_the_swarm()})
    for (const Path& path : paths) all += text_of(path) + "\n";
  for (const char* known :
       {".TaskTemplate.Resources.Limits.NanoCPUs", ".TaskTemplate.RestartPolicy.MaxAttempts",
        ".TaskTemplate.ContainerSpec.StopGracePeriod", ".UpdateConfig.MaxFailureRatio",
        ".EndpointSpec.Ports[0].PublishedPort", ".Mode.Replicated.Replicas",
        ".Raft.LogEntriesForSlowFollowers", ".Dispatcher.HeartbeatPeriod",
        ".Orchestration.TaskHistoryRetentionLimit"})
    EXPECT_NE(all.find(known), all.npos) << known << " is not among\n" << all;
}

// For each field a service per value: made, a task of it killed, updated to usual numbers, removed.
TEST_F(Extremes, NoNumberOfAServiceHarmsTheSwarm) {
  form({"m1"}, {"w1"});
  for (const Path& path : numbers_of_a_service()) {
    SCOPED_TRACE(text_of(path));
    std::vector<std::string> made;
    for (const char* number : kExtremes) {
      // Thousands of tasks are possible, and would only take their time here.
      if (text_of(path) == ".Mode.Replicated.Replicas" && std::string_view(number).size() == 5) continue;
      const std::string name = "s" + std::to_string(made.size());
      const Reply reply = ask(post("/services/create", with(service_named(name), path, number)));
      if (takes(reply, text_of(path) + "=" + number)) made.push_back(name);
    }
    world_->run_for(Duration::seconds(2));
    const auto node = world_->node("m1").inspect();
    for (const auto& [id, task] : node.store->tasks()) world_->kill_task(id);
    world_->run_for(Duration::seconds(3));
    for (const auto& name : made) {
      const std::string at = "/services/" + name;
      EXPECT_TRUE(takes(ask(post(at + "/update?version=" + version_at(at), service_named(name))), name));
    }
    world_->run_for(Duration::seconds(8));
    expect_alive(text_of(path));
    for (const auto& name : made) EXPECT_TRUE(has_running(name, 2)) << name << " has " << running(name);
    for (const auto& name : made) EXPECT_TRUE(takes(ask(del("/services/" + name)), name));
    world_->run_for(Duration::seconds(3));
    if (HasFailure()) return;
  }
}

// For each field and value: taken or not, every manager is killed and started, then usual numbers again.
TEST_F(Extremes, NoNumberOfTheSwarmHarmsIt) {
  form({"m1", "m2", "m3"}, {"w1"});
  ASSERT_EQ(ask(post("/services/create", service_named("web"))).head.status, 201U);
  // A log that is shortened at every entry: a wrong number there is met at once.
  const std::string usual =
      R"({"Name":"default","Raft":{"SnapshotInterval":1,"LogEntriesForSlowFollowers":1}})";
  for (const Path& path : numbers_of_the_swarm())
    for (const char* number : kExtremes) {
      const std::string what = text_of(path) + "=" + number;
      SCOPED_TRACE(what);
      if (!takes(update_swarm(with(usual, path, number)), what)) continue;
      world_->run_for(Duration::seconds(2));
      for (const auto& name : managers_) world_->crash(name);
      for (const auto& name : managers_) world_->start(name);
      // Ten thousand ticks without a word make an election: 500 s and up to twice that.
      ASSERT_TRUE(world_->run_until([&] { return !leader_of(*world_).empty(); }, Duration::seconds(2'000)));
      world_->run_for(Duration::seconds(1));
      ASSERT_TRUE(takes(update_swarm(usual), "usual numbers"));
      world_->run_for(Duration::seconds(2));
      expect_alive(what);
      ASSERT_TRUE(world_->run_until([&] { return group_not_settled(*world_, managers_).empty(); },
                                    Duration::seconds(2'000)))
          << group_not_settled(*world_, managers_);
      if (HasFailure()) return;
    }
  EXPECT_TRUE(has_running("web", 2));
}

// Those of init that no spec has, and those of init's own spec.
TEST_F(Extremes, NoNumberOfInitHarmsTheNode) {
  std::vector<Path> paths{{{"SubnetSize", 0}}, {{"DataPathPort", 0}}};
  for (Path path : numbers_of_the_swarm()) {
    path.insert(path.begin(), {"Spec", 0});
    paths.push_back(path);
  }
  for (const Path& path : paths)
    for (const char* number : kExtremes) {
      const std::string what = text_of(path) + "=" + number;
      SCOPED_TRACE(what);
      world_ = std::make_unique<World>(WorldOptions{});
      world_->add_machine({"m1", {}, {}, {}});
      const std::string init =
          R"({"ListenAddr":")" + world_->address("m1").host() + R"(:2377","DefaultAddrPool":["10.0.0.0/8"]})";
      if (!takes(world_->ask("m1", post("/swarm/init", with(init, path, number))), what)) continue;
      world_->crash("m1");
      world_->start("m1");
      ASSERT_TRUE(world_->run_until([&] { return !leader_of(*world_).empty(); }, Duration::seconds(2'000)));
    }
}

TEST_F(Extremes, NoNumberOfAQueryHarmsTheNode) {
  form({"m1"}, {});
  ASSERT_EQ(ask(post("/services/create", service_named("web"))).head.status, 201U);
  ASSERT_TRUE(has_running("web", 2));
  const std::string logs = "/services/web/logs?stdout=1&";
  const std::string node = first_id(ask(get("/nodes")).body, "ID");
  std::vector<std::string> texts(std::begin(kExtremes), std::end(kExtremes));
  for (const char* text : {"", "x", "+1", "007", "5x", "1 ", "9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z",
                           "9223372036854775807.999999999", "1.2.3", "-0"})
    texts.emplace_back(text);
  for (const std::string& text : texts) {
    const std::string value = docker::query_escape(text);
    const std::vector<std::string> looks{
        logs + "tail=",           logs + "since=",           logs + "until=",
        "/events?until=1&since=", "/containers/json?limit=", "/containers/json?all=1&limit="};
    for (const std::string& path : looks) takes(ask(get(path + value)), path + text);
    // A stream whose end lies ahead stays open, and is hung up.
    const CallId open = world_->call("m1", get("/events?until=" + value));
    world_->run_for(Duration::millis(50));
    world_->hang_up(open);
    const std::vector<std::string> writes{
        "/services/web/update?version=", "/swarm/update?version=", "/nodes/" + node + "/update?version="};
    for (const std::string& path : writes)
      takes(ask(post(path + value, R"({"Role":"manager","Availability":"active"})")), path + text);
    for (const char* operation : {"/kill?signal=", "/stop?t="}) {
      const std::string container = first_id(ask(get("/containers/json")).body, "Id");
      ASSERT_NE(container, "");
      takes(ask(post("/containers/" + container + operation + value)), operation + text);
    }
    ASSERT_TRUE(has_running("web", 2)) << text;
  }
  expect_alive("all of them");
}

// ---- what long spans mean

TEST_F(Extremes, ALongRestartDelayIsLongAndEndsWithAnUpdate) {
  form({"m1"}, {"w1"});
  const Path delay{{"TaskTemplate", 0}, {"RestartPolicy", 0}, {"Delay", 0}};
  const std::string longest = std::to_string(Duration::seconds(2'562'047LL * 3600).ns);  // 2562047h
  ASSERT_EQ(ask(post("/services/create", with(service_named("web"), delay, longest))).head.status, 201U);
  ASSERT_TRUE(has_running("web", 2));
  const auto tasks = world_->node("m1").inspect().store->tasks();
  for (const auto& [id, task] : tasks) world_->kill_task(id);
  world_->run_for(Duration::seconds(3600));
  EXPECT_EQ(running("web"), 0U);
  ask(post("/services/web/update?version=" + version_at("/services/web"), service_named("web")));
  EXPECT_TRUE(has_running("web", 2));
}

TEST_F(Extremes, ALongUpdateDelayHoldsTheSecondSlot) {
  form({"m1"}, {"w1"});
  ASSERT_EQ(ask(post("/services/create", service_named("web"))).head.status, 201U);
  ASSERT_TRUE(has_running("web", 2));
  const std::string next =
      with(with(service_named("web"), {{"UpdateConfig", 0}, {"Delay", 0}}, "9223372036854775807"),
           {{"TaskTemplate", 0}, {"ForceUpdate", 0}}, "1");
  ASSERT_EQ(ask(post("/services/web/update?version=" + version_at("/services/web"), next)).head.status, 200U);
  world_->run_for(Duration::seconds(600));
  std::size_t old = 0, fresh = 0;
  for (const auto& [id, task] : world_->node("m1").inspect().store->tasks())
    if (task->live()) ++(task->spec_version == 0 ? old : fresh);
  EXPECT_EQ(old, 1U);
  EXPECT_EQ(fresh, 1U);
}

TEST_F(Extremes, ALongMonitorKeepsWatching) {
  form({"m1"}, {"w1"});
  ASSERT_EQ(ask(post("/services/create", service_named("web"))).head.status, 201U);
  ASSERT_TRUE(has_running("web", 2));
  const std::string next =
      with(with(service_named("web"), {{"UpdateConfig", 0}, {"Monitor", 0}}, "9223372036854775807"),
           {{"TaskTemplate", 0}, {"ForceUpdate", 0}}, "1");
  ASSERT_EQ(ask(post("/services/web/update?version=" + version_at("/services/web"), next)).head.status, 200U);
  world_->run_for(Duration::seconds(600));
  EXPECT_NE(ask(get("/services/web")).body.find(R"("State":"updating")"), std::string::npos);
  EXPECT_TRUE(has_running("web", 2));
}

TEST_F(Extremes, ALongStopGraceNeverKills) {
  form({"m1"}, {});
  ImageScript stubborn;
  stubborn.ignores_term = true;
  world_->set_image("stubborn", stubborn);
  std::string spec =
      with(service_named("web"), {{"TaskTemplate", 0}, {"ContainerSpec", 0}, {"StopGracePeriod", 0}},
           "9223372036854775807");
  spec.replace(spec.find("nginx:1.10"), 10, "stubborn:1");
  ASSERT_EQ(ask(post("/services/create", spec)).head.status, 201U);
  ASSERT_TRUE(has_running("web", 2));
  ASSERT_EQ(ask(del("/services/web")).head.status, 200U);
  world_->run_for(Duration::seconds(3600));
  std::size_t processes = 0;
  const auto node = world_->node("m1").inspect();
  for (const auto& [id, local] : node.worker->tasks()) processes += local.process_runs;
  EXPECT_EQ(processes, 2U);
}

TEST_F(Extremes, ALongHeartbeatLosesNobodyAndAShorterOneIsHeardAtOnce) {
  form({"m1"}, {"w1", "w2"});
  const Path period{{"Dispatcher", 0}, {"HeartbeatPeriod", 0}};
  const auto down = [&] { return ask(get("/nodes")).body.find(R"("State":"down")") != std::string::npos; };
  const std::string longest = std::to_string(Duration::seconds(1'000'000LL * 3600).ns);  // 1000000h
  ASSERT_EQ(update_swarm(with(R"({"Name":"default"})", period, longest)).head.status, 200U);
  world_->run_for(Duration::seconds(3600));
  EXPECT_FALSE(down());
  world_->power_off("w2");  // its links do not close: only a heartbeat that is missed tells
  world_->run_for(Duration::seconds(60));
  ASSERT_EQ(update_swarm(with(R"({"Name":"default"})", period, "1000000000")).head.status, 200U);
  world_->run_for(Duration::seconds(10));
  EXPECT_TRUE(down());
  EXPECT_EQ(world_->node("w1").inspect().state, docker::SwarmState::active);
}

// ---- what was stored before there were bounds

void store_unchecked(World& world, const std::string& machine,
                     const std::function<void(model::Cluster&)>& cluster,
                     const std::function<void(model::Service&)>& service) {
  ports::Disk& disk = world.disk_of_dead(machine);
  ports::DiskBatch batch;
  disk.scan(ports::Family::objects, "", [&](std::string_view key, std::string_view value) {
    if (key == node::kAppliedKey) return true;
    auto record = *node::decode_record(key, value);
    if (auto* one = std::get_if<model::Cluster>(&record)) cluster(*one);
    if (auto* one = std::get_if<model::Service>(&record)) service(*one);
    batch.put(ports::Family::objects, std::string(key), node::encode_record(record));
    return true;
  });
  disk.commit(std::move(batch), 0);
}

TEST_F(Extremes, ManagersStartWithStoredNumbersThatAreOutOfBoundsAndSaySo) {
  form({"m1", "m2", "m3"}, {"w1"}, false);  // the checkers know what the log said, and would find the forgery
  ASSERT_EQ(ask(post("/services/create", service_named("web"))).head.status, 201U);
  ASSERT_TRUE(has_running("web", 2));
  for (const auto& name : managers_) world_->crash(name);
  for (const auto& name : managers_)
    store_unchecked(
        *world_, name,
        [](model::Cluster& cluster) {
          cluster.spec.raft = {1, ~0ULL, ~0ULL, ~0U, 0};
          cluster.spec.heartbeat_period = Duration{-5};
        },
        [](model::Service& service) {
          if (auto* mode = std::get_if<model::ReplicatedMode>(&service.spec.mode)) mode->replicas = 2;
          service.spec.update->max_failure_ratio = std::numeric_limits<double>::quiet_NaN();
          service.spec.task.restart->max_attempts = ~0ULL;
        });
  world_->take_trace();
  for (const auto& name : managers_) world_->start(name);
  ASSERT_TRUE(world_->run_until([&] { return !leader_of(*world_).empty(); }, Duration::seconds(2'000)));
  world_->run_for(Duration::seconds(5));
  std::size_t said = 0;
  for (const auto& line : world_->take_trace()) said += line.kind == "warning.bounds";
  EXPECT_GE(said, 3U * 4U);
  const std::string info = ask(get("/info")).body;
  EXPECT_NE(
      info.find("WARNING: the swarm's settings: invalid number of log entries for slow followers "
                "18446744073709551615: must be between 0 and 1000000; the nearest that is possible is used "
                "until you set another (docker swarm update)"),
      info.npos)
      << info;
  for (int i = 0; i < 20; ++i) update_swarm(R"({"Name":"default","Raft":{"SnapshotInterval":1}})");
  EXPECT_EQ(ask(get("/info")).body.find("slow followers"), std::string::npos);
  expect_alive("stored numbers");
  EXPECT_TRUE(has_running("web", 2));
}

TEST(Bounds, AStoredServiceAsksForNoMoreThanASwarmCanHold) {
  model::Service service;
  service.spec.annotations.name = "web";
  service.spec.mode = model::ReplicatedMode{~0ULL};
  EXPECT_EQ(service.spec.replicas(), model::kMaxReplicas);
  EXPECT_EQ(
      model::kept_in_bounds(service).front(),
      "service web: Number of replicas must be at most 1000000, not 18446744073709551615; the nearest that "
      "is possible is used until you set another (docker service update)");
}

}  // namespace
}  // namespace swarm::sim
