// SnapshotSender: one snapshot on its way to one member, in pieces that the member acknowledges. A few are on
// their way at a time, so that a large state neither fills the link's queue nor the memory, and other frames
// go between them. Where a link or a frame is lost it goes on from what was acknowledged; a member that has
// forgotten gets it from the beginning. Pure: the replica sends what next() returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "model/wire.hpp"
#include "node/snapshot_packer.hpp"

namespace swarm::node {

class SnapshotSender {
 public:
  static constexpr std::size_t kWindow = 8;  // pieces that are not acknowledged

  // `head`: the encoded MsgSnap without its data, which goes with the first piece on each link.
  SnapshotSender(std::shared_ptr<const SnapshotSource> source, std::uint64_t index, std::string head)
      : source_(std::move(source)), packer_(source_), index_(index), head_(std::move(head)) {}

  std::uint64_t index() const { return index_; }
  std::uint64_t bytes() const { return bytes_; }  // sent so far
  bool can_send() const { return !packer_.done() && before_.size() < kWindow; }
  wire::SnapshotChunk next();  // while it can_send()
  // The member has the first `received` pieces.
  void on_ack(std::uint32_t received);
  // What is not acknowledged goes again: over another link, or over one that has lost frames.
  void go_on_elsewhere();
  bool is_done() const { return packer_.done() && before_.empty(); }

 private:
  void begin_anew();

  std::shared_ptr<const SnapshotSource> source_;
  SnapshotPacker packer_;               // of the piece that is next
  std::deque<SnapshotPacker> before_;   // of each piece that is not acknowledged: where it begins
  std::uint32_t acked_ = 0, next_ = 0;  // pieces
  bool needs_head_ = true;
  std::uint64_t index_, bytes_ = 0;
  std::string head_;
};

}  // namespace swarm::node
