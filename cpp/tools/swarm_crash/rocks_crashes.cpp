#include "rocks_crashes.hpp"

#include <rocksdb/env.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/content_hash.hpp"
#include "base/id.hpp"
#include "base/rng.hpp"
#include "crash_fs.hpp"
#include "node/identity.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "real/rocks_disk.hpp"
#include "tools/swarm_crash/crashes.hpp"
#include "tools/swarm_crash/play.hpp"
#include "tools/swarm_crash/workloads.hpp"

namespace swarm::tools {
namespace {

using Batches = std::vector<ports::DiskBatch>;
using ports::DiskOp;
using ports::Family;

constexpr Family kFamilies[] = {Family::identity, Family::agent, Family::raft_log, Family::raft_state,
                                Family::objects};

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// ---- what the disk holds after each batch, as a hash of each side

// Where the manager's side has failed, the node's own goes on: each holds a prefix of its own batches.
struct Sides {
  Uint128 manager = 0, own = 0;
  Uint128& of(Family family) { return ports::is_manager_family(family) ? manager : own; }
};

class Model {
 public:
  void take(const ports::DiskBatch& batch) {
    if (batch.ops.empty()) return wipe(batch.sync);
    for (const DiskOp& op : batch.ops) take(op);
  }
  const Sides& hash() const { return hash_; }
  static Uint128 hash_of(Family family, std::string_view key, std::string_view value) {
    return ContentHash().add(static_cast<std::uint64_t>(family), 0).add(key).add(value).value();
  }

 private:
  using Rows = std::map<std::pair<Family, std::string>, std::string>;
  void take(const DiskOp& op) {
    if (op.family == Family::certificates || op.family == Family::format) return;
    if (op.type == DiskOp::Type::put) {
      erase(rows_.find({op.family, op.key}));
      rows_[{op.family, op.key}] = op.value;
      hash_.of(op.family) += hash_of(op.family, op.key, op.value);
    } else if (op.type == DiskOp::Type::erase) {
      erase(rows_.find({op.family, op.key}));
    } else {
      for (auto it = rows_.lower_bound({op.family, op.key});
           it != rows_.end() && it->first.first == op.family && it->first.second < op.value;)
        it = erase(it);
    }
  }
  void wipe(bool everything) {
    for (auto it = rows_.begin(); it != rows_.end();)
      it = everything || ports::is_manager_family(it->first.first) ? erase(it) : std::next(it);
  }
  Rows::iterator erase(Rows::iterator row) {
    if (row == rows_.end()) return row;
    hash_.of(row->first.first) -= hash_of(row->first.first, row->first.second, row->second);
    return rows_.erase(row);
  }
  Rows rows_;
  Sides hash_;
};

Sides hash_of(ports::Disk& disk) {
  Sides hash;
  for (const Family family : kFamilies)
    disk.scan(family, "", [&](std::string_view key, std::string_view value) {
      hash.of(family) += Model::hash_of(family, key, value);
      return true;
    });
  return hash;
}

// ---- the real disk, a batch at a time or several

class Writer {
 public:
  Writer(const std::string& root, std::shared_ptr<Power> power)
      : env_(rocksdb::NewCompositeEnv(crash_fs(std::move(power)))) {
    auto opened = real::RocksDisk::open(root,
                                        {[this](std::uint64_t token) { done(token); },
                                         [this](std::uint64_t, const std::string&) { failed(); },
                                         [](const std::string&) {}, [this](const std::string&) { failed(); }},
                                        env_.get());
    if (opened) disk_ = std::move(*opened);
  }
  // Returns false when the disk has failed. Up to four batches are under way at once, and as of a replica one
  // with a mark at most.
  bool write(const ports::DiskBatch& batch, std::uint64_t number) {
    if (!disk_) return false;
    if (batch.ops.empty()) return wipe(batch.sync, number);
    disk_->commit(batch, number);
    std::unique_lock guard(mutex_);
    news_.wait(guard, [&] { return failed_ || done_ + (batch.mark.empty() ? 4 : 1) > number; });
    return !failed_;
  }
  // All that was committed is answered, or the disk has failed.
  std::uint64_t close() {
    disk_.reset();
    return done_;
  }

 private:
  bool wipe(bool everything, std::uint64_t number) {
    everything ? disk_->wipe_all() : disk_->wipe_manager();
    if (disk_->unusable()) return false;
    done(number);
    return !failed_;
  }
  void done(std::uint64_t token) {
    const std::lock_guard guard(mutex_);
    if (failed_) return;  // of the node's own side, which goes on; the batches before it are not all there
    done_ = token;
    news_.notify_all();
  }
  void failed() {
    const std::lock_guard guard(mutex_);
    failed_ = true;
    news_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable news_;
  std::uint64_t done_ = 0;  // the last batch that was answered
  bool failed_ = false;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<real::RocksDisk> disk_;
};

Batches record(const Workload& workload, const std::string& machine, std::uint64_t seed) {
  Play play(seed, false);
  std::shared_ptr<const Batches> batches;
  play.on_machines([&] {
    if (!batches && play.world().has_machine(machine)) batches = play.world().record_disk(machine);
  });
  workload.run(play);
  if (!batches || batches->empty()) throw std::runtime_error(machine + " writes nothing in " + workload.name);
  return *batches;
}

struct Trial {
  const Batches& batches;
  std::string root;
  std::uint64_t seed;
};

// The number of the last batch that must be there: answered, and durable itself or by a later one.
std::uint64_t durable_of(const Batches& batches, std::uint64_t answered) {
  for (std::uint64_t number = answered; number > 0; --number)
    if (batches[number - 1].sync || batches[number - 1].ops.empty()) return number;
  return 0;
}

// Returns true if each side has what its batches up to some number make, and that is not before `must`.
bool are_prefixes(const Batches& batches, std::uint64_t must, const Sides& found) {
  Model model;
  bool manager = must == 0 && found.manager == 0, own = must == 0 && found.own == 0;
  for (std::uint64_t number = 1; number <= batches.size(); ++number) {
    model.take(batches[number - 1]);
    if (number < must) continue;
    manager = manager || model.hash().manager == found.manager;
    own = own || model.hash().own == found.own;
  }
  return manager && own;
}

// What is wrong with a data root after the power came back; "" for nothing.
std::string look_at(const Trial& trial, std::uint64_t answered) {
  auto disk =
      real::RocksDisk::open(trial.root, {[](std::uint64_t) {}, [](std::uint64_t, const std::string&) {},
                                         [](const std::string&) {}, [](const std::string&) {}});
  if (!disk) return "it does not open: " + disk.error().message;
  if (const auto unusable = (*disk)->unusable()) return "it does not open: " + unusable->why;
  const std::uint64_t must = durable_of(trial.batches, answered);
  if (!are_prefixes(trial.batches, must, hash_of(**disk)))
    return "it holds no prefix of what was written with all that was durable, batch " + std::to_string(must);
  const auto identity = node::load_identity(**disk);
  if (!identity) return identity.error().message;
  const auto& named = *identity;
  if (!named || named->raft_id == 0 || !(*disk)->has_manager_state()) return {};
  const auto state = node::load_replica(**disk);
  return state ? node::what_is_forgotten(*state, (*disk)->mark()) : state.error().message;
}

// Writes until the power is gone at that call. Returns how many calls there were.
std::uint64_t crash(const Trial& trial, std::uint64_t at, std::string& failure) {
  std::filesystem::remove_all(trial.root);
  std::filesystem::create_directories(trial.root);
  const auto power = std::make_shared<Power>(at);
  std::uint64_t answered = 0;
  constexpr std::size_t kLife = 60;  // batches until the daemon is restarted in order
  for (std::size_t begin = 0; begin < trial.batches.size() && !power->is_gone(); begin += kLife) {
    Writer writer(trial.root, power);
    for (std::size_t i = begin; i < std::min(begin + kLife, trial.batches.size()); ++i)
      if (!writer.write(trial.batches[i], i + 1)) break;
    answered = std::max(answered, writer.close());
  }
  power->lose(Rng(trial.seed * 1'000'003 + at));
  failure = look_at(trial, answered);
  return power->calls();
}

}  // namespace

Tally crash_rocks(const Workload& workload, const std::string& machine, std::uint64_t recoveries,
                  std::uint64_t seed) {
  const double begin = now_seconds();
  const Batches batches = record(workload, machine, seed);
  const auto place = std::filesystem::temp_directory_path() / ("swarm_crash." + std::to_string(::getpid()));
  const Trial trial{batches, (place / "root").string(), seed};
  Tally tally;
  std::string failure;
  tally.operations = crash(trial, 0, failure);
  if (!failure.empty()) tally.failures.push_back("without a crash: " + failure);
  for (std::uint64_t i = 0; i < recoveries; ++i) {
    const std::uint64_t at = 1 + i * tally.operations / recoveries;
    crash(trial, at, failure);
    ++tally.recoveries;
    if (!failure.empty())
      tally.failures.push_back("rocksdb " + workload.name + " seed " + std::to_string(seed) +
                               ", power gone at call " + std::to_string(at) + "\n  " + failure);
  }
  std::filesystem::remove_all(place);
  tally.seconds = now_seconds() - begin;
  return tally;
}

}  // namespace swarm::tools
