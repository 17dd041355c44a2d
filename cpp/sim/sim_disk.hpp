// SimDisk: one machine's disk. Outlives its daemon.
//
// A read sees what was committed at once. What is not durable yet can be undone: a crash undoes the last few
// batches, how many is drawn from the seed, but never a durable one. The node's small log and the database
// share one order (ports/disk.hpp).
//
// A disk may be in trouble (`disk` faults). An operation that fails is not done, and the host ends the
// daemon, as swarmd does (`failure`). A disk that loses durable data (a lost tail, an older copy) breaks the
// port's contract: the run is then outside of what Raft assumes, and the trace says so. A flipped bit is
// found when the daemon starts, as checksums do.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/disk.hpp"
#include "sim/shared.hpp"

namespace swarm::sim {

// What is wrong with a disk, of all faults that are active on it.
struct DiskTrouble {
  Duration fsync_delay;
  std::int64_t slower = 1'000'000'000;  // how many times as long, per thousand million
  bool full = false;
  struct Failing {
    std::uint64_t fault = 0;                    // whose
    std::map<std::string, std::string> errors;  // operation -> error
    std::int64_t after = 1;                     // the n-th operation from now
  };
  std::vector<Failing> failing;
  struct AtCrash {  // at the next one, once
    std::uint64_t fault = 0;
    std::int64_t lost_tail = 0, flip = 0;
    bool torn = false;
    bool done = false;
  };
  std::vector<AtCrash> at_crash;
};

class SimDisk final : public ports::Disk {
 public:
  SimDisk(Shared& shared, MachineIndex machine, Rng rng) : shared_(shared), machine_(machine), rng_(rng) {}
  void reseed(Rng rng) { rng_ = rng; }

  void commit(ports::DiskBatch batch, std::uint64_t token) override;
  void scan(ports::Family family, std::string_view from,
            const std::function<bool(std::string_view, std::string_view)>& visit) override;
  std::optional<std::string> get(ports::Family family, std::string_view key) override;
  std::string mark() override { return mark_; }
  bool has_manager_state() override;
  void wipe_manager() override;
  void wipe_all() override;

  // ---- the world's side
  std::optional<std::string> last_key(ports::Family family) const;
  // Returns what is stored now, and what a power cut at this moment would surely leave.
  const std::string* value(ports::Family family, std::string_view key) const;
  const std::string* durable(ports::Family family, std::string_view key) const;
  void set_life(std::uint32_t life) { life_ = life; }
  void on_written(const DiskWritten& event);
  // Returns what it lost that was durable, in words; "" for nothing.
  std::string crash();
  void sync();  // an orderly stop: everything is durable
  void set_latency(Duration min, Duration max) { min_ = min, max_ = max; }

  // ---- trouble
  void set_trouble(DiskTrouble trouble);                   // operations that were counted stay counted
  const std::string& failure() const { return failure_; }  // of the device; "": none
  // A daemon is about to read it all. Returns why it cannot, or "".
  std::string open();
  void keep_copy() { copy_ = std::make_unique<Copy>(Copy{tables_copy(), mark_}); }
  void drop_copy() { copy_.reset(); }
  bool take_copy();  // restores the kept copy; false: there is none, or it is the same
  void unflip();

 private:
  static constexpr std::size_t kFamilies = 7;
  struct Undo {
    ports::Family family;
    std::string key;
    std::optional<std::string> before;
  };
  struct Pending {  // not durable yet
    std::uint64_t number = 0;
    std::vector<Undo> undo;  // in the order of the writes
    std::string mark;
  };
  using Table = std::map<std::string, std::string, std::less<>>;
  struct Copy {
    std::vector<Table> tables;
    std::string mark;
  };
  struct Flip {
    ports::Family family = ports::Family::identity;
    std::string key, before;
  };
  static constexpr std::size_t kTail = 16;  // durable batches that can be lost, unless more were asked for
  std::vector<Table> tables_copy() const { return {std::begin(tables_), std::end(tables_)}; }
  bool fails(const std::string& operation);
  void remember(Pending&& durable);
  std::string lose_tail();
  void flip_bit(std::int64_t from_end);
  bool tears() const;
  Table& table(ports::Family family) { return tables_[static_cast<std::size_t>(family)]; }
  const Table& table(ports::Family family) const { return tables_[static_cast<std::size_t>(family)]; }
  void write(const ports::DiskOp& op, std::vector<Undo>& undo);
  void undo(Pending& pending);

  Shared& shared_;
  MachineIndex machine_;
  Rng rng_;
  std::uint32_t life_ = 0;
  Table tables_[kFamilies];
  std::string mark_;             // of the last durable batch that had one
  std::deque<Pending> pending_;  // of both sides, in the order of commits
  std::uint64_t last_number_ = 0;
  Instant last_done_;
  Duration min_ = Duration::micros(50), max_ = Duration::micros(400);
  std::deque<Pending> tail_;  // the last that are durable
  std::unique_ptr<DiskTrouble> trouble_;
  std::unique_ptr<Copy> copy_;
  std::optional<Flip> flipped_;
  std::string failure_;
};

}  // namespace swarm::sim
