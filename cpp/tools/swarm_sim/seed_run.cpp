#include "seed_run.hpp"

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>
#include "base/time.hpp"
#include "sim/chaos.hpp"
#include "sim/world.hpp"

namespace swarm::tools {
namespace {

std::string text_of(const std::vector<sim::World::TraceLine>& lines, std::size_t last) {
  std::ostringstream out;
  for (std::size_t i = lines.size() > last ? lines.size() - last : 0; i < lines.size(); ++i)
    out << "  " << to_string(lines[i].at - Instant{}) << ' ' << lines[i].machine << ' ' << lines[i].kind
        << ' ' << lines[i].text << '\n';
  return out.str();
}

}  // namespace

Run run_seed(std::uint64_t seed, const Options& options, bool keep_trace, std::ostream* trace) {
  Run run;
  sim::Chaos chaos({seed, Duration::seconds(options.seconds), keep_trace, true, options.upgrades});
  try {
    chaos.run();
  } catch (const Broken& broken) {
    run.failure = broken.what();
  }
  run.hash = chaos.world().trace_hash();
  run.events = chaos.world().events();
  const auto lines = chaos.world().take_trace();
  if (trace != nullptr) *trace << text_of(lines, lines.size());
  if (run.failure.empty() || !keep_trace) return run;
  run.failure += "\nfaults: " + chaos.knobs().str() + "\n";
  std::istringstream lines_of_plan(chaos.plan().to_text());
  for (std::string line; std::getline(lines_of_plan, line);) run.failure += "  " + line + "\n";
  run.failure += "the last lines of its trace:\n" + text_of(lines, 60);
  return run;
}

}  // namespace swarm::tools
