// SimDisk: one machine's disk. Outlives its daemon.
//
// What was committed is seen at once; what is not durable yet can be undone: a crash undoes a suffix of the
// batches that is drawn by the seed and never reaches back over a durable one. One order for the
// node's small log and the database (ports/disk.hpp).
#pragma once

#include <deque>
#include <map>
#include <string>

#include "ports/disk.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

class SimDisk final : public ports::Disk {
 public:
  SimDisk(Shared& shared, MachineIndex machine, Rng rng) : shared_(shared), machine_(machine), rng_(rng) {}

  void commit(ports::DiskBatch batch, std::uint64_t token) override;
  void scan(ports::Family family, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) override;
  std::optional<std::string> get(ports::Family family, std::string_view key) override;
  bool has_manager_state() override;
  void wipe_manager() override;
  void wipe_all() override;

  // ---- the world's side
  std::optional<std::string> last_key(ports::Family family) const;
  void set_life(std::uint32_t life) { life_ = life; }
  void on_written(const DiskWritten& event);
  void crash();
  void sync();  // an orderly stop: everything is durable
  void set_latency(Duration min, Duration max) { min_ = min, max_ = max; }

 private:
  static constexpr std::size_t kFamilies = 6;
  struct Undo {
    ports::Family family;
    std::string key;
    std::optional<std::string> before;
  };
  struct Pending {  // not durable yet
    std::uint64_t number = 0;
    std::vector<Undo> undo;  // in the order of the writes
  };
  using Table = std::map<std::string, std::string, std::less<>>;
  Table& table(ports::Family family) { return tables_[static_cast<std::size_t>(family)]; }
  const Table& table(ports::Family family) const { return tables_[static_cast<std::size_t>(family)]; }
  void write(const ports::DiskOp& op, std::vector<Undo>& undo);
  void undo(Pending& pending);

  Shared& shared_;
  MachineIndex machine_;
  Rng rng_;
  std::uint32_t life_ = 0;
  Table tables_[kFamilies];
  std::deque<Pending> pending_;  // of both sides, in the order of commits
  std::uint64_t last_number_ = 0;
  Instant last_done_;
  Duration min_ = Duration::micros(50), max_ = Duration::micros(400);
};

}  // namespace swarm::sim
