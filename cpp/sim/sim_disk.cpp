#include "sim/sim_disk.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace swarm::sim {

using ports::DiskOp;
using ports::Family;

void SimDisk::commit(ports::DiskBatch batch, std::uint64_t token) {
  SWARM_CHECK(!batch.empty(), "an empty batch, token", token);
  const bool side = ports::is_manager_family(batch.ops.front().family);
  Pending pending{++last_number_, {}};
  for (const DiskOp& op : batch.ops) {
    SWARM_CHECK(ports::is_manager_family(op.family) == side, "a batch touches one side of the disk only");
    write(op, pending.undo);
  }
  pending_.push_back(std::move(pending));
  // The order of commits is the order of answers.
  const Duration took = batch.sync ? draw(rng_, min_, max_) : min_ / 4;
  last_done_ = std::max(last_done_, shared_.now + took);
  shared_.queue.push(last_done_, machine_, life_, DiskWritten{token, last_number_, batch.sync});
}

void SimDisk::write(const DiskOp& op, std::vector<Undo>& undo) {
  Table& rows = table(op.family);
  if (op.type == DiskOp::Type::erase_range) {
    auto it = rows.lower_bound(op.key);
    while (it != rows.end() && it->first < op.value) {
      undo.push_back({op.family, it->first, std::move(it->second)});
      it = rows.erase(it);
    }
    return;
  }
  const auto it = rows.find(op.key);
  undo.push_back({op.family, op.key, it == rows.end() ? std::nullopt : std::optional(std::move(it->second))});
  if (op.type == DiskOp::Type::put) {
    rows.insert_or_assign(op.key, op.value);
  } else if (it != rows.end()) {
    rows.erase(it);
  }
}

void SimDisk::on_written(const DiskWritten& event) {
  if (!event.synced) return;
  while (!pending_.empty() && pending_.front().number <= event.number) pending_.pop_front();
}

void SimDisk::undo(Pending& pending) {
  for (auto it = pending.undo.rbegin(); it != pending.undo.rend(); ++it) {
    if (it->before) {
      table(it->family).insert_or_assign(it->key, std::move(*it->before));
    } else {
      table(it->family).erase(it->key);
    }
  }
}

void SimDisk::crash() {
  const std::uint64_t kept = rng_.below(pending_.size() + 1);
  while (pending_.size() > kept) {
    undo(pending_.back());
    pending_.pop_back();
  }
  sync();
}

void SimDisk::sync() {
  pending_.clear();
  last_done_ = Instant{};
}

void SimDisk::scan(Family family, std::string_view from,
                   const std::function<bool(std::string_view, std::string_view)>& visit) {
  const Table& rows = table(family);
  for (auto it = rows.lower_bound(from); it != rows.end() && visit(it->first, it->second);) ++it;
}

std::optional<std::string> SimDisk::get(Family family, std::string_view key) {
  const Table& rows = table(family);
  const auto it = rows.find(key);
  return it == rows.end() ? std::nullopt : std::optional(it->second);
}

bool SimDisk::has_manager_state() {
  return std::any_of(std::begin(ports::kManagerFamilies), std::end(ports::kManagerFamilies),
                     [this](Family family) { return !table(family).empty(); });
}

std::optional<std::string> SimDisk::last_key(Family family) const {
  const Table& rows = table(family);
  return rows.empty() ? std::nullopt : std::optional(rows.rbegin()->first);
}

// What was committed before is written first.
void SimDisk::wipe_manager() {
  for (const Family family : ports::kManagerFamilies) table(family).clear();
  pending_.clear();
}

void SimDisk::wipe_all() {
  wipe_manager();
  table(Family::identity).clear();
  table(Family::agent).clear();
}

}  // namespace swarm::sim
