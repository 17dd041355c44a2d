#include "crashes.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"
#include "tools/swarm_crash/workloads.hpp"

namespace swarm::tools {
namespace {

using Moment = sim::World::DiskMoment;

// One run: it counts moments, and crashes at the place that it was given.
struct Run {
  Run(const Workload& its_workload, const CrashOptions& options)
      : workload(its_workload), play(options.seed, options.trace) {}

  const Workload& workload;
  Play play;
  std::uint64_t moments = 0;
  std::optional<Place> place;      // where it crashed
  std::uint64_t until_second = 0;  // moments until it does so again; 0: no more
  bool crashed_twice = false, helping = false;

  std::size_t crash(const Place& at) {
    place = at;
    play.end();
    // One recovery of four is disturbed by another crash, of any machine.
    if ((at.moment + at.kept) % 4 == 3) until_second = 1 + at.moment * 7 % 23;
    return at.kept;
  }
  std::optional<std::size_t> second(const Moment& moment) {
    if (helping || until_second == 0) return std::nullopt;
    --until_second;
    if (until_second != 0) return std::nullopt;
    crashed_twice = true;
    return moment.unsynced / 2;
  }
  // To the end of the workload, and where it crashed, until all is well again. Returns what is broken.
  std::string finish() {
    try {
      workload.run(play);
      if (!place) {
        play.settle();
        return {};
      }
      // At once, or when the others have noticed.
      play.world().run_for(place->moment % 2 == 0 ? Duration::millis(5) : Duration::seconds(4));
      for (const std::string& name : play.world().dead())
        if (!play.is_down(name)) play.world().start(name);
      play.go_on();
      helping = true;  // it would be a person's to help once more
      workload.help(play);
      helping = false;
      std::string broken = play.recover();
      until_second = 0;
      return broken.empty() ? play.prove() : broken;
    } catch (const std::exception& failed) {
      return failed.what();
    }
  }
};

// ---- in copies of this process

struct Copies {
  explicit Copies(std::size_t most) : most_(most) {
    if (pipe(ends_) != 0) throw std::runtime_error("no pipe");
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~Copies() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;

  // Returns true in the copy.
  bool fork_one() {
    while (running_ >= most_) wait_for_one();
    const pid_t pid = fork();
    if (pid < 0) throw std::runtime_error("this process cannot be copied");
    running_ += pid > 0 ? 1 : 0;
    return pid == 0;
  }
  [[noreturn]] void end_of_copy(const std::string& failure, bool crashed_twice) {
    if (!failure.empty()) {
      const std::string line = failure.substr(0, 3'000) + "\n\f";
      [[maybe_unused]] const auto written = write(ends_[1], line.data(), line.size());
    }
    _exit((failure.empty() ? 0 : 1) | (crashed_twice ? 2 : 0));
  }
  void wait_for_all() {
    while (running_ > 0) wait_for_one();
  }

  std::uint64_t ended = 0, twice = 0;
  std::vector<std::string> failures;

 private:
  void wait_for_one() {
    int status = 0;
    if (waitpid(-1, &status, 0) <= 0) return;
    --running_;
    ++ended;
    take_failures();
    if (!WIFEXITED(status))
      failures.emplace_back("a copy ended by signal " + std::to_string(WTERMSIG(status)));
    twice += WIFEXITED(status) && (WEXITSTATUS(status) & 2) != 0 ? 1 : 0;
  }
  void take_failures() {
    char bytes[4096];
    for (ssize_t got; (got = read(ends_[0], bytes, sizeof bytes)) > 0;)
      said_.append(bytes, static_cast<std::size_t>(got));
    for (std::size_t end; (end = said_.find('\f')) != std::string::npos; said_.erase(0, end + 1))
      failures.push_back(said_.substr(0, end));
  }

  std::size_t most_, running_ = 0;
  int ends_[2] = {-1, -1};
  std::string said_;
};

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What a crash may leave of the batches that are not durable: none, all, or all but the one that is torn.
std::set<std::size_t> kept_at(const Moment& moment) {
  std::set<std::size_t> kept{0, moment.unsynced};
  if (moment.unsynced > 0) kept.insert(moment.unsynced - 1);
  return kept;
}

std::string where(const Workload& workload, const CrashOptions& options, const Place& place) {
  return "--workload " + workload.name + " --seed " + std::to_string(options.seed) + " --at " +
         std::to_string(place.moment) + " --kept " + std::to_string(place.kept);
}

}  // namespace

Tally crash_everywhere(const Workload& workload, const CrashOptions& options) {
  const double begin = now_seconds();
  Run run(workload, options);
  Copies copies(options.jobs);
  run.play.world().at_disk([&](const Moment& moment) -> std::optional<std::size_t> {
    if (run.place) return run.second(moment);
    if (++run.moments % options.every != 0) return std::nullopt;
    for (const std::size_t kept : kept_at(moment))
      if (copies.fork_one()) return run.crash({run.moments, kept});
    return std::nullopt;
  });
  std::string failure = run.finish();
  if (run.place) {
    if (!failure.empty()) failure = where(workload, options, *run.place) + "\n  " + failure;
    copies.end_of_copy(failure, run.crashed_twice);
  }
  copies.wait_for_all();
  if (!failure.empty()) throw std::runtime_error(workload.name + ": " + failure);
  return {run.moments, copies.ended, copies.twice, copies.failures, now_seconds() - begin};
}

std::string crash_at(const Workload& workload, const CrashOptions& options, const Place& place) {
  Run run(workload, options);
  run.play.world().at_disk([&](const Moment& moment) -> std::optional<std::size_t> {
    if (run.place) return run.second(moment);
    if (++run.moments != place.moment) return std::nullopt;
    return run.crash(place);
  });
  std::string failure = run.finish();
  if (options.trace)
    for (const auto& line : run.play.world().take_trace())
      std::cout << to_string(line.at - Instant{}) << " " << line.machine << " " << line.kind << " "
                << line.text << "\n";
  if (options.trace)
    for (const std::string& name : run.play.world().machines())
      if (run.play.world().alive(name))
        std::cout << name << " " << run.play.world().ask(name, sim::get("/swarmpy/v1/raft")).body << "\n"
                  << run.play.world().counted(name);
  return failure;
}

}  // namespace swarm::tools
