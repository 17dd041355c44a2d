// frame, record, snapshot: what a peer sends, and what a disk holds.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "codec/codec.hpp"
#include "model/kind.hpp"
#include "model/kinds.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/judge.hpp"
#include "node/replica_disk.hpp"
#include "node/test_member.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"
#include "real/frame.hpp"
#include "store/store.hpp"
#include "tools/swarm_fuzz/targets.hpp"

namespace swarm::fuzz {
namespace {

std::size_t first_byte(std::string_view input) {
  return input.empty() ? 0 : static_cast<std::uint8_t>(input.front());
}
std::string_view rest(std::string_view input) { return input.substr(input.empty() ? 0 : 1); }

// ---- frames

std::string encoded(const ports::Frame& frame) { return real::encode_frame(frame); }
std::string encoded(const wire::Hello& hello) { return real::encode_frame(hello); }

void read_all(real::FrameReader& reader, bool& broken) {
  while (!broken) {
    const auto next = reader.next();
    broken = !next.ok();
    if (broken) return;
    const std::optional<real::AnyFrame>& frame = *next;
    if (!frame) return;
    const std::string bytes = std::visit([](const auto& one) { return encoded(one); }, *frame);
    SWARM_CHECK(bytes.size() >= real::kFrameHeader, bytes.size());
  }
}

// The bytes come in two pieces, as they may from a socket.
void run_frame(std::string_view input) {
  real::FrameReader reader;
  bool broken = false;
  const std::string_view bytes = rest(input);
  const std::size_t cut = bytes.empty() ? 0 : first_byte(input) % bytes.size();
  for (const std::string_view piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
    reader.add(piece);
    read_all(reader, broken);
  }
}

std::vector<std::string> frame_seeds() {
  raft::Message append;
  append.type = raft::MessageType::app;
  append.from = 1;
  append.to = 2;
  append.term = append.commit = 5;
  append.entries.push_back({5, 1, raft::EntryType::normal, "data"});
  const std::string raft_frame = real::encode_frame(ports::Frame(append));
  const std::string wire_frame = real::encode_frame(ports::Frame(wire::Message(wire::Register{})));
  return {std::string(1, '\0') + real::encode_frame(wire::Hello{}) + raft_frame,
          std::string(1, '\7') + real::encode_frame(wire::Hello{}) + wire_frame};
}

// ---- records

// What is read is written as it can be read again, to the same bytes.
template <class T, class Decode>
void round_trip(std::string_view bytes, Decode decode) {
  const auto value = decode(bytes);
  if (!value) return;
  const std::string once = codec::encode(*value);
  const auto again = decode(once);
  SWARM_CHECK(again.ok(), "what was written cannot be read:", again.error().message);
  SWARM_CHECK(codec::encode(*again) == once, "another value came back");
}

void run_record(std::string_view input) {
  const std::string_view bytes = rest(input);
  switch (first_byte(input)) {
    case 0:
      return round_trip<model::Transaction>(bytes, codec::decode_transaction);
    case 1:
      return round_trip<raft::Entry>(bytes, codec::decode_entry);
    case 2:
      return round_trip<raft::HardState>(bytes, codec::decode_hard_state);
    case 3:
      return round_trip<raft::ConfState>(bytes, codec::decode_conf_state);
    case 4:
      return round_trip<raft::Promise>(bytes, codec::decode_promise);
    case 5:
      return round_trip<wire::ManagerPeer>(bytes, codec::decode_manager_peer);
    case 6:
      return static_cast<void>(codec::decode_task_record(bytes));
    default:
      model::visit_kind(static_cast<model::Kind>(first_byte(input) - 7), [&]<class T>() {
        round_trip<T>(bytes, [](std::string_view of) { return codec::decode<T>(of); });
      });
  }
}

std::vector<std::string> record_seeds() {
  std::vector<std::string> seeds{std::string(1, '\0') + codec::encode(node::small_cluster())};
  seeds.push_back(std::string(1, '\1') + codec::encode(raft::Entry{5, 1, raft::EntryType::normal, "data"}));
  seeds.push_back(std::string(1, '\2') + codec::encode(raft::HardState{5, 1, 4}));
  for (const auto& action : node::small_cluster().actions)
    if (const auto* put = std::get_if<model::Put>(&action))
      std::visit(
          [&]<class T>(const T& object) {
            seeds.push_back(std::string(1, static_cast<char>(7 + static_cast<int>(T::kKind))) +
                            codec::encode(object));
          },
          put->object);
  return seeds;
}

// ---- snapshots

void run_snapshot(std::string_view input) {
  static_cast<void>(node::snapshot_level(input));
  const auto unpacked = node::unpack_snapshot(input);
  if (!unpacked || !node::is_whole(*unpacked)) return;
  SWARM_CHECK(!unpacked->records.empty(), "a whole snapshot has a cluster");
}

std::vector<std::string> snapshot_seeds() {
  store::Store store;
  store.apply(node::small_cluster(), 1);
  return {node::pack_snapshot(store, {{1, {NodeId(1), 1, {}}}}, {7, 8})};
}

}  // namespace

const Target kFrame{"frame", "frames of peers, on 2377", run_frame, frame_seeds};
const Target kRecord{"record", "entries of the log, objects and Raft's state on the disk", run_record,
                     record_seeds};
const Target kSnapshot{"snapshot", "the data of a snapshot", run_snapshot, snapshot_seeds};

}  // namespace swarm::fuzz
