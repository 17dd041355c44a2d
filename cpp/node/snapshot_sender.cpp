#include "node/snapshot_sender.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "model/wire.hpp"

namespace swarm::node {
namespace {

constexpr std::size_t kChunkBytes = 512 * 1024;
constexpr std::size_t kChunkObjects = 4'000;

}  // namespace

wire::SnapshotChunk SnapshotSender::next() {
  SWARM_CHECK(can_send(), next_, before_.size());
  wire::SnapshotChunk chunk;
  chunk.snapshot_index = index_;
  chunk.number = next_++;
  before_.push_back(packer_);
  chunk.data = packer_.next(kChunkBytes, kChunkObjects);
  chunk.checksum = fnv1a(chunk.data);
  chunk.last = packer_.done();
  if (std::exchange(needs_head_, false)) chunk.message = head_;
  bytes_ += chunk.data.size();
  return chunk;
}

void SnapshotSender::on_ack(std::uint32_t received) {
  if (received < acked_) return begin_anew();
  for (; acked_ < received && !before_.empty(); ++acked_) before_.pop_front();
}

void SnapshotSender::go_on_elsewhere() {
  if (!before_.empty()) packer_ = before_.front();
  before_.clear();
  next_ = acked_;
  needs_head_ = true;
}

void SnapshotSender::begin_anew() {
  packer_ = SnapshotPacker(source_);
  before_.clear();
  next_ = acked_ = 0;
  needs_head_ = true;
}

}  // namespace swarm::node
