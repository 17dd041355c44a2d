// What the dispatcher does with the tables of overlay networks: rows to the nodes that hear of them, and the
// farewell of a task that is to stop.
#include <set>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "dispatcher/dispatcher.hpp"
#include "dispatcher/farewells.hpp"
#include "dispatcher/feed.hpp"
#include "dispatcher/state.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

using model::TaskState;

void Dispatcher::State::note_overlay(const store::Store& store, std::set<NodeId>& touched) {
  const FeedSource rows = source(store);
  for (const auto& [node, key] : overlay.take_news()) {
    Peer* peer = in_session(node);
    if (peer == nullptr || !rows.is_understood(node, key.kind)) continue;
    peer->feed.note(key);
    touched.insert(node);
  }
}

// Returns true if its node is to hear of the task's end later.
bool Dispatcher::State::begin_farewell(const store::Store& store, const store::Change<model::Task>& change,
                                       Instant now) {
  if (!change.before || !change.after) return false;
  const model::Task& task = *change.after;
  if (task.attachments.empty() || task.state() != TaskState::running) return false;
  if (farewells.contains(task.id)) return true;
  const bool is_news = change.before->desired_state <= TaskState::running;
  if (!is_news || task.desired_state <= TaskState::running) return false;
  std::set<NodeId> hearers = overlay.hearers(task);
  const FeedSource rows = source(store);
  std::erase_if(hearers, [&](NodeId node) {
    return in_session(node) == nullptr || !rows.is_understood(node, wire::FeedKind::overlay_task);
  });
  // Of a service that is removed nothing is to be lost; and where very many stop at once, none waits.
  if (hearers.empty() || !store.service(task.service_id) || !farewells.has_room(hearers.size())) return false;
  farewells.begin(task.id, std::move(hearers), now);
  return true;
}

void Dispatcher::State::tell_stop(const store::Store& store, TaskId id, Instant now) {
  const auto task = store.task(id);
  Peer* peer = task ? in_session(task->node_id) : nullptr;
  if (peer == nullptr) return;
  peer->feed.note(wire::FeedKey::task(id));
  attend(store, task->node_id, *peer, now);
}

void Dispatcher::State::hear_farewells(const store::Store& store, NodeId node, Instant now) {
  Peer* peer = in_session(node);
  if (peer == nullptr) return;
  for (const TaskId task : farewells.waiting_for(node))
    if (peer->feed.has_told(wire::FeedKey::overlay_task(task)) && farewells.has_heard(task, node))
      tell_stop(store, task, now);
}

}  // namespace swarm::dispatcher
