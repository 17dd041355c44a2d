#include "real/runner/task_output.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "model/wire.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "real/http/reactor.hpp"
#include "real/runner/executor.hpp"
#include "real/runner/task_log.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kLinesPerEvent = 1'000;
// What tasks say is taken at this pace, all together: one that floods its log waits in its write(), and
// starves neither the node nor the links that carry its lines.
constexpr std::int64_t kOutputPerTick = 192L * 1024;
constexpr std::int64_t kCostOfALine = 16;
constexpr Duration kOutputTick = Duration::millis(10);
constexpr std::size_t kPipe = 64UL * 1024;  // as much as a pipe holds

void make_nonblocking(const Fd& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

}  // namespace

// ---- from the pipes

// The callbacks hold the output weakly: it owns the watches that own them.
void TaskOutputs::take(const std::shared_ptr<TaskOutput>& from, Pipes pipes) {
  const auto with = [this, weak = std::weak_ptr(from)](bool err) {
    return [self = weak_from_this(), weak, err] {
      const auto all = self.lock();
      const auto output = weak.lock();
      if (all && output) all->read(output, err);
    };
  };
  make_nonblocking(pipes.out);
  make_nonblocking(pipes.err);
  from->out_.watch.emplace(reactor_, pipes.out.release(), with(false));
  from->err_.watch.emplace(reactor_, pipes.err.release(), with(true));
}

void TaskOutputs::read(const std::shared_ptr<TaskOutput>& output, bool err) {
  TaskOutput::Pipe& pipe = err ? output->err_ : output->out_;
  if (!pipe.watch) return;
  char bytes[kPipe];
  std::vector<std::string> texts;
  ssize_t count = 0;
  do {
    count = ::read(pipe.watch->fd(), bytes, sizeof bytes);
  } while (count < 0 && errno == EINTR);
  const bool ended = count == 0 || (count < 0 && errno != EAGAIN);
  if (count > 0) {
    pipe.lines.add({bytes, static_cast<std::size_t>(count)}, texts);
    spend(static_cast<std::size_t>(count), texts.size());
  }
  if (ended) {
    pipe.lines.finish(texts);
    pipe.watch.reset();
  } else if (left_ < 0) {
    pipe.watch->pause();
    waiting_.emplace_back(output, err);
  }
  keep(*output, err, std::move(texts));
}

void TaskOutputs::finish(TaskOutput& output) {
  drain(output, false);
  drain(output, true);
  output.log_.close();
}

void TaskOutputs::drain(TaskOutput& output, bool err) {
  TaskOutput::Pipe& pipe = err ? output.err_ : output.out_;
  if (!pipe.watch) return;
  char bytes[kPipe];
  std::vector<std::string> texts;
  ssize_t count = 0;
  do {
    count = ::read(pipe.watch->fd(), bytes, sizeof bytes);
    if (count > 0) pipe.lines.add({bytes, static_cast<std::size_t>(count)}, texts);
  } while (count > 0 || (count < 0 && errno == EINTR));
  pipe.lines.finish(texts);
  pipe.watch.reset();
  keep(output, err, std::move(texts));
}

void TaskOutputs::keep(TaskOutput& output, bool err, std::vector<std::string> texts) {
  if (texts.empty() || output.dropped_) return;
  std::vector<wire::LogLine> lines;
  const WallTime now = wall_now();
  for (std::string& text : texts) lines.push_back({output.task_, err, now, std::move(text)});
  output.log_.append(lines);
  for (const auto& [id, stream] : streams_) {
    if (stream.task != output.task_) continue;
    std::vector<wire::LogLine> for_it;
    for (const auto& line : lines)
      if (wanted(line, stream.options)) for_it.push_back(line);
    send(id, std::move(for_it));
  }
}

// ---- the pace

void TaskOutputs::spend(std::size_t bytes, std::size_t lines) {
  if (!tick_) {
    left_ = kOutputPerTick;
    tick_.emplace(reactor_);
    refill();
  }
  left_ -= static_cast<std::int64_t>(bytes) + kCostOfALine * static_cast<std::int64_t>(lines);
}

void TaskOutputs::refill() {
  SWARM_CHECK(tick_, "no clock of the pace");
  tick_->after(kOutputTick, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_tick();
  });
}

// Ticks for as long as a pipe waits; what was taken beyond the pace is paid for first.
void TaskOutputs::on_tick() {
  left_ = std::min(left_ + kOutputPerTick, kOutputPerTick);
  if (left_ < 0) return refill();
  const auto waiting = std::exchange(waiting_, {});
  for (const auto& [output, err] : waiting)
    if (const auto still = output.lock())
      if (auto& watch = err ? still->err_.watch : still->out_.watch) watch->resume();
  if (waiting.empty()) return tick_.reset();
  refill();
}

// ---- to the readers

void TaskOutputs::send(ports::LogStreamId stream, std::vector<wire::LogLine> lines) {
  for (std::size_t at = 0; at < lines.size(); at += kLinesPerEvent) {
    const auto first = lines.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last =
        lines.begin() + static_cast<std::ptrdiff_t>(std::min(lines.size(), at + kLinesPerEvent));
    emit_(ports::TaskLog{stream, {std::make_move_iterator(first), std::make_move_iterator(last)}, false, {}});
  }
}

ports::LogStreamId TaskOutputs::open_stream(TaskId task, const std::string& path,
                                            const wire::LogOptions& options, bool follows,
                                            const std::string& missing) {
  const ports::LogStreamId id = ++last_stream_;
  auto lines = TaskLogFile(path).read(task, options);
  const bool silent = lines.empty();
  send(id, std::move(lines));
  if (!follows || silent || !missing.empty()) emit_(ports::TaskLog{id, {}, !follows, missing});
  if (follows) streams_[id] = {task, options};
  return id;
}

void TaskOutputs::end_streams(TaskId task) {
  for (auto it = streams_.begin(); it != streams_.end();) {
    if (it->second.task != task) {
      ++it;
      continue;
    }
    emit_(ports::TaskLog{it->first, {}, true, {}});
    it = streams_.erase(it);
  }
}

}  // namespace swarm::real
