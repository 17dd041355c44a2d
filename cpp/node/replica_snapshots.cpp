// Snapshots of a replica: made of its store and sent in pieces to a member that lags, taken in pieces and
// installed by a member that lags.
#include "node/replica.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/feature_level.hpp"
#include "model/wire.hpp"
#include "node/core.hpp"
#include "node/judge.hpp"
#include "node/replica_disk.hpp"
#include "node/snapshot_packer.hpp"
#include "ports/disk.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "store/store.hpp"

namespace swarm::node {
namespace {

// As this node's record in its own store has it; 0: none.
model::FeatureLevel announced_level(const Core& core, const store::Store& store) {
  const auto own = core.identity ? store.node(core.identity->node) : nullptr;
  return own ? own->description.feature_level : 0;
}

// A member that acknowledges no piece for so long gets those that were sent again; or does not get it at all.
constexpr Duration kResendChunks = Duration::seconds(1);
constexpr Duration kSnapshotPatience = Duration::seconds(5);
// Of one whose link is lost, until it goes on over another.
constexpr Duration kKeepsIncoming = Duration::seconds(30);
// How long a member may take to read and write what it got.
Duration install_patience(std::uint64_t bytes) {
  constexpr std::uint64_t kBytesPerMilli = 8'000;
  return kSnapshotPatience + Duration::millis(static_cast<std::int64_t>(bytes / kBytesPerMilli));
}

}  // namespace

Result<raft::Snapshot> ReplicaLog::snapshot() const { return replica_.make_snapshot(); }

raft::Snapshot Replica::make_snapshot() {
  if (!snapshot_source_ || snapshot_source_->view->version() != store_->version())
    snapshot_source_ = std::make_shared<SnapshotSource>(SnapshotSource{store_->view(), members_, removed_});
  raft::Snapshot snapshot;
  snapshot.index = store_->version();
  snapshot.term = applied_term_;
  snapshot.conf_state = conf_state_;
  return snapshot;  // its data is packed as it is sent
}

void Replica::install(const raft::Snapshot& snapshot, ports::DiskBatch& batch) {
  if (!unpacked_ || unpacked_->first != snapshot.index) may_install(snapshot.index, snapshot.data);
  SWARM_CHECK(unpacked_, "snapshot", snapshot.index, "could be read when it came");
  UnpackedSnapshot unpacked = std::move(unpacked_->second);
  unpacked_.reset();
  skipped_ = store_->cluster() != nullptr;  // one that was empty has missed nothing
  const auto restored = store_->restore(std::move(unpacked.records), snapshot.index);
  SWARM_CHECK(restored.ok(), "snapshot", snapshot.index, restored.ok() ? "" : restored.error().message);
  began_from_ = snapshot.index;
  note_times();
  members_ = std::move(unpacked.members);
  removed_ = std::move(unpacked.removed);
  conf_state_ = snapshot.conf_state;
  applied_term_ = snapshot.term;
  states_.begin_anew();
  put_snapshot(snapshot, *store_, members_, removed_, batch);
  tell_snapshot("snapshot-installed", snapshot.index, 0);
  warn_of_stored_numbers();
  members_changed_ = true;
}

// ---- sending

void Replica::send_snapshot(const raft::Message& message, const Address& to) {
  const ports::LinkId link = core_.links.to(to, core_.now);
  const bool can_be_made = snapshot_source_ && snapshot_source_->view->version() == message.snapshot->index;
  if (link == 0 || !can_be_made) {
    raft_->report_snapshot(message.to, false);
    return;
  }
  tell_snapshot("snapshot-sent", message.snapshot->index, message.to);
  const std::uint64_t peer = message.to;
  outgoing_.erase(peer);
  const std::uint64_t index = message.snapshot->index;
  outgoing_.emplace(peer, Outgoing{link, to, SnapshotSender(snapshot_source_, index, codec::encode(message)),
                                   core_.now + kResendChunks});
  snapshots_sent_[peer] = {core_.now + kSnapshotPatience, index};
}

bool Replica::has_chunk() const {
  return std::ranges::any_of(
      outgoing_, [](const auto& one) { return one.second.link != 0 && one.second.sender.can_send(); });
}

// A piece to each member in a turn: what else there is to say goes between them.
void Replica::send_chunks() {
  for (auto& [peer, outgoing] : outgoing_)
    if (outgoing.link != 0 && outgoing.sender.can_send())
      core_.links.send(outgoing.link, wire::Message(outgoing.sender.next()));
}

void Replica::on_ack(ports::LinkId link, const wire::SnapshotAck& ack) {
  const auto it = std::ranges::find_if(outgoing_, [&](const auto& one) { return one.second.link == link; });
  if (it == outgoing_.end() || it->second.sender.index() != ack.snapshot_index) return;
  SnapshotSender& sender = it->second.sender;
  sender.on_ack(ack.received);
  it->second.resend = core_.now + kResendChunks;
  const Duration patience = sender.is_done() ? install_patience(sender.bytes()) : kSnapshotPatience;
  snapshots_sent_[it->first].lost_at = core_.now + patience;
  if (sender.is_done()) outgoing_.erase(it);
}

// A link that is dialled anew takes what was not acknowledged.
void Replica::resend_chunks() {
  for (auto& [peer, outgoing] : outgoing_) {
    if (outgoing.link != 0 && core_.now < outgoing.resend) continue;
    if (outgoing.link == 0) outgoing.link = core_.links.to(outgoing.to, core_.now);
    if (outgoing.link == 0) continue;
    outgoing.sender.go_on_elsewhere();
    outgoing.resend = core_.now + kResendChunks;
  }
}

// The entries after a snapshot that a member is about to have stay, or it would need another one at once.
std::uint64_t Replica::kept_for_snapshots() const {
  std::uint64_t kept = store_->version();
  for (const auto& [peer, sent] : snapshots_sent_) kept = std::min(kept, sent.index);
  return kept;
}

void Replica::give_up_snapshots() {
  for (auto it = snapshots_sent_.begin(); it != snapshots_sent_.end();) {
    const auto progress = raft_->progress().find(it->first);
    const bool has_it = progress != raft_->progress().end() && progress->second.match >= it->second.index;
    if (it->second.lost_at > core_.now && !has_it) {
      ++it;
      continue;
    }
    outgoing_.erase(it->first);
    if (!has_it) raft_->report_snapshot(it->first, false);
    it = snapshots_sent_.erase(it);
  }
}

// ---- taking

std::optional<Rule> Replica::on_chunk(ports::LinkId link, const wire::SnapshotChunk& chunk) {
  if (chunk.number == 0 || !chunk.message.empty())
    if (const auto broken = take_head(link, chunk)) return broken;
  if (!incoming_ || incoming_->link != link) return std::nullopt;
  SWARM_CHECK(incoming_->message.snapshot, "the head of a snapshot holds none");
  raft::Snapshot& snapshot = *incoming_->message.snapshot;
  if (chunk.snapshot_index != snapshot.index || chunk.number > incoming_->next)
    return std::nullopt;                                // one before it was lost, and comes again
  const bool is_new = chunk.number == incoming_->next;  // else its acknowledgement was lost with a link
  if (is_new && snapshot.data.size() + chunk.data.size() > core_.options.max_snapshot_bytes) {
    incoming_.reset();
    return Rule::size;
  }
  if (fnv1a(chunk.data) != chunk.checksum) {
    incoming_.reset();
    return Rule::snapshot;
  }
  if (is_new) snapshot.data += chunk.data, ++incoming_->next;
  incoming_->keep_until = core_.now + kKeepsIncoming;
  core_.links.send(link, wire::Message(wire::SnapshotAck{snapshot.index, incoming_->next}));
  if (!is_new || !chunk.last) return std::nullopt;
  raft::Message whole = std::move(incoming_->message);
  incoming_.reset();
  return step(std::move(whole));
}

// The head is judged before a byte of the snapshot is held. It goes on from another link where it was.
std::optional<Rule> Replica::take_head(ports::LinkId link, const wire::SnapshotChunk& chunk) {
  auto head = codec::decode_raft_message(chunk.message);
  if (!head || head->type != raft::MessageType::snap) return Rule::snapshot;
  if (was_removed(head->from) || head->to != raft_id_) return std::nullopt;
  if (const auto broken = judge(*head, known_of(*raft_, raft_id_, *head))) return broken;
  if (head->term < raft_->term()) return std::nullopt;
  const bool goes_on = incoming_ && incoming_->message.from == head->from &&
                       incoming_->message.term == head->term &&
                       incoming_->message.snapshot->index == head->snapshot->index;
  if (goes_on && chunk.number > 0) {
    incoming_->link = link;
  } else if (chunk.number > 0) {
    core_.links.send(link, wire::Message(wire::SnapshotAck{chunk.snapshot_index, 0}));
  } else {
    head->snapshot->data.clear();
    incoming_ = Incoming{link, 0, std::move(*head), core_.now + kKeepsIncoming};
  }
  return std::nullopt;
}

// Read before Raft takes it, which has no way back. One of a newer level passes: run() stops before it.
// A swarm is at a level only when all its managers have said that they know it (adr 24), this one, too: its
// build may have been set back since, and then it stops. What is higher is no snapshot of this swarm.
bool Replica::may_install(std::uint64_t index, std::string_view data) {
  const model::FeatureLevel level = snapshot_level(data), known = core_.options.build.feature_level;
  if (level > std::max(known, announced_level(core_, *store_))) {
    core_.trace("warning.snapshot", [&] {
      return "it is not installed: it comes from a newer version (feature level " + std::to_string(level) +
             "), and this manager, which knows " + std::to_string(known) +
             ", has never said that it knows that; it goes on with what it has";
    });
    return false;
  }
  if (level > known) return true;
  auto unpacked = unpack_snapshot(data);
  if (!unpacked || !is_whole(*unpacked)) {
    core_.trace("warning.snapshot", [&] {
      return "it is not installed: " + (unpacked ? "it is no whole store" : unpacked.error().message);
    });
    return false;
  }
  unpacked_.emplace(index, std::move(*unpacked));
  return true;
}

}  // namespace swarm::node
