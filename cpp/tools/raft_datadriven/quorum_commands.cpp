// The files of quorum/: `committed` and `vote` over one majority (cfg) or two (cfg, cfgj).
#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "raft/message.hpp"
#include "raft/quorum.hpp"
#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

using raft::Index;
using raft::JointConfig;
using raft::PeerId;

// What the values of idx= and votes= are kept as: 0 is "nothing known".
constexpr Index kNo = 1, kYes = 2;

struct Case {
  bool joint = false;
  JointConfig config;
  std::vector<PeerId> order;  // each voter once
  std::vector<Index> values;
};

std::string text(Index index) { return index == raft::kNoLimit ? "∞" : std::to_string(index); }

Index value_of(const std::string& word) {
  if (word == "_") return 0;
  if (word == "y") return kYes;
  if (word == "n") return kNo;
  return to_number(word);
}

Case read(const Directive& directive) {
  Case test;
  const auto add = [&](const std::vector<std::string>& words, raft::MajorityConfig& half) {
    for (const auto& word : words) {
      if (word == "zero") continue;
      const PeerId id = to_number(word);
      half.voters.insert(id);
      if (std::find(test.order.begin(), test.order.end(), id) == test.order.end()) test.order.push_back(id);
    }
  };
  add(directive.values("cfg"), test.config.incoming);
  const auto second = directive.values("cfgj");
  test.joint = !second.empty();
  add(second, test.config.outgoing);
  for (const auto& word : directive.values(directive.command == "vote" ? "votes" : "idx"))
    test.values.push_back(value_of(word));
  return test;
}

std::string mismatch(const Case& test) {
  std::string voters, values;
  for (const PeerId id : test.config.ids())
    voters += (voters.empty() ? "" : " ") + std::to_string(id) + ":{}";
  for (const Index value : test.values) values += (values.empty() ? "" : " ") + text(value);
  return "error: mismatched input (explicit or _) for voters map[" + voters + "]: [" + values + "]";
}

std::string committed(const Case& test, const std::map<PeerId, Index>& known) {
  const raft::AckedIndex acked = [&](PeerId id) -> std::optional<Index> {
    const auto it = known.find(id);
    return it == known.end() ? std::nullopt : std::optional(it->second);
  };
  const auto& [first, second] = test.config;
  std::string out = test.joint ? test.config.describe(acked) : first.describe(acked);
  const Index index = test.joint ? test.config.committed_index(acked) : first.committed_index(acked);
  const auto expect = [&](Index other, const char* how) {
    if (other != index) out += text(other) + " <-- via " + how + "\n";
  };
  if (test.joint) {
    expect(JointConfig{second, first}.committed_index(acked), "symmetry");
  } else {
    if (!first.voters.empty()) expect(first.slow_committed_index(acked), "alternative computation");
    expect(JointConfig{first, {}}.committed_index(acked), "zero-joint quorum");
    expect(JointConfig{first, first}.committed_index(acked), "self-joint quorum");
  }
  return out + text(index) + "\n";
}

std::string vote(const Case& test, const std::map<PeerId, Index>& known) {
  raft::Votes votes;
  for (const auto& [id, value] : known) votes[id] = value != kNo;
  const auto& [first, second] = test.config;
  const auto result = test.joint ? test.config.vote_result(votes) : first.vote_result(votes);
  std::string out;
  const auto expect = [&](raft::VoteResult other, const char* how) {
    if (other != result) out += std::string(raft::to_string(other)) + " <-- via " + how + "\n";
  };
  if (test.joint) {
    expect(JointConfig{second, first}.vote_result(votes), "symmetry");
  } else {
    expect(JointConfig{first, {}}.vote_result(votes), "zero-joint quorum");
    expect(JointConfig{first, first}.vote_result(votes), "self-joint quorum");
  }
  return out + raft::to_string(result) + "\n";
}

class Quorum : public Environment {
 public:
  std::string run(const Directive& directive) override {
    if (directive.command != "vote" && directive.command != "committed") return "unknown command";
    const Case test = read(directive);
    if (test.order.size() != test.values.size()) return mismatch(test);
    std::map<PeerId, Index> known;
    for (std::size_t i = 0; i < test.order.size(); ++i)
      if (test.values[i] != 0) known[test.order[i]] = test.values[i];
    return directive.command == "vote" ? vote(test, known) : committed(test, known);
  }
};

}  // namespace

std::unique_ptr<Environment> make_quorum() { return std::make_unique<Quorum>(); }

}  // namespace swarm::datadriven
