#include "node/replica.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "control/request_size.hpp"
#include "model/bounds.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/feature_level.hpp"
#include "model/kinds.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/core.hpp"
#include "node/judge.hpp"
#include "node/links.hpp"
#include "node/meters.hpp"
#include "node/replica_disk.hpp"
#include "node/waits.hpp"
#include "ports/disk.hpp"
#include "raft/coalesce.hpp"
#include "raft/compaction.hpp"
#include "raft/message.hpp"
#include "raft/promise.hpp"
#include "raft/raft.hpp"
#include "store/store.hpp"

namespace swarm::node {
namespace {

using ports::Family;

constexpr std::uint64_t kMaxAppendBytes = 512 * 1024;    // of entries in one message
constexpr Duration kStepsAside = Duration::seconds(10);  // between two leaders that step aside
constexpr Duration kDoubt = Duration::seconds(1);
constexpr char kQuestion = '?';  // with the instant at which it was asked: the context of a heartbeat
constexpr std::size_t kQuestionBytes = 9;
constexpr std::uint64_t kFirstIndex = 1;  // the snapshot that a new swarm begins with
constexpr raft::Term kFirstTerm = 1;

raft::Config raft_config(std::uint64_t raft_id, std::uint64_t applied, const model::RaftSettings& settings,
                         std::uint64_t seed) {
  raft::Config config;
  config.id = raft_id;
  config.election_tick = static_cast<int>(settings.election_tick);
  config.heartbeat_tick = static_cast<int>(settings.heartbeat_tick);
  config.applied = applied;
  config.pre_vote = true;
  config.check_quorum = true;
  config.step_down_on_removal = true;
  config.disable_proposal_forwarding = true;
  config.max_inflight_msgs = 256;
  config.max_size_per_msg = kMaxAppendBytes;
  config.max_committed_size_per_ready = 4 * 1024 * 1024;
  config.seed = seed;
  return config;
}

// Only a leader answers these. Passed on they would name a sender that is not this member.
bool is_for_leader(raft::MessageType type) {
  return type == raft::MessageType::read_index || type == raft::MessageType::transfer_leader;
}

}  // namespace

Replica::Replica(Core& core)
    : core_(core),
      life_(core.next_life()),
      log_(std::make_unique<ReplicaLog>(*this)),
      store_(std::make_unique<store::Store>()),
      states_(core.options.build.feature_level),
      story_(core.wall()) {}

Replica::~Replica() = default;

void Replica::start_raft(std::uint64_t applied) {
  const model::RaftSettings settings =
      store_->cluster() != nullptr ? model::usable(store_->cluster()->spec.raft) : model::RaftSettings{};
  raft_ = std::make_unique<raft::RawNode>(raft_config(raft_id_, applied, settings, core_.rng.next()), *log_);
  next_tick_ = core_.now + model::kRaftTick;
  begin_story();
}

Result<std::unique_ptr<Replica>> Replica::load(Core& core, ManagerState state) {
  std::unique_ptr<Replica> replica(new Replica(core));
  replica->raft_id_ = state.raft_id;
  replica->members_ = std::move(state.members);
  replica->removed_ = std::move(state.removed);
  replica->conf_state_ = state.conf;
  const auto restored = replica->store_->restore(std::move(state.records), state.applied);
  if (!restored) return restored.error();
  replica->began_from_ = state.applied;
  const raft::Index committed = surely_committed(state);
  replica->hard_is_newer_ = std::exchange(state.hard.commit, committed) != committed;
  // The log's own snapshot carries the membership as of the applied index: changes after it are applied
  // again.
  state.snapshot.conf_state = state.conf;
  if (state.snapshot.index > 0) replica->log_->apply_snapshot(state.snapshot);
  replica->log_->append(state.entries);
  replica->log_->set_hard_state(state.hard);
  replica->hard_ = state.hard;
  replica->promise_ = state.promise;
  replica->marked_ = state.marked;
  replica->applied_term_ = *replica->log_->term(state.applied);
  replica->note_times();
  replica->start_raft(state.applied);
  replica->warn_of_stored_numbers();
  return replica;
}

std::unique_ptr<Replica> Replica::create(Core& core, const wire::ManagerPeer& self,
                                         const model::Transaction& first) {
  std::unique_ptr<Replica> replica(new Replica(core));
  replica->raft_id_ = self.raft_id;
  replica->members_[self.raft_id] = self;
  replica->conf_state_.voters = {self.raft_id};
  const auto applied = replica->store_->apply(first, kFirstIndex);
  SWARM_CHECK(applied.outcome.applied, applied.outcome.error);
  replica->began_from_ = kFirstIndex;
  replica->note_times();
  raft::Snapshot begin;
  begin.index = kFirstIndex;
  begin.term = kFirstTerm;
  begin.conf_state = replica->conf_state_;
  replica->log_->apply_snapshot(begin);
  replica->hard_ = {kFirstTerm, 0, kFirstIndex};
  replica->promise_ = replica->marked_ = raft::no_promise(self.raft_id);
  replica->log_->set_hard_state(replica->hard_);
  replica->applied_term_ = kFirstTerm;
  ports::DiskBatch batch;
  batch.sync = true;
  batch.put(Family::raft_state, "self", eight(self.raft_id));
  put_hard_state(replica->hard_, replica->promise_, batch);
  batch.put(Family::raft_state, "conf", codec::encode(replica->conf_state_));
  batch.put(Family::raft_state, "snapshot", codec::encode(begin));
  batch.put(Family::raft_state, member_key(self.raft_id), codec::encode(self));
  put_dirty(*replica->store_, batch);
  replica->start_raft(kFirstIndex);
  replica->busy_ = true;
  core.commit(std::move(batch), ReplicaStored{replica->life_});
  return replica;
}

std::unique_ptr<Replica> Replica::join(Core& core, std::uint64_t raft_id,
                                       const std::vector<wire::ManagerPeer>& members) {
  std::unique_ptr<Replica> replica(new Replica(core));
  replica->raft_id_ = raft_id;
  replica->promise_ = replica->marked_ = raft::no_promise(raft_id);
  for (const auto& peer : members) replica->members_[peer.raft_id] = peer;
  ports::DiskBatch batch;
  batch.sync = true;
  batch.put(Family::raft_state, "self", eight(raft_id));
  for (const auto& peer : members)
    batch.put(Family::raft_state, member_key(peer.raft_id), codec::encode(peer));
  replica->start_raft(0);
  replica->busy_ = true;  // until begin()
  core.commit(std::move(batch));
  return replica;
}

// ---- in

void Replica::note_speaker(std::uint64_t raft_id, NodeId node) {
  if (!members_.contains(raft_id)) newcomers_[node] = raft_id;
}

std::optional<Rule> Replica::step(raft::Message message) {
  if (was_removed(message.from)) return std::nullopt;  // it will learn so from its dispatcher session
  if (const auto broken = judge_message(message)) {
    if (broken == Rule::commit) note_what_is_counted_on(message);
    if (broken != Rule::leap) return broken;
    follow_leap(message.from);
    return std::nullopt;
  }
  ++Meters::of(core_.meters.received, message.type);
  if (is_for_leader(message.type) && raft_->role() != raft::Role::leader) return std::nullopt;
  if (leadership_.is_elected()) note_heard(message);
  if (message.type == raft::MessageType::heartbeat && message.term == raft_->term()) doubted_since_.reset();
  note_state(message);
  (void)raft_->step(std::move(message));  // what Raft refuses it may refuse: the sender asks again
  note_raft();
  return std::nullopt;
}

void Replica::note_heard(const raft::Message& message) {
  heard_[message.from] = core_.now;
  if (message.type != raft::MessageType::heartbeat_resp || message.term != raft_->term()) return;
  if (message.context.size() != kQuestionBytes || message.context.front() != kQuestion) return;
  const Instant asked{static_cast<std::int64_t>(get_u64(message.context, 1))};
  Instant& last = answered_[message.from];
  if (asked <= core_.now) last = std::max(last, asked);
}

// As a read does, whose number has eight bytes: the members say the context of a heartbeat again.
void Replica::ask_all() {
  (void)raft_->read_index(kQuestion + eight(static_cast<std::uint64_t>(core_.now.ns)));
}

// A member whose term is too far beyond this one's is followed a leap at a time: cut off, the members could
// never have one leader again. Raft lets a member take any greater term (section 5.1).
void Replica::follow_leap(raft::PeerId from) {
  raft::Message step;
  step.type = raft::MessageType::heartbeat_resp;
  step.from = from;
  step.to = raft_id_;
  step.term = raft_->term() + kMaxTermLeap;
  (void)raft_->step(std::move(step));
  note_raft();
}

// An honest leader counts only on what this member has acknowledged: the disk of one that has less is an
// older copy, or has lost it with the mark. The leader of the present term is believed when for a while all
// of its heartbeats say so: one that is forged in its name comes between others. A copy that does not know
// this term hears it from the members that refuse it a pre-vote. One that does not vote never asks for it,
// and believes the leader of a later term.
void Replica::note_what_is_counted_on(const raft::Message& message) {
  const Known known = known_of(*raft_, raft_id_, message);
  const bool is_later = message.term > known.term && !voters().contains(raft_id_);
  const bool may_lead = known.leader == raft::kNone || known.leader == message.from;
  if (!is_later && (message.term != known.term || !may_lead)) return;
  if (!doubted_since_) doubted_since_ = core_.now;
  const bool believes = core_.now - *doubted_since_ >= kDoubt;
  if (believes && !SWARM_MISTAKE("node.takes-an-older-copy-for-whole")) counted_on_ = message.commit;
}

std::optional<Rule> Replica::judge_message(const raft::Message& message) {
  if (const auto broken = judge(message, known_of(*raft_, raft_id_, message))) return broken;
  if (message.term < raft_->term()) return std::nullopt;  // Raft takes nothing of it
  if (message.type == raft::MessageType::app) return judge_entries(message);
  if (message.type != raft::MessageType::snap) return std::nullopt;
  if (message.snapshot->index <= raft_->commit()) return std::nullopt;  // Raft has all of it
  return may_install(message.snapshot->index, message.snapshot->data) ? std::nullopt
                                                                      : std::optional(Rule::snapshot);
}

// Those that are committed here are not appended again.
std::optional<Rule> Replica::judge_entries(const raft::Message& message) {
  if (message.index > raft_->last_index())
    return std::nullopt;  // Raft refuses it: it does not follow the log
  for (const raft::Entry& entry : message.entries)
    if (entry.type == raft::EntryType::normal && entry.index > raft_->commit() && !judged_.read(entry))
      return Rule::entry;
  return std::nullopt;
}

std::uint64_t Replica::propose(model::Transaction transaction) {
  if (!prepare(transaction)) return 0;
  std::string bytes = codec::encode(transaction);
  return append(std::move(transaction), std::move(bytes));
}

Result<std::uint64_t> Replica::propose_request(model::Transaction transaction) {
  if (!prepare(transaction)) return std::uint64_t{0};
  std::string bytes = codec::encode(transaction);
  if (const auto fits = control::check_request_size(bytes.size()); !fits) return fits.error();
  return append(std::move(transaction), std::move(bytes));
}

bool Replica::prepare(model::Transaction& transaction) {
  if (!leadership_.is_elected()) return false;
  // Loops, too, ask the level of the cluster before they plan something newer; the node tells clients.
  const model::FeatureLevel needed = needed_level(core_.options.build, transaction);
  if (needed > store_->feature_level()) {
    core_.trace("proposal.refused", [&] { return "it needs feature level " + std::to_string(needed); });
    return false;
  }
  transaction.request = core_.rng.next() | 1;
  transaction.time = next_time();
  return true;
}

// The log's time never goes back, and no two entries have the same: which of two objects was made first is
// known by it, also when the next leader's clock is behind.
WallTime Replica::next_time() {
  newest_time_ = std::max(core_.wall(), newest_time_ + Duration::nanos(1));
  return newest_time_;
}

// Of objects that came from the disk, or with a snapshot.
void Replica::note_times() {
  model::ShownKinds::any([this]<class T>() {
    for (const auto& [id, object] : store_->all<T>())
      newest_time_ = std::max(newest_time_, object->meta.updated_at);
    return false;
  });
}

std::uint64_t Replica::append(model::Transaction transaction, std::string bytes) {
  const std::uint64_t request = transaction.request;
  const bool taken = raft_->propose(std::move(bytes)).ok();
  ++(taken ? core_.meters.proposals : core_.meters.proposals_refused);
  if (!taken) return 0;
  proposed_.add(raft_->term(), raft_->last_index(), std::move(transaction));
  return request;
}

bool Replica::propose_membership(const raft::ConfChangeV2& change) {
  return leadership_.is_elected() && raft_->propose_conf_change(change).ok();
}

void Replica::read_index(std::uint64_t context) { (void)raft_->read_index(eight(context)); }
void Replica::transfer_leadership(std::uint64_t to) {
  if (to != 0) raft_->transfer_leader(to);
}
void Replica::campaign() {
  (void)raft_->campaign();
  note_raft();
}

void Replica::on_deadline() {
  if (next_tick_ <= core_.now) {
    raft_->tick();
    note_raft();
    if (leadership_.is_elected() && next_look_ <= core_.now) look_at_states();
    // After a pause (a stopped process, a slow machine) the ticks that were missed stay missed: catching up
    // would start an election at once although the leader's words already wait in the queue.
    next_tick_ = std::max(next_tick_ + model::kRaftTick, core_.now + model::kRaftTick / 2);
    resend_chunks();
    if (incoming_ && incoming_->keep_until <= core_.now) incoming_.reset();
  }
  send_chunks();
  give_up_snapshots();
}

void Replica::on_link_gone(const LinkGone& event) {
  const Links::Gone& gone = event.gone;
  if (incoming_ && incoming_->link == event.link) incoming_->link = 0;
  for (auto& [to, outgoing] : outgoing_)
    if (outgoing.link == event.link) outgoing.link = 0;
  std::uint64_t peer = gone.peer.raft_id;
  if (peer == 0 && gone.outbound)
    for (const auto& [id, member] : members_)
      if (member.address == *gone.outbound) peer = id;
  if (peer == 0 || peer == raft_id_) return;
  // A Raft id is a claim: the end of a stranger's link says nothing about the member that has the id.
  const auto member = members_.find(peer);
  if (gone.was_open && member != members_.end() && member->second.node != gone.peer.node) return;
  heard_.erase(peer);
  if (leadership_.is_elected()) {
    raft_->report_unreachable(peer);
    if (!outgoing_.contains(peer) && snapshots_sent_.erase(peer) != 0) raft_->report_snapshot(peer, false);
  } else if (gone.was_open && peer == leadership_.leader) {
    // A dead process closes its sockets: no need to wait for silence. Pre-vote guards against a mere broken
    // link.
    raft_->hint_leader_lost();
  }
}

// ---- one round

bool Replica::run() {
  if (busy_ || !raft_->has_ready()) return false;
  raft::Ready ready = raft_->ready();
  note_soft_state(ready);
  const std::uint64_t advanced = store_->version();  // what Raft knows to be applied
  if (ready.snapshot && is_too_new(snapshot_level(ready.snapshot->data))) return true;
  ports::DiskBatch batch;
  persist(ready, batch);
  send_at_once(ready);
  if (!apply(ready, batch)) return true;
  // A snapshot begins the log anew: there is nothing to shorten.
  if (!ready.snapshot) compact(advanced, batch);
  if (!batch.sync || SWARM_MISTAKE("node.goes-on-before-the-disk-has-it")) {
    // Nothing here must last before Raft goes on; what is written next comes after it on the disk, too.
    if (!batch.empty()) core_.commit(std::move(batch));
    finish(ready);
    return true;
  }
  busy_ = true;
  disk_pace_.began(core_.now);
  storing_ = std::move(ready);
  core_.commit(std::move(batch), ReplicaStored{life_});
  return true;
}

void Replica::on_stored() {
  busy_ = false;
  marked_ = promise_;
  disk_pace_.ended(core_.now);
  auto ready = std::exchange(storing_, std::nullopt);
  if (!ready) return campaign();  // the only manager of a new group
  note_pace(*ready);
  finish(*ready);
}

// A leader answers when its own disk has the entry, too: with a slow one it holds up everybody. Where the
// others have committed before its own disk was ready, one of them does better.
void Replica::note_pace(const raft::Ready& stored) {
  if (disk_pace_.is_slow() != was_slow_) {
    was_slow_ = !was_slow_;
    core_.trace(was_slow_ ? "warning.disk" : "disk", [this] {
      return "a durable write takes " + std::to_string(disk_pace_.typical().ns / 1'000'000) + " ms";
    });
  }
  const bool others_have_it = !stored.entries.empty() && raft_->commit() >= stored.entries.back().index;
  if (!was_slow_ || !leadership_.is_elected() || !others_have_it || core_.now < may_step_aside_) return;
  may_step_aside_ = core_.now + kStepsAside;
  transfer_leadership(successor());
}

void Replica::persist(const raft::Ready& ready, ports::DiskBatch& batch) {
  // A snapshot that is acknowledged must be there after a crash, like entries (etcd's MustSync leaves it to
  // the host).
  batch.sync = ready.must_sync || (ready.snapshot && !SWARM_MISTAKE("node.installs-snapshots-unsynced"));
  if (ready.snapshot) install(*ready.snapshot, batch);
  if (ready.hard_state) hard_ = *ready.hard_state;
  if (batch.sync) promise(ready, batch);
  const bool is_news = ready.hard_state || std::exchange(hard_is_newer_, false);
  if ((batch.sync || is_news) && !SWARM_MISTAKE("node.saves-no-hard-state"))
    put_hard_state(hard_, promise_, batch);
  if (ready.entries.empty()) return;
  const bool keeps = SWARM_MISTAKE("node.keeps-what-was-written-over");
  if (ready.entries.front().index <= log_->last_index() && !keeps)  // what is written over
    batch.erase_range(Family::raft_log, log_key(ready.entries.front().index), std::string(9, '\xff'));
  for (const auto& entry : ready.entries)
    batch.put(Family::raft_log, log_key(entry.index), codec::encode(entry));
}

// Whatever a member says after a synced write, it has promised to remember.
void Replica::promise(const raft::Ready& ready, ports::DiskBatch& batch) {
  raft::Index last = log_->last_index();
  raft::Term term = last == 0 ? 0 : *log_->term(last);
  if (ready.snapshot) last = ready.snapshot->index, term = ready.snapshot->term;
  if (!ready.entries.empty()) last = ready.entries.back().index, term = ready.entries.back().term;
  promise_ = raft::next_promise(promise_, marked_, hard_, last, term);
  batch.mark = mark_of(promise_);
}

// A snapshot that Raft asks for while the disk is at work is sent in the next round, before that round
// applies anything: until then its source stays.
void Replica::send_at_once(raft::Ready& ready) {
  send_all(std::move(ready.messages));
  snapshot_source_.reset();
}

bool Replica::apply(const raft::Ready& ready, ports::DiskBatch& batch) {
  for (const auto& entry : ready.committed_entries) {
    apply(entry, batch);
    if (is_too_new(store_->feature_level())) return false;
  }
  for (const auto& read : ready.read_states)
    if (read.context.size() == 8) reads_.push_back(get_u64(read.context));
  if (!ready.committed_entries.empty() || ready.snapshot) put_dirty(*store_, batch);
  return true;
}

bool Replica::is_too_new(model::FeatureLevel level) {
  if (level > core_.options.build.feature_level) too_new_ = level;
  return too_new_ != 0;
}

void Replica::finish(raft::Ready& ready) {
  if (ready.snapshot) log_->apply_snapshot(*ready.snapshot);
  if (!ready.entries.empty()) log_->append(ready.entries);
  if (ready.hard_state) log_->set_hard_state(*ready.hard_state);
  send_all(std::move(ready.messages_after_append));
  raft_->advance();
  note_raft();
}

void Replica::note_soft_state(const raft::Ready& ready) {
  if (!ready.soft_state) return;
  using Is = Leadership::Stage;
  const raft::SoftState& now = *ready.soft_state;
  const bool elected = now.role == raft::Role::leader;
  if (leadership_.leader != now.leader) leader_since_ = core_.wall();
  if (leadership_.leader != now.leader || elected != leadership_.is_elected()) leader_changed_ = true;
  if (elected != leadership_.is_elected()) leadership_.stage = elected ? Is::elected : Is::following;
  leadership_.leader = now.leader;
  leadership_.term = raft_->term();
  if (!elected) {
    proposed_.clear();
    outgoing_.clear();
    snapshots_sent_.clear();
    heard_.clear();
    answered_.clear();
    states_.on_step_down();
    difference_ = {};
  } else {
    judged_.clear();
  }
  core_.trace("raft.role", [&] {
    return std::string("role=") + raft::to_string(now.role) + " term=" + std::to_string(hard_.term) +
           " leader=" + std::to_string(now.leader);
  });
}

std::vector<std::uint64_t> Replica::take_reads() { return std::exchange(reads_, {}); }

// Keeps the log short, by entries as the cluster's settings say, and by bytes. Nothing beyond `applied`: Raft
// may look at what it does not know to be applied.
void Replica::compact(std::uint64_t applied, ports::DiskBatch& batch) {
  const model::Cluster* cluster = store_->cluster();
  if (cluster == nullptr) return;
  const auto settings = model::usable(cluster->spec.raft);
  const auto until = raft::compaction_point(
      *log_, std::min(applied, kept_for_snapshots()),
      {settings.snapshot_interval, settings.log_entries_for_slow_followers, kMaxLogBytes, kKeptLogBytes});
  if (!until) return;
  raft::Snapshot meta;
  meta.index = *until;
  meta.term = *log_->term(*until);
  meta.conf_state = conf_state_;
  batch.erase_range(Family::raft_log, log_key(0), log_key(*until + 1));
  batch.put(Family::raft_state, "snapshot", codec::encode(meta));
  log_->compact(*until);
}

void Replica::send_all(std::vector<raft::Message> messages) {
  if (messages.empty()) return;
  for (auto& message : raft::coalesced(std::move(messages), kMaxAppendBytes)) send(std::move(message));
}

void Replica::send(raft::Message message) {
  const std::uint64_t to = message.to;
  const auto address = address_of(to);
  if (!address || to == raft_id_) return;
  ++Meters::of(core_.meters.sent, message.type);
  mark_state(message);
  if (message.type == raft::MessageType::heartbeat) name_commit(*raft_, message);
  if (message.type == raft::MessageType::snap) return send_snapshot(message, *address);
  if (!core_.links.send_to(*address, std::move(message), core_.now)) raft_->report_unreachable(to);
}

}  // namespace swarm::node
