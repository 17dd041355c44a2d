// Services and tasks: the requests that the stock CLI and docker-py send, and Docker's texts for the wrong
// ones.
#include "docker/fixture_test.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "docker/api.hpp"
#include "docker/json.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"

namespace swarm::docker {
namespace {

// Appendix A: `docker service create --name web --replicas 3 -p 8080:80 nginx:alpine`
constexpr const char* kWeb =
    R"({"Name":"web","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"nginx:alpine","Init":false,"DNSConfig":{}},)"
    R"("Resources":{"Limits":{},"Reservations":{}},"Placement":{},"ForceUpdate":0},"Mode":{"Replicated":{"Replicas":3}},)"
    R"("EndpointSpec":{"Mode":"vip","Ports":[{"Protocol":"tcp","TargetPort":80,"PublishedPort":8080,"PublishMode":"ingress"}]}})";

std::string named(const std::string& name, const std::string& more = "") {
  return R"({"Name":")" + name + R"(","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}})" + more + "}";
}

class ServiceRoutes : public ApiTest {
 protected:
  ServiceRoutes() { init(); }
  std::string version(const std::string& id) { return at(get("/services/" + id).json(), "Version.Index"); }
  Reply update(const std::string& id, const std::string& spec, const std::string& more = "") {
    return post("/v1.50/services/" + id + "/update?registryAuthFrom=spec&version=" + version(id) + more,
                spec);
  }
};

TEST_F(ServiceRoutes, TheClisCreateIsKeptAsSent) {
  const std::string id = create(kWeb);
  EXPECT_EQ(id.size(), 25U);
  const Reply reply = get("/v1.50/services/web?insertDefaults=false");
  EXPECT_NE(reply.body.find(R"("Resources":{"Limits":{},"Reservations":{}},"Placement":{})"),
            std::string::npos);
  const Value service = reply.json();
  EXPECT_EQ(at(service, "ID"), id);
  EXPECT_EQ(at(service, "Spec.Mode.Replicated.Replicas"), "3");
  EXPECT_EQ(at(service, "Spec.TaskTemplate.ContainerSpec.Init"), "false");
  EXPECT_EQ(at(service, "Spec.EndpointSpec.Ports.0.PublishedPort"), "8080");
  EXPECT_EQ(at(service, "Endpoint.Spec.Mode"), "vip");
  EXPECT_EQ(at(service, "PreviousSpec"), "");
  EXPECT_EQ(at(service, "UpdateStatus"), "");
}

TEST_F(ServiceRoutes, WarningsComeFromTheRunner) {
  const Reply quiet =
      post("/services/create", R"({"Name":"quiet","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})");
  EXPECT_NE(quiet.body.find("\"Warnings\":null"), std::string::npos);
  EXPECT_NE(post("/services/create", kWeb).body.find("\"Warnings\":null"), std::string::npos);
  const Reply warned =
      post("/services/create",
           R"({"Name":"ro","TaskTemplate":{"ContainerSpec":{"Image":"nginx","ReadOnly":true}}})");
  EXPECT_EQ(at(warned.json(), "Warnings.0"), "read-only root file systems");
}

TEST_F(ServiceRoutes, AWarningComesWhenItsFieldIsNewOrChangedOnly) {
  const auto spec = [](const char* more, const char* labels = "{}") {
    return std::string(R"({"Name":"w","Labels":)") + labels +
           R"(,"TaskTemplate":{"ContainerSpec":{"Image":"nginx","User":"nobody")" + more + "}}}";
  };
  const std::string id = create(spec(""));
  EXPECT_EQ(update(id, spec("", R"({"a":"b"})")).body, "{\"Warnings\":null}\n") << "nothing that concerns it";
  EXPECT_EQ(update(id, spec(R"(,"TTY":true)")).body, "{\"Warnings\":[\"terminals\"]}\n");
  EXPECT_EQ(update(id, spec(R"(,"TTY":true)")).body, "{\"Warnings\":null}\n");
  EXPECT_EQ(update(id, spec(R"(,"TTY":true,"Groups":["g"])")).body, "{\"Warnings\":[\"groups\"]}\n");
  EXPECT_EQ(update(id, spec("")).body, "{\"Warnings\":null}\n") << "a wish that is taken back";
  EXPECT_EQ(update(id, spec(""), "&rollback=previous").body, "{\"Warnings\":[\"groups\",\"terminals\"]}\n")
      << "new again";
}

TEST_F(ServiceRoutes, DefaultsAreFilledIntoTheCurrentSpecOnly) {
  const std::string id = create(R"({"Name":"d","TaskTemplate":{"ContainerSpec":{"Image":"nginx:1"}}})");
  const std::string version = at(get("/services/" + id).json(), "Version.Index");
  post("/services/" + id + "/update?version=" + version,
       R"({"Name":"d","TaskTemplate":{"ContainerSpec":{"Image":"nginx:2"}}})");
  const Value service = get("/services/d?insertDefaults=true").json();
  EXPECT_EQ(at(service, "Spec.UpdateConfig.Parallelism"), "1");
  EXPECT_EQ(at(service, "PreviousSpec.TaskTemplate.ContainerSpec.Image"), "nginx:1");
  EXPECT_EQ(at(service, "PreviousSpec.UpdateConfig"), "");
}

TEST_F(ServiceRoutes, AMountIsOfAKnownType) {
  const Reply reply = post(
      "/services/create",
      R"({"Name":"m","TaskTemplate":{"ContainerSpec":{"Image":"nginx","Mounts":[{"Type":"foo","Target":"/x"}]}}})");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_EQ(reply.message(), "invalid MountType: \"foo\"");
}

TEST_F(ServiceRoutes, ANamelessServiceGetsAName) {
  const Value service =
      get("/services/" + create(R"({"TaskTemplate":{"ContainerSpec":{"Image":"ubuntu"}}})")).json();
  const std::string name = at(service, "Spec.Name");
  EXPECT_NE(name.find('_'), std::string::npos) << name;
  EXPECT_EQ(at(service, "Spec.Mode.Replicated.Replicas"), "1");
}

TEST_F(ServiceRoutes, WrongCreatesGetDockersTexts) {
  create(named("taken"));
  const std::tuple<std::string, std::uint32_t, std::string> cases[] = {
      {named("taken"), 409,
       "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service taken already "
       "exists"},
      {named("bad name"), 400,
       "rpc error: code = InvalidArgument desc = name must be valid as a DNS name component"},
      {named(std::string(64, 'a')), 400,
       "rpc error: code = InvalidArgument desc = name must be 63 characters or fewer"},
      {R"({"Name":"n","TaskTemplate":{"ContainerSpec":{}}})", 400,
       "rpc error: code = InvalidArgument desc = ContainerSpec: image reference must be provided"},
      {R"({"Name":"n","TaskTemplate":{"ContainerSpec":{"Image":"nginx"},"Networks":[{"Target":"nonet"}]}})",
       404, "network nonet not found"},
      {R"({"Name":"n","TaskTemplate":{"ContainerSpec":{"Image":"nginx"},"Networks":[{"Target":"ingress"}]}})",
       400,
       "rpc error: code = InvalidArgument desc = Service cannot be explicitly attached to the ingress "
       "network "
       "\"ingress\""},
      {named("n", R"(,"Mode":{"ReplicatedJob":{}})"), 501,
       "job modes are not there yet: this engine runs replicated and global services"},
      {named("n", R"(,"UpdateConfig":{"MaxFailureRatio":2})"), 400,
       "rpc error: code = InvalidArgument desc = TaskSpec: update-maxfailureratio cannot be less than 0 or "
       "bigger than "
       "1"},
      {R"({"Name":"n","TaskTemplate":{"ContainerSpec":{"Image":"nginx","Secrets":[{"File":{"Name":"s"},"SecretID":"i","SecretName":"s"}]}}})",
       400, "rpc error: code = InvalidArgument desc = secret not found: s"}};
  for (const auto& [spec, status, text] : cases) {
    const Reply reply = post("/services/create", spec);
    EXPECT_EQ(reply.status, status) << spec;
    EXPECT_EQ(reply.message(), text) << spec;
  }
}

TEST_F(ServiceRoutes, ANameTakenWhileTheProposalWasUnderWayIsAConflict) {
  applies_ = false;
  const ApiId id = send("POST", "/services/create", named("web"));
  EXPECT_EQ(api_.open_requests(), 1U);
  api_.settled(id, {false, 9, "name conflicts with an existing object"}, context());
  drive();
  EXPECT_EQ(replies_[id].status, 409U);
}

TEST_F(ServiceRoutes, NetworksAreKeptById) {
  const Value service =
      get("/services/" + create(R"({"Name":"n","TaskTemplate":{"ContainerSpec":{"Image":"nginx"},)"
                                R"("Networks":[{"Target":"host","Aliases":["x"]}]}})"))
          .json();
  EXPECT_EQ(at(service, "Spec.TaskTemplate.Networks.0.Target"), store_->network_named("host")->id.str());
}

TEST_F(ServiceRoutes, UpdateScalesAndKeepsThePreviousSpec) {
  const std::string id = create(named("web"));
  EXPECT_EQ(post("/services/web/update", named("web")).message(),
            "invalid service version '': strconv.ParseUint: parsing \"\": invalid syntax");
  EXPECT_EQ(post("/services/web/update?version=12345", named("web")).message(),
            "rpc error: code = Unknown desc = update out of sequence");
  const Reply reply = update(id, named("web", R"(,"Mode":{"Replicated":{"Replicas":5}})"));
  EXPECT_EQ(reply.body, "{\"Warnings\":null}\n");
  const Value service = get("/services/web").json();
  EXPECT_EQ(at(service, "Spec.Mode.Replicated.Replicas"), "5");
  EXPECT_EQ(at(service, "PreviousSpec.Mode.Replicated.Replicas"), "1");
}

TEST_F(ServiceRoutes, WrongUpdatesGetDockersTexts) {
  const std::string id = create(named("web"));
  EXPECT_EQ(update(id, named("other")).message(),
            "rpc error: code = Unimplemented desc = renaming services is not supported");
  EXPECT_EQ(update(id, named("web", R"(,"Mode":{"Global":{}})")).status, 501U);
  EXPECT_EQ(update(id, named("web"), "&rollback=previous").message(),
            "rpc error: code = FailedPrecondition desc = service " + id + " does not have a previous spec");
  EXPECT_EQ(update(id, named("web"), "&rollback=twice").message(), "unrecognized rollback option twice");
  EXPECT_EQ(post("/services/none/update?version=1", named("web")).message(), "service none not found");
}

TEST_F(ServiceRoutes, RollbackGoesBackAndHistoryRemembers) {
  const std::string id = create(named("web"));
  update(id, R"({"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"nginx:2"}}})");
  EXPECT_EQ(update(id, named("web"), "&rollback=previous").status, 200U);
  const Value service = get("/services/web").json();
  EXPECT_EQ(at(service, "Spec.TaskTemplate.ContainerSpec.Image"), "nginx");
  EXPECT_EQ(at(service, "UpdateStatus.State"), "rollback_started");
  EXPECT_EQ(at(service, "UpdateStatus.Message"), "manually requested rollback");
  const Value history = get("/swarmpy/v1/services/web/history").json();
  ASSERT_EQ(size_of(history), 2U);
  EXPECT_EQ(at(history, "0.Current"), "true");
  EXPECT_EQ(at(history, "0.Whole"), "true");
  EXPECT_EQ(at(history, "1.Spec.TaskTemplate.ContainerSpec.Image"), "nginx:2");
}

TEST_F(ServiceRoutes, RemovedServicesAreGoneAndTheirEndedTasksHidden) {
  const std::string id = create(named("web"));
  const model::Task runs = add_task(id, 1, model::TaskState::running);
  const model::Task ended = add_task(id, 2, model::TaskState::failed);
  EXPECT_EQ(ask("DELETE", "/services/web").status, 200U);
  EXPECT_EQ(get("/services/" + id).status, 404U);
  const std::string tasks = get("/tasks").body;
  EXPECT_NE(tasks.find(runs.id.str()), std::string::npos);
  EXPECT_EQ(tasks.find(ended.id.str()), std::string::npos) << "or `docker stack rm` waits for ever";
  EXPECT_EQ(get("/tasks/" + ended.id.str()).status, 200U);
}

// Long: one service goes through all the states that a count depends on.
TEST_F(ServiceRoutes, CountedIsWhatRunsAndIsMeantToOnANodeThatIsNotDown) {
  const std::string web = create(named("web", R"(,"Mode":{"Replicated":{"Replicas":2}})"));
  const std::string all = create(named("all", R"(,"Mode":{"Global":{}})"));
  const auto counts = [&](const std::string& id) {
    const Value listed = get("/services?status=true&filters={\"id\":{\"" + id + "\":true}}").json();
    return at(listed, "0.ServiceStatus.RunningTasks") + "/" + at(listed, "0.ServiceStatus.DesiredTasks");
  };
  const auto change = [&](model::Node node, model::NodeState state, model::Availability availability) {
    node = *store_->node(node.id);
    node.status.state = state;
    node.spec.availability = availability;
    apply({0, wall_, {model::Put{node}}});
  };
  const auto add = [&](const std::string& service, std::uint64_t slot, model::TaskState state,
                       model::TaskState desired, NodeId node) {
    model::Task task = add_task(service, slot, state);
    model::TaskStep step;
    step.id = task.id;
    step.node_id = node;
    step.desired_state = desired;
    apply({0, wall_, {step}});
  };
  using Task = model::TaskState;
  using Node = model::NodeState;
  using Want = model::Availability;
  const model::Node w1 = add_node("w1"), w2 = add_node("w2"), w3 = add_node("w3");
  add(web, 1, Task::running, Task::shutdown, w1.id);
  add(web, 1, Task::running, Task::running, w2.id);
  add(web, 2, Task::starting, Task::running, w3.id);
  EXPECT_EQ(counts(web), "1/2") << "one is told to stop, one does not run yet";
  change(w2, Node::down, Want::active);
  EXPECT_EQ(counts(web), "0/2") << "its node is down";
  change(w2, Node::ready, Want::active);
  add(all, 0, Task::running, Task::running, w1.id);
  add(all, 0, Task::starting, Task::running, w1.id);  // in a start-first update
  add(all, 0, Task::running, Task::running, w2.id);
  add(all, 0, Task::failed, Task::shutdown, w3.id);
  EXPECT_EQ(counts(all), "2/3") << "nodes, and where it is over one is missing";
  change(w3, Node::ready, Want::pause);
  EXPECT_EQ(counts(all), "2/2") << "nothing more is wanted there";
  change(w2, Node::ready, Want::pause);
  EXPECT_EQ(counts(all), "2/2") << "what is there stays";
  change(w2, Node::ready, Want::drain);
  EXPECT_EQ(counts(all), "2/1");
  change(w2, Node::down, Want::active);
  EXPECT_EQ(counts(all), "1/1");
}

TEST_F(ServiceRoutes, TheLastTaskSaysThatItsAttemptsAreUsedUp) {
  const std::string id = create(
      R"({"Name":"f","TaskTemplate":{"ContainerSpec":{"Image":"nginx"},"RestartPolicy":{"MaxAttempts":2}}})");
  model::Task task = add_task(id, 1, model::TaskState::running);
  task.id = TaskId(4711);
  task.meta = {};
  task.restarts = std::make_shared<model::RestartRecord>(model::RestartRecord{{}, 2, {}, {}});
  task.status.err = "task: non-zero exit (1)";
  apply({0, wall_, {model::Put{task}}});
  const std::string path = "/tasks/" + task.id.str();
  EXPECT_EQ(at(get(path).json(), "Status.Err"), "task: non-zero exit (1)") << "it runs";
  step(task.id, model::TaskState::failed);
  EXPECT_NE(get(path).body.find("restart attempts are used up (2 of 2)\""), std::string::npos);
}

TEST_F(ServiceRoutes, ListsFilterAndCount) {
  const std::string web =
      create(named("web", R"(,"Labels":{"a":"b","c":""},"Mode":{"Replicated":{"Replicas":3}})"));
  create(named("all", R"(,"Mode":{"Global":{}})"));
  add_task(web, 1, model::TaskState::running);
  add_task(web, 2, model::TaskState::failed);
  const Value listed = get(R"(/services?status=true&filters={"name":{"web":true}})").json();
  EXPECT_EQ(at(listed, "0.ServiceStatus.RunningTasks"), "1");
  EXPECT_EQ(at(listed, "0.ServiceStatus.DesiredTasks"), "3");
  EXPECT_EQ(at(listed, "0.ServiceStatus.CompletedTasks"), "0");
  EXPECT_EQ(at(get("/services").json(), "0.ServiceStatus"), "");
  const std::pair<std::string, std::size_t> cases[] = {{R"({"id":["ID"]})", 1},
                                                       {R"({"name":["w"]})", 1},
                                                       {R"({"label":["a"]})", 1},
                                                       {R"({"label":["a=b","c="]})", 1},
                                                       {R"({"label":["a=b","d"]})", 0},
                                                       {R"({"mode":["global"]})", 1},
                                                       {R"({"mode":["global","replicated"]})", 2},
                                                       {R"({"mode":["replicated-job"]})", 0}};
  for (auto [filter, count] : cases) {
    if (const auto id = filter.find("ID"); id != std::string::npos) filter.replace(id, 2, web);
    EXPECT_EQ(size_of(get("/services?filters=" + filter).json()), count) << filter;
  }
  EXPECT_EQ(get("/services?status=perhaps").status, 400U);
  EXPECT_EQ(get(R"(/services?filters={"size":["1"]})").message(), "invalid filter 'size'");
}

TEST_F(ServiceRoutes, AmbiguousPrefixesAreSaid) {
  for (int i = 0; i < 40; ++i) create(named("s" + std::to_string(i)));
  const Reply reply = get("/services/" + store_->services().begin()->first.str().substr(0, 1));
  EXPECT_EQ(reply.status, 400U);
  EXPECT_NE(reply.message().find(" is ambiguous ("), std::string::npos) << reply.message();
}

TEST_F(ServiceRoutes, TasksAreShownAsTheTablesNeedThem) {
  const model::Task task = add_task(create(named("web")), 1, model::TaskState::running);
  const Value shown = get("/tasks/" + task.id.str().substr(0, 12)).json();
  EXPECT_EQ(at(shown, "ID"), task.id.str());
  EXPECT_EQ(at(shown, "Slot"), "1");
  EXPECT_EQ(at(shown, "NodeID"), local_.node.str());
  EXPECT_EQ(at(shown, "Status.State"), "running");
  EXPECT_EQ(at(shown, "DesiredState"), "running");
  EXPECT_EQ(at(shown, "Spec.ContainerSpec.Image"), "nginx");
  EXPECT_EQ(at(shown, "Spec.Runtime"), "") << "of services only";
  EXPECT_EQ(at(shown, "Status.PortStatus"), "object");
  EXPECT_NE(get("/tasks").body.find("\"Volumes\":null"), std::string::npos);
  EXPECT_EQ(at(get("/tasks/web.1." + task.id.str()).json(), "ID"), task.id.str());
}

TEST_F(ServiceRoutes, TaskFilters) {
  const std::string web = create(named("web", R"(,"Labels":{"a":"b"})")), api = create(named("api"));
  const model::Task old = add_task(web, 1, model::TaskState::running);
  add_task(api, 1, model::TaskState::running);
  update(web, R"({"Name":"web","Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{"Image":"nginx:2"}}})");
  add_task(web, 1, model::TaskState::starting);
  const std::pair<std::string, std::size_t> cases[] = {{R"({"service":["web"]})", 2},
                                                       {R"({"service":{"web":true,"api":true}})", 3},
                                                       {R"({"service":["web"],"_up-to-date":["true"]})", 1},
                                                       {R"({"node":["m1"]})", 3},
                                                       {R"({"label":["a=b"]})", 2},
                                                       {R"({"desired-state":["running"]})", 3},
                                                       {R"({"desired-state":["shutdown"]})", 0},
                                                       {R"({"name":["web.1."]})", 2},
                                                       {R"({"id":[")" + old.id.str() + R"("]})", 1},
                                                       {R"({"runtime":["plugin"]})", 0}};
  for (const auto& [filter, count] : cases)
    EXPECT_EQ(size_of(get("/tasks?filters=" + filter).json()), count) << filter;
  EXPECT_EQ(get(R"(/tasks?filters={"service":["none"]})").message(), "service none not found");
  EXPECT_EQ(get(R"(/tasks?filters={"node":["none"]})").message(), "node none not found");
  EXPECT_EQ(get(R"(/tasks?filters={"desired-state":["x"]})").message(), "Invalid desired-state filter: 'x'");
}

TEST_F(ServiceRoutes, ScalingLeavesTasksUpToDate) {
  const std::string id = create(named("web"));
  add_task(id, 1, model::TaskState::running);
  update(id, named("web", R"(,"Mode":{"Replicated":{"Replicas":5}})"));
  EXPECT_EQ(size_of(get(R"(/tasks?filters={"service":["web"],"_up-to-date":["true"]})").json()), 1U);
}

}  // namespace
}  // namespace swarm::docker
