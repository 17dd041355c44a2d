#include "sim/contradiction.hpp"

#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "linearizability/check.hpp"
#include "linearizability/history.hpp"
#include "linearizability/search.hpp"

namespace swarm::sim {
namespace {

namespace lin = linearizability;

constexpr std::uint64_t kMostSteps = 2'000'000;  // some thousands are enough for a seed

std::string words(const lin::Operation& op) {
  std::string out = "client " + op.client + " " + to_string(op.kind);
  if (op.kind == lin::Kind::cas) out += " " + (op.expected.empty() ? "none" : op.expected) + " ->";
  if (op.kind != lin::Kind::read) out += " " + op.value;
  if (op.kind == lin::Kind::read && op.returned) out += " = " + (op.seen.empty() ? "none" : op.seen.front());
  if (op.succeeded) out += *op.succeeded ? " (done)" : " (not done)";
  const auto instant = [](std::int64_t ns) { return to_string(Duration::nanos(ns)); };
  return out + " [" + instant(op.call) + " .. " + (op.returned ? instant(*op.returned) : "?") + "]";
}

}  // namespace

std::string contradiction_in(const lin::History& history, const std::string& object) {
  const lin::Verdict verdict = lin::check(history, lin::Model::cas, lin::Budget(kMostSteps));
  if (verdict.word == lin::Verdict::Word::linearizable) return {};
  if (verdict.word == lin::Verdict::Word::gave_up)
    return "whether " + object + " is linearizable cannot be told";
  std::string out = object + " is not linearizable:";
  for (const std::uint32_t op : verdict.window) out += "\n  " + words(history[op]);
  return out;
}

}  // namespace swarm::sim
