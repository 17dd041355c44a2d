// The commands of quorum/: `committed` and `vote`, each also checked against other ways to the same result.
#include <map>
#include <set>

#include "raft/quorum.hpp"
#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

using raft::Index;
using raft::JointConfig;
using raft::MajorityConfig;
using raft::PeerId;

std::string text_of(Index index) { return index == raft::kNoLimit ? "∞" : std::to_string(index); }

struct Input {
  MajorityConfig one, two;
  bool joint = false;
  std::vector<PeerId> order;  // cfg, then cfgj, each voter once
  std::vector<std::string> values;
};

void read_ids(const std::vector<std::string>& texts, MajorityConfig& config, Input& input) {
  for (const auto& text : texts) {
    if (text == "zero") continue;
    const PeerId id = std::stoull(text);
    const bool known = input.one.voters.contains(id) || input.two.voters.contains(id);
    config.voters.insert(id);
    if (!known) input.order.push_back(id);
  }
}

Input read_input(const Directive& directive) {
  Input input;
  for (const Argument& argument : directive.arguments) {
    if (argument.key == "cfg") read_ids(argument.values, input.one, input);
    if (argument.key == "cfgj") {
      input.joint = true;
      read_ids(argument.values, input.two, input);
    }
    if (argument.key == "idx" || argument.key == "votes") input.values = argument.values;
  }
  return input;
}

std::string mismatch(const Input& input) {
  std::string voters, values;
  for (const PeerId id : JointConfig{input.one, input.two}.ids())
    voters += (voters.empty() ? "" : " ") + std::to_string(id) + ":{}";
  for (const auto& value : input.values) values += (values.empty() ? "" : " ") + value;
  return "error: mismatched input (explicit or _) for voters map[" + voters + "]: [" + values + "]\n";
}

std::string committed(const Input& input) {
  std::map<PeerId, Index> known;
  for (std::size_t i = 0; i < input.order.size(); ++i)
    if (input.values[i] != "_") known[input.order[i]] = std::stoull(input.values[i]);
  const raft::AckedIndex acked = [&](PeerId id) -> std::optional<Index> {
    const auto it = known.find(id);
    return it == known.end() ? std::nullopt : std::optional(it->second);
  };
  std::string out;
  const auto check = [&out](Index expected, Index other, const char* how) {
    if (other != expected) out += text_of(other) + " <-- via " + how + "\n";
  };
  if (input.joint) {
    const JointConfig config{input.one, input.two};
    out = config.describe(acked);
    const Index index = config.committed_index(acked);
    check(index, JointConfig{input.two, input.one}.committed_index(acked), "symmetry");
    return out + text_of(index) + "\n";
  }
  out = input.one.describe(acked);
  const Index index = input.one.committed_index(acked);
  check(index, input.one.slow_committed_index(acked), "alternative computation");
  check(index, JointConfig{input.one, {}}.committed_index(acked), "zero-joint quorum");
  check(index, JointConfig{input.one, input.one}.committed_index(acked), "self-joint quorum");
  return out + text_of(index) + "\n";
}

std::string vote(const Input& input) {
  raft::Votes votes;
  for (std::size_t i = 0; i < input.order.size(); ++i)
    if (input.values[i] != "_") votes[input.order[i]] = input.values[i] == "y";
  const auto result = input.joint ? JointConfig{input.one, input.two}.vote_result(votes) : input.one.vote_result(votes);
  std::string out;
  if (input.joint) {
    const auto other = JointConfig{input.two, input.one}.vote_result(votes);
    if (other != result) out += std::string(to_string(other)) + " <-- via symmetry\n";
  }
  return out + to_string(result) + "\n";
}

}  // namespace

Handler make_quorum() {
  return [](const Directive& directive) -> std::string {
    const Input input = read_input(directive);
    if (input.order.size() != input.values.size()) return mismatch(input);
    if (directive.command == "committed") return committed(input);
    if (directive.command == "vote") return vote(input);
    return "unknown command: " + directive.command + "\n";
  };
}

}  // namespace swarm::datadriven
