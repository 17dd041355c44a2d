#include "real/faults_disk.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <tuple>
#include <utility>

#include "base/time.hpp"
#include "ports/disk.hpp"
#include "ports/ports.hpp"
#include "real/faults_pace.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

void FaultyDisk::set(DiskTrouble trouble) {
  const auto failures = [](const DiskTrouble& one) {
    return std::tie(one.write_error, one.fsync_error, one.after);
  };
  if (failures(trouble_) != failures(trouble)) operations_ = 0;
  trouble_ = std::move(trouble);
  if (trouble_.pace <= kTruePace) handed_over_.clear();
  if (trouble_.fsync_delay.ns == 0) let_all_go();
  let_held_go();
}

void FaultyDisk::commit(ports::DiskBatch batch, std::uint64_t token) {
  if (!trouble_.any() && waiting_.empty() && failed_.empty()) return hand_over(std::move(batch), token);
  if (!refuses(batch, token)) pass(std::move(batch), token);
}

bool FaultyDisk::refuses(ports::DiskBatch& batch, std::uint64_t token) {
  const bool is_managers = !batch.ops.empty() && ports::is_manager_family(batch.ops.front().family);
  if (is_managers && !failed_.empty()) {
    tell_(ports::DiskFailed{token, failed_});
    return true;
  }
  const std::string why = refusal(!batch.ops.empty(), batch.sync, is_managers);
  if (why.empty() && (is_managers || held_.empty())) return false;
  if (!why.empty()) failed_ = why;
  if (is_managers) {
    tell_(ports::DiskFailed{token, failed_});
  } else {
    if (held_.empty()) tell_(ports::DiskWaits{why});
    held_.push_back({std::move(batch), token});
  }
  return true;
}

void FaultyDisk::pass(ports::DiskBatch batch, std::uint64_t token) {
  const Instant before = waiting_.empty() ? steady_now() : std::max(steady_now(), waiting_.back().due);
  const Instant due = batch.sync ? before + trouble_.fsync_delay : before;
  waiting_.push_back({std::move(batch), token, due});
  let_due_go();
}

void FaultyDisk::let_held_go() {
  if (held_.empty()) return;
  for (Held& one : std::exchange(held_, {})) commit(std::move(one.batch), one.token);
  if (held_.empty()) tell_(ports::DiskWaits{});
}

std::optional<ports::Unusable> FaultyDisk::unusable() {
  if (failed_.empty()) return inner_.unusable();
  return ports::Unusable{ports::Unusable::Because::failing, failed_};
}

void FaultyDisk::reopen() {
  if (std::string why = refusal(true, true, true); !why.empty())
    return tell_(ports::DiskReopened{std::move(why)});
  failed_.clear();
  inner_.reopen();
}

void FaultyDisk::hand_over(ports::DiskBatch batch, std::uint64_t token) {
  if (trouble_.pace > kTruePace) handed_over_.emplace(token, steady_now());
  inner_.commit(std::move(batch), token);
}

void FaultyDisk::hear(ports::DiskFailed event) {
  handed_over_.erase(event.token);
  tell_(std::move(event));
}

// Answers keep their order: behind one that is late all others wait.
void FaultyDisk::hear(ports::DiskDone event) {
  const std::uint64_t token = event.token;
  const auto handed = handed_over_.extract(token);
  if (handed.empty() && slow_answers_.empty()) return tell_(event);
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
    tell_(ports::DiskDone{token});
  }
  if (!slow_answers_.empty()) answers_.at(slow_answers_.front().due, [this] { answer_due(); });
}

// As the device says it (docs/design/faults.md).
std::string FaultyDisk::refusal(bool writes, bool syncs, bool is_managers) {
  const auto sentence = [](const char* what, const std::string& error) {
    return std::string(what) + ": " + (error == "ENOSPC" ? "No space left on device" : "Input/output error") +
           " (a fault that was asked for)";
  };
  const auto strikes = [&](bool does, const std::string& error) {
    return does && !error.empty() && (is_managers || error != "ENOSPC");
  };
  if (trouble_.full && writes && is_managers) return sentence("write", "ENOSPC");
  const bool at_write = strikes(writes, trouble_.write_error), at_sync = strikes(syncs, trouble_.fsync_error);
  if ((!at_write && !at_sync) || ++operations_ < trouble_.after) return {};
  return at_write ? sentence("write", trouble_.write_error) : sentence("fsync", trouble_.fsync_error);
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
