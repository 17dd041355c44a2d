// SimOverlay: the overlay networks of one machine in virtual time: the desired network of net/overlay, which
// here is the data plane itself. An update of the feed is carried out at once. NOT here: time that a kernel
// takes, bytes.
#pragma once

#include <cstdint>

#include "base/id.hpp"
#include "net/overlay/feed_table.hpp"
#include "net/overlay/keeper.hpp"
#include "ports/overlay.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

class SimOverlay final : public ports::Overlay {
 public:
  SimOverlay(Shared& shared, MachineIndex machine) : shared_(shared), machine_(machine) {}
  void join(NodeId self) override;
  void leave() override;
  void change(std::uint64_t number, const wire::OverlayChange& change) override;
  // A daemon begins: nothing of an earlier one is left.
  void set_life(std::uint32_t life);
  const overlay::Keeper& keeper() const { return keeper_; }

 private:
  void take(const overlay::FeedEdits& edits);

  Shared& shared_;
  MachineIndex machine_;
  std::uint32_t life_ = 0;
  overlay::FeedTable rows_;
  overlay::Keeper keeper_;
};

}  // namespace swarm::sim
