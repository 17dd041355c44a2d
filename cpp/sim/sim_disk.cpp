#include "sim/sim_disk.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/number.hpp"
#include "base/time.hpp"
#include "ports/disk.hpp"
#include "sim/event_queue.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

using ports::DiskOp;
using ports::Family;

namespace {

Duration scaled(Duration span, std::int64_t billionths) {
  return {saturate<std::int64_t>(static_cast<__int128>(span.ns) * billionths / 1'000'000'000)};
}

}  // namespace

void SimDisk::commit(ports::DiskBatch batch, std::uint64_t token) {
  SWARM_CHECK(!batch.empty(), "an empty batch, token", token);
  if (!failure_.empty()) return;
  if (trouble_ != nullptr && (fails("write") || (batch.sync && fails("fsync")))) return;
  const ports::DiskSide side = ports::side_of(batch.ops.front().family);
  Pending pending{++last_number_, {}, std::move(batch.mark)};
  for (const DiskOp& op : batch.ops) {
    SWARM_CHECK(ports::side_of(op.family) == side, "a batch touches one side of the disk only");
    write(op, pending.undo);
  }
  pending_.push_back(std::move(pending));
  // The order of commits is the order of answers.
  Duration took = batch.sync ? draw(rng_, min_, max_) : min_ / 4;
  if (trouble_ != nullptr) {
    if (batch.sync) took = took + trouble_->fsync_delay;
    took = scaled(took, trouble_->slower);
  }
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
  while (!pending_.empty() && pending_.front().number <= event.number) {
    if (!pending_.front().mark.empty()) mark_ = pending_.front().mark;
    remember(std::move(pending_.front()));
    pending_.pop_front();
  }
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

// A torn batch is half on the disk; its checksum does not fit, and it is dropped with all that follows.
std::string SimDisk::crash() {
  std::uint64_t kept = rng_.below(pending_.size() + 1);
  if (tears()) kept = 0;
  while (pending_.size() > kept) {
    undo(pending_.back());
    pending_.pop_back();
  }
  for (Pending& kept_one : pending_)
    kept_one.mark.clear();  // a mark comes after its batch: the crash was between
  sync();
  return trouble_ == nullptr ? std::string() : lose_tail();
}

void SimDisk::sync() {
  for (Pending& written : pending_) {
    if (!written.mark.empty()) mark_ = written.mark;
    remember(std::move(written));
  }
  pending_.clear();
  last_done_ = Instant{};
  failure_.clear();
}

void SimDisk::remember(Pending&& durable) {
  std::size_t most = kTail;
  if (trouble_ != nullptr)
    for (const auto& planned : trouble_->at_crash)
      most = std::max(
          {most, static_cast<std::size_t>(planned.lost_tail), static_cast<std::size_t>(planned.flip)});
  tail_.push_back(std::move(durable));
  while (tail_.size() > most) tail_.pop_front();
}

// ---- trouble

void SimDisk::set_trouble(DiskTrouble trouble) {
  const DiskTrouble none;
  const DiskTrouble& before = trouble_ == nullptr ? none : *trouble_;
  for (auto& failing : trouble.failing)
    for (const auto& same : before.failing)
      if (same.fault == failing.fault) failing.after = same.after;
  for (auto& planned : trouble.at_crash)
    for (const auto& same : before.at_crash)
      if (same.fault == planned.fault) planned.done = same.done;
  trouble_ = std::make_unique<DiskTrouble>(std::move(trouble));
}

bool SimDisk::tears() const {
  return trouble_ != nullptr && std::any_of(trouble_->at_crash.begin(), trouble_->at_crash.end(),
                                            [](const auto& one) { return one.torn && !one.done; });
}

bool SimDisk::fails(const std::string& operation) {
  if (trouble_->full && operation == "write") failure_ = "write: no space left on device (ENOSPC)";
  for (auto& failing : trouble_->failing) {
    const auto error = failing.errors.find(operation);
    if (error == failing.errors.end() || --failing.after > 0) continue;
    failing.after = 0;  // and so does every one after it
    const bool full = error->second == "ENOSPC";
    failure_ = operation + (full ? ": no space left on device (ENOSPC)" : ": input/output error (EIO)");
  }
  return !failure_.empty();
}

std::string SimDisk::open() {
  if (trouble_ != nullptr && fails("read")) return std::exchange(failure_, {});
  if (!flipped_) return {};
  const Table& rows = table(flipped_->family);
  const auto it = rows.find(flipped_->key);
  if (it == rows.end() || it->second == flipped_->before) return {};
  constexpr const char* kFamilyNames[] = {"format",     "identity", "agent",       "raft_log",
                                          "raft_state", "objects",  "certificates"};
  return "the data root is corrupt: the checksum of a record of " +
         std::string(kFamilyNames[static_cast<std::size_t>(flipped_->family)]) + " does not fit";
}

std::string SimDisk::lose_tail() {
  std::int64_t lost = 0;
  for (auto& planned : trouble_->at_crash) {
    if (planned.done) continue;
    planned.done = true;
    for (std::int64_t left = planned.lost_tail; left > 0 && !tail_.empty(); --left, ++lost) {
      undo(tail_.back());
      tail_.pop_back();
    }
    if (planned.flip > 0) flip_bit(planned.flip);
  }
  return lost == 0 ? "" : "lost its last " + std::to_string(lost) + " durable batches";
}

// In what the n-th durable batch from the end has put, or in the nearest one that has put anything.
void SimDisk::flip_bit(std::int64_t from_end) {
  if (flipped_) return;  // it could not be put right again
  for (std::size_t i = tail_.size() - std::min(tail_.size(), static_cast<std::size_t>(from_end));
       i < tail_.size(); ++i)
    for (const Undo& written : tail_[i].undo) {
      const auto it = table(written.family).find(written.key);
      if (it == table(written.family).end() || it->second.empty()) continue;
      flipped_ = Flip{written.family, it->first, it->second};
      const std::uint64_t at = rng_.below(it->second.size());
      it->second[at] = static_cast<char>(it->second[at] ^ (1 << rng_.below(8)));
      return;
    }
}

void SimDisk::unflip() {
  if (flipped_ && table(flipped_->family).contains(flipped_->key))
    table(flipped_->family)[flipped_->key] = flipped_->before;
  flipped_.reset();
}

bool SimDisk::take_copy() {
  if (copy_ == nullptr) return false;
  bool same = true;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    same = same && tables_[i] == copy_->tables[i];
    tables_[i] = std::move(copy_->tables[i]);
  }
  mark_ = std::move(copy_->mark);
  copy_.reset();
  tail_.clear();
  return !same;
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

const std::string* SimDisk::value(Family family, std::string_view key) const {
  const auto it = table(family).find(key);
  return it == table(family).end() ? nullptr : &it->second;
}

const std::string* SimDisk::durable(Family family, std::string_view key) const {
  for (const Pending& waiting : pending_)
    for (const Undo& written : waiting.undo)
      if (written.family == family && written.key == key) return written.before ? &*written.before : nullptr;
  return value(family, key);
}

// What was committed before is written first.
void SimDisk::wipe_manager() {
  for (const Family family : ports::kManagerFamilies) table(family).clear();
  mark_.clear();
  pending_.clear();
  tail_.clear();
}

void SimDisk::wipe_all() {
  wipe_manager();
  table(Family::certificates).clear();
  table(Family::identity).clear();
  table(Family::agent).clear();
}

}  // namespace swarm::sim
