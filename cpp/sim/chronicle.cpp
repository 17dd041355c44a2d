#include "sim/chronicle.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "model/container_spec.hpp"
#include "model/feature_level.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "node/apply_entry.hpp"
#include "node/node.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "sim/chronicle_words.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/store_copy.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kCommitGrain = Duration::millis(10);  // one line at most in so much time, of one manager
constexpr std::size_t kMostError = 300;                  // bytes of a sentence

const char* word(raft::Role role) {
  switch (role) {
    case raft::Role::follower:
      return "follower";
    case raft::Role::candidate:
      return "candidate";
    case raft::Role::leader:
      return "leader";
    case raft::Role::pre_candidate:
      return "pre-candidate";
  }
  return "";
}

std::string image_of(const model::Task& task) {
  const auto& container = task.spec().container;
  return container ? container->image : std::string();
}

std::string shortened(std::string text) {
  if (text.size() > kMostError) text = text.substr(0, kMostError) + "...";
  return text;
}

}  // namespace

// ---- machines

void Chronicle::machine_added(Instant at, const std::string& name) {
  nodes_.push_back({name, at, false});
  roles_now_.emplace_back();
  commits_now_.push_back(0);
  commit_rows_.push_back(0);
  seen_entries_.push_back(0);
}

void Chronicle::machine_is(Instant at, MachineIndex machine, std::string_view state, std::string_view why) {
  states_.add({at, machine, std::string(state), std::string(why)});
  if (state != "down") return;
  // What it was in Raft it is no more; a start begins anew.
  if (*roles_now_[machine].role != '\0') roles_.add({at, machine, kNobody, "", 0});
  roles_now_[machine] = {};
  seen_entries_[machine] = 0;
}

void Chronicle::turned(Instant at, const Machine& machine) {
  const node::Inspection now = machine.node->inspect();
  if (!now.id.empty()) by_node_[now.id] = machine.index;
  if (now.raft == nullptr || now.cluster.empty()) {
    if (*roles_now_[machine.index].role != '\0') roles_.add({at, machine.index, kNobody, "", 0});
    roles_now_[machine.index] = {};
    return;
  }
  nodes_[machine.index].manages = true;
  by_raft_id_[now.raft_id] = machine.index;
  follow_raft(at, machine);
  follow_store(at, machine);
}

void Chronicle::follow_raft(Instant at, const Machine& machine) {
  const node::Inspection now = machine.node->inspect();
  const auto leader = by_raft_id_.find(now.raft->leader());
  Role role{{},
            machine.index,
            leader == by_raft_id_.end() ? kNobody : leader->second,
            word(now.raft->role()),
            now.raft->term()};
  if (role != roles_now_[machine.index]) {
    roles_now_[machine.index] = role;
    role.at = at;
    roles_.add(role);
  }
  if (now.raft->commit() == commits_now_[machine.index]) return;
  commits_now_[machine.index] = now.raft->commit();
  Commit* last = commits_.find(commit_rows_[machine.index]);
  const Commit commit{at, machine.index, now.raft->commit(), now.store->version()};
  if (last != nullptr && at - last->at < kCommitGrain) {
    last->commit = commit.commit;
    last->applied = commit.applied;
  } else {
    commit_rows_[machine.index] = commits_.add(commit);
  }
}

// Every entry once, by whichever manager commits it first.
void Chronicle::follow_store(Instant at, const Machine& machine) {
  const node::Inspection now = machine.node->inspect();
  if (store_ == nullptr || cluster_ != now.cluster) {
    if (now.store->version() == 0) return;
    cluster_ = now.cluster;
    adopt(at, *now.store);
  }
  const raft::Index until = now.raft->commit();
  if (until <= std::max(store_->version(), seen_entries_[machine.index])) return;
  seen_entries_[machine.index] = until;
  for (const raft::Entry& entry : now.raft->committed_entries(store_->version() + 1)) {
    if (entry.index <= store_->version()) continue;
    if (entry.index > store_->version() + 1) break;  // the log begins later: the store is taken over below
    if (entry.type != raft::EntryType::normal || entry.data.empty()) {
      store_->skip_to(entry.index);
    } else {
      apply(at, machine.shared.build, entry);
    }
  }
  if (store_->version() < now.store->version()) adopt(at, *now.store);
}

void Chronicle::apply(Instant at, const model::Build& build, const raft::Entry& entry) {
  const store::Applied applied = node::apply_entry(*store_, build, entry.data, entry.index).applied;
  store_->take_dirty();
  for (const auto& change : applied.changes.changes) note(at, change);
}

// Where a recording begins in the middle, and after a gap: what is there now.
void Chronicle::adopt(Instant at, const store::Store& store) {
  const std::unique_ptr<store::Store> before = std::move(store_);
  store_ = copy_of(store);
  for (const auto& [id, task] : store_->tasks())
    note_task(at, {before == nullptr ? nullptr : before->task(id), task});
  if (before == nullptr) return;
  for (const auto& [id, task] : before->tasks())
    if (store_->task(id) == nullptr) note_task(at, {task, nullptr});
}

// ---- the swarm's objects

void Chronicle::note(Instant at, const store::AnyChange& change) {
  if (const auto* task = std::get_if<store::Change<model::Task>>(&change)) note_task(at, *task);
  if (const auto* node = std::get_if<store::Change<model::Node>>(&change)) note_node(at, *node);
  if (const auto* service = std::get_if<store::Change<model::Service>>(&change)) note_service(at, *service);
}

void Chronicle::note_task(Instant at, const store::Change<model::Task>& change) {
  const model::Task& now = change.latest();
  if (change.before && change.after && change.before->state() == now.state() &&
      change.before->desired_state == now.desired_state && change.before->node_id == now.node_id)
    return;
  auto& facts = tasks_[now.id];
  if (facts == nullptr) {
    const std::string& service = now.templ->service.name;
    const std::string place = now.slot == 0 ? now.node_id.str() : std::to_string(now.slot);
    facts = std::make_shared<TaskFacts>(
        TaskFacts{now.id.str(), service + "." + place, service, image_of(now), now.slot, now.spec_version});
  }
  moves_.add({at, facts, machine_of(now.node_id), now.state(), now.desired_state, change.removed(),
              shortened(now.status.err)});
  if (change.removed()) tasks_.erase(now.id);
}

void Chronicle::note_node(Instant at, const store::Change<model::Node>& change) {
  const model::Node& now = change.latest();
  const auto say = [&](std::string text) {
    notes_.add({at, machine_of(now.id), "node", now.display_name(), shortened(std::move(text))});
  };
  if (change.created()) return say("is a member");
  if (change.removed()) return say("is no member any more");
  const model::Node& old = *change.before;
  if (old.status.state != now.status.state)
    say(std::string("is ") + to_string(now.status.state) +
        (now.status.message.empty() ? "" : ": " + now.status.message));
  if (old.spec.availability != now.spec.availability)
    say(std::string("has availability ") + to_string(now.spec.availability));
  if (old.role != now.role) say(std::string("is a ") + to_string(now.role));
}

void Chronicle::note_service(Instant at, const store::Change<model::Service>& change) {
  const model::Service& now = change.latest();
  const char* text = change.created() ? "is created" : change.removed() ? "is removed" : "is updated";
  if (change.before && change.after && change.before->spec == now.spec) return;
  notes_.add({at, kNobody, "service", now.spec.annotations.name, text});
}

MachineIndex Chronicle::machine_of(NodeId id) const {
  const auto it = by_node_.find(id);
  return it == by_node_.end() ? kNobody : it->second;
}

std::string Chronicle::task_called(TaskId id) const {
  if (id.empty()) return {};
  const auto it = tasks_.find(id);
  return it == tasks_.end() ? id.str() : it->second->name;
}

// ---- messages

std::uint64_t Chronicle::sent(Instant at, MachineIndex from, MachineIndex to, const ports::Frame& frame) {
  MessageFacts facts = describe(frame);
  Message message;
  message.sent = message.ended = at;
  message.from = from;
  message.to = to;
  message.kind = facts.kind;
  message.refused = facts.refused;
  message.count = facts.count;
  message.bytes = facts.bytes;
  message.term = facts.term;
  message.index = facts.index;
  message.commit = facts.commit;
  message.text = shortened(std::move(facts.text));
  return messages_.add(std::move(message));
}

std::uint64_t Chronicle::doubled(std::uint64_t message) {
  const Message* first = messages_.find(message);
  if (first == nullptr) return 0;
  Message copy = *first;
  copy.copy = true;
  copy.fate = Fate::on_its_way;
  return messages_.add(std::move(copy));
}

void Chronicle::held(std::uint64_t message) {
  if (Message* it = messages_.find(message)) it->held = true;
}

void Chronicle::became(std::uint64_t message, Instant at, Fate fate) {
  Message* it = messages_.find(message);
  if (it == nullptr) return;
  it->fate = fate;
  it->ended = at;
}

// ---- faults, requests, broken invariants

void Chronicle::fault_begun(Instant at, std::uint64_t number, std::string_view kind, std::string text,
                            std::vector<MachineIndex> machines) {
  open_faults_[number] =
      faults_.add({at, Instant::never(), std::string(kind), std::move(text), std::move(machines)});
}

void Chronicle::fault_ended(Instant at, std::uint64_t number) {
  const auto it = open_faults_.find(number);
  if (it == open_faults_.end()) return;
  if (Fault* fault = faults_.find(it->second)) fault->ended = at;
  open_faults_.erase(it);
}

void Chronicle::asked(Instant at, std::uint64_t call, MachineIndex machine, std::string method,
                      std::string path) {
  Request request;
  request.at = at;
  request.machine = machine;
  request.method = std::move(method);
  request.path = shortened(std::move(path));
  open_calls_[call] = calls_.add(std::move(request));
}

void Chronicle::answered(Instant at, std::uint64_t call, std::uint32_t status, std::string error) {
  const auto it = open_calls_.find(call);
  if (it == open_calls_.end()) return;
  if (Request* request = calls_.find(it->second)) {
    request->ended = at;
    request->status = status;
    request->error = shortened(std::move(error));
  }
  open_calls_.erase(it);
}

void Chronicle::fetching(Instant at, std::uint64_t id, MachineIndex machine, std::uint32_t port) {
  Request request;
  request.at = at;
  request.machine = machine;
  request.port = port;
  open_fetches_[id] = fetches_.add(std::move(request));
}

void Chronicle::fetched(Instant at, std::uint64_t id, std::uint32_t status, TaskId task, std::string error) {
  const auto it = open_fetches_.find(id);
  if (it == open_fetches_.end()) return;
  if (Request* request = fetches_.find(it->second)) {
    request->ended = at;
    request->status = status;
    request->task = task_called(task);
    request->error = shortened(std::move(error));
  }
  open_fetches_.erase(it);
}

void Chronicle::broken(Instant at, std::string name, std::string what, MachineIndex machine) {
  broken_.add({at, machine, std::move(name), std::move(what)});
}

}  // namespace swarm::sim
