// The commands of interaction/: a cluster driven message by message. Nodes have ids 1, 2, 3...; messages under way are
// one list in the order of sending; the state machine appends what it applies and keeps a snapshot of every state.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include "raft/conf_change.hpp"
#include "raft/describe.hpp"
#include "raft/raft.hpp"
#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

using raft::Message;
using raft::MessageType;
using raft::PeerId;

constexpr int kElectionTicks = 3;

class HistoryStorage final : public raft::MemoryStorage {
 public:
  Result<raft::Snapshot> snapshot() const override { return history.back(); }
  std::vector<raft::Snapshot> history;
};

struct Node {
  raft::Config config;
  std::unique_ptr<HistoryStorage> storage;
  std::unique_ptr<raft::RawNode> raw;
  std::vector<Message> append_work, apply_work;
};

bool is_storage_thread(PeerId id) { return id == raft::kAppendThread || id == raft::kApplyThread; }

bool is_local(const Message& message) {
  return message.from == message.to || is_storage_thread(message.from) || is_storage_thread(message.to);
}

std::optional<MessageType> parse_type(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(MessageType::forget_leader); ++i)
    if (name == to_string(static_cast<MessageType>(i))) return static_cast<MessageType>(i);
  return std::nullopt;
}

class Environment {
 public:
  std::string handle(const Directive& directive) {
    out_.clear();
    const std::string error = run(directive);
    if (!error.empty()) out_ += error;
    if (out_.empty()) return "ok";
    if (silent_) return error.empty() ? "ok" : error;
    return out_;
  }

 private:
  // ---- arguments
  static std::vector<PeerId> ids(const Directive& d) {
    std::vector<PeerId> out;
    for (const Argument& argument : d.arguments)
      if (argument.values.empty()) out.push_back(std::stoull(argument.key));
    return out;
  }
  static std::vector<PeerId> numbers(const Argument& argument) {
    std::vector<PeerId> out;
    for (const auto& value : argument.values) out.push_back(std::stoull(value));
    return out;
  }
  static bool truth(const Argument& argument) {
    return argument.values.empty() || argument.values[0] == "true" || argument.values[0] == "1";
  }
  Node& node(PeerId id) { return nodes_.at(id - 1); }
  Node& first(const Directive& d) { return node(std::stoull(d.arguments.at(0).key)); }

  template <class Work>
  void indented(Work work) {
    std::string outer = std::move(out_);
    out_.clear();
    work();
    std::string inner = std::move(out_);
    out_ = std::move(outer);
    for (std::size_t at = 0; at < inner.size();) {
      const std::size_t end = std::min(inner.find('\n', at), inner.size());
      out_ += "  " + inner.substr(at, end - at) + "\n";
      at = end + 1;
    }
  }

  static std::string text(const Result<void>& result) { return result ? "" : result.error().message; }

  // ---- the table of commands
  std::string run(const Directive& d) {
    if (d.command == "_breakpoint") return "";
    if (d.command == "add-nodes") return add_nodes(d);
    if (d.command == "campaign") return text(first(d).raw->campaign());
    if (d.command == "compact") return compact(d);
    if (d.command == "deliver-msgs") return deliver(d);
    if (d.command == "forget-leader") return text(first(d).raw->forget_leader());
    if (d.command == "log-level") return log_level(d.arguments.at(0).key);
    if (d.command == "process-ready") return each(d, "handling Ready", [this](Node& n) { return process_ready(n); });
    if (d.command == "process-append-thread")
      return each(d, "processing append thread", [this](Node& n) { return process_append_thread(n); });
    if (d.command == "process-apply-thread")
      return each(d, "processing apply thread", [this](Node& n) { return process_apply_thread(n); });
    if (d.command == "propose") return text(first(d).raw->propose(d.arguments.at(1).key));
    if (d.command == "propose-conf-change") return propose_conf_change(d);
    if (d.command == "raft-log") return raft_log(first(d));
    if (d.command == "raft-state") return raft_state();
    if (d.command == "report-unreachable") {
      const auto both = ids(d);
      node(both.at(0)).raw->report_unreachable(both.at(1));
      return "";
    }
    if (d.command == "send-snapshot") return send_snapshot(d);
    if (d.command == "set-randomized-election-timeout") {
      first(d).raw->set_randomized_election_timeout(std::stoi(d.find("timeout")->values.at(0)));
      return "";
    }
    if (d.command == "stabilize") return stabilize_command(d);
    if (d.command == "status") return status(first(d));
    if (d.command == "tick-election") return tick(first(d), kElectionTicks);
    if (d.command == "tick-heartbeat") return tick(first(d), 1);
    if (d.command == "transfer-leadership") {
      node(std::stoull(d.find("from")->values.at(0))).raw->transfer_leader(std::stoull(d.find("to")->values.at(0)));
      return "";
    }
    return "unknown command";
  }

  template <class Work>
  std::string each(const Directive& d, const char* what, Work work) {
    const auto list = ids(d);
    for (const PeerId id : list) {
      std::string error;
      if (list.size() == 1) {
        error = work(node(id));
      } else {
        out_ += "> " + std::to_string(id) + " " + what + "\n";
        indented([&] { error = work(node(id)); });
      }
      if (!error.empty()) return error;
    }
    return "";
  }

  std::string log_level(const std::string& name) {
    static const std::vector<std::string> kLevels{"debug", "info", "warn", "error", "fatal", "none"};
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (std::find(kLevels.begin(), kLevels.end(), lower) == kLevels.end())
      return "log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]";
    silent_ = lower == "none";
    return "";
  }

  static std::string tick(Node& n, int ticks) {
    for (int i = 0; i < ticks; ++i) n.raw->tick();
    return "";
  }

  // ---- nodes
  std::string add_nodes(const Directive& d) {
    raft::Config config;
    config.election_tick = kElectionTicks;
    config.heartbeat_tick = 1;
    config.max_inflight_msgs = std::numeric_limits<std::int32_t>::max();
    raft::Snapshot snapshot;
    for (const Argument& a : d.arguments) {
      if (a.key == "voters") snapshot.conf_state.voters = numbers(a);
      if (a.key == "learners") snapshot.conf_state.learners = numbers(a);
      if (a.key == "inflight") config.max_inflight_msgs = std::stoull(a.values.at(0));
      if (a.key == "index") config.applied = snapshot.index = std::stoull(a.values.at(0));
      if (a.key == "content") snapshot.data = a.values.at(0);
      if (a.key == "async-storage-writes") config.async_storage_writes = truth(a);
      if (a.key == "prevote") config.pre_vote = truth(a);
      if (a.key == "checkquorum") config.check_quorum = truth(a);
      if (a.key == "max-committed-size-per-ready") config.max_committed_size_per_ready = std::stoull(a.values.at(0));
      if (a.key == "disable-conf-change-validation") config.disable_conf_change_validation = truth(a);
      if (a.key == "step-down-on-removal") config.step_down_on_removal = truth(a);
      if (a.key == "read-only") {
        if (a.values.at(0) != "safe" && a.values.at(0) != "lease-based")
          return "invalid read-only option \"" + a.values.at(0) + "\"";
        config.read_only = a.values.at(0) == "safe" ? raft::ReadOnly::safe : raft::ReadOnly::lease_based;
      }
    }
    const bool bootstrap = !(snapshot == raft::Snapshot{});
    if (bootstrap && snapshot.index <= 1) return "index must be specified as > 1 due to bootstrap";
    if (bootstrap) snapshot.term = 1;
    const auto count = std::stoull(d.arguments.at(0).key);
    for (std::uint64_t i = 0; i < count; ++i) add_node(config, snapshot, bootstrap);
    return "";
  }

  void add_node(raft::Config config, const raft::Snapshot& snapshot, bool bootstrap) {
    Node n;
    config.id = nodes_.size() + 1;
    config.seed = config.id;
    n.config = config;
    n.storage = std::make_unique<HistoryStorage>();
    n.storage->history.push_back(snapshot);
    if (bootstrap) n.storage->apply_snapshot(snapshot);
    n.raw = std::make_unique<raft::RawNode>(config, *n.storage);
    nodes_.push_back(std::move(n));
  }

  std::string compact(const Directive& d) {
    Node& n = first(d);
    const auto error = n.storage->compact(std::stoull(d.arguments.at(1).key));
    return error == raft::LogError::none ? raft_log(n) : to_string(error);
  }

  // ---- messages
  std::vector<Message> take(PeerId to, std::optional<MessageType> type, bool drop) {
    std::vector<Message> taken, rest;
    for (Message& message : messages_) {
      const bool wanted = message.to == to && !(drop && is_local(message)) && (!type || message.type == *type);
      (wanted ? taken : rest).push_back(std::move(message));
    }
    messages_ = std::move(rest);
    return taken;
  }

  bool has_messages_for(PeerId to) const {
    return std::any_of(messages_.begin(), messages_.end(), [to](const Message& m) { return m.to == to; });
  }

  std::size_t deliver_to(PeerId to, std::optional<MessageType> type, bool drop) {
    const std::vector<Message> taken = take(to, type, drop);
    for (const Message& message : taken) {
      out_ += (drop ? "dropped: " : "") + describe(message) + "\n";
      if (drop) continue;
      if (to > nodes_.size()) {
        out_ += "node " + std::to_string(to) + " does not exist\n";
      } else if (const auto stepped = node(to).raw->step(message); !stepped) {
        out_ += stepped.error().message + "\n";
      }
    }
    return taken.size();
  }

  std::string deliver(const Directive& d) {
    std::optional<MessageType> type;
    std::vector<std::pair<PeerId, bool>> recipients;
    for (const Argument& argument : d.arguments) {
      if (argument.values.empty()) recipients.emplace_back(std::stoull(argument.key), false);
      if (argument.key == "drop")
        for (const PeerId id : numbers(argument)) recipients.emplace_back(id, true);
      if (argument.key == "type") type = parse_type(argument.values.at(0));
    }
    std::size_t count = 0;
    for (const auto& [id, drop] : recipients) count += deliver_to(id, type, drop);
    if (count == 0) out_ += "no messages";
    return "";
  }

  std::string send_snapshot(const Directive& d) {
    const auto both = ids(d);
    Message message;
    message.type = MessageType::snap;
    message.term = node(both.at(0)).raw->term();
    message.from = both.at(0);
    message.to = both.at(1);
    message.snapshot = std::make_shared<raft::Snapshot>(*node(both.at(0)).storage->snapshot());
    out_ += describe(message);
    messages_.push_back(std::move(message));
    return "";
  }

  // ---- the host's duties
  static void store(Node& n, const raft::HardState& hard, const std::vector<raft::Entry>& entries,
                    const raft::Snapshot* snapshot) {
    if (!hard.empty()) n.storage->set_hard_state(hard);
    if (snapshot != nullptr) {
      n.storage->apply_snapshot(*snapshot);
    } else {
      n.storage->append(entries);
    }
  }

  static void apply(Node& n, const std::vector<raft::Entry>& entries) {
    for (const raft::Entry& entry : entries) {
      raft::Snapshot next = n.storage->history.back();
      next.index = entry.index;
      next.term = entry.term;
      if (entry.type == raft::EntryType::normal) {
        next.data += entry.data;
      } else {
        next.conf_state = n.raw->apply_conf_change(raft::decode_conf_change(entry));
      }
      n.storage->history.push_back(std::move(next));
    }
  }

  std::string process_ready(Node& n) {
    raft::Ready ready = n.raw->ready();
    out_ += describe(ready);
    const bool async = n.config.async_storage_writes;
    if (!async) {
      store(n, ready.hard_state.value_or(raft::HardState{}), ready.entries, ready.snapshot ? &*ready.snapshot : nullptr);
      apply(n, ready.committed_entries);
    }
    for (auto* list : {&ready.messages, &ready.messages_after_append})
      for (Message& message : *list) {
        if (message.to == raft::kAppendThread) {
          n.append_work.push_back(std::move(message));
        } else if (message.to == raft::kApplyThread) {
          n.apply_work.push_back(std::move(message));
        } else {
          messages_.push_back(std::move(message));
        }
      }
    if (!async) n.raw->advance();
    return "";
  }

  template <class Work>
  std::string process_thread(std::vector<Message>& queue, const char* nothing, Work work) {
    if (queue.empty()) {
      out_ += nothing;
      return "";
    }
    Message message = std::move(queue.front());
    queue.erase(queue.begin());
    const std::vector<Message> responses = std::move(message.responses);
    message.responses.clear();
    out_ += "Processing:\n" + describe(message) + "\n";
    work(message);
    out_ += "Responses:\n";
    for (const Message& response : responses) out_ += describe(response) + "\n";
    messages_.insert(messages_.end(), responses.begin(), responses.end());
    return "";
  }

  std::string process_append_thread(Node& n) {
    return process_thread(n.append_work, "no append work to perform", [&n](const Message& m) {
      store(n, {m.term, m.vote, m.commit}, m.entries, m.snapshot.get());
    });
  }

  std::string process_apply_thread(Node& n) {
    return process_thread(n.apply_work, "no apply work to perform", [&n](const Message& m) { apply(n, m.entries); });
  }

  // ---- stabilize: fixed phases over the nodes until nothing happens
  std::string stabilize_command(const Directive& d) {
    const bool before = silent_;
    if (const Argument* level = d.find("log-level"))
      if (const std::string error = log_level(level->values.at(0)); !error.empty()) return error;
    std::vector<PeerId> list = ids(d);
    if (list.empty())
      for (PeerId id = 1; id <= nodes_.size(); ++id) list.push_back(id);
    while (stabilize_round(list)) {
    }
    if (silent_) out_.clear();
    silent_ = before;
    return "";
  }

  bool stabilize_round(const std::vector<PeerId>& list) {
    bool did = false;
    const auto phase = [&](auto wanted, const char* what, auto work) {
      for (const PeerId id : list) {
        if (!wanted(id)) continue;
        out_ += "> " + std::to_string(id) + " " + what + "\n";
        work(id);
        did = true;
      }
    };
    phase([this](PeerId id) { return node(id).raw->has_ready(); }, "handling Ready",
          [this](PeerId id) { indented([&] { process_ready(node(id)); }); });
    phase([this](PeerId id) { return has_messages_for(id); }, "receiving messages",
          [this](PeerId id) { indented([&] { deliver_to(id, std::nullopt, false); }); });
    phase([this](PeerId id) { return !node(id).append_work.empty(); }, "processing append thread", [this](PeerId id) {
      while (!node(id).append_work.empty()) indented([&] { process_append_thread(node(id)); });
    });
    phase([this](PeerId id) { return !node(id).apply_work.empty(); }, "processing apply thread", [this](PeerId id) {
      while (!node(id).apply_work.empty()) indented([&] { process_apply_thread(node(id)); });
    });
    return did;
  }

  std::string propose_conf_change(const Directive& d) {
    raft::ConfChangeV2 change;
    for (const Argument& argument : d.arguments) {
      if (argument.key == "v1") change.v1 = truth(argument);
      if (argument.key == "transition") {
        const std::string& name = argument.values.at(0);
        if (name == "implicit") {
          change.transition = raft::Transition::joint_implicit;
        } else if (name == "explicit") {
          change.transition = raft::Transition::joint_explicit;
        } else if (name != "auto") {
          return "unknown transition " + name;
        }
      }
    }
    for (const std::string& word : split_words(d.input)) {
      const auto kind = std::string_view("vrul").find(word[0]);
      if (kind == std::string_view::npos || word.size() < 2) return "unknown input: " + word;
      change.changes.push_back({static_cast<raft::ConfChangeType>(kind), std::stoull(word.substr(1)), {}});
    }
    if (change.v1 && (change.changes.size() > 1 || change.transition != raft::Transition::automatic))
      return "v1 conf change can only have one operation and no transition";
    return text(first(d).raw->propose_conf_change(change));
  }

  // ---- looking
  std::string raft_log(Node& n) {
    const auto low = n.storage->first_index(), high = n.storage->last_index();
    if (high < low) {
      out_ += "log is empty: first index=" + std::to_string(low) + ", last index=" + std::to_string(high);
      return "";
    }
    out_ += describe(*n.storage->entries(low, high + 1, raft::kNoLimit));
    return "";
  }

  std::string raft_state() {
    for (const Node& n : nodes_) {
      const raft::Status status = n.raw->status();
      const bool voter = status.config.voters.ids().contains(status.id);
      out_ += std::to_string(status.id) + ": " + to_string(status.role) + (voter ? " (Voter)" : " (Non-Voter)") +
              " Term:" + std::to_string(status.term) + " Lead:" + std::to_string(status.leader) + "\n";
    }
    return "";
  }

  std::string status(Node& n) {
    for (const auto& [id, progress] : n.raw->status().progress)
      out_ += std::to_string(id) + ": " + progress.describe() + "\n";
    return "";
  }

  std::vector<Node> nodes_;
  std::vector<Message> messages_;
  std::string out_;
  bool silent_ = false;
};

}  // namespace

Handler make_interaction() {
  auto env = std::make_shared<Environment>();
  return [env](const Directive& directive) { return env->handle(directive); };
}

}  // namespace swarm::datadriven
