// Containers of this node, and answers that go on: events, logs, waits.
#include "docker/fixture_test.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/json.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "ports/runner.hpp"

namespace swarm::docker {
namespace {

constexpr const char* kWeb =
    R"({"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"nginx:1","Labels":{"x":"y"}}}})";

class Streams : public ApiTest {
 protected:
  Streams() {
    init();
    service_ = create(kWeb);
    task_ = add_task(service_, 1, model::TaskState::assigned).id;
    container_ = run_here(*store_->task(task_));
    performed_.clear();
  }
  void lines(ApiId id, const std::vector<std::string>& texts, bool end) {
    std::vector<wire::LogLine> out;
    for (const auto& text : texts) out.push_back({task_, false, wall_, text});
    api_.log_news(id, {out, {}, end}, context());
    drive();
  }
  std::string name() const { return "web.1." + task_.str(); }

  std::string service_, container_;
  TaskId task_;
};

std::string frame(char stream, const std::string& text) {
  std::string out{stream, 0, 0, 0};
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  return out + text;
}

// ---- containers

TEST_F(Streams, ATasksContainerIsListedAndInspected) {
  const Value list = get("/containers/json").json();
  ASSERT_EQ(size_of(list), 1U);
  EXPECT_EQ(at(list, "0.Names.0"), "/" + name());
  EXPECT_EQ(at(list, "0.Image"), "nginx:1");
  EXPECT_EQ(at(list, "0.Command"), "swarm-web");
  EXPECT_EQ(at(list, "0.State"), "running");
  EXPECT_TRUE(at(list, "0.Status").starts_with("Up ")) << at(list, "0.Status");
  const Value one = get("/containers/" + container_.substr(0, 12) + "/json").json();
  EXPECT_EQ(at(one, "Id"), container_);
  EXPECT_EQ(at(one, "State.Running"), "true");
  EXPECT_EQ(at(one, "State.Pid"), "4242");
  const std::string inspected = get("/containers/" + name() + "/json").body;
  EXPECT_NE(inspected.find(R"("com.docker.swarm.task.name":")" + name() + "\""), std::string::npos);
  EXPECT_NE(inspected.find(R"("com.docker.swarm.task":"")"), std::string::npos);
  EXPECT_NE(inspected.find(R"("x":"y")"), std::string::npos);
}

TEST_F(Streams, AContainerIsShownAsItsTaskGotIt) {
  const std::string t = create(
      R"({"Name":"t","Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{"Image":"alpine","Args":["sh","-c",)"
      R"("echo $X; sleep 9","x"],"Env":["X={{index .Service.Labels \"a\"}}-{{.Task.Slot}}-{{.Node.Hostname}}"],)"
      R"("Hostname":"h{{.Task.Slot}}"}},"EndpointSpec":{"Ports":[{"TargetPort":80,"PublishMode":"host"}]}})");
  const std::string u = create(R"({"Name":"u","TaskTemplate":{"ContainerSpec":{"Image":"alpine"}}})");
  const std::string named = run_here(add_task(t, 2, model::TaskState::assigned), 7);
  const std::string unnamed = run_here(add_task(u, 1, model::TaskState::assigned), 8);
  const Value one = get("/containers/" + named + "/json").json();
  EXPECT_EQ(at(one, "Config.Hostname"), "h2");
  EXPECT_EQ(at(one, "Config.Env.0"), "X=b-2-m1");
  EXPECT_EQ(at(one, "Path"), "sh");
  EXPECT_EQ(at(one, "Args.1"), "echo $X; sleep 9");
  EXPECT_NE(get("/containers/" + named + "/json").body.find(R"("ExposedPorts":{"80/tcp":{}})"),
            std::string::npos);
  EXPECT_EQ(at(one, "HostConfig.Privileged"), "false");
  EXPECT_EQ(at(get("/containers/" + unnamed + "/json").json(), "Config.Hostname"), unnamed.substr(0, 12));
  const Value list = get(R"(/containers/json?filters={"name":["t.2"]})").json();
  EXPECT_EQ(at(list, "0.Command"), "sh -c 'echo $X; sleep 9' x") << "as dockerd quotes it";
}

TEST_F(Streams, PublishedPortsAreShownAndFound) {
  const std::string service =
      create(R"({"Name":"p","TaskTemplate":{"ContainerSpec":{"Image":"nginx:1"}},"EndpointSpec":{"Ports":[)"
             R"({"TargetPort":80,"PublishedPort":8080,"PublishMode":"host"},{"TargetPort":443}]}})");
  const std::string id = run_here(add_task(service, 1, model::TaskState::assigned), 2);
  const Value one = get("/containers/" + id + "/json").json();
  EXPECT_EQ(at(one, "NetworkSettings.Ports.80/tcp.0.HostPort"), "8080");
  EXPECT_EQ(at(one, "NetworkSettings.Ports.80/tcp.0.HostIp"), "127.0.0.1");
  EXPECT_NE(get("/containers/" + id + "/json").body.find(R"("443/tcp":null)"), std::string::npos);
  EXPECT_EQ(at(one, "Config.ExposedPorts.443/tcp"), "object");
  const std::pair<const char*, std::size_t> cases[] = {
      {R"({"publish":["8080"]})", 1}, {R"({"publish":["8000-9000/tcp"]})", 1},
      {R"({"publish":["8081"]})", 0}, {R"({"publish":["80"]})", 0},
      {R"({"expose":["80"]})", 1},    {R"({"expose":["443/udp"]})", 0},
      {R"({"network":["host"]})", 2}, {R"({"network":["bridge"]})", 0}};
  for (const auto& [filter, count] : cases)
    EXPECT_EQ(size_of(get(std::string("/containers/json?filters=") + filter).json()), count) << filter;
  EXPECT_EQ(get(R"(/containers/json?filters={"publish":["80:81"]})").message(),
            "filter for 'publish' should not contain ':': 80:81");
  EXPECT_EQ(get(R"(/containers/json?filters={"expose":["90-80"]})").message(),
            "error while looking up for expose 90-80: invalid range specified for port: 90-80");
}

TEST_F(Streams, EndedContainersShowWithAllOnly) {
  exited(task_, 3);
  wall_ = wall_ + Duration::seconds(120);
  EXPECT_EQ(get("/containers/json").body, "[]\n");
  EXPECT_EQ(at(get("/containers/json?all=1").json(), "0.Status"), "Exited (3) 2 minutes ago");
  EXPECT_EQ(at(get("/info").json(), "ContainersStopped"), "1");
}

TEST_F(Streams, ContainerFilters) {
  const std::pair<std::string, std::size_t> cases[] = {
      {R"({"name":["web"]})", 1},
      {R"({"name":["^/web"]})", 1},
      {R"({"name":["^/eb"]})", 0},
      {R"({"id":["cccc"]})", 1},
      {R"({"label":["com.docker.swarm.service.name=web"]})", 1},
      {R"({"status":["exited"]})", 0},
      {R"({"ancestor":["nginx"]})", 1},
      {R"({"ancestor":["nginx:2"]})", 0},
      {R"({"is-task":["true"]})", 1},
      {R"({"is-task":["false"]})", 0}};
  for (const auto& [filter, count] : cases)
    EXPECT_EQ(size_of(get("/containers/json?filters=" + filter).json()), count) << filter;
  const Reply unknown = get(R"(/containers/json?filters={"status":["foo"]})");
  EXPECT_EQ(unknown.status, 400U);
  EXPECT_EQ(unknown.message(), "invalid filter 'status=[foo]'");
}

TEST_F(Streams, KillSendsTheSignal) {
  const ApiId id = send("POST", "/containers/" + container_ + "/kill?signal=SIGTERM");
  ASSERT_EQ(performed_.size(), 1U);
  EXPECT_EQ(std::get<SignalContainer>(performed_[0].operation).signal, 15);
  api_.operation_done(id, OperationResult{}, context());
  drive();
  EXPECT_EQ(replies_[id].status, 204U);
  send("POST", "/containers/" + container_ + "/kill?signal=rtmin%2B3");
  EXPECT_EQ(std::get<SignalContainer>(performed_.at(1).operation).signal, 37);
  send("POST", "/containers/" + container_ + "/stop?signal=SIGQUIT");
  EXPECT_EQ(std::get<StopContainer>(performed_.at(2).operation).signal, 3);
  for (const char* word : {"NOPE", "0", "65", "-1", "SIG", "RTMIN-1", "RTMAX%2B1", "1x"})
    EXPECT_TRUE(
        post("/containers/" + container_ + "/kill?signal=" + word).message().starts_with("invalid signal: "))
        << word;
  EXPECT_EQ(post("/containers/" + container_ + "/stop?signal=NOPE").message(), "invalid signal: NOPE");
  exited(task_, 137);
  EXPECT_EQ(post("/containers/web.1/kill").message(), "No such container: web.1");
  EXPECT_EQ(post("/containers/" + container_ + "/kill").message(),
            "cannot kill container: " + container_ + ": container " + container_ + " is not running");
  EXPECT_EQ(post("/containers/" + container_ + "/stop").status, 304U);
}

TEST_F(Streams, StopAnswersWhenTheProcessHasEnded) {
  const ApiId id = send("POST", "/containers/" + container_ + "/stop?t=3");
  EXPECT_EQ(std::get<StopContainer>(performed_.at(0).operation).grace, Duration::seconds(3));
  api_.operation_done(id, OperationResult{}, context());
  drive();
  EXPECT_EQ(replies_[id].status, 0U);
  exited(task_, 143);
  EXPECT_EQ(replies_[id].status, 204U);
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(Streams, WaitSendsItsHeadAtOnceAndTheCodeLater) {
  const ApiId id = send("POST", "/containers/" + container_ + "/wait");
  EXPECT_TRUE(replies_[id].streaming);
  EXPECT_FALSE(replies_[id].ended);
  exited(task_, 7);
  EXPECT_EQ(replies_[id].body, "{\"StatusCode\":7,\"Error\":null}\n");
  EXPECT_TRUE(replies_[id].ended);
  EXPECT_EQ(post("/containers/" + container_ + "/wait").body, "{\"StatusCode\":7,\"Error\":null}\n");
}

TEST_F(Streams, ARunningContainerIsRemovedByForceOnly) {
  EXPECT_EQ(ask("DELETE", "/containers/" + container_).message(),
            "cannot remove container \"" + container_ +
                "\": container is running: stop the container before removing or force remove");
  const ApiId id = send("DELETE", "/containers/" + container_ + "?force=1");
  EXPECT_EQ(std::get<SignalContainer>(performed_.at(0).operation).signal, 9);
  api_.operation_done(id, OperationResult{}, context());
  exited(task_, 137);
  EXPECT_EQ(replies_[id].status, 204U);
  EXPECT_EQ(post("/containers/" + container_ + "/start").status, 501U);
}

// ---- logs

TEST_F(Streams, ContainerLogsAreOneFramePerLine) {
  const ApiId id = send("GET", "/v1.50/containers/" + container_ + "/logs?stdout=1&stderr=1&tail=all");
  EXPECT_EQ(replies_[id].header("Content-Type"), "application/vnd.docker.multiplexed-stream");
  EXPECT_TRUE(replies_[id].streaming) << "the head goes out before the first line";
  EXPECT_EQ(std::get<OpenLocalLogs>(performed_.at(0).operation).options.tail, -1);
  lines(id, {"one", "two"}, false);
  EXPECT_EQ(replies_[id].body, frame(1, "one\n") + frame(1, "two\n"));
  api_.log_news(id, {{{task_, true, wall_, "bad"}}, {}, true}, context());
  drive();
  EXPECT_TRUE(replies_[id].body.ends_with(frame(2, "bad\n")));
  EXPECT_TRUE(replies_[id].ended);
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(Streams, LogQueriesAreChecked) {
  const std::string text = "Bad parameters: you must choose at least one stream";
  EXPECT_EQ(get("/containers/" + container_ + "/logs").message(), text);
  EXPECT_EQ(get("/containers/" + container_ + "/logs").status, 400U);
  EXPECT_EQ(get("/services/web/logs").message(), text);
  EXPECT_EQ(get("/services/web/logs").status, 500U);
  EXPECT_EQ(get("/services/web/logs?stdout=1&tail=x").message(),
            "tail value must be a positive integer or \"all\"");
  EXPECT_EQ(get("/services/none/logs?stdout=1").message(), "service none not found");
  EXPECT_EQ(get("/tasks/none/logs?stdout=1").message(), "task none not found");
}

TEST_F(Streams, ServiceLogsNameNodeServiceAndTask) {
  step(task_, model::TaskState::running);
  const ApiId id = send(
      "GET", "/v1.41/services/web/logs?stdout=1&stderr=1&tail=5&timestamps=1&details=1&since=1700000000.5");
  EXPECT_EQ(replies_[id].header("Content-Type"), "application/vnd.docker.raw-stream") << "below 1.42";
  const auto& wish = std::get<OpenSwarmLogs>(performed_.at(0).operation);
  EXPECT_EQ(wish.tasks, std::vector{task_});
  EXPECT_EQ(wish.options.tail, 5);
  EXPECT_EQ(wish.options.since.ns, 1'700'000'000'500'000'000);
  lines(id, {"hello"}, true);
  EXPECT_EQ(replies_[id].body, frame(1, to_rfc3339_fixed(wall_) + " com.docker.swarm.node.id=" +
                                            local_.node.str() + ",com.docker.swarm.service.id=" + service_ +
                                            ",com.docker.swarm.task.id=" + task_.str() + " hello\n"));
  EXPECT_TRUE(replies_[id].ended);
}

TEST_F(Streams, FollowedServicesTakeInNewTasksUntilTheyAreRemoved) {
  step(task_, model::TaskState::running);
  const ApiId id = send("GET", "/services/web/logs?stdout=1&follow=1");
  lines(id, {"last"}, true);
  EXPECT_FALSE(replies_[id].ended) << "a service that is followed has tasks to come";
  const TaskId next = add_task(service_, 1, model::TaskState::starting).id;
  EXPECT_EQ(performed_.size(), 1U);
  step(next, model::TaskState::running);
  ASSERT_EQ(performed_.size(), 2U);
  EXPECT_EQ(std::get<OpenSwarmLogs>(performed_[1].operation).tasks, std::vector{next});
  lines(id, {"from the next"}, true);
  EXPECT_FALSE(replies_[id].ended);
  ask("DELETE", "/services/web");
  EXPECT_TRUE(replies_[id].ended);
}

TEST_F(Streams, AClientThatGoesAwayClosesItsLogs) {
  const ApiId id = send("GET", "/containers/" + container_ + "/logs?stdout=1&follow=1");
  api_.abort(id);
  drive();
  EXPECT_TRUE(std::holds_alternative<CloseLogs>(performed_.back().operation));
  lines(id, {"nobody reads this"}, true);
  EXPECT_EQ(replies_[id].body, "");
  EXPECT_EQ(api_.open_requests(), 0U);
}

// ---- logs of which a part is missing

std::string incomplete(const std::string& reasons) {
  return "warning: incomplete log stream. some logs could not be retrieved for the following reasons: " +
         reasons;
}
std::string last_words(const std::string& reasons) {
  return frame(3, "Error grabbing logs: rpc error: code = Unknown desc = " + incomplete(reasons) + "\n");
}

TEST_F(Streams, WhatCannotBeHadIsNamedAtTheEndOfAServicesLogs) {
  step(task_, model::TaskState::running);
  const ApiId id = send("GET", "/services/web/logs?stdout=1&stderr=1");
  api_.log_news(id, {{}, {{task_, "node w1 is not available"}, {task_, "node w1 is not available"}}, false},
                context());
  lines(id, {"of the others"}, true);
  EXPECT_EQ(replies_[id].body, frame(1, "of the others\n") + last_words("node w1 is not available"));
  EXPECT_TRUE(replies_[id].ended);
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(Streams, WhoFollowsHearsAtOnceOfWhatIsLostAndTheOthersGoOn) {
  step(task_, model::TaskState::running);
  const ApiId id = send("GET", "/services/web/logs?stdout=1&stderr=1&follow=1&details=1");
  const auto taken = [&] { return std::exchange(replies_[id].body, ""); };
  const std::string details = "com.docker.swarm.node.id=" + local_.node.str() +
                              ",com.docker.swarm.service.id=" + service_ +
                              ",com.docker.swarm.task.id=" + task_.str();
  api_.log_news(id, {{}, {{task_, "node w1 disconnected unexpectedly"}}, false}, context());
  drive();
  EXPECT_EQ(taken(), frame(2, details + ",swarmpy.missing=true " +
                                  incomplete("node w1 disconnected unexpectedly") + "\n"))
      << "a line of the task's stderr: an error would end the CLI's reading";
  lines(id, {"of another"}, false);
  EXPECT_EQ(taken(), frame(1, details + " of another\n"));
  lines(id, {}, true);
  EXPECT_FALSE(replies_[id].ended);
  ask("DELETE", "/services/web");
  EXPECT_EQ(taken(), last_words("node w1 disconnected unexpectedly"));
  EXPECT_TRUE(replies_[id].ended);
}

TEST_F(Streams, ATerminalsLogsHaveTheLastWordsAsText) {
  const std::string tty =
      create(R"({"Name":"t","TaskTemplate":{"ContainerSpec":{"Image":"nginx:1","TTY":true}}})");
  const TaskId task = add_task(tty, 1, model::TaskState::running).id;
  const ApiId id = send("GET", "/services/t/logs?stdout=1");
  api_.log_news(id, {{}, {{task, "node w1 is not available"}}, true}, context());
  drive();
  EXPECT_TRUE(
      replies_[id].body.starts_with("Error grabbing logs: rpc error: code = Unknown desc = warning:"));
}

TEST_F(Streams, ATaskThatNoNodeHasGotSaysSoAndIsWaitedForByWhoFollowsIt) {
  model::Task waiting = add_task(service_, 2, model::TaskState::running);
  waiting.id = TaskId::random(rng_);
  waiting.meta = {};
  waiting.node_id = {};
  waiting.status = {wall_, model::TaskState::pending, "", "", {}, {}};
  apply({0, wall_, {model::Put{waiting}}});
  const std::string path = "/tasks/" + waiting.id.str() + "/logs?stdout=1";
  EXPECT_EQ(get(path).body, last_words("task " + waiting.id.str() + " has not been scheduled"));
  performed_.clear();
  const ApiId id = send("GET", path + "&follow=1");
  EXPECT_FALSE(replies_[id].ended);
  step(waiting.id, model::TaskState::running);
  EXPECT_TRUE(performed_.empty()) << "no node, no output";
  waiting.node_id = local_.node;
  waiting.status.state = model::TaskState::running;
  waiting.meta = store_->task(waiting.id)->meta;
  apply({0, wall_, {model::Put{waiting}}});
  ASSERT_EQ(performed_.size(), 1U);
  EXPECT_EQ(std::get<OpenSwarmLogs>(performed_[0].operation).tasks, std::vector{waiting.id});
  lines(id, {"at last"}, true);
  EXPECT_EQ(replies_[id].body, frame(1, "at last\n"));
  EXPECT_TRUE(replies_[id].ended) << "one task has no successors";
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(Streams, ATaskThatNeverBeganEndsWhoFollowsIt) {
  const TaskId task = add_task(service_, 2, model::TaskState::preparing).id;
  const ApiId id = send("GET", "/tasks/" + task.str() + "/logs?stdout=1&follow=1");
  EXPECT_FALSE(replies_[id].ended);
  step(task, model::TaskState::rejected);
  EXPECT_TRUE(replies_[id].ended);
  EXPECT_EQ(replies_[id].body, "");
}

TEST_F(Streams, AChangeOfLeaderEndsFollowedLogsWithAReason) {
  const ApiId id = send("GET", "/services/web/logs?stdout=1&follow=1");  // of no task yet
  local_.is_leader = false;
  add_node("w1");
  EXPECT_EQ(replies_[id].body, last_words("the leader has changed in the middle of the stream"));
  EXPECT_TRUE(replies_[id].ended);
}

// ---- what a task uses

TEST_F(Streams, StatisticsComeEachSecondAndOnceWithTwoSamples) {
  runner_.usage_ = ports::Usage{Duration::millis(300), Duration::millis(100), 5'000'000, 3};
  local_.description.resources = {2'000'000'000, 8'000'000'000, 0, {}};
  const ApiId id = send("GET", "/containers/" + container_ + "/stats");
  const auto taken = [&] { return *parse_json(std::exchange(replies_[id].body, "")); };
  Value first = taken();
  EXPECT_EQ(at(first, "id"), container_);
  EXPECT_EQ(at(first, "cpu_stats.cpu_usage.total_usage"), "400000000");
  EXPECT_EQ(at(first, "precpu_stats.cpu_usage.total_usage"), "0");
  EXPECT_EQ(at(first, "memory_stats.usage"), "5000000");
  EXPECT_EQ(at(first, "memory_stats.limit"), "8000000000");
  EXPECT_EQ(at(first, "pids_stats.current"), "3");
  const ApiId once = send("GET", "/containers/" + container_ + "/stats?stream=false");
  EXPECT_EQ(replies_[once].body, "");
  runner_.usage_->cpu_user = Duration::millis(800);
  now_ = api_.next_deadline();
  EXPECT_EQ(now_, Instant{1'000} + Duration::seconds(1));
  api_.on_deadline(context());
  drive();
  for (const Value& second : {taken(), *parse_json(replies_[once].body)}) {
    EXPECT_EQ(at(second, "cpu_stats.cpu_usage.total_usage"), "900000000");
    EXPECT_EQ(at(second, "precpu_stats.cpu_usage.total_usage"), "400000000");
    EXPECT_EQ(at(second, "cpu_stats.online_cpus"), "2");
  }
  EXPECT_TRUE(replies_[once].ended);
  EXPECT_FALSE(replies_[id].ended);
  api_.abort(id);
  EXPECT_EQ(api_.open_requests(), 0U);
  EXPECT_EQ(api_.next_deadline(), Instant::never());
}

TEST_F(Streams, ATaskThatHasEndedUsesNothing) {
  exited(task_, 0);
  const Reply reply = get("/containers/" + container_ + "/stats?stream=0&one-shot=1");
  EXPECT_TRUE(reply.ended);
  EXPECT_EQ(at(reply.json(), "cpu_stats.cpu_usage.total_usage"), "0");
  EXPECT_EQ(get("/containers/none/stats").message(), "No such container: none");
  EXPECT_EQ(get("/containers/" + container_ + "/stats?one-shot=1").message(),
            "cannot have stream=true and one-shot=true");
}

TEST_F(Streams, DiskUsageCountsImagesAndContainers) {
  const Value usage = get("/system/df").json();
  EXPECT_EQ(at(usage, "Images.0.RepoTags.0"), "nginx:latest");
  EXPECT_EQ(at(usage, "Images.0.Containers"), "1");
  EXPECT_EQ(at(usage, "Images.1.Containers"), "0");
  EXPECT_EQ(at(usage, "Containers.0.Id"), container_);
}

// ---- events

TEST_F(Streams, AKillSaysItsSignal) {
  const ApiId id = send("GET", R"(/events?filters={"event":["kill"]})");
  const ApiId kill = send("POST", "/containers/" + container_ + "/kill?signal=USR1");
  api_.operation_done(kill, OperationResult{}, context());
  drive();
  EXPECT_EQ(at(*parse_json(replies_[id].body), "Actor.Attributes.signal"), "10");
}

TEST_F(Streams, EventsThatWereSkippedBreakTheStream) {
  const ApiId id = send("GET", "/events");
  const ApiId past = send("GET", "/events?until=1790000005");
  api_.changes_skipped();
  drive();
  EXPECT_TRUE(replies_[id].cut);
  EXPECT_TRUE(replies_[past].cut);
  EXPECT_EQ(api_.open_requests(), 0U);
  EXPECT_EQ(api_.next_deadline(), Instant::never());
}

TEST_F(Streams, EventsTellOfServicesNodesAndContainers) {
  const ApiId id = send("GET", "/v1.50/events");
  EXPECT_EQ(replies_[id].header("Content-Type"), "application/json");
  const auto taken = [&] { return std::exchange(replies_[id].body, ""); };
  create(R"({"Name":"api","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})");
  Value event = *parse_json(taken());
  EXPECT_EQ(at(event, "Type"), "service");
  EXPECT_EQ(at(event, "Action"), "create");
  EXPECT_EQ(at(event, "Actor.Attributes.name"), "api");
  EXPECT_EQ(at(event, "scope"), "swarm");
  EXPECT_EQ(at(event, "time"), "1790000000");
  post(
      "/services/web/update?version=" + at(get("/services/web").json(), "Version.Index"),
      R"({"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"nginx:2"}},"Mode":{"Replicated":{"Replicas":2}}})");
  const std::string updated = taken();
  EXPECT_NE(updated.find(R"("image.new":"nginx:2","image.old":"nginx:1")"), std::string::npos) << updated;
  EXPECT_NE(updated.find(R"("replicas.new":"2","replicas.old":"1")"), std::string::npos) << updated;
  step(task_, model::TaskState::running);
  EXPECT_EQ(taken(), "") << "Docker has no events of tasks";
  exited(task_, 9);
  event = *parse_json(taken());
  EXPECT_EQ(at(event, "Action"), "die");
  EXPECT_EQ(at(event, "from"), "nginx:1");
  EXPECT_EQ(at(event, "Actor.ID"), container_);
  EXPECT_EQ(at(event, "scope"), "local");
  api_.abort(id);
  EXPECT_EQ(api_.open_requests(), 0U);
}

TEST_F(Streams, ThePastIsReplayedAndAPastUntilEnds) {
  const Reply reply = get("/events?since=1&until=1790000000");
  EXPECT_TRUE(reply.ended);
  for (const char* part : {R"("Type":"node","Action":"create")", R"("Type":"service","Action":"create")",
                           R"("status":"create")", R"("status":"start")"})
    EXPECT_NE(reply.body.find(part), std::string::npos) << part;
  const std::pair<const char*, std::size_t> cases[] = {
      {R"({"type":["service"]})", 1}, {R"({"type":{"container":true},"event":{"start":true}})", 1},
      {R"({"service":["web"]})", 3},  {R"({"container":["web.1"]})", 2},
      {R"({"image":["nginx"]})", 2},  {R"({"label":["com.docker.swarm.service.name=web"]})", 2},
      {R"({"scope":["local"]})", 2},  {R"({"node":["m1"],"type":["service"]})", 0}};
  for (const auto& [filter, count] : cases) {
    const std::string body = get(std::string("/events?since=1&until=1790000000&filters=") + filter).body;
    EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), static_cast<std::ptrdiff_t>(count))
        << filter << body;
  }
  EXPECT_EQ(get("/events?since=20&until=10").status, 400U);
}

TEST_F(Streams, AFutureUntilEndsAtItsTime) {
  const ApiId id = send("GET", "/events?until=1790000005");
  EXPECT_EQ(api_.next_deadline(), now_ + Duration::seconds(5));
  now_ = api_.next_deadline();
  api_.on_deadline(context());
  drive();
  EXPECT_TRUE(replies_[id].ended);
  EXPECT_EQ(api_.next_deadline(), Instant::never());
}

TEST_F(Streams, SwarmpysEventsTellOfTasksToo) {
  const ApiId id = send("GET", R"(/swarmpy/v1/events?filters={"type":["task"],"service":["web"]})");
  step(task_, model::TaskState::running);
  const Value event = *parse_json(replies_[id].body);
  EXPECT_EQ(at(event, "Action"), "running");
  EXPECT_EQ(at(event, "Actor.ID"), task_.str());
  EXPECT_EQ(at(event, "Actor.Attributes.service"), "web");
  EXPECT_EQ(at(event, "Actor.Attributes.node"), "m1");
  EXPECT_EQ(at(event, "Actor.Attributes.desired_state"), "running");
}

TEST_F(Streams, ChangesAreToldFromAnyEntryOn) {
  const std::string before = std::string(at(get("/swarmpy/v1/changes?after=0").json(), "Version"));
  step(task_, model::TaskState::running);
  const Value news = get("/swarmpy/v1/changes?after=" + before).json();
  EXPECT_EQ(at(news, "Whole"), "true");
  EXPECT_EQ(at(news, "Version"), std::to_string(std::stoull(before) + 1));
  EXPECT_EQ(at(news, "Changes.0.Action"), "running");
  EXPECT_EQ(at(news, "Changes.0.Version"), at(news, "Version"));
  EXPECT_EQ(at(news, "Changes.0.Actor.Attributes.spec_version"),
            std::to_string(store_->task(task_)->spec_version));
  EXPECT_EQ(at(news, "Changes.1"), "");
  EXPECT_EQ(get("/swarmpy/v1/changes?after=x").status, 400U);
}

TEST_F(Streams, WhoAsksForChangesThatAreNotKeptIsTold) {
  raft_.began_from = store_->version();  // a snapshot was installed
  const std::string from = std::to_string(raft_.began_from);
  EXPECT_EQ(at(get("/swarmpy/v1/changes?after=" + from).json(), "Whole"), "true");
  const Value news = get("/swarmpy/v1/changes?after=" + std::to_string(raft_.began_from - 1)).json();
  EXPECT_EQ(at(news, "Whole"), "false");
  EXPECT_EQ(at(news, "Changes.0"), "");
  EXPECT_EQ(at(news, "From"), from);
}

TEST_F(Streams, ChangesTellWhatAnObjectWasBeforeWhenTheyAreAsked) {
  const std::string before = std::string(at(get("/swarmpy/v1/changes?after=0").json(), "Version"));
  const auto was = store_->task(task_)->state();
  step(task_, model::TaskState::running);
  const Value news = get("/swarmpy/v1/changes?facts=1&after=" + before).json();
  EXPECT_EQ(at(news, "Changes.0.Before.State"), model::to_string(was));
  EXPECT_EQ(at(news, "Changes.0.After.State"), "running");
  EXPECT_EQ(at(news, "Changes.0.After.DesiredState"), "running");
  EXPECT_EQ(at(get("/swarmpy/v1/changes?after=" + before).json(), "Changes.0.Before.State"), "");
}

}  // namespace
}  // namespace swarm::docker
