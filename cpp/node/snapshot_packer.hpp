// SnapshotPacker: the data of a Raft snapshot in pieces, so that no request waits at the leader while a
// lagging follower gets one. It packs the store of one version (store::View) and the members of that moment;
// each object's stored encoding is copied, not made anew. NOT here: how it is sent (replica.cpp), how it is
// read (unpack_snapshot).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "model/wire.hpp"
#include "store/view.hpp"

namespace swarm::node {

// What a snapshot is made of.
struct SnapshotSource {
  std::shared_ptr<const store::View> view;
  std::map<std::uint64_t, wire::ManagerPeer> members;
  std::set<std::uint64_t> removed;
};

class SnapshotPacker {
 public:
  explicit SnapshotPacker(std::shared_ptr<const SnapshotSource> source) : source_(std::move(source)) {}
  // The next piece: it ends with the object that makes it `bytes` long, or with the `objects`th. The pieces
  // in their order are the data.
  std::string next(std::size_t bytes, std::size_t objects);
  bool done() const { return done_; }

 private:
  void pack_members(std::string& out);

  std::shared_ptr<const SnapshotSource> source_;
  bool has_members_ = false, done_ = false;
  std::size_t kind_ = 0;  // of model::Kinds: the one that is being packed
  std::optional<store::Key> last_;
};

}  // namespace swarm::node
