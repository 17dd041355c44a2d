#include "real/rocks_disk.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "ports/disk.hpp"
#include "ports/left_key.hpp"
#include "real/files.hpp"
#include "real/local_doors.hpp"
#include "real/mark_file.hpp"
#include "real/node_log.hpp"
#include "real/reserve_file.hpp"
#include "real/rocks_store.hpp"
#include "real/seal/sealer.hpp"
#include "real/stream/fd.hpp"
#include "real/vault.hpp"

namespace swarm::real {
namespace {

using ports::DiskBatch;
using ports::DiskSide;
using ports::Family;

constexpr std::string_view kFormatLead = "swarmpy data root, format ";
constexpr std::chrono::seconds kTryAgain{1};

struct Queued {
  DiskBatch batch;
  std::uint64_t token = 0;
  bool reopens = false;  // and writes nothing
  DiskSide side() const {
    return batch.ops.empty() ? DiskSide::node : ports::side_of(batch.ops.front().family);
  }
};

Result<void> write_format(const std::string& root) {
  return replace_file(root + "/FORMAT", std::string(kFormatLead) + std::to_string(kDataRootFormat) + "\n");
}

// Returns the format of the data root, which a new one gets here.
Result<int> check_format(const std::string& root) {
  const std::string path = root + "/FORMAT";
  if (!exists(path)) {
    if (exists(root + "/node.log") || exists(root + "/raft"))
      return plain_error(Code::data_loss,
                         path +
                             " is missing although there is a node's state beside it: the data root "
                             "is damaged; restore it from a copy");
    if (auto written = write_format(root); !written) return written.error();
    return kDataRootFormat;
  }
  const auto text = read_file(path);
  if (!text) return text.error();
  const std::string number = text->starts_with(kFormatLead) ? text->substr(kFormatLead.size()) : "";
  if (number.empty() || number.size() > 9 || number.find_first_not_of("0123456789\n") != std::string::npos ||
      number.front() == '\n')
    return plain_error(Code::data_loss, path + " is corrupt: it does not name a format, as the line \"" +
                                            std::string(kFormatLead) + std::to_string(kDataRootFormat) +
                                            "\" does; restore the file from a copy of the data root, or "
                                            "start with an empty data root and join again");
  const int format = std::stoi(number);
  if (format >= 1 && format <= kDataRootFormat) return format;
  return plain_error(Code::failed_precondition, "the data root " + root + " has format " +
                                                    std::to_string(format) + ", this swarmd knows format " +
                                                    std::to_string(kDataRootFormat) +
                                                    " only; use the newer swarmd that wrote it");
}

// A daemon of format 1 would take sealed values for damage: the root has another format before the first one
// is written.
Result<void> begin_to_seal(const std::string& root, int format, Vault& vault) {
  if (format == kDataRootFormat) return {};
  if (!vault.is_locked() && !vault.has_data_key())
    if (auto made = vault.make_data_key(true); !made) return made;
  return write_format(root);
}

// A file's error says what the device said.
template <class T>
Error as_failing(const Result<T>& result) {
  Error error = result.error();
  error.code = Code::unavailable;
  return error;
}

Result<Fd> lock_root(const std::string& root) {
  const std::string path = root + "/LOCK";
  auto lock = lock_file(path);
  if (!lock) return lock.error();
  if (!lock->valid()) {
    const auto holder = read_file(path);
    return plain_error(
        Code::failed_precondition,
        "the data root " + root + " is in use by another swarmd" +
            (holder && !holder->empty() ? " (process " + holder->substr(0, holder->find('\n')) + ")" : "") +
            "; give each daemon a --data-root of its own");
  }
  if (::ftruncate(lock->get(), 0) != 0) return file_error(path, "cannot be written");
  if (auto named = write_all(lock->get(), std::to_string(::getpid()) + "\n", path); !named)
    return named.error();
  return lock;
}

}  // namespace

struct RocksDisk::Impl {
  Impl(const std::string& root, Fd root_lock, NodeLog node_log, Vault its_vault, Callbacks its_callbacks,
       rocksdb::Env* env)
      : lock(std::move(root_lock)),
        log(std::move(node_log)),
        store(root + "/raft", its_vault.sealer(), env),
        mark_path(root + "/raft.mark"),
        vault(std::move(its_vault)),
        reserve(root + "/reserve"),
        callbacks(std::move(its_callbacks)) {}

  void run();
  void carry_out(std::vector<Queued> taken);
  // ---- the manager's side
  Result<void> open_manager();
  void write_manager(const DiskBatch& batch, const std::vector<std::uint64_t>& tokens);
  Result<void> write_store(const DiskBatch& batch);
  void fail(const Error& error);
  void try_reopening();
  Result<void> reopen_manager();
  Result<void> forget_manager();
  // ---- the node's own
  void write_own(DiskBatch batch, const std::vector<std::uint64_t>& tokens);
  Result<void> write_own_once(const DiskBatch& batch);
  Result<void> write_certificates(const DiskBatch& batch);
  Result<void> write_own_anew(const DiskBatch& batch);
  void try_waiting();
  void try_again();
  // ---- seals
  Result<void> have_data_key(const std::vector<ports::DiskOp>& ops);
  Result<void> open_values();
  bool may_seal() const { return sealing && !unusable; }
  void seal_some();
  Result<void> finish_sealing();
  // Neither goes on before the other is durable.
  void sync_store();
  Result<void> sync_log();
  void note(const Result<void>& result) {
    if (!result) fail(result.error());
  }
  // Waits until the committing thread has nothing to do, and keeps it so.
  std::unique_lock<std::mutex> quiet() {
    std::unique_lock guard(mutex);
    ++wanted;
    idle.wait(guard, [this] { return queue.empty() && !busy; });
    --wanted;
    work.notify_one();  // it may go on sealing when the guard has gone
    return guard;
  }

  // All of these by the committing thread, or under quiet().
  Fd lock;
  NodeLog log;
  RocksStore store;
  std::string mark_path;
  std::optional<MarkFile> mark;  // none: it could not be opened
  Vault vault;
  std::optional<RocksStore::Place> sealing;  // from where on records are to be sealed again
  ReserveFile reserve;
  bool log_unsynced = false, store_unsynced = false;
  std::optional<ports::Unusable> unusable;
  bool is_to_be_forgotten = false;  // a wipe of the manager's side has failed
  struct Held {
    DiskBatch batch;
    std::vector<std::uint64_t> tokens;
  };
  std::deque<Held> held;  // of the node's own sides
  Callbacks callbacks;

  std::mutex mutex;
  std::condition_variable work, idle;
  std::deque<Queued> queue;
  bool busy = false, stopping = false;
  int wanted = 0;  // waits in quiet(): no record is sealed again meanwhile
  std::thread thread;
};

// ---- the committing thread

void RocksDisk::Impl::run() {
  std::unique_lock guard(mutex);
  while (true) {
    const auto is_called = [this] { return !queue.empty() || stopping || (wanted == 0 && may_seal()); };
    if (held.empty() && reserve.is_made()) {
      work.wait(guard, is_called);
    } else {
      work.wait_for(guard, kTryAgain, is_called);
    }
    if (queue.empty() && stopping) return;
    std::vector<Queued> taken(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
    queue.clear();
    busy = true;
    guard.unlock();
    if (taken.empty()) may_seal() ? seal_some() : try_again();
    carry_out(std::move(taken));
    guard.lock();
    busy = false;
    idle.notify_all();
  }
}

// Neighbours of one side become one write: it is kept whole or not at all, so each of them is too.
void RocksDisk::Impl::carry_out(std::vector<Queued> taken) {
  for (std::size_t i = 0; i < taken.size();) {
    if (taken[i].reopens) {
      try_reopening();
      ++i;
      continue;
    }
    const DiskSide side = taken[i].side();
    std::vector<std::uint64_t> tokens{taken[i].token};
    DiskBatch batch = std::move(taken[i].batch);
    for (++i; i < taken.size() && !taken[i].reopens; ++i) {
      DiskBatch& more = taken[i].batch;
      if (!more.empty() && taken[i].side() != side) break;
      batch.ops.insert(batch.ops.end(), std::make_move_iterator(more.ops.begin()),
                       std::make_move_iterator(more.ops.end()));
      batch.sync |= more.sync;
      if (!more.mark.empty()) batch.mark = std::move(more.mark);
      if (more.lock) batch.lock = std::move(more.lock);
      tokens.push_back(taken[i].token);
    }
    side == DiskSide::manager ? write_manager(batch, tokens) : write_own(std::move(batch), tokens);
  }
}

// ---- the manager's side

void RocksDisk::Impl::write_manager(const DiskBatch& batch, const std::vector<std::uint64_t>& tokens) {
  if (const auto synced = sync_log(); !synced) fail(as_failing(synced));
  if (!unusable) note(write_store(batch));
  for (const std::uint64_t token : tokens)
    unusable ? callbacks.failed(token, unusable->why) : callbacks.done(token);
}

Result<void> RocksDisk::Impl::write_store(const DiskBatch& batch) {
  if (auto made = have_data_key(batch.ops); !made) return as_failing(made);
  store_unsynced = !batch.sync;
  if (auto written = store.write(batch.ops, batch.sync); !written) return written;
  if (batch.mark.empty()) return {};
  SWARM_CHECK(mark, "the manager's side is open without its mark");
  const auto marked = mark->write(batch.mark);
  return marked ? Result<void>() : as_failing(marked);
}

void RocksDisk::Impl::fail(const Error& error) {
  using Because = ports::Unusable::Because;
  if (unusable) return;
  unusable = {error.code == Code::data_loss ? Because::damaged : Because::failing, error.message};
  store_unsynced = false;
  store.close();
  reserve.give_back();
}

void RocksDisk::Impl::try_reopening() {
  const auto reopened = reopen_manager();
  if (!reopened) {
    unusable.reset();
    fail(reopened.error());
  }
  const bool fails = unusable && unusable->because == ports::Unusable::Because::failing;
  callbacks.reopened(fails ? unusable->why : "");
}

// From the disk, and from nothing that this process remembers. Whatever may not have reached the device is
// written anew, and the mark after it.
Result<void> RocksDisk::Impl::reopen_manager() {
  if (auto room = reserve.make(); !room) return as_failing(room);
  try_waiting();
  if (!held.empty())
    return plain_error(Code::unavailable, unusable ? unusable->why : "the node's own log waits");
  if (is_to_be_forgotten)
    if (auto forgotten = forget_manager(); !forgotten) return as_failing(forgotten);
  store.close();
  if (auto opened = open_manager(); !opened) return opened;
  if (store.may_lack())
    if (auto written = store.rewrite(); !written) return written;
  SWARM_CHECK(mark, "the manager's side is open without its mark");
  if (auto written = mark->renew(); !written) return as_failing(written);
  if (sealing) sealing.emplace();  // what was not durable may be as it was
  unusable.reset();
  return {};
}

Result<void> RocksDisk::Impl::open_manager() {
  if (auto opened = store.open(); !opened) return opened;
  auto opened = MarkFile::open(mark_path);
  if (!opened) return as_failing(opened);
  mark.emplace(std::move(*opened));
  return {};
}

// The mark first: a mark without a state would say that the state was lost.
Result<void> RocksDisk::Impl::forget_manager() {
  store_unsynced = false;
  is_to_be_forgotten = true;
  if (!mark) mark.emplace(MarkFile::none(mark_path));
  if (auto removed = mark->remove(); !removed) return as_failing(removed);
  if (auto wiped = store.wipe(); !wiped) return wiped;
  is_to_be_forgotten = false;
  unusable.reset();
  return {};
}

// ---- the node's own sides

void RocksDisk::Impl::write_own(DiskBatch batch, const std::vector<std::uint64_t>& tokens) {
  sync_store();
  if (held.empty()) {
    auto written = write_own_once(batch);
    if (!written) {
      fail(as_failing(written));  // the manager's part ends, too
      reserve.give_back();
      written = write_own_anew(batch);
    }
    if (written) {
      for (const std::uint64_t token : tokens) callbacks.done(token);
      return;
    }
    callbacks.waits(written.error().message);
  }
  held.push_back({std::move(batch), tokens});
}

Result<void> RocksDisk::Impl::write_own_once(const DiskBatch& batch) {
  if (!batch.empty() && ports::side_of(batch.ops.front().family) == DiskSide::certificates) {
    if (auto synced = sync_log(); !synced) return synced;
    return write_certificates(batch);
  }
  if (!batch.empty()) {
    if (auto made = have_data_key(batch.ops); !made) return made;
    if (auto written = log.append(batch); !written) return written;
    log_unsynced = true;
  }
  return batch.sync ? sync_log() : Result<void>();
}

Result<void> RocksDisk::Impl::write_own_anew(const DiskBatch& batch) {
  const bool is_certificates =
      !batch.empty() && ports::side_of(batch.ops.front().family) == DiskSide::certificates;
  if (auto made = have_data_key(batch.ops); !made) return made;
  if (auto written = log.write_anew(is_certificates ? DiskBatch{} : batch); !written) return written;
  log_unsynced = false;
  return is_certificates ? write_certificates(batch) : Result<void>();
}

Result<void> RocksDisk::Impl::write_certificates(const DiskBatch& batch) {
  if (auto written = vault.write(batch.ops, batch.lock); !written) return written;
  if (vault.has_old_records()) sealing.emplace();
  return {};
}

void RocksDisk::Impl::try_waiting() {
  if (held.empty()) return;
  while (!held.empty()) {
    if (!write_own_anew(held.front().batch)) return;
    for (const std::uint64_t token : held.front().tokens) callbacks.done(token);
    held.pop_front();
  }
  callbacks.waits("");
}

// A second after the device had refused. As long as the manager's side is closed, its room is its own.
void RocksDisk::Impl::try_again() {
  try_waiting();
  if (held.empty() && !unusable) static_cast<void>(reserve.make());
}

void RocksDisk::Impl::sync_store() {
  if (!unusable && std::exchange(store_unsynced, false)) note(store.sync());
}

Result<void> RocksDisk::Impl::sync_log() {
  if (!std::exchange(log_unsynced, false)) return {};
  auto synced = log.sync();
  return synced ? synced : log.write_anew({});
}

// ---- seals

// Durable before the first record that it seals.
Result<void> RocksDisk::Impl::have_data_key(const std::vector<ports::DiskOp>& ops) {
  const bool seals = std::any_of(ops.begin(), ops.end(), [](const ports::DiskOp& op) {
    return op.type == ports::DiskOp::Type::put && op.family != Family::certificates &&
           seal::is_sealed(op.family);
  });
  return seals && !vault.has_data_key() ? vault.make_data_key(false) : Result<void>();
}

Result<void> RocksDisk::Impl::open_values() {
  if (auto opened = log.open_values(); !opened) return opened;
  if (vault.has_old_records()) sealing.emplace();
  return {};
}

void RocksDisk::Impl::seal_some() {
  SWARM_CHECK(sealing, "nothing is to be sealed again");
  const auto done = store.seal_again(*sealing);
  if (!done) return fail(done.error());
  if (!*done) return;
  const auto finished = finish_sealing();
  finished ? sealing.reset() : fail(finished.error());
}

// The former keys go when nothing durable needs them. What was never sealed must not stay in RocksDB's old
// files either; what a former key had sealed may, until RocksDB itself compacts it.
Result<void> RocksDisk::Impl::finish_sealing() {
  store_unsynced = log_unsynced = false;
  if (auto synced = store.sync(); !synced) return synced;
  if (auto written = log.rewrite(); !written) return as_failing(written);
  if (vault.has_plain_records())
    if (auto written = store.rewrite(); !written) return written;
  const auto forgotten = vault.forget_old_keys();
  return forgotten ? Result<void>() : as_failing(forgotten);
}

// ---- the port

RocksDisk::RocksDisk(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->thread = std::thread([this] { impl_->run(); });
}

Result<std::unique_ptr<RocksDisk>> RocksDisk::open(const std::string& data_root, Callbacks callbacks,
                                                   rocksdb::Env* env) {
  if (auto closed = close_root(data_root); !closed) return closed.error();
  if (has_no_room(data_root)) ReserveFile(data_root + "/reserve").give_back();
  auto lock = lock_root(data_root);
  if (!lock) return lock.error();
  if (auto closed = close_inside(data_root); !closed) return closed.error();
  const auto format = check_format(data_root);
  if (!format) return format.error();
  const std::string log_path = data_root + "/node.log", raft_path = data_root + "/raft";
  if (!exists(log_path) && exists(raft_path))
    return plain_error(Code::data_loss,
                       log_path +
                           " is missing although there is a manager's state beside it: the data "
                           "root is damaged; restore it from a copy");
  auto vault = Vault::open(data_root + "/swarm/certificates");
  if (!vault) return vault.error();
  if (auto begun = begin_to_seal(data_root, *format, *vault); !begun) return begun.error();
  auto log = NodeLog::open(log_path, vault->sealer());
  if (!log) return log.error();
  auto impl = std::make_unique<Impl>(data_root, std::move(*lock), std::move(*log), std::move(*vault),
                                     std::move(callbacks), env);
  if (!impl->vault.is_locked())
    if (auto opened = impl->open_values(); !opened) return opened.error();
  static_cast<void>(impl->reserve.make());  // without room for it, a full disk is full
  impl->note(impl->open_manager());
  return std::unique_ptr<RocksDisk>(new RocksDisk(std::move(impl)));
}

RocksDisk::~RocksDisk() {
  {
    const std::lock_guard guard(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->work.notify_all();
  impl_->thread.join();
}

void RocksDisk::commit(DiskBatch batch, std::uint64_t token) {
  for (const auto& op : batch.ops)
    SWARM_CHECK(ports::side_of(op.family) == ports::side_of(batch.ops.front().family),
                "a batch touches several sides of the disk");
  {
    const std::lock_guard guard(impl_->mutex);
    impl_->queue.push_back({std::move(batch), token, false});
  }
  impl_->work.notify_one();
}

void RocksDisk::scan(Family family, std::string_view from,
                     const std::function<bool(std::string_view, std::string_view)>& visit) {
  const auto guard = impl_->quiet();
  if (ports::is_manager_family(family)) {
    if (!impl_->unusable) impl_->note(impl_->store.scan(family, from, visit));
    return;
  }
  if (family == Family::certificates) {
    const auto& files = impl_->vault.content();
    for (auto it = files.lower_bound(std::string(from)); it != files.end(); ++it)
      if (!visit(it->first, it->second)) return;
    return;
  }
  const auto& content = impl_->log.content();
  for (auto it = content.lower_bound({family, std::string(from)}); it != content.end(); ++it)
    if (it->first.first != family || !visit(it->first.second, it->second)) return;
}

std::optional<std::string> RocksDisk::get(Family family, std::string_view key) {
  const auto guard = impl_->quiet();
  if (family == Family::certificates) {
    const auto& files = impl_->vault.content();
    const auto it = files.find(std::string(key));
    return it == files.end() ? std::nullopt : std::optional(it->second);
  }
  if (!ports::is_manager_family(family)) {
    const auto it = impl_->log.content().find({family, std::string(key)});
    return it == impl_->log.content().end() ? std::nullopt : std::optional(it->second);
  }
  if (impl_->unusable) return std::nullopt;
  auto found = impl_->store.get(family, key);
  if (found) return std::move(*found);
  impl_->fail(found.error());
  return std::nullopt;
}

std::string RocksDisk::mark() {
  const auto guard = impl_->quiet();
  const std::optional<MarkFile>& mark = impl_->mark;
  return mark ? mark->mark() : "";
}

std::optional<ports::Unusable> RocksDisk::unusable() {
  const auto guard = impl_->quiet();
  return impl_->unusable;
}

void RocksDisk::reopen() {
  {
    const std::lock_guard guard(impl_->mutex);
    impl_->queue.push_back({{}, 0, true});
  }
  impl_->work.notify_one();
}

bool RocksDisk::locked() {
  const auto guard = impl_->quiet();
  return !impl_->log.is_open();
}

Result<bool> RocksDisk::unlock(std::string_view key) {
  const auto guard = impl_->quiet();
  Vault& vault = impl_->vault;
  if (vault.is_locked() ? !vault.unlock(key) : vault.lock().key != key) return false;
  if (auto opened = impl_->open_values(); !opened) return opened.error();
  return true;
}

ports::DiskLock RocksDisk::lock() {
  const auto guard = impl_->quiet();
  return impl_->vault.lock();
}

bool RocksDisk::has_manager_state() {
  const auto guard = impl_->quiet();
  const auto found = impl_->store.holds_anything();
  if (!found) impl_->fail(found.error());
  return !found || *found;
}

void RocksDisk::wipe_manager() {
  const auto guard = impl_->quiet();
  impl_->note(impl_->forget_manager());
}

// The log first, with a word that the node has left: without it, a node that knows its name no more has lost
// it.
void RocksDisk::wipe_all() {
  const auto guard = impl_->quiet();
  DiskBatch batch;
  for (const auto& [key, _] : impl_->log.content())
    if (key.first != Family::format) batch.erase(key.first, key.second);
  batch.put(Family::format, ports::kLeftKey, "");
  batch.sync = true;
  impl_->write_own(std::move(batch), {});
  DiskBatch certificates;
  certificates.erase_range(Family::certificates, "\x01", "\xff");  // whatever its name is
  impl_->sealing.reset();
  impl_->write_own(std::move(certificates), {});  // with the keys
  impl_->note(impl_->open_values());              // nothing is left that needs one
  impl_->note(impl_->forget_manager());
}

}  // namespace swarm::real
