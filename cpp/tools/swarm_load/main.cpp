// swarm_load: see README.md.
//   swarm_load http URL... [--connections N] [--seconds S] [--requests N] [--rate R] [--close]
//                          [--method M] [--path P] [--body TEXT] [--first N]
//   swarm_load relay URL TO_URL
//   swarm_load serve URL [--bytes N]       URL "task": $SWARM_TASK_IP:$SWARM_PORT_80
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/number.hpp"
#include "tools/swarm_load/load.hpp"

namespace {

using swarm::load::Plan;
using swarm::load::Report;
using swarm::load::Target;

int usage(const std::string& why) {
  std::fprintf(stderr, "swarm_load: %s\nsee cpp/tools/swarm_load/README.md\n", why.c_str());
  return 2;
}

unsigned at_share(const std::vector<std::uint32_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(static_cast<double>(sorted.size()) * share))];
}

std::string plain(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\') c = ' ';
  return text;
}

int tell(Report report) {
  std::sort(report.micros.begin(), report.micros.end());
  std::printf(
      "{\"answered\": %lld, \"failed\": %lld, \"bytes\": %lld, \"seconds\": %.4f, \"rate\": %.1f, "
      "\"p50\": %u, \"p99\": %u, \"max\": %u, \"first_failure\": \"%s\"}\n",
      static_cast<long long>(report.answered), static_cast<long long>(report.failed),
      static_cast<long long>(report.bytes), report.seconds,
      static_cast<double>(report.answered) / report.seconds, at_share(report.micros, 0.5),
      at_share(report.micros, 0.99), at_share(report.micros, 1), plain(report.first_failure).c_str());
  return 0;
}

std::string task_url() {
  const char *ip = std::getenv("SWARM_TASK_IP"), *port = std::getenv("SWARM_PORT_80");
  return std::string("tcp://") + (ip != nullptr ? ip : "127.0.0.1") + ":" + (port != nullptr ? port : "80");
}

// Sets one option; returns false and says why not when that cannot be.
bool set_option(Plan& plan, std::size_t& bytes, const std::string& word, const char* value) {
  const auto number = swarm::parse_whole<std::int64_t>(value);
  const bool counts =
      word == "--connections" || word == "--requests" || word == "--first" || word == "--bytes";
  if (counts && (!number || *number < 0)) {
    usage(word + " wants a whole number, not " + value);
    return false;
  }
  if (word == "--connections")
    plan.connections = static_cast<int>(std::clamp<std::int64_t>(number.value_or(1), 1, 1'000'000));
  else if (word == "--seconds")
    plan.seconds = std::atof(value);
  else if (word == "--requests")
    plan.requests = number.value_or(0);
  else if (word == "--rate")
    plan.rate = std::atof(value);
  else if (word == "--method")
    plan.method = value;
  else if (word == "--path")
    plan.path = value;
  else if (word == "--body")
    plan.body = value;
  else if (word == "--first")
    plan.first = number.value_or(0);
  else if (word == "--bytes")
    bytes = static_cast<std::size_t>(number.value_or(0));
  else {
    usage(word + " is no option");
    return false;
  }
  return true;
}

int carry_out(const std::string& verb, const Plan& plan, std::size_t bytes) {
  if (plan.targets.empty()) return usage("a URL is missing");
  if (verb == "relay" && plan.targets.size() == 2)
    return swarm::load::relay(plan.targets[0], plan.targets[1]);
  if (verb == "serve") return swarm::load::serve(plan.targets.front(), bytes);
  if (verb == "http") return tell(swarm::load::run(plan));
  return usage(verb + " is no verb");
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return usage("http, relay or serve, and a URL");
  const std::string verb = words[1];
  Plan plan;
  std::size_t bytes = 0;
  for (int i = 2; i < count; ++i) {
    const std::string word = words[i];
    if (!word.starts_with("--")) {
      Target target;
      if (!swarm::load::parse_target(word == "task" ? task_url() : word, target))
        return usage(word + " is no URL");
      plan.targets.push_back(target);
      continue;
    }
    if (word == "--close") {
      plan.close = true;
      continue;
    }
    if (++i == count) return usage(word + " wants a value");
    if (!set_option(plan, bytes, word, words[i])) return 2;
  }
  return carry_out(verb, plan, bytes);
}
