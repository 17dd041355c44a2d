#include "node/snapshot_packer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "codec/codec.hpp"
#include "model/kinds.hpp"
#include "node/replica_disk.hpp"
#include "store/key.hpp"
#include "store/table.hpp"
#include "store/view.hpp"

namespace swarm::node {
namespace {

void put_piece(std::string& out, std::string_view bytes) {
  put_u32(out, static_cast<std::uint32_t>(bytes.size()));
  out += bytes;
}

void put_pair(std::string& out, std::string_view key, std::string_view value) {
  put_piece(out, key);
  put_piece(out, value);
}

}  // namespace

void SnapshotPacker::pack_members(std::string& out) {
  has_members_ = true;
  for (const auto& [id, peer] : source_->members) put_pair(out, member_key(id), codec::encode(peer));
  for (const std::uint64_t id : source_->removed) put_pair(out, removed_key(id), "");
}

std::string SnapshotPacker::next(std::size_t bytes, std::size_t objects) {
  std::string out;
  if (!has_members_) pack_members(out);
  std::size_t kind = 0;
  bool full = false;
  model::Kinds::each([&]<class T>() {
    if (full || kind++ < kind_) return;
    std::optional<store::IdOf<T>> after;
    if (last_) after = store::id_of_key<T>(*last_);
    source_->view->visit_after<T>(after ? &*after : nullptr, [&](const store::Ref<T>& object) {
      full = out.size() >= bytes || objects == 0;
      if (full) return false;
      --objects;
      last_ = store::key_of<T>(store::id_of(*object));
      const auto encode = [](const auto& one) { return codec::encode(one); };
      put_pair(out, object_key(*last_), store::View::encoding(object, encode));
      return true;
    });
    if (full) return;
    ++kind_;
    last_.reset();
  });
  done_ = !full;
  return out;
}

}  // namespace swarm::node
