#include "docker/fixture_test.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/worker.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "control/cluster.hpp"
#include "docker/api.hpp"
#include "docker/json.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "ports/http.hpp"
#include "store/store.hpp"

namespace swarm::docker {

std::string at(const Value& value, std::string_view path) {
  const Value* here = &value;
  while (!path.empty() && here != nullptr) {
    const std::size_t dot = path.find('.');
    const std::string key(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
    if (const auto* items = here->items()) {
      const auto number = static_cast<std::size_t>(std::atoi(key.c_str()));
      here = number < items->size() ? &(*items)[number] : nullptr;
    } else {
      here = here->find(key);
    }
  }
  if (here == nullptr) return {};
  if (const auto* text = here->text()) return *text;
  if (const auto* flag = std::get_if<bool>(&here->data)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&here->data)) return std::to_string(*number);
  if (const auto* number = std::get_if<std::uint64_t>(&here->data)) return std::to_string(*number);
  return here->kind();
}

std::size_t size_of(const Value& value) {
  if (const auto* items = value.items()) return items->size();
  return value.members() == nullptr ? 0 : value.members()->size();
}

void ApiTest::init() {
  store_ = std::make_unique<store::Store>();
  control::NewCluster fresh;
  fresh.id = ClusterId::random(rng_);
  fresh.root_cert_pem = "CERT";
  fresh.join_token_worker = "SWMTKN-1-w";
  fresh.join_token_manager = "SWMTKN-1-m";
  model::Node first;
  first.id = NodeId::random(rng_);
  first.spec.desired_role = first.role = model::NodeRole::manager;
  first.description.hostname = "m1";
  first.status = {model::NodeState::ready, "", "127.0.0.1"};
  first.manager = model::ManagerStatus{1, "127.0.0.1:2377"};
  apply(control::make_cluster(fresh, first, rng_));
  local_.state = SwarmState::active;
  local_.control_available = local_.is_leader = true;
  local_.node = first.id;
  local_.node_addr = "127.0.0.1";
  raft_.leader = raft_.id = 1;
  raft_.role = "StateLeader";
  raft_.reachable[1] = true;
  worker_ = std::make_unique<agent::Worker>(first.id, model::NodeDescription{}, Rng(5));
  worker_->connected(now_);
  worker_->on_message(wire::Session{9, Duration::seconds(1), model::NodeRole::manager, {}}, now_, wall_);
  pass_worker_events();
}

model::Node ApiTest::add_node(const std::string& hostname, model::NodeRole role) {
  model::Node node;
  node.id = NodeId::random(rng_);
  node.spec.desired_role = node.role = role;
  node.description.hostname = hostname;
  node.status.state = model::NodeState::ready;
  apply({0, wall_, {model::Put{node}}});
  return *store_->node(node.id);
}

void ApiTest::apply(model::Transaction transaction) {
  transaction.time = wall_;
  const auto applied = store_->apply(transaction, ++index_);
  ASSERT_TRUE(applied.outcome.applied) << applied.outcome.error;
  api_.observe(applied.changes, context());
  drive();
}

ApiId ApiTest::send(const std::string& method, const std::string& target, const std::string& body,
                    http::Headers headers) {
  if (headers.empty() && !body.empty()) headers = {{"content-type", "application/json"}};
  api_.request(++last_, Routed({method, target, std::move(headers), body}), context());
  const ApiId id = last_;
  drive();
  return id;
}

void ApiTest::drive() {
  for (auto effects = api_.take_effects(); !effects.empty(); effects = api_.take_effects()) {
    for (auto& effect : effects) {
      if (auto* begin = std::get_if<BeginReply>(&effect)) {
        EXPECT_EQ(replies_[begin->id].status, 0U) << "one head per request";
        replies_[begin->id] = {
            begin->head.status, begin->head.headers, {}, begin->head.streaming, false, false};
      } else if (auto* piece = std::get_if<ReplyPiece>(&effect)) {
        replies_[piece->id].body += piece->bytes;
      } else if (auto* end = std::get_if<EndReply>(&effect)) {
        EXPECT_FALSE(replies_[end->id].ended);
        replies_[end->id].ended = true;
      } else if (auto* cut = std::get_if<CutReply>(&effect)) {
        EXPECT_FALSE(replies_[cut->id].ended);
        replies_[cut->id].ended = replies_[cut->id].cut = true;
      } else if (auto* wish = std::get_if<Propose>(&effect)) {
        proposed_.push_back(*wish);
        if (!applies_) continue;
        wish->transaction.time = wall_;
        const auto applied = store_->apply(wish->transaction, ++index_);
        api_.observe(applied.changes, context());
        api_.settled(wish->id, applied.outcome, context());
      } else if (auto* operation = std::get_if<Perform>(&effect)) {
        performed_.push_back(*operation);
      } else if (auto* ask = std::get_if<Ask>(&effect)) {
        asked_.push_back(ask->question);
        api_.told(ask->id, told_, context());
      }
    }
  }
}

std::string ApiTest::create(const std::string& spec) {
  const Reply reply = post("/v1.50/services/create", spec);
  EXPECT_EQ(reply.status, 201U) << reply.body;
  return at(reply.json(), "ID");
}

model::Task ApiTest::add_task(const std::string& service, std::uint64_t slot, model::TaskState state) {
  const auto of = store_->service(*ServiceId::parse(service));
  auto templ = std::make_shared<model::TaskTemplate>();
  *templ = {of->spec.task, of->spec.annotations, of->spec.endpoint};
  model::Task task;
  task.id = TaskId::random(rng_);
  task.service_id = of->id;
  task.slot = slot;
  task.node_id = local_.node;
  task.spec_version = of->spec_version;
  task.status = {wall_, state, model::to_string(state), "", {}, {}};
  task.templ = templ;
  apply({0, wall_, {model::Put{task}}});
  return *store_->task(task.id);
}

void ApiTest::step(TaskId task, model::TaskState state) {
  model::TaskStep one;
  one.id = task;
  one.status = model::TaskStatus{wall_, state, model::to_string(state), "", {}, {}};
  apply({0, wall_, {one}});
}

std::string ApiTest::run_here(const model::Task& task, int number) {
  assigned_.push_back(task);
  assigned_.back().status.state = model::TaskState::assigned;
  worker_->on_message(
      wire::FeedUpdate{9, 0, assigned_.size(), true, true, 0, {assigned_.begin(), assigned_.end()}, {}}, now_,
      wall_);
  pass_worker_events();
  worker_->on_prepared(task.id, "", now_, wall_);
  pass_worker_events();
  const std::string id = std::string(63, 'c') + std::to_string(number);
  worker_->on_started(task.id, "", id, 4242, "127.1.0.1", now_, wall_);
  pass_worker_events();
  return id;
}

void ApiTest::exited(TaskId task, int code) {
  worker_->on_exited(task, code, "", now_, wall_);
  pass_worker_events();
}

void ApiTest::pass_worker_events() {
  for (auto& effect : worker_->take_effects())
    if (const auto* event = std::get_if<agent::ContainerEvent>(&effect)) api_.observe(*event, context());
  drive();
}

}  // namespace swarm::docker
