// swarm_sim: chaos by seed. Runs many seeds (sim/chaos), each twice when asked, in a process per job; a seed
// that fails is reported with its faults, the last lines of its trace and the one line that replays it.
//
//     swarm_sim [--seeds N] [--from K] [--seed S] [--twice] [--seconds 60] [--trace] [--jobs 2]
//     [--upgrades] [--quiet-swarm]
//     swarm_sim --hashes [--seeds N] [--from K]
//     swarm_sim --pinned FILE [--renew]
//
// --hashes prints a line a seed, "SEED HASH", to compare with another compiler's. --pinned checks a file of
// such lines, or writes it anew. Seeds in tests/seeds/regressions.txt (one a line, # begins a comment) are
// run besides, always.
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/mistake.hpp"  // NOLINT(misc-include-cleaner): used where SWARM_TEETH is set
#include "base/number.hpp"
#include "base/time.hpp"
#include "pins.hpp"
#include "seed_run.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace {

using namespace swarm;
using namespace swarm::tools;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A failed seed is run again for its story: the first run kept no text.
std::string verdict(std::uint64_t seed, const Options& options, std::uint64_t& events) {
  const Run first = run_seed(seed, options, false);
  events += first.events;
  if (!first.failure.empty()) return run_seed(seed, options, true).failure;
  if (!options.twice) return {};
  const Run second = run_seed(seed, options, false);
  events += second.events;
  if (second.hash == first.hash && second.failure.empty()) return {};
  return "not deterministic: two runs of the seed have different traces";
}

void tell_failure(std::ostream& out, std::uint64_t seed, const Options& options, const std::string& failure) {
  out << "\nFAIL seed " << seed << ": " << failure << "replay: swarm_sim --seed " << seed << " --seconds "
      << options.seconds << (options.upgrades ? " --upgrades" : "") << " --trace\n";
}

std::vector<std::uint64_t> seeds_of(const Options& options) {
  if (options.seed) return {*options.seed};
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t i = 0; options.until_failure && i < options.seeds; ++i)
    seeds.push_back(options.from + i);
  if (options.until_failure) return seeds;
  std::ifstream file("tests/seeds/regressions.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    if (std::uint64_t seed = 0; words >> seed) seeds.push_back(seed);
  }
  for (std::uint64_t i = 0; i < options.seeds; ++i) seeds.push_back(options.from + i);
  return seeds;
}

// ---- a process per job

void write_all(int fd, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t written = write(fd, text.data() + at, text.size() - at);
    if (written <= 0) _exit(3);
    at += static_cast<std::size_t>(written);
  }
}

// Lines to the parent: "begin SEED", "ok SEED EVENTS", "fail SEED EVENTS"; stories go to stdout.
[[noreturn]] void work(const std::vector<std::uint64_t>& seeds, std::size_t job, const Options& options,
                       int fd) {
  for (std::size_t i = job; i < seeds.size(); i += options.jobs) {
    write_all(fd, "begin " + std::to_string(seeds[i]) + "\n");
    std::uint64_t events = 0;
    const std::string failure = verdict(seeds[i], options, events);
    if (!failure.empty()) {
      std::ostringstream out;
      tell_failure(out, seeds[i], options, failure);
      write_all(STDOUT_FILENO, out.str());
    }
    write_all(fd, (failure.empty() ? "ok " : "fail ") + std::to_string(seeds[i]) + " " +
                      std::to_string(events) + "\n");
    if (options.until_failure && !failure.empty()) break;
  }
  _exit(0);
}

struct Job {
  pid_t pid = 0;
  int fd = -1;
  std::string buffer, current;
};

struct Tally {
  std::size_t ok = 0, failed = 0;
  std::uint64_t events = 0;
};

void take_lines(Job& job, Tally& tally) {
  for (std::size_t end; (end = job.buffer.find('\n')) != std::string::npos; job.buffer.erase(0, end + 1)) {
    std::istringstream line(job.buffer.substr(0, end));
    std::string word, seed;
    std::uint64_t events = 0;
    line >> word >> seed >> events;
    job.current = word == "begin" ? seed : "";
    tally.ok += word == "ok";
    tally.failed += word == "fail";
    tally.events += events;
  }
}

Job start_job(const std::vector<std::uint64_t>& seeds, std::size_t number, const Options& options) {
  int fds[2];
  if (pipe(fds) != 0) std::exit(2);
  const pid_t pid = fork();
  if (pid == 0) {
    close(fds[0]);
    work(seeds, number, options, fds[1]);
  }
  close(fds[1]);
  return {pid, fds[0], {}, {}};
}

// False when the job has ended.
bool read_job(Job& job, Tally& tally) {
  char bytes[4096];
  const ssize_t got = read(job.fd, bytes, sizeof bytes);
  if (got > 0) {
    job.buffer.append(bytes, static_cast<std::size_t>(got));
    take_lines(job, tally);
    return true;
  }
  close(job.fd);
  job.fd = -1;
  int status = 0;
  waitpid(job.pid, &status, 0);
  if (status != 0) {
    ++tally.failed;
    std::cout << "\nFAIL seed " << job.current << ": its process died (status " << status
              << ")\nreplay: swarm_sim --seed " << job.current << "\n";
  }
  return false;
}

int run_many(const Options& options) {
  const auto seeds = seeds_of(options);
  const double begin = now_seconds();
  std::vector<Job> jobs;
  std::cout << std::flush;
  for (std::size_t i = 0; i < options.jobs; ++i) jobs.push_back(start_job(seeds, i, options));
  Tally tally;
  std::size_t told = 0;
  for (std::size_t open = jobs.size(); open > 0;) {
    std::vector<pollfd> polls;
    for (const Job& job : jobs) polls.push_back({job.fd, POLLIN, 0});
    if (poll(polls.data(), polls.size(), -1) < 0) break;
    for (std::size_t i = 0; i < jobs.size(); ++i)
      if (polls[i].fd >= 0 && polls[i].revents != 0 && !read_job(jobs[i], tally)) --open;
    if (tally.ok + tally.failed < told + 50) continue;
    told = tally.ok + tally.failed;
    std::cout << told << "/" << seeds.size() << " seeds, " << tally.failed << " failed, "
              << static_cast<std::uint64_t>(static_cast<double>(told) / (now_seconds() - begin))
              << " seeds/s\n"
              << std::flush;
  }
  const double took = now_seconds() - begin;
  const double runs = static_cast<double>(tally.ok + tally.failed);
  std::cout << tally.ok << "/" << seeds.size() << " seeds pass"
            << (options.twice ? ", each twice with equal traces" : "") << "; " << took << " s, "
            << runs / took << " seeds/s, "
            << static_cast<std::uint64_t>(static_cast<double>(tally.events) / took) << " events/s\n";
  return tally.ok == seeds.size() ? 0 : 1;
}

int run_one(const Options& options) {
  const std::uint64_t seed = options.seed.value_or(0);
  const Run run = run_seed(seed, options, true, options.trace ? &std::cout : nullptr);
  if (!run.failure.empty()) {
    tell_failure(std::cout, seed, options, run.failure);
    return 1;
  }
  if (options.twice && run_seed(seed, options, false).hash != run.hash) {
    std::cout << "seed " << seed << " is not deterministic\n";
    return 1;
  }
  std::cout << "seed " << seed << " passes: " << run.events << " events, trace " << std::hex << run.hash
            << "\n";
  return 0;
}

// Five nodes, a service, nothing happens: how fast does time go by?
int run_quiet_swarm(const Options& options) {
  sim::WorldOptions world_options;
  world_options.record_trace = false;
  sim::World world(world_options);
  for (const auto* name : {"m1", "m2", "m3", "w1", "w2"}) world.add_machine({name, {}, {}, {}});
  const std::string error = sim::form_swarm(world, {"m1", "m2", "m3"}, {"w1", "w2"});
  sim::ServiceWish wish;
  wish.name = "web";
  wish.replicas = 5;
  world.ask("m1", sim::post("/services/create", sim::to_json(wish)));
  world.run_for(Duration::seconds(5));
  const double begin = now_seconds();
  const std::uint64_t before = world.events();
  world.run_for(Duration::seconds(options.seconds * 100));
  const double took = now_seconds() - begin;
  std::cout << error << options.seconds * 100 << " s of a quiet swarm in " << took
            << " s: " << static_cast<double>(options.seconds * 100) / took << " times real time, "
            << static_cast<double>(world.events() - before) / took << " events/s\n";
  return 0;
}

// Only in a build that can make mistakes: make teeth.
void choose_mistake([[maybe_unused]] const std::string& name) {
#ifdef SWARM_TEETH
  make_mistake(name);
#else
  std::cerr
      << "this swarm_sim makes no mistakes; configure a build tree with -D SWARM_TEETH=ON, or: make teeth\n";
  std::exit(2);
#endif
}

// Long: one line for each option.
Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto word = [&](const char* what) -> std::string {
      if (++i < argc) return argv[i];
      std::cerr << flag << " wants " << what << "\n";
      std::exit(2);
    };
    const auto number = [&] {
      const std::string text = word("a number");
      if (const auto given = parse_whole<std::uint64_t>(text)) return *given;
      std::cerr << flag << " wants a whole number from 0 to 18446744073709551615, not \"" << text << "\"\n";
      std::exit(2);
    };
    if (flag == "--seeds") {
      options.seeds = number();
    } else if (flag == "--from") {
      options.from = number();
    } else if (flag == "--seed") {
      options.seed = number();
    } else if (flag == "--seconds") {
      options.seconds = saturate<std::int64_t>(number());
    } else if (flag == "--jobs") {
      options.jobs = std::max<std::uint64_t>(1, number());
    } else if (flag == "--twice") {
      options.twice = true;
    } else if (flag == "--trace") {
      options.trace = true;
    } else if (flag == "--upgrades") {
      options.upgrades = true;
    } else if (flag == "--quiet-swarm") {
      options.quiet_swarm = true;
    } else if (flag == "--hashes") {
      options.hashes = true;
    } else if (flag == "--pinned") {
      options.pinned = word("a file");
    } else if (flag == "--renew") {
      options.renew = true;
    } else if (flag == "--until-failure") {
      options.until_failure = true;
      options.jobs = 1;
    } else if (flag == "--mistake") {
      choose_mistake(word("the name of a mistake"));
    } else {
      std::cerr
          << "usage: swarm_sim [--seeds N] [--from K] [--seed S] [--twice] [--seconds 60] [--trace] "
             "[--jobs 2] [--upgrades] [--quiet-swarm] [--hashes] [--pinned FILE [--renew]] [--until-failure] "
             "[--mistake NAME]\n";
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  set_check_handler([](const std::string& sentence) { throw Broken(sentence); });
  if (options.quiet_swarm) return run_quiet_swarm(options);
  if (options.hashes) return print_hashes(options);
  if (!options.pinned.empty()) return options.renew ? renew_pins(options) : check_pins(options);
  return options.seed ? run_one(options) : run_many(options);
}
