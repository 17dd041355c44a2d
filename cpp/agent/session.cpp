// Talk with the manager: registration, heartbeats, the feed, reports (swarmkit agent/agent.go, session.go,
// reporter.go). Any frame may be lost, doubled or late: the agent sends again what needs an answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/state.hpp"
#include "agent/worker.hpp"
#include "base/address.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/time.hpp"
#include "model/mesh.hpp"
#include "model/node.hpp"
#include "model/restart.hpp"
#include "model/task.hpp"
#include "model/wire.hpp"

namespace swarm::agent {
namespace {

using model::TaskState;

constexpr Duration kFirstBackoff = Duration::millis(100);
// SwarmKit waits up to 8 s, with heartbeats of 5 s; ours are of 500 ms, and a manager that has come back is
// wanted soon.
constexpr Duration kMaxBackoff = Duration::seconds(1);
constexpr Duration kReportTimeout = Duration::millis(500);
constexpr std::int64_t kMaxDoublings = 4;
// A start that is quicker than this is reported as one step: each report costs the managers a commit.
constexpr Duration kUnderWay = Duration::millis(20);
constexpr std::size_t kMaxReport = 1'000;
constexpr int kMaxRegisterTries = 3;        // then another manager
constexpr std::int64_t kSilentPeriods = 3;  // as long as the manager waits for us

}  // namespace

bool Worker::in_session() const { return state_->session != 0; }

// ---- connecting

void Worker::connected(Instant now) {
  state_->now = now;
  state_->leave_session();
  state_->connected = true;
  state_->send_register();
}

void Worker::disconnected(Instant now) {
  state_->now = now;
  state_->leave_session();
}

void Worker::State::leave_session() {
  connected = false;
  session = 0;
  register_again = next_heartbeat = silent_since_limit = Instant::never();
  register_tries = 0;
  applied = 0;
  overlay_under_way.clear();
  named.reset();
  take_back_report();
}

// swarmkit agent/agent.go: grows from 100 ms, and a draw spreads the agents.
Duration Worker::State::next_backoff() {
  backoff = std::min(kFirstBackoff + backoff * 2, kMaxBackoff);
  return Duration::nanos(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(backoff.ns))));
}

void Worker::State::send_register() {
  SWARM_CHECK(connected && session == 0, "session", session);
  if (++register_tries > kMaxRegisterTries) return reconnect(std::nullopt);
  send(wire::Register{node, description, previous});
  register_again = now + kFirstBackoff + next_backoff();
}

void Worker::set_tls(const model::TlsInfo& tls, Instant now) {
  State& state = *state_;
  if (state.description.tls == tls) return;
  state.now = now;
  state.description.tls = tls;
  if (!state.connected) return;
  state.leave_session();
  state.connected = true;
  state.send_register();
}

void Worker::State::reconnect(std::optional<Address> leader) {
  leave_session();
  // Follow the first redirect at once; back off on later ones, so that stale managers cannot bounce us.
  const bool at_once = leader && !std::exchange(redirected, true);
  effects.push_back(Reconnect{leader, at_once ? now : now + next_backoff()});
}

// ---- what the manager says

void Worker::on_message(const wire::Message& message, Instant now, WallTime wall) {
  State& state = *state_;
  state.now = now;
  if (const auto* session = std::get_if<wire::Session>(&message)) return state.on(*session);
  if (const auto* refused = std::get_if<wire::SessionRefused>(&message)) return state.on(*refused);
  const auto heard = [&](std::uint64_t session) {
    if (session == 0 || session != state.session) return false;
    state.silent_since_limit = now + state.period * kSilentPeriods;
    return true;
  };
  if (const auto* reply = std::get_if<wire::HeartbeatReply>(&message)) {
    if (heard(reply->session)) state.period = reply->period;
  } else if (const auto* update = std::get_if<wire::FeedUpdate>(&message)) {
    if (heard(update->session)) state.on(*update, wall);
  } else if (const auto* ack = std::get_if<wire::TaskReportAck>(&message)) {
    if (heard(ack->session)) state.on(*ack);
  }
}

void Worker::State::on(const wire::Session& message) {
  if (!connected || message.session == 0) return;
  period = message.heartbeat_period;
  if (message.session != session) {
    leave_session();
    connected = true;
    session = previous = message.session;
    backoff = {};
    redirected = false;
    send_heartbeat();
  }
  // The period may have become shorter: the next one is due within the new one and its jitter.
  next_heartbeat = std::min(next_heartbeat, now + period + period / 10);
  silent_since_limit = now + period * kSilentPeriods;
  effects.push_back(SessionFacts{message.role, message.managers, message.version, message.ready,
                                 message.root_cert_pem, message.issuer, message.renew_within});
}

void Worker::State::on(const wire::SessionRefused& message) {
  // One of an earlier session is old news. 0: whatever we said, this manager is not the one to say it to.
  if (!connected || (message.session != 0 && message.session != session)) return;
  if (message.remarkable) effects.push_back(Refused{message.reason});
  if (!message.removed) return reconnect(message.leader);
  leave_session();
  effects.push_back(Removed{});
}

void Worker::State::send_heartbeat() {
  SWARM_CHECK(connected && session != 0, "session", session);
  send(wire::Heartbeat{session});
  next_heartbeat = now + period;
}

// ---- the feed

void Worker::State::acknowledge(std::uint64_t refused) {
  SWARM_CHECK(session != 0, "has applied", applied);
  send(wire::FeedAck{session, carried_out(), refused, problems});
}

std::uint64_t Worker::State::carried_out() const {
  return overlay_under_way.empty() ? applied : overlay_under_way.begin()->second - 1;
}

void Worker::on_overlay(std::uint64_t number, Instant now) {
  state_->now = now;
  if (state_->overlay_under_way.erase(number) == 1 && state_->session != 0) state_->acknowledge();
}

void Worker::set_problems(std::vector<std::string> problems, Instant now) {
  state_->now = now;
  state_->problems = std::move(problems);
  if (state_->session != 0) state_->acknowledge();
}

void Worker::State::on(const wire::FeedUpdate& update, WallTime wall) {
  if (update.to <= applied) return acknowledge();            // heard before
  if (update.from > applied) return acknowledge(update.to);  // one before it is missing
  // Taking away a task at the word of a deposed leader would start it twice when the true one gives it back.
  const bool stale = update.store_version != 0 && update.moment() < obeyed;
  if (stale) return reconnect(std::nullopt);
  obeyed = std::max(obeyed, update.moment());
  applied = update.to;
  apply(update, wall);
  acknowledge();
}

// Sorts out the items by kind: tasks are this worker's business, rows of the mesh and of overlay networks are
// carried out by its owner.
void Worker::State::apply(const wire::FeedUpdate& update, WallTime wall) {
  struct Sorter {
    State& state;
    WallTime wall;
    wire::MeshChange mesh;
    wire::OverlayChange overlay;
    void operator()(const model::Task& task) {
      if (state.named) state.named->insert(task.id);
      state.assign(task, wall);
    }
    void operator()(const wire::MeshService& service) { mesh.services.push_back(service); }
    void operator()(const model::MeshBackend& backend) { mesh.backends.push_back(backend); }
    void operator()(const wire::RemovedNode& removed) { mesh.removed_nodes.push_back(removed.node); }
    void operator()(const wire::OverlayNetwork& network) { overlay.networks.push_back(network); }
    void operator()(const wire::OverlayService& service) { overlay.services.push_back(service); }
    void operator()(const wire::OverlayTask& task) { overlay.tasks.push_back(task); }
    void remove(const wire::FeedKey& key) {
      switch (key.kind) {
        case wire::FeedKind::task:
          return state.unassign(TaskId(key.id), wall);
        case wire::FeedKind::mesh_service:
          return mesh.removed_services.push_back(ServiceId(key.id));
        case wire::FeedKind::mesh_backend:
          return mesh.removed_backends.push_back(TaskId(key.id));
        case wire::FeedKind::removed_node:
          return;  // what is removed stays so
        case wire::FeedKind::overlay_network:
          return overlay.removed_networks.push_back(NetworkId(key.id));
        case wire::FeedKind::overlay_service:
          return overlay.removed_services.push_back(ServiceId(key.id));
        case wire::FeedKind::overlay_task:
          return overlay.removed_tasks.push_back(TaskId(key.id));
      }
    }
  };
  Sorter sorter{*this, wall, {}, {}};
  if (update.first) named.emplace();
  for (const auto& item : update.items) std::visit(sorter, item);
  for (const auto& key : update.removed) sorter.remove(key);
  if (update.last) unassign_unnamed(wall);
  sorter.mesh.first = update.first;
  sorter.mesh.last = update.last;
  if (!sorter.mesh.empty()) effects.push_back(ChangeTable{std::move(sorter.mesh)});
  change_overlay(update, std::move(sorter.overlay));
}

void Worker::State::change_overlay(const wire::FeedUpdate& update, wire::OverlayChange change) {
  has_overlays |= !change.empty();
  if (!has_overlays) return;  // nothing to begin with, and nothing that could be unnamed
  change.first = update.first;
  change.last = update.last;
  if (change.empty()) return;
  overlay_under_way.emplace(++overlay_changes, update.to);
  effects.push_back(ChangeOverlay{overlay_changes, std::move(change)});
}

// The complete feed has come. One whose beginning this node has not heard ends nothing: it is a repeated end.
void Worker::State::unassign_unnamed(WallTime wall) {
  static_assert(
      std::variant_size_v<wire::FeedItem> == 7,
      "of a new kind, too, what was not named is gone: tasks here, rows of tables at their keepers");
  if (!named || SWARM_MISTAKE("agent.keeps-what-the-feed-does-not-name")) return;
  std::vector<TaskId> gone;
  for (const auto& [id, local] : tasks)
    if (!named->contains(id)) gone.push_back(id);
  named.reset();
  for (const TaskId id : gone) unassign(id, wall);
}

void Worker::State::assign(const model::Task& task, WallTime wall) {
  const auto [it, is_new] = tasks.try_emplace(task.id);
  LocalTask& local = it->second;
  lives[task.id].assigned = true;
  if (is_new) {
    to_save.try_emplace(task.id, false);
    // Started by a run of this node whose records are lost: whatever ran, runs no more.
    if (task.state() >= TaskState::starting) {
      resume(task, wall);
      local.container_exists = false;
      if (model::may_still_stop(task)) unreported.insert(task.id);  // it does not
      return;
    }
    local.task = task;
  } else {
    TaskState desired = task.desired_state;
    // Given up by the managers (ORPHANED), though it may run here.
    if (is_terminal(task.state()) && !is_terminal(local.task.state()))
      desired = std::max(desired, TaskState::shutdown);
    if (desired > local.task.desired_state) {
      local.task.desired_state = desired;
      to_save.try_emplace(task.id, false);
    }
    if (local.task.state() > task.state()) unreported.insert(task.id);
  }
  drive(task.id, wall);
}

void Worker::State::unassign(TaskId id, WallTime wall) {
  const auto it = lives.find(id);
  if (it == lives.end()) return;
  it->second.assigned = false;
  drive(id, wall);
}

// ---- reports

void Worker::State::note_unreported(const LocalTask& local) {
  const TaskState state = local.task.state();
  const bool moves =
      state == TaskState::accepted || state == TaskState::preparing || state == TaskState::starting;
  (moves ? unreported : under_way).erase(local.task.id);
  (moves ? under_way : unreported).insert(local.task.id);
  if (moves && tell_under_way == Instant::never()) tell_under_way = now + kUnderWay;
}

void Worker::State::look_under_way() {
  if (tell_under_way > now) return;
  unreported.merge(under_way);
  under_way.clear();
  tell_under_way = Instant::never();
}

void Worker::State::send_report() {
  look_under_way();
  SWARM_CHECK(!sent || session != 0, "report", sequence, "is under way without a session");
  if (session == 0 || sent || unreported.empty()) return;
  wire::TaskReport report;
  report.session = session;
  report.sequence = ++sequence;
  sent.emplace();
  sent->sequence = sequence;
  sent->resend = now + kReportTimeout * (std::int64_t{1} << report_timeouts);
  while (!unreported.empty() && report.statuses.size() < kMaxReport) {
    const TaskId id = *unreported.begin();
    unreported.erase(unreported.begin());
    report.statuses.emplace_back(id, tasks.at(id).task.status);
    sent->tasks.insert(id);
  }
  send(std::move(report));
}

void Worker::State::on(const wire::TaskReportAck& message) {
  if (!sent || sent->sequence != message.sequence) return;
  sent.reset();
  report_timeouts = 0;
}

void Worker::State::take_back_report() {
  if (!sent) return;
  for (const TaskId id : sent->tasks)
    if (tasks.contains(id) && !SWARM_MISTAKE("agent.reports-once-only")) unreported.insert(id);
  sent.reset();
}

// ---- deadlines

void Worker::on_deadline(Instant now, WallTime) {
  State& state = *state_;
  state.now = now;
  if (state.connected && state.session == 0 && state.register_again <= now) state.send_register();
  if (state.session == 0) return;
  state.look_under_way();
  if (state.silent_since_limit <= now) return state.reconnect(std::nullopt);
  if (state.next_heartbeat <= now) state.send_heartbeat();
  if (state.sent && state.sent->resend <= now) {
    state.report_timeouts = std::min(state.report_timeouts + 1, kMaxDoublings);
    state.take_back_report();
  }
}

Instant Worker::next_deadline() const {
  const State& state = *state_;
  if (state.session == 0) return state.register_again;
  const Instant report = state.sent ? state.sent->resend : state.tell_under_way;
  return std::min({state.next_heartbeat, state.silent_since_limit, report});
}

}  // namespace swarm::agent
