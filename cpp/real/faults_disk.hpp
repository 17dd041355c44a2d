// FaultyDisk: stands before the daemon's own disk and is slow, full, or fails at an operation, as a fault
// says; the disk of a throttled node takes a multiple of its time. A manager's batches fail, the node's own
// wait (ports/disk.hpp); of a disk that is full, the node's own find the room that was kept for them.
//
// Batches keep their order: all batches behind one that waits have to wait. Reads come at the start only and
// pass as they are. Without a fault it costs one look at a flag. Lives on the reactor's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

// What is wrong with a disk now.
struct DiskTrouble {
  Duration fsync_delay;
  bool full = false;
  std::string write_error, fsync_error;  // "EIO", "ENOSPC"; "": none
  std::int64_t after = 1;                // the number of the first such operation that fails, from 1 on
  std::int64_t pace = 1'000'000'000;     // the time of everything is multiplied by this (billionths)
  bool any() const { return fsync_delay.ns > 0 || full || !write_error.empty() || !fsync_error.empty(); }
};

class FaultyDisk final : public ports::Disk {
 public:
  using Tell = std::function<void(ports::Event)>;
  FaultyDisk(Reactor& reactor, ports::Disk& inner, Tell tell)
      : inner_(inner), tell_(std::move(tell)), timer_(reactor), answers_(reactor) {}

  void set(DiskTrouble trouble);
  // From the inner one.
  void hear(ports::DiskDone event);
  void hear(ports::DiskFailed event);
  void hear(ports::DiskReopened event) { tell_(std::move(event)); }
  void hear(ports::DiskWaits event) { tell_(std::move(event)); }

  void commit(ports::DiskBatch batch, std::uint64_t token) override;
  void scan(ports::Family family, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) override {
    inner_.scan(family, from, visit);
  }
  std::optional<std::string> get(ports::Family family, std::string_view key) override {
    return inner_.get(family, key);
  }
  std::string mark() override { return inner_.mark(); }
  std::optional<ports::Unusable> unusable() override;
  void reopen() override;
  bool locked() override { return inner_.locked(); }
  Result<bool> unlock(std::string_view key) override { return inner_.unlock(key); }
  ports::DiskLock lock() override { return inner_.lock(); }
  bool has_manager_state() override { return inner_.has_manager_state(); }
  void wipe_manager() override {
    failed_.clear();
    let_all_go();
    inner_.wipe_manager();
  }
  void wipe_all() override {
    failed_.clear();
    let_all_go();
    inner_.wipe_all();
  }

 private:
  struct Waiting {
    ports::DiskBatch batch;
    std::uint64_t token = 0;
    Instant due;
  };
  struct Answer {
    std::uint64_t token = 0;
    Instant due;
  };
  struct Held {
    ports::DiskBatch batch;
    std::uint64_t token = 0;
  };
  std::string refusal(bool writes, bool syncs, bool is_managers);
  bool refuses(ports::DiskBatch& batch, std::uint64_t token);
  void pass(ports::DiskBatch batch, std::uint64_t token);
  void let_held_go();
  void hand_over(ports::DiskBatch batch, std::uint64_t token);
  void answer_due();
  void let_due_go();
  void let_all_go();

  ports::Disk& inner_;
  Tell tell_;
  Timer timer_, answers_;
  DiskTrouble trouble_;
  std::int64_t operations_ = 0;  // of those that are to fail, since the fault began
  std::deque<Waiting> waiting_;
  std::map<std::uint64_t, Instant> handed_over_;  // while the node is throttled
  std::deque<Answer> slow_answers_;
  std::string failed_;     // the manager's side is to be opened again
  std::deque<Held> held_;  // of the node's own sides
};

}  // namespace swarm::real
