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
#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "sim/altered_object.hpp"
#include "sim/event_queue.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

using ports::DiskOp;
using ports::Family;

namespace {

const char* name_of(Family family) {
  constexpr const char* kNames[] = {"format",     "identity", "agent",       "raft_log",
                                    "raft_state", "objects",  "certificates"};
  return kNames[static_cast<std::size_t>(family)];
}

Duration scaled(Duration span, std::int64_t billionths) {
  return {saturate<std::int64_t>(static_cast<__int128>(span.ns) * billionths / 1'000'000'000)};
}

}  // namespace

void SimDisk::commit(ports::DiskBatch batch, std::uint64_t token) {
  SWARM_CHECK(!batch.empty(), "an empty batch, token", token);
  SWARM_CHECK(!locked_, "a batch for a locked disk, token", token);
  const ports::DiskSide side = ports::side_of(batch.ops.front().family);
  for (const DiskOp& op : batch.ops)
    SWARM_CHECK(ports::side_of(op.family) == side, "a batch touches one side of the disk only");
  side == ports::DiskSide::manager ? commit_managers(std::move(batch), token)
                                   : commit_own(std::move(batch), token);
}

// After an fsync that failed the batch can be read, and no later fsync makes it durable.
void SimDisk::commit_managers(ports::DiskBatch batch, std::uint64_t token) {
  if (failed_.empty()) {
    failed_ = refusal(batch, true);
    if (failed_.empty()) return write_down(std::move(batch), token);
    if (failed_.starts_with("fsync")) keep(std::move(batch));
  }
  tell(ports::DiskFailed{token, failed_});
}

void SimDisk::commit_own(ports::DiskBatch batch, std::uint64_t token) {
  if (waiting_.empty()) {
    const std::string why = refusal(batch, false);
    if (why.empty()) return write_down(std::move(batch), token);
    if (failed_.empty()) failed_ = why;
    tell(ports::DiskWaits{why});
  }
  waiting_.push_back({std::move(batch), token});
}

void SimDisk::keep(ports::DiskBatch batch) {
  note(batch);
  Pending pending{++last_number_, {}, std::move(batch.mark), false};
  pending.is_managers = ports::is_manager_family(batch.ops.front().family);
  if (batch.lock) pending.lock_before = std::exchange(lock_, std::move(*batch.lock));
  for (const DiskOp& op : batch.ops) write(op, pending.undo);
  pending_.push_back(std::move(pending));
}

void SimDisk::write_down(ports::DiskBatch batch, std::uint64_t token) {
  const bool sync = batch.sync;
  keep(std::move(batch));
  // The order of commits is the order of answers.
  Duration took = sync ? draw(rng_, min_, max_) : min_ / 4;
  if (trouble_ != nullptr) {
    if (sync) took = took + trouble_->fsync_delay;
    took = scaled(took, trouble_->slower);
  }
  last_done_ = std::max(last_done_, shared_.now + took);
  shared_.queue.push(last_done_, machine_, life_, DiskWritten{token, last_number_, sync});
}

void SimDisk::tell(ports::Event event) {
  last_done_ = std::max(last_done_, shared_.now + min_);
  shared_.queue.push(last_done_, machine_, life_, Deliver{std::move(event)});
}

void SimDisk::note(const ports::DiskBatch& written) {
  ++operations_;
  if (record_) record_->push_back(written);
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
  if (pending.lock_before) lock_ = std::move(*pending.lock_before);
  for (auto it = pending.undo.rbegin(); it != pending.undo.rend(); ++it) {
    if (std::optional<std::string>& before = it->before) {
      table(it->family).insert_or_assign(it->key, std::move(*before));
    } else {
      table(it->family).erase(it->key);
    }
  }
}

// A torn batch is half on the disk; its checksum does not fit, and it is dropped with all that follows.
std::string SimDisk::crash() {
  std::uint64_t kept = rng_.below(pending_.size() + 1);
  if (tears()) kept = 0;
  if (kept_at_crash_) kept = std::min(*kept_at_crash_, pending_.size());
  kept_at_crash_.reset();
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
  locked_ = false;
  last_done_ = Instant{};
  failed_.clear();
  waiting_.clear();
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
  let_go();
}

// What waits is written in its order, as far as it can be now.
void SimDisk::let_go() {
  if (waiting_.empty() || !present_refusal(false).empty()) return;
  for (Waiting& one : std::exchange(waiting_, {})) commit_own(std::move(one.batch), one.token);
  if (waiting_.empty()) tell(ports::DiskWaits{});
}

bool SimDisk::tears() const {
  return trouble_ != nullptr && std::any_of(trouble_->at_crash.begin(), trouble_->at_crash.end(),
                                            [](const auto& one) { return one.torn && !one.done; });
}

namespace {

std::string in_words(const std::string& operation, const std::string& error) {
  return operation +
         (error == "ENOSPC" ? ": no space left on device (ENOSPC)" : ": input/output error (EIO)");
}

}  // namespace

// A disk that is full has room for the node's own sides: it was kept for them.
std::string SimDisk::error_of(const std::string& operation, bool is_managers) {
  std::string why;
  if (trouble_->full && is_managers && operation == "write") why = in_words(operation, "ENOSPC");
  for (auto& failing : trouble_->failing) {
    const auto error = failing.errors.find(operation);
    if (error == failing.errors.end() || (!is_managers && error->second == "ENOSPC")) continue;
    if (--failing.after > 0) continue;
    failing.after = 0;  // and so does every one after it
    why = in_words(operation, error->second);
  }
  return why;
}

std::string SimDisk::refusal(const ports::DiskBatch& batch, bool is_managers) {
  if (trouble_ == nullptr) return {};
  std::string why = error_of("write", is_managers);
  return why.empty() && batch.sync ? error_of("fsync", is_managers) : why;
}

// Of an operation that is tried now; counts none.
std::string SimDisk::present_refusal(bool is_managers) const {
  if (trouble_ == nullptr) return {};
  if (trouble_->full && is_managers) return in_words("write", "ENOSPC");
  for (const auto& failing : trouble_->failing)
    for (const char* operation : {"write", "fsync"}) {
      const auto error = failing.errors.find(operation);
      if (failing.after > 0 || error == failing.errors.end()) continue;
      if (is_managers || error->second != "ENOSPC") return in_words(operation, error->second);
    }
  return {};
}

const SimDisk::Flip* SimDisk::flipped() const {
  if (!flipped_) return nullptr;
  const Table& rows = table(flipped_->family);
  const auto it = rows.find(flipped_->key);
  return it != rows.end() && it->second == flipped_->after ? &*flipped_ : nullptr;
}

Result<bool> SimDisk::unlock(std::string_view key) {
  SWARM_CHECK(locked_, "the disk is open");
  locked_ = key != lock_.key;
  return !locked_;
}

std::string SimDisk::open() {
  locked_ = !lock_.key.empty();
  if (trouble_ != nullptr)
    if (std::string why = error_of("read", true); !why.empty()) return why;
  const Flip* flip = flipped();
  if (flip == nullptr || ports::is_manager_family(flip->family)) return {};
  return "the data root is corrupt: the checksum of a record of " + std::string(name_of(flip->family)) +
         " does not fit";
}

std::optional<ports::Unusable> SimDisk::unusable() {
  using Because = ports::Unusable::Because;
  if (!failed_.empty()) return ports::Unusable{Because::failing, failed_};
  const Flip* flip = flipped();
  if (flip == nullptr || !ports::is_manager_family(flip->family)) return std::nullopt;
  return ports::Unusable{Because::damaged, "the checksum of a record of " +
                                               std::string(name_of(flip->family)) + " does not fit"};
}

// As after a crash: of what was not durable, a prefix is there; and what is there is made durable.
void SimDisk::reopen() {
  if (const std::string why = present_refusal(true); !why.empty()) return tell(ports::DiskReopened{why});
  std::uint64_t lost = rng_.below(
      1 + static_cast<std::uint64_t>(std::count_if(pending_.begin(), pending_.end(),
                                                   [](const Pending& one) { return one.is_managers; })));
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    if (!it->is_managers) continue;
    if (lost > 0) {
      --lost;
      undo(*it);
      it->undo.clear();
    }
    it->mark.clear();
  }
  while (!pending_.empty()) {
    remember(std::move(pending_.front()));
    pending_.pop_front();
  }
  failed_.clear();
  tell(ports::DiskReopened{});
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
      flipped_ = Flip{written.family, it->first, it->second, {}};
      const std::uint64_t at = rng_.below(it->second.size());
      it->second[at] = static_cast<char>(it->second[at] ^ (1 << rng_.below(8)));
      flipped_->after = it->second;
      return;
    }
}

void SimDisk::unflip() {
  if (const Flip* flip = flipped()) table(flip->family)[flip->key] = flip->before;
  flipped_.reset();
}

std::string SimDisk::take_altered() {
  if (!std::exchange(to_alter_, false)) return {};
  std::string what = alter_object(*this, rng_);
  sync();
  return what;
}

bool SimDisk::Copy::has_manager_state() const {
  return std::any_of(std::begin(ports::kManagerFamilies), std::end(ports::kManagerFamilies),
                     [this](Family family) { return !tables[static_cast<std::size_t>(family)].empty(); });
}

SimDisk::Copy SimDisk::copied() const {
  Copy copy{{std::begin(tables_), std::end(tables_)}, mark_, lock_};
  if (const Flip* flip = flipped())
    copy.tables[static_cast<std::size_t>(flip->family)][flip->key] = flip->before;
  return copy;
}

// The marks, too: a crash may have lost all that came after the copy, and the copy's mark does not tell.
bool SimDisk::become(Copy copy) {
  bool same = mark_ == copy.mark;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    same = same && tables_[i] == copy.tables[i];
    tables_[i] = std::move(copy.tables[i]);
  }
  mark_ = std::move(copy.mark);
  lock_ = std::move(copy.lock);
  tail_.clear();
  return !same;
}

bool SimDisk::take_copy() {
  const std::unique_ptr<Copy> kept = std::move(copy_);
  return kept != nullptr && become(std::move(*kept));
}

void SimDisk::scan(Family family, std::string_view from,
                   const std::function<bool(std::string_view, std::string_view)>& visit) {
  SWARM_CHECK(!locked_, "a locked disk is read");
  const Table& rows = table(family);
  for (auto it = rows.lower_bound(from); it != rows.end() && visit(it->first, it->second);) ++it;
}

std::optional<std::string> SimDisk::get(Family family, std::string_view key) {
  const bool is_open = family == Family::format || (family == Family::certificates && key.ends_with(".crt"));
  SWARM_CHECK(!locked_ || is_open, "a locked disk is read");
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
  note({});
  forget_manager();
}

void SimDisk::forget_manager() {
  for (const Family family : ports::kManagerFamilies) table(family).clear();
  mark_.clear();
  pending_.clear();
  tail_.clear();
  failed_.clear();
}

void SimDisk::wipe_all() {
  ports::DiskBatch all;
  all.sync = true;
  note(all);
  forget_manager();
  table(Family::certificates).clear();
  table(Family::identity).clear();
  lock_ = {};
  locked_ = false;
  table(Family::agent).clear();
}

}  // namespace swarm::sim
