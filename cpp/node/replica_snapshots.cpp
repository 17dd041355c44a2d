// Snapshots of a replica: made of its store and sent in pieces to a member that lags, taken in pieces and
// installed by a member that lags.
#include "node/replica.hpp"

#include <memory>
#include <utility>

#include "codec/codec.hpp"

namespace swarm::node {
namespace {

constexpr Duration kSnapshotPatience = Duration::seconds(5);
// Of a snapshot that is sent, in one turn.
constexpr std::size_t kChunkBytes = 512 * 1024;
constexpr std::size_t kChunkObjects = 4'000;

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
  UnpackedSnapshot unpacked = std::exchange(unpacked_, std::nullopt)->second;
  skipped_ = store_->cluster() != nullptr;  // one that was empty has missed nothing
  const auto restored = store_->restore(std::move(unpacked.records), snapshot.index);
  SWARM_CHECK(restored.ok(), "snapshot", snapshot.index, restored.ok() ? "" : restored.error().message);
  began_from_ = snapshot.index;
  members_ = std::move(unpacked.members);
  removed_ = std::move(unpacked.removed);
  conf_state_ = snapshot.conf_state;
  applied_term_ = snapshot.term;
  put_snapshot(snapshot, *store_, members_, removed_, batch);
  tell_snapshot("snapshot-installed", snapshot.index, 0);
  warn_of_stored_numbers();
  members_changed_ = true;
}

// ---- sending

void Replica::send_snapshot(raft::Message message, const Address& to) {
  const ports::LinkId link = core_.links.to(to, core_.now);
  const bool can_be_made = snapshot_source_ && snapshot_source_->view->version() == message.snapshot->index;
  if (link == 0 || !can_be_made) {
    raft_->report_snapshot(message.to, false);
    return;
  }
  tell_snapshot("snapshot-sent", message.snapshot->index, message.to);
  const std::uint64_t peer = message.to;
  wire::SnapshotChunk first;
  first.snapshot_index = message.snapshot->index;
  first.message = codec::encode(message);
  outgoing_.erase(peer);
  outgoing_.emplace(peer, Outgoing{link, SnapshotPacker(snapshot_source_), std::move(first)});
  send_chunk(peer);
}

void Replica::send_chunk(std::uint64_t to) {
  Outgoing& outgoing = outgoing_.at(to);
  snapshots_sent_[to] = core_.now + kSnapshotPatience;
  wire::SnapshotChunk chunk = outgoing.chunk;
  chunk.data = outgoing.packer.next(kChunkBytes, kChunkObjects);
  chunk.last = outgoing.packer.done();
  core_.links.send(outgoing.link, wire::Message(std::move(chunk)));
  ++outgoing.chunk.number;
  outgoing.chunk.message.clear();
  if (outgoing.packer.done()) outgoing_.erase(to);
}

void Replica::send_chunks() {
  std::vector<std::uint64_t> peers;
  for (const auto& [peer, outgoing] : outgoing_) peers.push_back(peer);
  for (const std::uint64_t peer : peers) send_chunk(peer);
}

void Replica::give_up_snapshots() {
  for (auto it = snapshots_sent_.begin(); it != snapshots_sent_.end();) {
    if (it->second > core_.now) {
      ++it;
      continue;
    }
    raft_->report_snapshot(it->first, false);
    it = snapshots_sent_.erase(it);
  }
}

// ---- taking

std::optional<Rule> Replica::on_chunk(ports::LinkId link, wire::SnapshotChunk chunk) {
  if (chunk.number == 0)
    if (const auto broken = begin_snapshot(link, chunk)) return broken;
  if (!incoming_ || incoming_->link != link) return std::nullopt;
  raft::Snapshot& snapshot = *incoming_->message.snapshot;
  const bool too_large = snapshot.data.size() + chunk.data.size() > core_.options.max_snapshot_bytes;
  if (chunk.number != incoming_->next || chunk.snapshot_index != snapshot.index || too_large) {
    incoming_.reset();
    return too_large ? std::optional(Rule::size) : std::nullopt;
  }
  ++incoming_->next;
  snapshot.data += chunk.data;
  if (!chunk.last) return std::nullopt;
  return step(std::exchange(incoming_, std::nullopt)->message);
}

// The head is judged before a byte of the snapshot is held.
std::optional<Rule> Replica::begin_snapshot(ports::LinkId link, const wire::SnapshotChunk& chunk) {
  auto head = codec::decode_raft_message(chunk.message);
  if (!head || head->type != raft::MessageType::snap) return Rule::snapshot;
  if (was_removed(head->from) || head->to != raft_id_) return std::nullopt;
  if (const auto broken = judge(*head, known_of(*raft_, raft_id_))) return broken;
  if (head->term < raft_->term()) return std::nullopt;
  head->snapshot->data.clear();
  incoming_ = Incoming{link, 0, std::move(*head)};
  return std::nullopt;
}

// Read before Raft takes it, which has no way back. One of a newer level passes: run() stops before it.
bool Replica::may_install(std::uint64_t index, std::string_view data) {
  if (snapshot_level(data) > core_.options.build.feature_level) return true;
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
