#include "real/faults_disk.hpp"

#include <algorithm>

namespace swarm::real {

void FaultyDisk::set(DiskTrouble trouble) {
  trouble_ = std::move(trouble);
  operations_ = 0;
  if (trouble_.fsync_delay.ns == 0 && !dead_) let_all_go();
}

void FaultyDisk::commit(ports::DiskBatch batch, std::uint64_t token) {
  if (dead_) return;
  if (!trouble_.any() && waiting_.empty()) return inner_.commit(std::move(batch), token);
  if (std::string why = refusal(batch); !why.empty()) {
    dead_ = true;
    return failed_(std::move(why));
  }
  const Instant before = waiting_.empty() ? steady_now() : std::max(steady_now(), waiting_.back().due);
  const Instant due = batch.sync ? before + trouble_.fsync_delay : before;
  waiting_.push_back({std::move(batch), token, due});
  let_due_go();
}

// As the device says it (docs/design/faults.md): the daemon ends with this sentence.
std::string FaultyDisk::refusal(const ports::DiskBatch& batch) {
  const auto sentence = [](const char* what, const std::string& error) {
    return std::string("the disk failed: ") + what + ": " +
           (error == "ENOSPC" ? "No space left on device" : "Input/output error") +
           " (a fault that was asked for)";
  };
  if (batch.ops.empty() && !batch.sync) return {};
  if (trouble_.full && !batch.ops.empty()) return sentence("write", "ENOSPC");
  const bool writes = !trouble_.write_error.empty() && !batch.ops.empty();
  const bool syncs = !trouble_.fsync_error.empty() && batch.sync;
  if ((writes || syncs) && ++operations_ >= trouble_.after)
    return writes ? sentence("write", trouble_.write_error) : sentence("fsync", trouble_.fsync_error);
  return {};
}

void FaultyDisk::let_due_go() {
  while (!waiting_.empty() && waiting_.front().due <= steady_now()) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    inner_.commit(std::move(next.batch), next.token);
  }
  if (!waiting_.empty()) timer_.at(waiting_.front().due, [this] { let_due_go(); });
}

void FaultyDisk::let_all_go() {
  for (Waiting& one : std::exchange(waiting_, {})) inner_.commit(std::move(one.batch), one.token);
  timer_.cancel();
}

}  // namespace swarm::real
