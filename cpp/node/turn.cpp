// The turn: what a node does each time it is woken, in this order and no other.
//
//   1. take the queued events, up to a budget
//   2. let the parts whose time has come act
//   3. run the parts until quiet: Raft's round (disk, peers, store) -> the leader's loops -> membership ->
//      the agent -> the lifecycle -> the API
//   4. batches are on their way to the disk by then; what waits for one goes out when DiskDone comes
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/time.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/feature_level.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/impl.hpp"
#include "node/leadership.hpp"
#include "node/node.hpp"
#include "node/replica.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "store/change_set.hpp"

namespace swarm::node {
namespace {

constexpr std::size_t kEventBudget = 4'096;
constexpr int kMaxRounds = 1'000;  // a part that is never quiet is a bug
// A leader whose turn comes this late did nothing meanwhile: its process was paused, or its machine slept.
constexpr Duration kStoodStill = model::kRaftTick * 2;
constexpr int kLocalRounds = 16;  // of a leader and its own agent: a long feed keeps nothing else waiting

bool changes_lock(const store::ChangeSet& changes, std::uint64_t stored) {
  for (const auto& change : changes.changes)
    if (const auto* cluster = std::get_if<store::Change<model::Cluster>>(&change);
        cluster != nullptr && cluster->after != nullptr && cluster->before != nullptr)
      return cluster->after->unlock_key_number > stored;
  return false;
}

}  // namespace

void Node::Impl::turn(Instant now) {
  core_.now = now;
  ++core_.meters.turns;
  api_.begin_turn(now);
  local_rounds_ = 0;
  take_events();
  run_deadlines();
  for (int round = 0; run_parts(); ++round) SWARM_CHECK(round < kMaxRounds, "the node does not come to rest");
}

void Node::Impl::take_events() {
  for (std::size_t taken = 0; taken < kEventBudget && !queue_.empty(); ++taken) {
    ports::Event event = std::move(queue_.front());
    queue_.pop_front();
    std::visit([this](auto&& one) { on(std::forward<decltype(one)>(one)); }, std::move(event));
  }
}

void Node::Impl::run_deadlines() {
  if (leader_ && replica_->next_deadline() + kStoodStill < core_.now)
    leader_->loops.dispatcher().on_late_turn(core_.now);
  if (replica_) replica_->on_deadline();
  if (leader_) leader_->membership.on_deadline();
  if (agent_) agent_->on_deadline(times());
  if (lifecycle_.next_deadline() <= core_.now) {
    lifecycle_.on_deadline(surroundings());
    settle(lifecycle_);
  }
  if (logs_.is_due(core_.now)) {
    logs_.on_deadline(core_.now, ways_to(logs_.watched()));
    settle(logs_);
  }
  if (router_.next_deadline() <= core_.now) {
    router_.on_deadline(moment());
    settle(router_);
  }
  if (api_.next_deadline() <= core_.now) api_.on_deadline(api_context());
  if (reopening_.begin(core_.now)) core_.ports.disk.reopen();
}

bool Node::Impl::run_parts() {
  bool did = run_replica();
  did |= run_leader();
  did |= run_agent();
  run_lifecycle();
  did |= run_api();
  if (!std::exchange(replica_retired_, false)) return did;
  retire_replica();
  if (const auto self = std::exchange(recovering_, std::nullopt)) {
    const auto begun = recover_replica(*self);
    if (!begun) lifecycle_.on_recovered(begun);
    settle(lifecycle_);
  }
  return true;
}

void Node::Impl::retire_replica() {
  replica_.reset();
  answer_after_lock_.clear();
  router_.on_leader_changed(moment());
  settle(router_);
  if (agent_) agent_->on_leader_changed(false, core_.now);
}

bool Node::Impl::run_replica() {
  if (!replica_) return false;
  const bool did = replica_->run();
  if (const model::FeatureLevel level = replica_->too_new(); level != 0) {
    stop_outdated(level, replica_->store().version());
    return true;
  }
  if (const raft::Index index = replica_->counted_on(); index != 0) {
    stop_older_copy(index);
    return true;
  }
  if (const raft::Index index = replica_->outvoted_at(); index != 0) {
    stop_outvoted(index);
    return true;
  }
  // First: what is said of a version of the store names the members as of that version.
  if (replica_->take_members_changed()) note_members();
  if (replica_->take_skipped()) api_.changes_skipped();
  // Before a change of leader: new loops start from a store that has these entries already.
  for (const AppliedEntry& entry : replica_->take_applied()) deliver_applied(entry);
  note_cluster();
  note_unlock_key();
  if (replica_->take_leader_changed()) note_leader_change();
  for (const std::uint64_t check : replica_->take_reads()) router_.on_read_ready(check);
  settle(router_);
  return did;
}

// Observers first, then the part that waits for the outcome: an answer never speaks of what the loops have
// not seen.
void Node::Impl::deliver_applied(const AppliedEntry& entry) {
  if (leader_) leader_->loops.observe(entry.changes);
  if (!entry.changes.changes.empty()) api_.observe(entry.changes, api_context());
  if (entry.request == 0) return;
  if (leader_ && leader_->loops.settled(entry.request, entry.outcome)) return;
  if (leader_ && leader_->membership.settled(entry.request, entry.outcome)) return;
  if (changes_lock(entry.changes, lifecycle_.stored_lock()))
    return answer_after_lock_.push_back({entry.request, entry.outcome});
  router_.on_applied(entry.request, entry.outcome);
  settle(router_);
}

// A client that has the answer throws the former unlock key away: a crash right after it must not bring this
// manager back with a disk that still wants that key.
void Node::Impl::answer_after_lock() {
  for (const auto& [request, outcome] : std::exchange(answer_after_lock_, {}))
    router_.on_applied(request, outcome);
  settle(router_);
}

void Node::Impl::note_leader_change() {
  if (replica_->leads() && !leader_) {
    leader_ = std::make_unique<Leader>(core_, *replica_);
    note_members();
  } else if (!replica_->leads() && leader_) {
    step_down();
  }
  if (agent_) agent_->on_leader_changed(leader_ != nullptr, core_.now);
  router_.on_leader_changed(moment());
  settle(router_);
}

void Node::Impl::step_down() {
  if (!leader_) return;
  const std::set<ports::LinkId> sessions = std::move(leader_->sessions);
  leader_.reset();
  logs_.on_step_down();
  settle(logs_);
  // Agents find the new leader by themselves once their link closes.
  for (const ports::LinkId link : sessions) close_link(link);
  if (agent_) agent_->on_leader_changed(false, core_.now);
}

void Node::Impl::note_members() {
  std::vector<wire::ManagerPeer> peers;
  for (const auto& [id, peer] : replica_->members()) peers.push_back(peer);
  if (leader_) leader_->loops.set_managers(peers);
  if (core_.identity && !peers.empty() && core_.identity->managers != peers) {
    core_.identity->managers = std::move(peers);
    core_.commit(save_identity(*core_.identity));
  }
}

bool Node::Impl::run_leader() {
  if (!leader_) return false;
  bool did = false;
  auto& dispatcher = leader_->loops.dispatcher();
  if (has_local_mail()) ++local_rounds_;
  while (has_local_mail() && local_rounds_ <= kLocalRounds) {
    const wire::Message message = std::move(leader_->mail.front());
    leader_->mail.pop_front();
    dispatcher.on_message(replica_->store(), kLocalLink, core_.self(), core_.own_identity().advertise.host(),
                          message, core_.now);
    did = true;
  }
  did |= leader_->loops.plan();
  for (auto& send : dispatcher.take_sends()) {
    did = true;
    // Of this leadership. Raft may know a later one by now, of which this store has not heard.
    if (auto* update = std::get_if<wire::FeedUpdate>(&send.message))
      update->term = replica_->leadership().term;
    if (auto* refused = std::get_if<wire::SessionRefused>(&send.message);
        refused != nullptr && send.link != kLocalLink) {
      refuse_session(send.link, std::move(*refused));
    } else if (send.link != kLocalLink) {
      core_.links.send(send.link, std::move(send.message));
    } else if (agent_) {
      agent_->on_message({kLocalLink, core_.self()}, send.message, times());
      settle_agent();
    }
  }
  leader_->membership.on_role_intents(leader_->loops.take_role_intents());
  did |= leader_->membership.run();
  close_hasty_links();
  return did;
}

bool Node::Impl::run_agent() {
  if (!agent_) return false;
  const bool had_link = agent_->has_link();
  if (!had_link) {
    const Leadership who_leads = leadership();
    agent_->connect({who_leads.leads(), who_leads.address}, core_.own_identity().managers, core_.now);
    settle_agent();
  }
  const bool connecting = agent_->has_link() && !had_link;
  const bool did = agent_->run(times());
  settle_agent();
  return did || connecting;
}

// Most turns are of a node at rest: its surroundings are gathered only where the lifecycle may take a step.
void Node::Impl::run_lifecycle() {
  const bool was_removed = replica_ && core_.identity && replica_->was_removed(core_.identity->raft_id);
  if (lifecycle_.is_at_rest() && !was_removed) return;
  lifecycle_.run(surroundings());
  settle(lifecycle_);
}

bool Node::Impl::run_api() {
  const bool reads = router_.wants_check() && router_.run(moment());
  if (reads) settle(router_);
  return settle_api() || reads;
}

Instant Node::Impl::next_deadline() const {
  Instant next = std::min({lifecycle_.next_deadline(), logs_.next_deadline(), router_.next_deadline(),
                           api_.next_deadline(), reopening_.next_deadline()});
  if (!queue_.empty() || has_local_mail()) next = core_.now;
  if (replica_) next = std::min(next, replica_->next_deadline());
  if (leader_) next = std::min({next, leader_->loops.next_deadline(), leader_->membership.next_deadline()});
  if (agent_) next = std::min(next, agent_->next_deadline(core_.now));
  return next;
}

}  // namespace swarm::node
