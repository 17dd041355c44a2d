// RawNode: gathers what the machine wants done into a Ready, and tells it when that is done.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "raft/conf_change.hpp"
#include "raft/core.hpp"
#include "raft/log.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"

namespace swarm::raft {
namespace {

bool is_local(MessageType type) {
  switch (type) {
    case MessageType::hup:
    case MessageType::beat:
    case MessageType::unreachable:
    case MessageType::snap_status:
    case MessageType::check_quorum:
    case MessageType::storage_append:
    case MessageType::storage_append_resp:
    case MessageType::storage_apply:
    case MessageType::storage_apply_resp:
      return true;
    case MessageType::prop:
    case MessageType::app:
    case MessageType::app_resp:
    case MessageType::vote:
    case MessageType::vote_resp:
    case MessageType::snap:
    case MessageType::heartbeat:
    case MessageType::heartbeat_resp:
    case MessageType::transfer_leader:
    case MessageType::timeout_now:
    case MessageType::read_index:
    case MessageType::read_index_resp:
    case MessageType::pre_vote:
    case MessageType::pre_vote_resp:
    case MessageType::forget_leader:
    default:
      return false;
  }
}

bool is_response(MessageType type) {
  switch (type) {
    case MessageType::app_resp:
    case MessageType::vote_resp:
    case MessageType::heartbeat_resp:
    case MessageType::unreachable:
    case MessageType::read_index_resp:
    case MessageType::pre_vote_resp:
    case MessageType::storage_append_resp:
    case MessageType::storage_apply_resp:
      return true;
    case MessageType::hup:
    case MessageType::beat:
    case MessageType::prop:
    case MessageType::app:
    case MessageType::vote:
    case MessageType::snap:
    case MessageType::heartbeat:
    case MessageType::snap_status:
    case MessageType::check_quorum:
    case MessageType::transfer_leader:
    case MessageType::timeout_now:
    case MessageType::read_index:
    case MessageType::pre_vote:
    case MessageType::storage_append:
    case MessageType::storage_apply:
    case MessageType::forget_leader:
    default:
      return false;
  }
}

bool is_storage_thread(PeerId id) { return id == kAppendThread || id == kApplyThread; }

Message message_of(MessageType type) {
  Message message;
  message.type = type;
  return message;
}

bool wants_append_resp(const Raft& raft, const Ready& ready) {
  return raft.log.has_unstable() || ready.snapshot;
}

Message append_resp(const Raft& raft, const Ready& ready) {
  Message message = message_of(MessageType::storage_append_resp);
  message.to = raft.config.id;
  message.from = kAppendThread;
  message.term = raft.term;  // an answer that comes in a later term may speak of overwritten entries
  if (raft.log.has_unstable()) {
    const EntryId last = raft.log.last_id();
    message.index = last.index;
    message.log_term = last.term;
  }
  if (ready.snapshot) message.snapshot = std::make_shared<Snapshot>(*ready.snapshot);
  return message;
}

Message apply_resp(const Raft& raft, const std::vector<Entry>& entries) {
  Message message = message_of(MessageType::storage_apply_resp);
  message.to = raft.config.id;
  message.from = kApplyThread;
  message.entries = entries;
  return message;
}

Message storage_append(const Raft& raft, const Ready& ready) {
  Message message = message_of(MessageType::storage_append);
  message.to = kAppendThread;
  message.from = raft.config.id;
  message.entries = ready.entries;
  if (ready.hard_state) {
    message.term = ready.hard_state->term;
    message.vote = ready.hard_state->vote;
    message.commit = ready.hard_state->commit;
  }
  if (ready.snapshot) message.snapshot = std::make_shared<Snapshot>(*ready.snapshot);
  message.responses = raft.after_append;
  if (wants_append_resp(raft, ready)) message.responses.push_back(append_resp(raft, ready));
  return message;
}

Message storage_apply(const Raft& raft, const Ready& ready) {
  Message message = message_of(MessageType::storage_apply);
  message.to = kApplyThread;
  message.from = raft.config.id;
  message.entries = ready.committed_entries;
  message.responses.push_back(apply_resp(raft, ready.committed_entries));
  return message;
}

}  // namespace

RawNode::RawNode(const Config& config, const Storage& storage)
    : raft_(std::make_unique<Raft>(config, storage)), async_(config.async_storage_writes) {
  last_soft_ = raft_->soft_state();
  last_hard_ = raft_->hard_state();
}

RawNode::~RawNode() = default;

// ---- what happened

void RawNode::tick() { raft_->tick(); }

Result<void> RawNode::campaign() { return raft_->step(message_of(MessageType::hup)); }

Result<void> RawNode::propose(std::string data) {
  Message message = message_of(MessageType::prop);
  message.from = raft_->config.id;
  message.entries.resize(1);
  message.entries[0].data = std::move(data);
  return raft_->step(std::move(message));
}

Result<void> RawNode::propose_conf_change(const ConfChangeV2& change) {
  Message message = message_of(MessageType::prop);
  message.entries.push_back(encode_conf_change(change));
  return raft_->step(std::move(message));
}

bool RawNode::can_apply(const ConfChangeV2& change) const {
  return apply_change(raft_->tracker, raft_->log.last_index(), change).ok();
}

ConfState RawNode::apply_conf_change(const ConfChangeV2& change) { return raft_->apply_conf_change(change); }

Result<void> RawNode::step(Message message) {
  if (is_local(message.type) && !is_storage_thread(message.from))
    return plain_error(Code::invalid_argument, "raft: cannot step raft local message");
  if (is_response(message.type) && !is_storage_thread(message.from) &&
      !raft_->tracker.progress.contains(message.from))
    return plain_error(Code::not_found, "raft: cannot step as peer not found");
  return raft_->step(std::move(message));
}

bool RawNode::asks_for_reads() const { return raft_->asks_for_reads(); }

Result<void> RawNode::read_index(std::string context) {
  Message message = message_of(MessageType::read_index);
  message.entries.resize(1);
  message.entries[0].data = std::move(context);
  return raft_->step(std::move(message));
}

void RawNode::report_unreachable(PeerId id) {
  Message message = message_of(MessageType::unreachable);
  message.from = id;
  (void)raft_->step(std::move(message)).ok();
}

void RawNode::report_snapshot(PeerId id, bool arrived) {
  Message message = message_of(MessageType::snap_status);
  message.from = id;
  message.reject = !arrived;
  (void)raft_->step(std::move(message)).ok();
}

void RawNode::transfer_leader(PeerId to) {
  Message message = message_of(MessageType::transfer_leader);
  message.from = to;
  (void)raft_->step(std::move(message)).ok();
}

Result<void> RawNode::forget_leader() { return raft_->step(message_of(MessageType::forget_leader)); }

void RawNode::hint_leader_lost() { raft_->hint_leader_lost(); }

// ---- what has to be done

bool RawNode::has_ready() const {
  const HardState hard = raft_->hard_state();
  return raft_->soft_state() != last_soft_ || (!hard.empty() && hard != last_hard_) ||
         raft_->log.next_snapshot() != nullptr || !raft_->messages.empty() || !raft_->after_append.empty() ||
         raft_->log.has_next_unstable() || raft_->log.has_next_committed(!async_) ||
         !raft_->read_states.empty();
}

Ready RawNode::ready() {
  Ready ready;
  Raft& raft = *raft_;
  ready.entries = raft.log.next_unstable();
  ready.committed_entries = raft.log.next_committed(!async_);
  if (const SoftState soft = raft.soft_state(); soft != last_soft_) last_soft_ = *(ready.soft_state = soft);
  const HardState hard = raft.hard_state();
  ready.must_sync = !ready.entries.empty() || hard.vote != last_hard_.vote || hard.term != last_hard_.term;
  if (hard != last_hard_ && !hard.empty()) last_hard_ = *(ready.hard_state = hard);
  if (const Snapshot* snapshot = raft.log.next_snapshot()) ready.snapshot = *snapshot;
  ready.read_states = std::exchange(raft.read_states, {});
  ready.messages = std::exchange(raft.messages, {});
  const bool wants_append =
      !ready.entries.empty() || ready.hard_state || ready.snapshot || !raft.after_append.empty();
  if (async_) {
    if (wants_append) ready.messages.push_back(storage_append(raft, ready));
    if (!ready.committed_entries.empty()) ready.messages.push_back(storage_apply(raft, ready));
  } else {
    SWARM_CHECK(steps_on_advance_.empty(), "ready() before advance()");
    for (Message& message : raft.after_append)
      (message.to == raft.config.id ? steps_on_advance_ : ready.messages_after_append)
          .push_back(std::move(message));
    if (wants_append_resp(raft, ready)) steps_on_advance_.push_back(append_resp(raft, ready));
    if (!ready.committed_entries.empty())
      steps_on_advance_.push_back(apply_resp(raft, ready.committed_entries));
  }
  raft.after_append.clear();
  raft.log.accept_unstable();
  if (!ready.committed_entries.empty())
    raft.log.accept_applying(ready.committed_entries.back().index, entries_size(ready.committed_entries),
                             !async_);
  return ready;
}

void RawNode::advance() {
  SWARM_CHECK(!async_, "advance() with asynchronous storage writes");
  for (Message& message : std::exchange(steps_on_advance_, {})) (void)raft_->step(std::move(message)).ok();
}

// ---- looking

Status RawNode::status() const { return raft_->status(); }
Term RawNode::term() const { return raft_->term; }
PeerId RawNode::leader() const { return raft_->leader; }
bool RawNode::hears_leader() const { return raft_->hears_leader(); }
Role RawNode::role() const { return raft_->role; }
PeerId RawNode::vote() const { return raft_->vote; }
Index RawNode::commit() const { return raft_->log.committed(); }
Index RawNode::first_index() const { return raft_->log.first_index(); }
Index RawNode::last_index() const { return raft_->log.last_index(); }
Term RawNode::term_at(Index index) const { return raft_->log.term_or_zero(index); }
std::vector<Entry> RawNode::entries(Index from, std::uint64_t count) const {
  from = std::max(from, first_index());
  if (from > last_index() || count == 0) return {};
  const Index end = from + std::min(count, last_index() - from + 1);
  return raft_->log.slice(from, end, kNoLimit).value;
}
void RawNode::reseed(std::uint64_t seed) { raft_->reseed(seed); }
bool RawNode::conf_change_pending() const {
  return raft_->role == Role::leader && raft_->pending_conf_index > raft_->log.applied();
}
std::vector<Entry> RawNode::committed_entries(Index from) const {
  from = std::max(from, raft_->log.first_index());
  if (from > raft_->log.committed()) return {};
  return raft_->log.slice(from, raft_->log.committed() + 1, kNoLimit).value;
}
const ProgressMap& RawNode::progress() const { return raft_->tracker.progress; }
void RawNode::set_randomized_election_timeout(int ticks) { raft_->randomized_election_timeout = ticks; }

}  // namespace swarm::raft
