#include "real/overlay/kernel_overlay.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "net/overlay/desired.hpp"
#include "real/netlink/net_space.hpp"
#include "real/overlay/node_side.hpp"
#include "real/overlay/switchboard.hpp"

namespace swarm::real {

KernelOverlay::KernelOverlay(std::unique_ptr<overlay::DesiredNetwork> made, Switchboard switchboard,
                             NodeSide node_side, std::size_t warm)
    : made_(std::move(made)),
      switchboard_(std::move(switchboard)),
      node_side_(std::move(node_side)),
      places_(switchboard_, *made_, warm) {}

Result<std::unique_ptr<KernelOverlay>> KernelOverlay::open(Options options) {
  auto node = options.node.valid() ? Result(std::move(options.node)) : netlink::NetSpace::current();
  if (!node) return node.error();
  auto space =
      options.switch_space.valid() ? Result(std::move(options.switch_space)) : netlink::NetSpace::make();
  if (!space) return space.error();
  auto made = std::make_unique<overlay::DesiredNetwork>();
  auto switchboard = Switchboard::open(*node, std::move(*space), *made);
  if (!switchboard) return switchboard.error();
  auto node_side = NodeSide::open(*node);
  if (!node_side) return node_side.error();
  return std::unique_ptr<KernelOverlay>(
      new KernelOverlay(std::move(made), std::move(*switchboard), std::move(*node_side), options.warm));
}

// Links go at once; namespaces when the kernel gets to it. An error here has nowhere to go, and the links end
// with their namespace in any case.
KernelOverlay::~KernelOverlay() {
  node_side_.remove_all();
  (void)switchboard_.remove_all();
  places_.remove_all();
}

Problems KernelOverlay::apply(const overlay::Difference& edits) {
  Problems problems;
  count_peers(edits);
  note_cables(edits);
  overlay::apply(wanted_, edits);
  set_peers(problems);
  if (!replaces_a_segment(edits)) {
    carry_out(edits, problems);
    return problems;
  }
  for (const auto& edit : edits.segments) switchboard_.remove_segment(edit.key, problems);
  carry_out(overlay::difference(*made_, wanted_), problems);
  return problems;
}

// Before wanted_ changes: what it says of the same keys goes.
void KernelOverlay::count_peers(const overlay::Difference& edits) {
  for (const auto& edit : edits.stations) {
    if (const auto old = wanted_.stations.find(edit.key); old != wanted_.stations.end())
      if (--peers_[old->second.node] == 0) peers_.erase(old->second.node);
    if (edit.value) ++peers_[edit.value->node];
  }
}

void KernelOverlay::note_cables(const overlay::Difference& edits) {
  for (const auto& edit : edits.cables) {
    auto& keys = cables_of_[edit.key.task];
    if (edit.value) {
      keys.insert(edit.key);
    } else {
      keys.erase(edit.key);
    }
    if (keys.empty()) cables_of_.erase(edit.key.task);
  }
}

// A namespace that cannot be made ahead is made, or refused with its reason, when a task needs it; flows that
// are not forgotten end by themselves.
void KernelOverlay::idle() {
  Problems problems;
  places_.forget_flows(problems);
  (void)places_.keep_warm();
}

void KernelOverlay::set_peers(Problems& problems) {
  std::set<Address> peers;
  for (const auto& [node, stations] : peers_) peers.insert(node);
  node_side_.set_peers(peers, problems);
}

// Another VNI, say, which no control plane of ours does. What hangs on the segment goes with it and is made
// anew.
bool KernelOverlay::replaces_a_segment(const overlay::Difference& edits) const {
  return std::any_of(edits.segments.begin(), edits.segments.end(),
                     [&](const auto& edit) { return edit.value && made_->segments.contains(edit.key); });
}

Problems KernelOverlay::repair(const overlay::DesiredNetwork& whole) {
  Problems problems;
  wanted_ = whole;
  cables_of_.clear();
  for (const auto& [key, cable] : wanted_.cables) cables_of_[key.task].insert(key);
  peers_.clear();
  for (const auto& [key, station] : wanted_.stations) ++peers_[station.node];
  set_peers(problems);
  switchboard_.look(problems);
  places_.look(problems);
  const auto edits = overlay::difference(*made_, wanted_);
  for (const auto& edit : edits.segments) switchboard_.remove_segment(edit.key, problems);
  carry_out(overlay::difference(*made_, wanted_), problems);
  node_side_.look(
      wanted_.spaces, [this](TaskId task) { return places_.find(task); }, problems);
  return problems;
}

// What goes, goes first, the innermost first; then what comes, the outermost first.
void KernelOverlay::carry_out(const overlay::Difference& edits, Problems& problems) {
  places_.remove_cables(edits.cables, problems);
  switchboard_.remove_stations(edits.stations, problems);
  for (const auto& edit : edits.segments)
    if (!edit.value) switchboard_.remove_segment(edit.key, problems);
  for (const auto& edit : edits.segments)
    if (edit.value) switchboard_.make_segment(edit.key, *edit.value, problems);
  switchboard_.set_stations(edits.stations, problems);
  places_.edit_spaces(edits.spaces, problems);
  places_.make_cables(edits.cables, problems);
  node_side_.edit(
      edits.spaces, [this](TaskId task) { return places_.find(task); }, problems);
  places_.edit_vips(edits.vips, problems);
}

Result<netlink::NetSpace> KernelOverlay::space_of(TaskId task) const {
  const netlink::NetSpace* space = places_.find(task);
  if (space == nullptr)
    return plain_error(Code::not_found, "task " + task.str() + " has no network namespace");
  const auto cables = cables_of_.find(task);
  if (cables == cables_of_.end()) return space->share();
  for (const auto& key : cables->second) {
    if (made_->cables.contains(key)) continue;
    const std::string trouble = switchboard_.trouble(key.network);
    const std::string missing = wanted_.cables.at(key).inside + " is missing";
    return plain_error(Code::unavailable, "task " + task.str() + " is not yet on network " +
                                              key.network.str() + ": " +
                                              (trouble.empty() ? missing : trouble));
  }
  return space->share();
}

}  // namespace swarm::real
