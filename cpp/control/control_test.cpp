#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "control/cluster.hpp"
#include "control/join.hpp"
#include "control/node.hpp"
#include "control/reference.hpp"
#include "control/role_manager.hpp"
#include "control/service.hpp"
#include "model/container_spec.hpp"
#include "model/node.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"

namespace swarm::control {
namespace {

using model::NodeRole;
using model::NodeState;

const std::string kDigest(32, '\x5a');
const std::string kSecret(16, '\x77');

struct Swarm {
  Swarm() {
    NewCluster fresh;
    fresh.id = ClusterId(1);
    fresh.join_token_worker = make_join_token(kDigest, kSecret);
    fresh.join_token_manager = make_join_token(kDigest, std::string(16, '\x11'));
    Rng rng(1);
    apply(make_cluster(fresh, manager(1), rng));
  }
  static model::Node manager(std::uint64_t number) {
    model::Node node = worker(number);
    node.spec.desired_role = node.role = NodeRole::manager;
    node.manager = model::ManagerStatus{number, "127.0.0.1:2377"};
    return node;
  }
  static model::Node worker(std::uint64_t number) {
    model::Node node;
    node.id = NodeId(number);
    node.status.state = NodeState::ready;
    return node;
  }
  model::Outcome apply(const model::Transaction& transaction) {
    return store.apply(transaction, ++index).outcome;
  }
  void put(model::Node node) {
    model::Transaction transaction;
    transaction.actions.push_back(model::Put{std::move(node)});
    EXPECT_TRUE(apply(transaction).applied);
  }
  ServiceId create(model::ServiceSpec spec) {
    const ServiceId id(++services);
    EXPECT_TRUE(apply(*create_service(store, id, std::move(spec))).applied);
    return id;
  }
  model::NodeSpec spec_of(std::uint64_t number, NodeRole role) {
    model::NodeSpec spec = store.node(NodeId(number))->spec;
    spec.desired_role = role;
    return spec;
  }
  Result<model::Transaction> demote(std::uint64_t number, const Reachable& members) {
    const auto node = store.node(NodeId(number));
    return update_node(store, node->id, node->meta.version, spec_of(number, NodeRole::worker), members);
  }
  store::Store store;
  std::uint64_t index = 0, services = 0;
};

std::string text_of(const Result<model::Transaction>& result) {
  return result.ok() ? "" : result.error().message;
}

model::ServiceSpec web() {
  model::ServiceSpec spec;
  spec.annotations.name = "web";
  spec.task.container.emplace().image = "nginx:1.10";
  return spec;
}

// ---- joining

TEST(JoinToken, is_dockers_and_comes_back_as_it_was_written) {
  const std::string text = make_join_token(kDigest, kSecret);
  EXPECT_EQ(text.substr(0, 9), "SWMTKN-1-");
  EXPECT_EQ(text.size(), 9U + 50 + 1 + 25);
  const auto token = parse_join_token(text);
  ASSERT_TRUE(token.ok());
  EXPECT_TRUE(check_root_digest(*token, kDigest).ok());
  const auto foreign = check_root_digest(*token, std::string(32, '\x5b'));
  EXPECT_EQ(foreign.error().message, "remote CA does not match fingerprint. Expected: " + to_hex(kDigest));
}

TEST(JoinToken, anything_else_is_refused) {
  const std::string text = make_join_token(kDigest, kSecret);
  for (const std::string& bad :
       {std::string(), std::string("SWMTKN-1-abc-def"), "SWMTKN-2" + text.substr(8), text + "0",
        text.substr(0, 20) + "A" + text.substr(21), text.substr(0, 59) + "x" + text.substr(60)})
    EXPECT_EQ(parse_join_token(bad).ok() ? "" : parse_join_token(bad).error().message, "invalid join token")
        << bad;
}

TEST(Join, the_token_decides_the_role_and_a_wrong_secret_gets_nothing) {
  Swarm swarm;
  wire::JoinRequest request;
  request.token = swarm.store.cluster()->root_ca.join_token_manager;
  EXPECT_TRUE(swarm.apply(*join_node(swarm.store, NodeId(2), request, "127.0.0.2")).applied);
  EXPECT_EQ(swarm.store.node(NodeId(2))->spec.desired_role, NodeRole::manager);
  EXPECT_EQ(swarm.store.node(NodeId(2))->status.addr, "127.0.0.2");
  request.token = swarm.store.cluster()->root_ca.join_token_worker;
  EXPECT_TRUE(swarm.apply(*join_node(swarm.store, NodeId(3), request, "127.0.0.3")).applied);
  EXPECT_EQ(swarm.store.node(NodeId(3))->role, NodeRole::worker);
  request.token = make_join_token(kDigest, std::string(16, '\x78'));
  EXPECT_EQ(text_of(join_node(swarm.store, NodeId(4), request, "")),
            "A valid join token is necessary to join this cluster");
}

// ---- the cluster

TEST(Cluster, begins_with_the_predefined_networks) {
  Swarm swarm;
  EXPECT_TRUE(swarm.store.network_named("ingress")->ingress);
  EXPECT_EQ(swarm.store.network_named("ingress")->ipam.front().subnet, "10.0.0.0/24");
  EXPECT_EQ(swarm.store.network_named("ingress")->ipam.front().gateway, "10.0.0.1");
  EXPECT_TRUE(swarm.store.network_named("bridge")->predefined);
  EXPECT_TRUE(swarm.store.network_named("host")->predefined);
}

TEST(Cluster, settings_must_make_sense_and_updates_name_the_version) {
  Swarm swarm;
  ClusterUpdate update{swarm.store.cluster()->meta.version, swarm.store.cluster()->spec, {}, {}, {}};
  update.spec.ca.node_cert_expiry = Duration::seconds(60);
  EXPECT_EQ(text_of(update_cluster(swarm.store, update)), "minimum certificate expiry time is: 1h0m0s");
  const auto refused = [&](const auto& change) {
    update.spec = swarm.store.cluster()->spec;
    change(update.spec);
    return text_of(update_cluster(swarm.store, update));
  };
  EXPECT_EQ(
      refused([](auto& spec) { spec.raft.log_entries_for_slow_followers = ~0ULL; }),
      "invalid number of log entries for slow followers 18446744073709551615: must be between 0 and 1000000");
  EXPECT_EQ(refused([](auto& spec) { spec.raft.snapshot_interval = 0; }),
            "invalid snapshot interval 0: must be between 1 and 1000000");
  EXPECT_EQ(refused([](auto& spec) { spec.raft.election_tick = 1U << 31; }),
            "invalid number of Raft election ticks 2147483648: must be between 2 and 10000");
  EXPECT_EQ(refused([](auto& spec) { spec.raft.heartbeat_tick = spec.raft.election_tick; }),
            "invalid number of Raft election ticks 10: must be greater than the heartbeat ticks, 10");
  EXPECT_EQ(refused([](auto& spec) { spec.heartbeat_period = Duration::seconds(-1); }),
            "heartbeat time period cannot be a negative duration");
  EXPECT_EQ(refused([](auto& spec) { spec.heartbeat_period = Duration::nanos(1); }),
            "invalid heartbeat period 1ns: must be at least 10ms");
  update.spec = swarm.store.cluster()->spec;
  update.spec.heartbeat_period = update.spec.ca.node_cert_expiry = Duration::max();
  update.spec.task_history_retention_limit = 2;
  update.join_token_worker = "new";
  EXPECT_TRUE(swarm.apply(*update_cluster(swarm.store, update)).applied);
  EXPECT_EQ(swarm.store.cluster()->root_ca.join_token_worker, "new");
  EXPECT_EQ(text_of(update_cluster(swarm.store, update)), "update out of sequence");
}

// ---- nodes

TEST(Node, the_last_manager_is_not_demoted_nor_the_last_but_one_that_is_on_its_way) {
  Swarm swarm;
  EXPECT_EQ(text_of(swarm.demote(1, {{1, true}})), "attempting to demote the last manager of the swarm");
  swarm.put(Swarm::manager(2));
  const Reachable both{{1, true}, {2, true}};
  EXPECT_TRUE(swarm.apply(*swarm.demote(2, both)).applied);
  EXPECT_EQ(text_of(swarm.demote(1, both)), "attempting to demote the last manager of the swarm");
}

TEST(Node, a_demotion_keeps_a_reachable_majority) {
  Swarm swarm;
  swarm.put(Swarm::manager(2));
  swarm.put(Swarm::manager(3));
  EXPECT_EQ(text_of(swarm.demote(2, {{1, true}, {2, true}, {3, false}})),
            "can't remove member from the raft: this would result in a loss of quorum");
  EXPECT_TRUE(swarm.demote(3, {{1, true}, {2, true}, {3, false}}).ok()) << "the one that is lost may go";
  EXPECT_EQ(text_of(swarm.demote(3, {{1, true}, {2, true}})), "can't find manager in raft memberlist");
}

TEST(Node, removal_wants_a_demoted_node_that_is_down_and_orphans_its_tasks) {
  Swarm swarm;
  swarm.put(Swarm::worker(2));
  const Reachable members{{1, true}};
  EXPECT_EQ(text_of(remove_node(swarm.store, NodeId(1), true, members)),
            "node " + NodeId(1).str() +
                " is a cluster manager and is a member of the raft cluster. It must be demoted to worker "
                "before removal");
  EXPECT_EQ(text_of(remove_node(swarm.store, NodeId(2), false, members)),
            "node " + NodeId(2).str() + " is not down and can't be removed");
  const ServiceId service = swarm.create(web());
  model::Task task;
  task.id = TaskId(1);
  task.service_id = service;
  task.slot = 1;
  task.node_id = NodeId(2);
  task.status.state = model::TaskState::running;
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{task});
  swarm.apply(transaction);
  EXPECT_TRUE(swarm.apply(*remove_node(swarm.store, NodeId(2), true, members)).applied);
  EXPECT_FALSE(swarm.store.node(NodeId(2)));
  EXPECT_EQ(swarm.store.task(TaskId(1))->status.state, model::TaskState::orphaned);
  EXPECT_EQ(swarm.store.task(TaskId(1))->status.message, "Task belonged to a node that has been deleted");
  wire::JoinRequest request;
  request.token = swarm.store.cluster()->root_ca.join_token_worker;
  EXPECT_FALSE(join_node(swarm.store, NodeId(2), request, "").ok()) << "its id does not come back";
  EXPECT_EQ(text_of(remove_node(swarm.store, NodeId(9), true, members)),
            "node " + NodeId(9).str() + " not found");
}

TEST(Node, leaving_a_manager_takes_force_and_says_what_is_at_stake) {
  Swarm swarm;
  swarm.put(Swarm::worker(2));
  swarm.put(Swarm::manager(3));
  EXPECT_TRUE(may_leave(swarm.store, NodeId(2), {{1, true}}).ok());
  const auto last = may_leave(swarm.store, NodeId(1), {{1, true}}).error();
  EXPECT_EQ(last.http_status, 503);
  EXPECT_EQ(
      last.message,
      "You are attempting to leave the swarm on a node that is participating as a manager. Removing the last "
      "manager erases all current state of the swarm. Use `--force` to ignore this message. ");
  const auto two = may_leave(swarm.store, NodeId(1), {{1, true}, {3, true}}).error().message;
  EXPECT_NE(two.find("Removing this node leaves 1 managers out of 2. Without a Raft quorum"),
            std::string::npos);
  const auto many =
      may_leave(swarm.store, NodeId(1), {{1, true}, {3, true}, {4, true}, {5, true}}).error().message;
  EXPECT_EQ(many.find("Removing this node leaves"), std::string::npos);
}

// ---- roles

// Long: one story, from the first promotion to the last.
TEST(RoleManager, roles_go_up_at_once_and_down_when_the_group_has_let_go) {
  Swarm swarm;
  swarm.put(Swarm::worker(2));
  RoleManager roles;
  roles.start(swarm.store, {}, {});
  const wire::ManagerPeer first{NodeId(1), 1, *Address::parse("127.0.0.1:2377")};
  const wire::ManagerPeer second{NodeId(2), 22, *Address::parse("127.0.0.2:2377")};
  roles.set_members({first});
  Instant now;
  const auto settle = [&] {
    for (auto plan = roles.plan(swarm.store, now, {}); plan; plan = roles.plan(swarm.store, now, {})) {
      const auto applied = swarm.store.apply(*plan, ++swarm.index);
      roles.observe(swarm.store, applied.changes, {});
    }
    return roles.take_intents().size();
  };
  const auto wish = [&](NodeRole role) {
    model::Node node = *swarm.store.node(NodeId(2));
    node.spec.desired_role = role;
    model::Transaction transaction;
    transaction.actions.push_back(model::Put{node});
    roles.observe(swarm.store, swarm.store.apply(transaction, ++swarm.index).changes, {});
    return settle();
  };
  EXPECT_EQ(settle(), 0U);
  EXPECT_EQ(wish(NodeRole::manager), 0U);
  EXPECT_EQ(swarm.store.node(NodeId(2))->role, NodeRole::manager);
  EXPECT_FALSE(swarm.store.node(NodeId(2))->manager);
  roles.set_members({first, second});
  settle();
  EXPECT_EQ(swarm.store.node(NodeId(2))->manager->raft_id, 22U);
  EXPECT_EQ(wish(NodeRole::worker), 0U) << "it is still asked about others: `docker node demote m1 m2`";
  const Instant due = roles.next_deadline();
  EXPECT_LT(due, Instant::never());
  EXPECT_EQ(wish(NodeRole::manager), 0U);
  EXPECT_EQ(roles.next_deadline(), Instant::never()) << "wanted again";
  EXPECT_EQ(wish(NodeRole::worker), 0U);
  now = due;
  EXPECT_EQ(settle(), 1U) << "asked to leave, once";
  EXPECT_EQ(roles.next_deadline(), Instant::never());
  EXPECT_EQ(settle(), 0U);
  EXPECT_EQ(swarm.store.node(NodeId(2))->role, NodeRole::manager) << "still in the group";
  roles.set_members({first});
  settle();
  EXPECT_EQ(swarm.store.node(NodeId(2))->role, NodeRole::worker);
  EXPECT_FALSE(swarm.store.node(NodeId(2))->manager);
  roles.set_members({first, {NodeId(7), 77, {}}});
  EXPECT_EQ(settle(), 1U) << "a member whose node is gone";
}

// ---- services

// Long: a table, one line for each refusal.
TEST(Service, what_a_spec_may_not_say) {
  const struct {
    void (*change)(model::ServiceSpec&);
    const char* text;
  } cases[] = {
      {[](auto& spec) { spec.annotations.name = ""; }, "meta: name must be provided"},
      {[](auto& spec) { spec.annotations.name = "a.b"; }, "name must be valid as a DNS name component"},
      {[](auto& spec) { spec.annotations.name = "web-"; }, "name must be valid as a DNS name component"},
      {[](auto& spec) { spec.annotations.name = std::string(64, 'a'); },
       "name must be 63 characters or fewer"},
      {[](auto& spec) { spec.task.container.edit().image = ""; },
       "ContainerSpec: image reference must be provided"},
      {[](auto& spec) { spec.task.container.edit().image = "Nginx"; },
       "ContainerSpec: \"Nginx\" is not a valid repository/tag"},
      {[](auto& spec) { spec.task.container.reset(); }, "TaskSpec: missing runtime"},
      {[](auto& spec) { spec.task.resources.emplace().limits.emplace().nano_cpus = 100'000; },
       "invalid cpu value 0.0001: Must be at least 0.001"},
      {[](auto& spec) { spec.task.resources.emplace().reservations.emplace().memory_bytes = 7; },
       "invalid memory value 7: Must be at least 4MiB"},
      {[](auto& spec) { spec.task.restart.emplace().delay = Duration::seconds(-1); },
       "TaskSpec: restart-delay cannot be negative"},
      {[](auto& spec) { spec.update.emplace().max_failure_ratio = 1.5; },
       "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1"},
      {[](auto& spec) { spec.task.placement.emplace().constraints = {"node.role=manager"}; },
       "constraint expected one operator from ==, !="},
      {[](auto& spec) { spec.mode = model::ReplicatedMode{~0ULL}; },
       "Number of replicas must be non-negative"},
      {[](auto& spec) { spec.mode = model::ReplicatedMode{model::kMaxReplicas + 1}; },
       "Number of replicas must be at most 1000000, not 1000001"},
      {[](auto& spec) { spec.task.container.edit().stop_grace_period = Duration::seconds(-1); },
       "ContainerSpec: stop-grace-period cannot be negative"},
      {[](auto& spec) { spec.task.container.edit().oom_score_adj = 1001; },
       "Invalid value 1001, range for oom score adj is [-1000, 1000]"},
      {[](auto& spec) {
         spec.task.container.edit().ulimits = {{"nofile", 2, 1}};
       },
       "ulimit soft limit must be less than or equal to hard limit: 2 > 1"},
      {[](auto& spec) {
         spec.task.container.edit().ulimits = {{"nofile", -1, 1}};
       },
       "ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1"},
      {[](auto& spec) {
         spec.task.container.edit().ulimits = {{"nofile", -2, -1}};
       },
       "invalid ulimit value nofile=-2: Must not be negative, or -1 for unlimited"},
      {[](auto& spec) { spec.task.resources.emplace().limits.emplace().pids = -2; },
       "invalid pids limit -2: Must be at least 1, or 0 for no limit"},
      {[](auto& spec) {
         spec.task.resources.emplace().reservations.emplace().generic_resources = {{"gpu", "", -1}};
       },
       "invalid generic resource value gpu=-1: Must not be negative"},
      {[](auto& spec) { spec.endpoint.emplace().ports.resize(1); },
       "EndpointSpec: ports are numbers from 1 to 65535"},
      {[](auto& spec) {
         spec.endpoint.emplace().ports.resize(1);
         spec.endpoint->ports[0].target_port = 65536;
       },
       "EndpointSpec: ports are numbers from 1 to 65535"},
      {[](auto& spec) { spec.rollback.emplace().monitor = Duration::nanos(-1); },
       "TaskSpec: update-monitor cannot be negative"},
      {[](auto& spec) { spec.task.container.edit().mounts.resize(2); },
       "ContainerSpec: duplicate mount point: "},
      {[](auto& spec) { spec.task.container.edit().hostname = "h-{{ .Nope }}"; },
       "expanding hostname failed: template: expansion:1:5: executing \"expansion\" at <.Nope>: can't "
       "evaluate field Nope in type *template.Context"},
      {[](auto& spec) { spec.task.container.edit().env = {"A={{.Service.Name"}; },
       "expanding env failed: expanding env \"A={{.Service.Name\": template: expansion:1: unclosed action"},
      {[](auto& spec) { spec.task.container.edit().env = {"A={{upper .Service.Name}}"}; },
       "expanding env failed: expanding env \"A={{upper .Service.Name}}\": template: expansion:1: function "
       "\"upper\" "
       "not defined"},
      {[](auto& spec) { spec.task.container.edit().healthcheck.emplace().interval = Duration::nanos(5); },
       "ContainerSpec: Interval in HealthConfig cannot be less than 1ms"},
      {[](auto& spec) {
         spec.endpoint.emplace().ports.resize(2);
         for (auto& port : spec.endpoint->ports) port.target_port = port.published_port = 80;
       },
       "EndpointSpec: duplicate published ports provided"},
      {[](auto& spec) {
         spec.endpoint.emplace().ports.resize(1);
         spec.endpoint->ports[0].published_port = 2377;
       },
       "EndpointSpec: port 2377 is the swarm's own, at every node: publish another one"},
      {[](auto& spec) {
         spec.endpoint.emplace().mode = model::EndpointMode::dnsrr;
         spec.endpoint->ports.resize(1);
       },
       "EndpointSpec: port published with ingress mode can't be used with dnsrr mode"},
  };
  EXPECT_TRUE(validate_service_spec(web()).ok());
  for (const auto& [change, text] : cases) {
    auto spec = web();
    change(spec);
    const auto valid = validate_service_spec(spec);
    EXPECT_EQ(valid.ok() ? "" : valid.error().message, text);
  }
}

TEST(Service, placeholders_are_tried_out_with_the_services_own_labels) {
  auto spec = web();
  spec.annotations.labels = {{"x", "1"}};
  spec.task.container.edit().hostname = "{{.Node.Hostname}}-{{- .Task.Slot -}}";
  spec.task.container.edit().env = {"A={{.Service.Labels.x}} }}", "B={{index .Service.Labels \"y\"}}",
                                    "C={{.Node.Platform.OS}}", "D={ { }", "E"};
  EXPECT_TRUE(validate_service_spec(spec).ok());
  spec.annotations.labels.clear();
  EXPECT_FALSE(validate_service_spec(spec).ok()) << "map has no entry for key \"x\"";
}

model::Mount mount(const char* type, const char* source) {
  model::Mount out;
  out.type = type, out.source = source, out.target = "/t";
  return out;
}

// Long: a table, one line for each refusal.
TEST(Service, what_no_process_can_be_given_is_refused) {
  const std::string nul("a\0b", 3), large(200'000, 'x');
  using Container = model::ContainerSpec;
  const std::vector<std::pair<std::function<void(Container&)>, std::string>> cases = {
      {[](Container& c) { c.stop_signal = "SIGNOPE"; }, "invalid signal: SIGNOPE"},
      {[](Container& c) { c.stop_signal = "65"; }, "invalid signal: 65"},
      {[&](Container& c) { c.env = {"BIG=" + large}; },
       "ContainerSpec: the environment variable BIG is 200004 bytes long: the kernel takes 131071 at most"},
      {[&](Container& c) {
         c.args = {"a", large};
       },
       "ContainerSpec: argument 2 is 200000 bytes long: the kernel takes 131071 at most"},
      {[&](Container& c) { c.env.assign(20, "A=" + std::string(120'000, 'x')); },
       "ContainerSpec: the command, its arguments and the environment are 2400220 bytes long together: the "
       "kernel "
       "takes 2000000 at most"},
      {[](Container& c) { c.env = {"A={{printf \"%140000d\" 1}}"}; },
       "ContainerSpec: the environment variable A is 140002 bytes long: the kernel takes 131071 at most"},
      {[&](Container& c) { c.command = {nul}; },
       "ContainerSpec: command word 1 has a NUL character in it: for a process the text would end "
       "there"},
      {[&](Container& c) { c.env = {"A=" + nul}; },
       "ContainerSpec: the environment variable A has a NUL character in it: for a process the text would "
       "end there"},
      {[](Container& c) { c.env = {"=x"}; }, "invalid environment variable: =x"},
      {[](Container& c) { c.env = {""}; }, "invalid environment variable: "},
      {[](Container& c) { c.hostname = std::string(65, 'h'); },
       "ContainerSpec: the hostname is 65 bytes long: the kernel takes 64 at most"},
      {[](Container& c) { c.dir = "here"; },
       "the working directory 'here' is invalid, it needs to be an absolute path"},
      {[](Container& c) { c.dir = std::string(5'000, '/'); },
       "ContainerSpec: the working directory is 5000 bytes long: the kernel takes 4095 at most"},
      {[](Container& c) { c.mounts.resize(1), c.mounts[0].target = "t"; },
       "invalid mount target, must be an absolute path: t"},
      {[](Container& c) { c.mounts.resize(1), c.mounts[0] = mount("bind", "s"); },
       "invalid bind mount source, must be an absolute path: s"},
      {[](Container& c) { c.mounts.resize(1), c.mounts[0] = mount("volume", "/s"); },
       "invalid volume mount source, must not be an absolute path: /s"},
  };
  for (const auto& [change, text] : cases) {
    auto spec = web();
    change(spec.task.container.edit());
    const auto valid = validate_service_spec(spec);
    EXPECT_EQ(valid.ok() ? "" : valid.error().message, text);
  }
  auto spec = web();
  spec.task.container.edit().stop_signal = "rtmin+3";
  spec.task.container.edit().env = {"A=" + std::string(131'069, 'x'), "B"};
  EXPECT_TRUE(validate_service_spec(spec).ok());
}

TEST(Service, image_references) {
  for (const char* good : {"nginx", "nginx:1.10", "swarmpy/web", "localhost:5000/a/b:latest",
                           "docker.io/library/redis", "a__b/c-d.e", "Registry.example/x",
                           "nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})
    EXPECT_TRUE(is_image_reference(good)) << good;
  for (const char* bad :
       {"", "Nginx", "a//b", "a:", "a:b:c", ":tag", "a___b", "a..b", "-a", "a/", "nginx:-x", "a b",
        "nginx@sha256:xyz", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})
    EXPECT_FALSE(is_image_reference(bad)) << bad;
}

TEST(Service, names_are_taken_without_regard_to_case) {
  Swarm swarm;
  swarm.create(web());
  auto spec = web();
  spec.annotations.name = "WEB";
  const auto refused = create_service(swarm.store, ServiceId(7), spec);
  EXPECT_EQ(text_of(refused), "name conflicts with an existing object: service WEB already exists");
  EXPECT_EQ(refused.error().code, Code::already_exists);
}

TEST(Service, an_ingress_port_is_the_swarms_a_host_port_the_nodes) {
  Swarm swarm;
  const auto published = [](const char* name, model::PublishMode mode) {
    auto spec = web();
    spec.annotations.name = name;
    spec.endpoint.emplace().ports.push_back({"", model::PortProtocol::tcp, 80, 8080, mode});
    return spec;
  };
  const ServiceId first = swarm.create(published("one", model::PublishMode::ingress));
  EXPECT_EQ(text_of(create_service(swarm.store, ServiceId(7), published("two", model::PublishMode::host))),
            "port '8080' is already in use by service 'one' (" + first.str() + ") as an ingress port");
  const auto own = published("one", model::PublishMode::ingress);
  EXPECT_TRUE(update_service(swarm.store, {first, swarm.store.service(first)->meta.version, own}).ok());
  Swarm hosts;
  hosts.create(published("one", model::PublishMode::host));
  EXPECT_TRUE(create_service(hosts.store, ServiceId(7), published("two", model::PublishMode::host)).ok());
}

TEST(Service, an_update_keeps_the_spec_before_and_a_rollback_swaps_them) {
  Swarm swarm;
  const ServiceId id = swarm.create(web());
  const std::uint64_t created = swarm.store.service(id)->meta.version;
  auto spec = web();
  spec.task.container.edit().image = "nginx:2";
  EXPECT_EQ(text_of(update_service(swarm.store, {id, created, {}, true})),
            "service " + id.str() + " does not have a previous spec");
  EXPECT_TRUE(swarm.apply(*update_service(swarm.store, {id, created, spec})).applied);
  EXPECT_EQ(text_of(update_service(swarm.store, {id, created, spec})), "update out of sequence");
  auto service = swarm.store.service(id);
  EXPECT_EQ(service->spec_version, created);
  EXPECT_EQ(service->previous_spec->task.container->image, "nginx:1.10");
  EXPECT_EQ(service->previous_spec_version, 0U);
  EXPECT_TRUE(swarm.apply(*update_service(swarm.store, {id, service->meta.version, {}, true})).applied);
  service = swarm.store.service(id);
  EXPECT_EQ(service->spec.task.container->image, "nginx:1.10");
  EXPECT_EQ(service->spec_version, 0U);
  EXPECT_EQ(service->update_status->state, model::UpdateState::rollback_started);
  EXPECT_EQ(service->update_status->message, "manually requested rollback");
  EXPECT_EQ(service->previous_spec->task.container->image, "nginx:2");
  EXPECT_EQ(service->previous_spec_version, created);
}

TEST(Service, mode_and_name_stay) {
  Swarm swarm;
  const ServiceId id = swarm.create(web());
  const std::uint64_t version = swarm.store.service(id)->meta.version;
  auto global = web();
  global.mode = model::GlobalMode{};
  EXPECT_EQ(text_of(update_service(swarm.store, {id, version, global})),
            "service mode change is not allowed");
  auto renamed = web();
  renamed.annotations.name = "other";
  const auto refused = update_service(swarm.store, {id, version, renamed});
  EXPECT_EQ(text_of(refused), "renaming services is not supported");
  EXPECT_EQ(refused.error().code, Code::unimplemented);
  EXPECT_EQ(text_of(remove_service(swarm.store, ServiceId(9))),
            "service " + ServiceId(9).str() + " not found");
}

}  // namespace
}  // namespace swarm::control
