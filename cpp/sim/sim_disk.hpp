// SimDisk: one machine's disk. Outlives its daemon.
//
// A read sees what was committed at once. What is not durable yet can be undone: a crash undoes the last few
// batches, how many is drawn from the seed, but never a durable one. The node's small log and the database
// share one order (ports/disk.hpp).
//
// A disk may be in trouble (`disk` faults). A manager's batch whose operation fails is answered as failed,
// and so are all later ones until the disk was opened again; the node's own wait until the trouble is over.
// After an fsync that failed, the batch may be there or not when the disk is opened again. A disk that loses
// durable data (a lost tail, an older copy) breaks the port's contract: the run is then outside of what Raft
// assumes, and the trace says so. A flipped bit is found when the daemon starts, as checksums do.
//
// Its lock is a value, and what it seals is only said to be: a node that reads or writes a locked disk is a
// bug.
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
  std::optional<ports::Unusable> unusable() override;
  void reopen() override;
  bool locked() override { return locked_; }
  Result<bool> unlock(std::string_view key) override;
  ports::DiskLock lock() override { return lock_; }
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

  std::uint64_t operations() const { return operations_; }  // batches and wipes so far
  std::size_t unsynced() const { return pending_.size(); }
  // All that is written from now on, in order; a batch without operations stands for a wipe: of the manager's
  // state, or (`sync`) of everything.
  void record(std::shared_ptr<std::vector<ports::DiskBatch>> into) { record_ = std::move(into); }
  // The next crash keeps so many of the batches that are not durable yet, in place of a number that is drawn.
  void keep_at_crash(std::size_t batches) { kept_at_crash_ = batches; }

  // ---- trouble
  void set_trouble(DiskTrouble trouble);                  // operations that were counted stay counted
  const std::string& failure() const { return failed_; }  // of the manager's side; "": none
  // A daemon is about to read its own side. Returns why it cannot, or "".
  std::string open();
  using Table = std::map<std::string, std::string, std::less<>>;
  struct Copy {
    std::vector<Table> tables;
    std::string mark;
    ports::DiskLock lock;
    bool has_manager_state() const;
  };
  Copy copied()
      const;  // without a bit that has flipped: its checksum would come along, and here there is none
  bool become(Copy copy);  // of a dead machine; false: it is the same as before
  void keep_copy() { copy_ = std::make_unique<Copy>(copied()); }
  void drop_copy() { copy_.reset(); }
  bool take_copy();  // restores the kept copy; false: there is none, or it is the same
  void unflip();
  void want_altered() { to_alter_ = true; }
  // At a start. Returns which object of its store it has another value of from now on; "" for none.
  std::string take_altered();

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
    bool is_managers = false;
    std::optional<ports::DiskLock> lock_before{};
  };
  struct Waiting {  // of the node's own sides
    ports::DiskBatch batch;
    std::uint64_t token = 0;
  };
  struct Flip {
    ports::Family family = ports::Family::identity;
    std::string key, before, after;
  };
  static constexpr std::size_t kTail = 16;  // durable batches that can be lost, unless more were asked for
  void note(const ports::DiskBatch& written);
  void forget_manager();
  std::string error_of(const std::string& operation, bool is_managers);
  std::string refusal(const ports::DiskBatch& batch, bool is_managers);
  std::string present_refusal(bool is_managers) const;
  void commit_managers(ports::DiskBatch batch, std::uint64_t token);
  void commit_own(ports::DiskBatch batch, std::uint64_t token);
  void write_down(ports::DiskBatch batch, std::uint64_t token);
  void keep(ports::DiskBatch batch);
  void let_go();
  void tell(ports::Event event);
  const Flip* flipped() const;  // null: none, or its record was written over
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
  std::string mark_;  // of the last durable batch that had one
  ports::DiskLock lock_;
  bool locked_ = false;
  std::deque<Pending> pending_;  // of both sides, in the order of commits
  std::uint64_t last_number_ = 0, operations_ = 0;
  std::optional<std::size_t> kept_at_crash_;
  std::shared_ptr<std::vector<ports::DiskBatch>> record_;
  Instant last_done_;
  Duration min_ = Duration::micros(50), max_ = Duration::micros(400);
  std::deque<Pending> tail_;  // the last that are durable
  std::unique_ptr<DiskTrouble> trouble_;
  std::unique_ptr<Copy> copy_;
  std::optional<Flip> flipped_;
  bool to_alter_ = false;
  std::string failed_;  // the manager's side is to be opened again
  std::deque<Waiting> waiting_;
};

}  // namespace swarm::sim
