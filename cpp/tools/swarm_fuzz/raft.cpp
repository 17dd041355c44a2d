// raft, datadriven: what members say to each other, and the files that drive the core in tests.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "codec/codec.hpp"
#include "node/test_member.hpp"
#include "raft/message.hpp"
#include "tools/raft_datadriven/datadriven.hpp"
#include "tools/swarm_fuzz/targets.hpp"

namespace swarm::fuzz {
namespace {

constexpr std::size_t kMostSteps = 40;

// The first byte is the role that the member begins in. Then steps: a byte of length 255 is a tick, any other
// is that of the message that follows.
void run_raft(std::string_view input) {
  if (input.empty()) return;
  constexpr std::array kStarts{node::Start::joiner, node::Start::learner, node::Start::follower,
                               node::Start::candidate, node::Start::leader};
  node::Member member(kStarts[static_cast<std::uint8_t>(input.front()) % kStarts.size()]);
  input.remove_prefix(1);
  for (std::size_t step = 0; step < kMostSteps && !input.empty(); ++step) {
    const auto length = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    if (length == 255) {
      member.tick();
      continue;
    }
    auto message = codec::decode_raft_message(input.substr(0, length));
    input.remove_prefix(std::min<std::size_t>(length, input.size()));
    if (message) member.hear(std::move(*message));
  }
  SWARM_CHECK(member.term() < raft::kTermBound, member.term());
  const std::string why = member.why_closed();
  SWARM_CHECK(why.empty(), why);
}

std::string step(const raft::Message& message) {
  const std::string bytes = codec::encode(message);
  return std::string(1, static_cast<char>(bytes.size())) + bytes;
}

std::vector<std::string> raft_seeds() {
  using raft::MessageType;
  std::vector<std::string> seeds;
  for (char start = 0; start < 5; ++start) {
    std::string seed(1, start);
    for (const auto type : {MessageType::heartbeat, MessageType::app, MessageType::vote,
                            MessageType::app_resp, MessageType::read_index, MessageType::timeout_now}) {
      raft::Message message;
      message.type = type;
      message.from = 1;
      message.to = node::kSelf;
      message.term = 5;
      message.index = 5;
      message.log_term = 5;
      message.commit = 5;
      if (type == MessageType::app) message.entries.push_back({5, 6, raft::EntryType::normal, ""});
      seed += step(message) + '\xff';
    }
    seeds.push_back(std::move(seed));
  }
  return seeds;
}

// Only the reading: what a file then does to the core is the file's own business.
void run_datadriven(std::string_view input) {
  std::istringstream in{std::string(input)};
  for (const auto& directive : datadriven::parse(in)) SWARM_CHECK(directive.line > 0, directive.command);
}

std::vector<std::string> datadriven_seeds() {
  return {"add-nodes 3 voters=(1,2,3) index=2\n----\nok\n\ncampaign 1\n----\nINFO 1 starts\n\n",
          "# a comment\nprocess-ready 1 \\\n  2\n----\n----\nfirst\n\nsecond\n----\n----\n"};
}

}  // namespace

const Target kRaft{"raft", "messages of other members, at a member in each role", run_raft, raft_seeds};
const Target kDatadriven{"datadriven", "the data-driven test files of etcd-io/raft", run_datadriven,
                         datadriven_seeds};

}  // namespace swarm::fuzz
