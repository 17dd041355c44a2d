#include "real/rocks_disk.hpp"

#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "ports/left_key.hpp"
#include "real/certificate_files.hpp"
#include "real/files.hpp"
#include "real/local_doors.hpp"
#include "real/mark_file.hpp"
#include "real/node_log.hpp"
#include "real/rocks_store.hpp"

namespace swarm::real {
namespace {

using ports::DiskBatch;
using ports::DiskSide;
using ports::Family;

constexpr std::string_view kFormatLead = "swarmpy data root, format ";

struct Queued {
  DiskBatch batch;
  std::uint64_t token = 0;
  DiskSide side() const {
    return batch.ops.empty() ? DiskSide::node : ports::side_of(batch.ops.front().family);
  }
};

Result<void> check_format(const std::string& root) {
  const std::string path = root + "/FORMAT";
  if (!exists(path)) {
    if (exists(root + "/node.log") || exists(root + "/raft"))
      return plain_error(Code::data_loss,
                         path +
                             " is missing although there is a node's state beside it: the data root "
                             "is damaged; restore it from a copy");
    return replace_file(path, std::string(kFormatLead) + std::to_string(kDataRootFormat) + "\n");
  }
  const auto text = read_file(path);
  if (!text) return text.error();
  const std::string number = text->starts_with(kFormatLead) ? text->substr(kFormatLead.size()) : "";
  if (number.empty() || number.size() > 9 || number.find_first_not_of("0123456789\n") != std::string::npos ||
      number.front() == '\n')
    return plain_error(Code::data_loss, path + " is corrupt: it does not name a format");
  if (const int format = std::stoi(number); format != kDataRootFormat)
    return plain_error(Code::failed_precondition, "the data root " + root + " has format " +
                                                      std::to_string(format) + ", this swarmd knows format " +
                                                      std::to_string(kDataRootFormat) +
                                                      " only; use the newer swarmd that wrote it");
  return {};
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
  Impl(Fd root_lock, NodeLog node_log, RocksStore rocks_store, MarkFile mark_file,
       CertificateFiles its_certificates, Callbacks its_callbacks)
      : lock(std::move(root_lock)),
        log(std::move(node_log)),
        store(std::move(rocks_store)),
        mark(std::move(mark_file)),
        certificates(std::move(its_certificates)),
        callbacks(std::move(its_callbacks)) {}

  void run();
  Result<void> write(std::vector<Queued>& taken);
  Result<void> write_side(DiskSide side, const DiskBatch& batch);
  Result<void> write_log(const DiskBatch& batch);
  Result<void> write_store(const DiskBatch& batch);
  Result<void> write_certificates(const std::vector<ports::DiskOp>& ops);
  Result<void> sync_log();
  Result<void> sync_store();
  Result<void> forget_manager();
  void note(const Result<void>& result) {
    if (!result && failure.empty()) failure = result.error().message;
  }
  // Waits until the committing thread has nothing to do, and keeps it so.
  std::unique_lock<std::mutex> quiet() {
    std::unique_lock guard(mutex);
    idle.wait(guard, [this] { return (queue.empty() && !busy) || broken; });
    return guard;
  }

  Fd lock;
  NodeLog log;       // by the committing thread, or under quiet()
  RocksStore store;  // the same
  MarkFile mark;     // the same
  CertificateFiles certificates;
  bool log_unsynced = false, store_unsynced = false;
  Callbacks callbacks;
  std::string failure;

  std::mutex mutex;
  std::condition_variable work, idle;
  std::deque<Queued> queue;
  bool busy = false, stopping = false, broken = false;
  std::thread thread;
};

// ---- the committing thread

void RocksDisk::Impl::run() {
  std::unique_lock guard(mutex);
  while (true) {
    work.wait(guard, [this] { return !queue.empty() || stopping; });
    if (queue.empty()) return;
    std::vector<Queued> taken(std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.end()));
    queue.clear();
    busy = true;
    guard.unlock();
    const auto written = write(taken);
    if (written) {
      for (const Queued& one : taken) callbacks.done(one.token);
    } else {
      callbacks.failed(written.error().message);
    }
    guard.lock();
    busy = false;
    broken = !written.ok();
    idle.notify_all();
    if (broken) return;
  }
}

// Neighbours of one side become one write: it is kept whole or not at all, so each of them is too.
Result<void> RocksDisk::Impl::write(std::vector<Queued>& taken) {
  for (std::size_t i = 0; i < taken.size();) {
    DiskBatch joined = std::move(taken[i].batch);
    Queued probe{std::move(joined), 0};
    const DiskSide side = probe.side();
    std::size_t next = i + 1;
    for (; next < taken.size() && (taken[next].batch.empty() || taken[next].side() == side); ++next) {
      DiskBatch& more = taken[next].batch;
      probe.batch.ops.insert(probe.batch.ops.end(), std::make_move_iterator(more.ops.begin()),
                             std::make_move_iterator(more.ops.end()));
      probe.batch.sync |= more.sync;
      if (!more.mark.empty()) probe.batch.mark = std::move(more.mark);
    }
    i = next;
    if (const auto written = write_side(side, probe.batch); !written) return written;
  }
  return {};
}

Result<void> RocksDisk::Impl::write_side(DiskSide side, const DiskBatch& batch) {
  switch (side) {
    case DiskSide::manager:
      return write_store(batch);
    case DiskSide::certificates:
      return write_certificates(batch.ops);
    case DiskSide::node:
      break;
  }
  return write_log(batch);
}

Result<void> RocksDisk::Impl::sync_log() {
  return std::exchange(log_unsynced, false) ? log.sync() : Result<void>();
}

Result<void> RocksDisk::Impl::sync_store() {
  return std::exchange(store_unsynced, false) ? store.sync() : Result<void>();
}

Result<void> RocksDisk::Impl::write_certificates(const std::vector<ports::DiskOp>& ops) {
  if (auto synced = sync_log(); !synced) return synced;
  if (auto synced = sync_store(); !synced) return synced;
  return certificates.write(ops);
}

Result<void> RocksDisk::Impl::write_log(const DiskBatch& batch) {
  if (auto synced = sync_store(); !synced) return synced;
  if (!batch.empty()) {
    if (auto written = log.append(batch); !written) return written;
    log_unsynced = true;
  }
  if (!batch.sync) return {};
  log_unsynced = false;
  return log.sync();
}

Result<void> RocksDisk::Impl::write_store(const DiskBatch& batch) {
  if (auto synced = sync_log(); !synced) return synced;
  store_unsynced = !batch.sync;
  if (auto written = store.write(batch.ops, batch.sync); !written) return written;
  return batch.mark.empty() ? Result<void>() : mark.write(batch.mark);
}

// The mark first: a mark without a state would say that the state was lost.
Result<void> RocksDisk::Impl::forget_manager() {
  store_unsynced = false;
  if (auto removed = mark.remove(); !removed) return removed;
  return store.wipe();
}

// ---- the port

RocksDisk::RocksDisk(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  impl_->thread = std::thread([this] { impl_->run(); });
}

Result<std::unique_ptr<RocksDisk>> RocksDisk::open(const std::string& data_root, Callbacks callbacks,
                                                   rocksdb::Env* env) {
  if (auto closed = close_root(data_root); !closed) return closed.error();
  auto lock = lock_root(data_root);
  if (!lock) return lock.error();
  if (auto closed = close_inside(data_root); !closed) return closed.error();
  if (auto format = check_format(data_root); !format) return format.error();
  const std::string log_path = data_root + "/node.log", raft_path = data_root + "/raft";
  if (!exists(log_path) && exists(raft_path))
    return plain_error(Code::data_loss,
                       log_path +
                           " is missing although there is a manager's state beside it: the data "
                           "root is damaged; restore it from a copy");
  auto log = NodeLog::open(log_path);
  if (!log) return log.error();
  auto store = RocksStore::open(raft_path, env);
  if (!store) return store.error();
  auto mark = MarkFile::open(data_root + "/raft.mark");
  if (!mark) return mark.error();
  auto certificates = CertificateFiles::open(data_root + "/swarm/certificates");
  if (!certificates) return certificates.error();
  auto impl = std::make_unique<Impl>(std::move(*lock), std::move(*log), std::move(*store), std::move(*mark),
                                     std::move(*certificates), std::move(callbacks));
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
    impl_->queue.push_back({std::move(batch), token});
  }
  impl_->work.notify_one();
}

void RocksDisk::scan(Family family, std::string_view from,
                     const std::function<bool(std::string_view, std::string_view)>& visit) {
  const auto guard = impl_->quiet();
  if (ports::is_manager_family(family)) return impl_->note(impl_->store.scan(family, from, visit));
  if (family == Family::certificates) {
    const auto& files = impl_->certificates.content();
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
    const auto& files = impl_->certificates.content();
    const auto it = files.find(std::string(key));
    return it == files.end() ? std::nullopt : std::optional(it->second);
  }
  if (!ports::is_manager_family(family)) {
    const auto it = impl_->log.content().find({family, std::string(key)});
    return it == impl_->log.content().end() ? std::nullopt : std::optional(it->second);
  }
  auto found = impl_->store.get(family, key);
  if (found) return std::move(*found);
  impl_->note(found.error());
  return std::nullopt;
}

std::string RocksDisk::mark() {
  const auto guard = impl_->quiet();
  return impl_->mark.mark();
}

bool RocksDisk::has_manager_state() {
  const auto guard = impl_->quiet();
  const auto found = impl_->store.holds_anything();
  if (!found) impl_->note(found.error());
  return found && *found;
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
  impl_->note(impl_->write_log(batch));
  impl_->note(impl_->certificates.wipe());
  impl_->note(impl_->forget_manager());
}

std::string RocksDisk::failure() const {
  const std::lock_guard guard(impl_->mutex);
  return impl_->failure;
}

}  // namespace swarm::real
