// FaultyDisk: a disk before the daemon's own that is slow, full, or fails at an operation, as a fault says.
//
// Batches keep their order: behind one that waits all others wait. Reads come at the start only and pass as
// they are. Without a fault it costs one look at a flag. Lives on the reactor's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "ports/disk.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

// What is wrong with a disk now.
struct DiskTrouble {
  Duration fsync_delay;
  bool full = false;
  std::string write_error, fsync_error;  // "EIO", "ENOSPC"; "": none
  std::int64_t after = 1;                // the so-manieth of these operations is the first that fails
  bool any() const { return fsync_delay.ns > 0 || full || !write_error.empty() || !fsync_error.empty(); }
};

class FaultyDisk final : public ports::Disk {
 public:
  // `failed`: as the device's own failure, with a sentence.
  FaultyDisk(Reactor& reactor, ports::Disk& inner, std::function<void(std::string)> failed)
      : inner_(inner), failed_(std::move(failed)), timer_(reactor) {}

  void set(DiskTrouble trouble);

  void commit(ports::DiskBatch batch, std::uint64_t token) override;
  void scan(ports::Family family, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) override {
    inner_.scan(family, from, visit);
  }
  std::optional<std::string> get(ports::Family family, std::string_view key) override {
    return inner_.get(family, key);
  }
  bool has_manager_state() override { return inner_.has_manager_state(); }
  void wipe_manager() override {
    let_all_go();
    inner_.wipe_manager();
  }
  void wipe_all() override {
    let_all_go();
    inner_.wipe_all();
  }

 private:
  struct Waiting {
    ports::DiskBatch batch;
    std::uint64_t token = 0;
    Instant due;
  };
  std::string refusal(const ports::DiskBatch& batch);
  void let_due_go();
  void let_all_go();

  ports::Disk& inner_;
  std::function<void(std::string)> failed_;
  Timer timer_;
  DiskTrouble trouble_;
  std::int64_t operations_ = 0;  // of those that shall fail, since the fault began
  std::deque<Waiting> waiting_;
  bool dead_ = false;
};

}  // namespace swarm::real
