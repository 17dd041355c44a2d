#include "real/faults_disk.hpp"

#include <algorithm>

#include "real/faults_pace.hpp"

namespace swarm::real {

void FaultyDisk::set(DiskTrouble trouble) {
  const auto failures = [](const DiskTrouble& one) {
    return std::tie(one.write_error, one.fsync_error, one.after);
  };
  if (failures(trouble_) != failures(trouble)) operations_ = 0;
  trouble_ = std::move(trouble);
  if (trouble_.pace <= kTruePace) handed_over_.clear();
  if (trouble_.fsync_delay.ns == 0 && !dead_) let_all_go();
}

void FaultyDisk::commit(ports::DiskBatch batch, std::uint64_t token) {
  if (dead_) return;
  if (!trouble_.any() && waiting_.empty()) return hand_over(std::move(batch), token);
  if (std::string why = refusal(batch); !why.empty()) {
    dead_ = true;
    return tell_.failed(std::move(why));
  }
  const Instant before = waiting_.empty() ? steady_now() : std::max(steady_now(), waiting_.back().due);
  const Instant due = batch.sync ? before + trouble_.fsync_delay : before;
  waiting_.push_back({std::move(batch), token, due});
  let_due_go();
}

void FaultyDisk::hand_over(ports::DiskBatch batch, std::uint64_t token) {
  if (trouble_.pace > kTruePace) handed_over_.emplace(token, steady_now());
  inner_.commit(std::move(batch), token);
}

// Answers keep their order: behind one that is late all others wait.
void FaultyDisk::hear_done(std::uint64_t token) {
  const auto handed = handed_over_.extract(token);
  if (handed.empty() && slow_answers_.empty()) return tell_.done(token);
  Instant due = steady_now();
  if (!handed.empty()) due = due + longer_by(due - handed.mapped(), trouble_.pace);
  if (!slow_answers_.empty()) due = std::max(due, slow_answers_.back().due);
  slow_answers_.push_back({token, due});
  answer_due();
}

void FaultyDisk::answer_due() {
  while (!slow_answers_.empty() && slow_answers_.front().due <= steady_now()) {
    const std::uint64_t token = slow_answers_.front().token;
    slow_answers_.pop_front();
    tell_.done(token);
  }
  if (!slow_answers_.empty()) answers_.at(slow_answers_.front().due, [this] { answer_due(); });
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
    hand_over(std::move(next.batch), next.token);
  }
  if (!waiting_.empty()) timer_.at(waiting_.front().due, [this] { let_due_go(); });
}

void FaultyDisk::let_all_go() {
  for (Waiting& one : std::exchange(waiting_, {})) hand_over(std::move(one.batch), one.token);
  timer_.cancel();
}

}  // namespace swarm::real
