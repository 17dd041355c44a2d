#include "node/replica_disk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "codec/codec.hpp"
#include "model/cluster.hpp"
#include "model/feature_level.hpp"
#include "model/kind.hpp"
#include "model/kinds.hpp"
#include "model/wire.hpp"
#include "node/snapshot_packer.hpp"
#include "ports/disk.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/promise.hpp"
#include "store/key.hpp"
#include "store/store.hpp"

namespace swarm::node {
namespace {

using ports::Family;

constexpr std::string_view kMemberPrefix = "member/";
constexpr std::string_view kRemovedPrefix = "removed/";
constexpr char kClusterKind = static_cast<char>(model::Cluster::kKind);
constexpr std::string_view kClusterPrefix(&kClusterKind, 1);

Error corrupt(const std::string& what, const Error& why) {
  return {Code::data_loss, "the data root is corrupt: " + what + " cannot be read (" + why.message + ")",
          "restore it from a copy, or start with an empty data root and join again", false, 0};
}

// Scans a family and stops at the first value that cannot be read.
template <class Visit>
Result<void> scan_all(ports::Disk& disk, Family family, const char* what, Visit visit) {
  Result<void> result;
  disk.scan(family, "", [&](std::string_view key, std::string_view value) {
    Result<void> one = visit(key, value);
    if (!one) result = corrupt(std::string(what) + " key " + to_hex(key), one.error());
    return result.ok();
  });
  return result;
}

template <class T>
Result<void> keep(T& place, Result<T> decoded) {
  if (!decoded) return decoded.error();
  place = std::move(*decoded);
  return {};
}

Result<void> read_state(ManagerState& state, std::string_view key, std::string_view value) {
  if (key == "hard") {
    if (auto promise = keep(state.promise, codec::decode_promise(value)); !promise) return promise;
    return keep(state.hard, codec::decode_hard_state(value));
  }
  if (key == "conf") return keep(state.conf, codec::decode_conf_state(value));
  if (key == "snapshot") return keep(state.snapshot, codec::decode_snapshot(value));
  if (key == "self" && value.size() == 8) {
    state.raft_id = get_u64(value);
    return {};
  }
  if (key.starts_with(kMemberPrefix) && key.size() == kMemberPrefix.size() + 8)
    return keep(state.members[get_u64(key, kMemberPrefix.size())], codec::decode_manager_peer(value));
  if (key.starts_with(kRemovedPrefix) && key.size() == kRemovedPrefix.size() + 8) {
    state.removed.insert(get_u64(key, kRemovedPrefix.size()));
    return {};
  }
  return plain_error(Code::data_loss, "unknown key");
}

Result<void> read_object(ManagerState& state, std::string_view key, std::string_view value) {
  if (key == kAppliedKey) {
    if (value.size() != 8) return plain_error(Code::data_loss, "8 bytes expected");
    state.applied = get_u64(value);
    return {};
  }
  auto record = decode_record(key, value);
  if (!record) return record.error();
  state.records.emplace_back(std::move(*record), std::string(value));
  return {};
}

Result<void> read_entry(ManagerState& state, std::string_view key, std::string_view value) {
  auto entry = codec::decode_entry(value);
  if (!entry) return entry.error();
  if (key.size() != 8 || entry->index != get_u64(key))
    return plain_error(Code::data_loss, "index does not match");
  if (!state.entries.empty() && state.entries.back().index + 1 != entry->index)
    return plain_error(Code::data_loss, "an entry before it is missing");
  // What a newer leader wrote over must be gone: with it, the log would claim entries that were never
  // committed.
  if (!state.entries.empty() && state.entries.back().term > entry->term)
    return plain_error(Code::data_loss, "an entry of a newer term is before it");
  state.entries.push_back(std::move(*entry));
  return {};
}

bool gives_a_vote(const raft::Entry& entry) {
  return entry.type != raft::EntryType::normal &&
         std::ranges::any_of(raft::decode_conf_change(entry).changes, [](const auto& change) {
           return change.type == raft::ConfChangeType::add_node;
         });
}

// An object's id as the rest of its key on disk: in the order of ids.
void put_id(std::string& bytes, const std::string& name) { bytes += name; }
template <class Tag>
void put_id(std::string& bytes, const Id<Tag>& id) {
  put_u64(bytes, static_cast<std::uint64_t>(id.value() >> 64));
  put_u64(bytes, static_cast<std::uint64_t>(id.value()));
}
void put_id(std::string& bytes, const std::pair<ServiceId, std::uint64_t>& id) {
  put_id(bytes, id.first);
  put_u64(bytes, id.second);
}

// Takes one length-prefixed piece off `data`.
std::optional<std::string_view> take_piece(std::string_view& data) {
  if (data.size() < 4) return std::nullopt;
  const std::uint32_t size = get_u32(data);
  if (data.size() - 4 < size) return std::nullopt;
  const std::string_view piece = data.substr(4, size);
  data.remove_prefix(4 + size);
  return piece;
}

}  // namespace

// The majority of one voter is its own disk. What says so, the commit index, is written later and may be
// lost: by its old group such a member, and a copy of it, would be elected alone, each for itself.
raft::Index surely_committed(const ManagerState& state) {
  const bool alone =
      state.conf.voters == std::vector<raft::PeerId>{state.raft_id} && state.conf.voters_outgoing.empty();
  if (!alone) return state.hard.commit;
  const auto found = std::ranges::find_if(state.entries, [&](const raft::Entry& entry) {
    return entry.index > state.applied && gives_a_vote(entry);
  });
  return found == state.entries.end() ? state.hard.commit : std::max(state.hard.commit, found->index);
}

std::string eight(std::uint64_t value) {
  std::string bytes;
  put_u64(bytes, value);
  return bytes;
}

std::string log_key(std::uint64_t index) { return eight(index); }
std::string member_key(std::uint64_t raft_id) { return std::string(kMemberPrefix) + eight(raft_id); }
std::string removed_key(std::uint64_t raft_id) { return std::string(kRemovedPrefix) + eight(raft_id); }

std::string object_key(const store::Key& key) {
  std::string bytes(1, static_cast<char>(key.kind));
  model::visit_kind(key.kind, [&]<class T>() { put_id(bytes, store::id_of_key<T>(key)); });
  return bytes;
}

std::string encode_record(const store::Store::Record& record) {
  return std::visit([](const auto& object) { return codec::encode(object); }, record);
}

namespace {
constexpr auto kEncode = [](const auto& object) { return codec::encode(object); };
}  // namespace

const std::string* encoding_of(const store::Store& store, const store::Key& key) {
  return store.encoding(key, kEncode);
}

Uint128 state_hash(const store::Store& store) { return store.content_hash(kEncode); }

Result<store::Store::Record> decode_record(std::string_view key, std::string_view value) {
  if (key.empty()) return plain_error(Code::data_loss, "the key is empty");
  Result<store::Store::Record> out = plain_error(Code::data_loss, "unknown kind of object");
  model::visit_kind(static_cast<model::Kind>(key[0]), [&]<class T>() {
    auto object = codec::decode<T>(value);
    if (!object) {
      out = object.error();
    } else if (object_key(store::key_of<T>(store::id_of(*object))) != key) {
      out = plain_error(Code::data_loss, "the key is another object's");
    } else {
      out = store::Store::Record(std::move(*object));
    }
  });
  return out;
}

Result<ManagerState> load_replica(ports::Disk& disk) {
  ManagerState state;
  auto read = scan_all(disk, Family::raft_state, "raft state",
                       [&](auto key, auto value) { return read_state(state, key, value); });
  if (read)
    read = scan_all(disk, Family::raft_log, "raft log",
                    [&](auto key, auto value) { return read_entry(state, key, value); });
  if (read)
    read = scan_all(disk, Family::objects, "object",
                    [&](auto key, auto value) { return read_object(state, key, value); });
  if (!read) return read.error();
  if (state.raft_id == 0)
    return corrupt("raft state key 'self'", plain_error(Code::data_loss, "it is missing"));
  if (state.promise.writes == 0) state.promise = raft::no_promise(state.raft_id);
  state.marked = read_mark(disk.mark(), state.raft_id);
  return state;
}

std::string mark_of(const raft::Promise& promise) { return eight(promise.writes) + eight(promise.chain); }

raft::Promise read_mark(std::string_view mark, std::uint64_t raft_id) {
  if (mark.size() != 16) return raft::no_promise(raft_id);
  return {get_u64(mark), get_u64(mark, 8), 0};
}

void put_hard_state(const raft::HardState& hard, const raft::Promise& promise, ports::DiskBatch& batch) {
  batch.put(Family::raft_state, "hard", codec::encode(hard) + codec::encode(promise));
}

std::string what_the_log_lacks(const ManagerState& state) {
  const std::uint64_t before = state.snapshot.index;
  if (!state.entries.empty() && state.entries.front().index > before + 1)
    return "the log begins at entry " + std::to_string(state.entries.front().index) + ", not at " +
           std::to_string(before + 1);
  const std::uint64_t last = state.entries.empty() ? before : state.entries.back().index;
  const std::uint64_t known = std::max(state.hard.commit, state.applied);
  if (last >= known) return "";
  return "the log ends at entry " + std::to_string(last) + ", and " + std::to_string(known) +
         " was committed";
}

std::string what_is_forgotten(const ManagerState& state, std::string_view mark) {
  const raft::Promise marked = read_mark(mark, state.raft_id);
  switch (raft::memory_of(state.promise, marked)) {
    case raft::Memory::lost:
      return "its last " + std::to_string(marked.writes - state.promise.writes) + " of " +
             std::to_string(marked.writes) + " durable writes are gone";
    case raft::Memory::other:
      return "its log is not the one that its mark is of";
    case raft::Memory::unmarked:
      return "the mark of its " + std::to_string(state.promise.writes) + " durable writes is gone";
    case raft::Memory::whole:
      break;
  }
  return what_the_log_lacks(state);
}

model::FeatureLevel stored_level(ports::Disk& disk) {
  model::FeatureLevel level = model::kFirstLevel;
  disk.scan(Family::objects, kClusterPrefix, [&](std::string_view key, std::string_view value) {
    if (key.starts_with(kClusterPrefix)) level = codec::feature_level_of_cluster(value);
    return false;
  });
  return level;
}

model::FeatureLevel snapshot_level(std::string_view data) {
  while (!data.empty()) {
    const auto key = take_piece(data);
    const auto value = key ? take_piece(data) : std::nullopt;
    if (!value) break;
    if (key->starts_with(kClusterPrefix)) return codec::feature_level_of_cluster(*value);
  }
  return model::kFirstLevel;
}

std::uint64_t stored_version(ports::Disk& disk) {
  const auto value = disk.get(Family::objects, kAppliedKey);
  return value && value->size() == 8 ? get_u64(*value) : 0;
}

void put_dirty(store::Store& store, ports::DiskBatch& batch) {
  for (const auto& key : store.take_dirty()) {
    if (const std::string* encoding = encoding_of(store, key)) {
      batch.put(Family::objects, object_key(key), *encoding);
    } else {
      batch.erase(Family::objects, object_key(key));
    }
  }
  if (!SWARM_MISTAKE("node.writes-objects-without-their-index"))
    batch.put(Family::objects, kAppliedKey, eight(store.version()));
}

std::string pack_snapshot(const store::Store& store,
                          const std::map<std::uint64_t, wire::ManagerPeer>& members,
                          const std::set<std::uint64_t>& removed) {
  SnapshotPacker packer(std::make_shared<SnapshotSource>(SnapshotSource{store.view(), members, removed}));
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  return packer.next(kAll, kAll);
}

Result<UnpackedSnapshot> unpack_snapshot(std::string_view data) {
  UnpackedSnapshot out;
  ManagerState state;
  while (!data.empty()) {
    const auto key = take_piece(data);
    const auto value = key ? take_piece(data) : std::nullopt;
    if (!value) return plain_error(Code::data_loss, "the snapshot is cut short");
    const bool about_members = key->starts_with(kMemberPrefix) || key->starts_with(kRemovedPrefix);
    const auto read = about_members ? read_state(state, *key, *value) : read_object(state, *key, *value);
    if (!read) return corrupt("snapshot key " + to_hex(*key), read.error());
  }
  out.records = std::move(state.records);
  out.members = std::move(state.members);
  out.removed = std::move(state.removed);
  return out;
}

void put_snapshot(const raft::Snapshot& snapshot, const store::Store& store,
                  const std::map<std::uint64_t, wire::ManagerPeer>& members,
                  const std::set<std::uint64_t>& removed, ports::DiskBatch& batch) {
  raft::Snapshot meta = snapshot;
  meta.data.clear();
  batch.erase_range(Family::raft_log, "", std::string(9, '\xff'));
  batch.erase_range(Family::objects, "", std::string(1, '\xff'));
  batch.erase_range(Family::raft_state, member_key(0), member_key(~std::uint64_t{0}) + '\0');
  batch.put(Family::raft_state, "snapshot", codec::encode(meta));
  batch.put(Family::raft_state, "conf", codec::encode(snapshot.conf_state));
  for (const auto& [id, peer] : members) batch.put(Family::raft_state, member_key(id), codec::encode(peer));
  for (const std::uint64_t id : removed) batch.put(Family::raft_state, removed_key(id), "");
  // A restored store is not dirty: what came in the snapshot is on no disk of this node yet.
  for (const auto& key : store.all_keys())
    if (const std::string* encoding = encoding_of(store, key))
      batch.put(Family::objects, object_key(key), *encoding);
}

}  // namespace swarm::node
