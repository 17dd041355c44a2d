// The files of interaction/: a cluster of raw nodes, driven message by message.
//
// The state machine appends bytes; after every applied entry a snapshot is kept, and the newest of them is
// what the storage hands out, whatever was compacted.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "raft/conf_change.hpp"
#include "raft/describe.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"
#include "raft/storage.hpp"
#include "tools/raft_datadriven/changes.hpp"
#include "tools/raft_datadriven/datadriven.hpp"

namespace swarm::datadriven {
namespace {

using raft::Index;
using raft::Message;
using raft::PeerId;
using raft::Snapshot;

constexpr int kElectionTick = 3, kHeartbeatTick = 1;

// Output, indented for what happens inside something else, and silent at log level none.
class Output {
 public:
  void write(const std::string& text) {
    if (silent) return;
    for (const char c : text) {
      if (at_line_start_ && c != '\n') text_ += indent;
      at_line_start_ = c == '\n';
      text_ += c;
    }
  }
  void end_line() {
    if (!at_line_start_) write("\n");
  }
  std::string take() {
    at_line_start_ = true;
    return std::exchange(text_, {});
  }
  bool silent = false;
  std::string indent;

 private:
  std::string text_;
  bool at_line_start_ = true;
};

class NewestSnapshot : public raft::MemoryStorage {
 public:
  Result<Snapshot> snapshot() const override { return history.back(); }
  std::vector<Snapshot> history;
};

struct Node {
  raft::Config config;
  NewestSnapshot storage;
  std::unique_ptr<raft::RawNode> raw;
  std::deque<Message> append_work, apply_work;
};

struct Recipient {
  PeerId id = raft::kNone;
  bool drop = false;
};

bool is_thread(PeerId id) { return id == raft::kAppendThread || id == raft::kApplyThread; }
bool is_local(const Message& message) {
  return message.from == message.to || is_thread(message.from) || is_thread(message.to);
}

Error bad(std::string why) { return plain_error(Code::invalid_argument, std::move(why)); }

std::vector<PeerId> ids_of(const std::vector<std::string>& words) {
  std::vector<PeerId> ids;
  for (const auto& word : words) ids.push_back(to_number(word));
  return ids;
}

std::optional<raft::MessageType> type_named(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(raft::MessageType::forget_leader); ++i)
    if (name == raft::to_string(static_cast<raft::MessageType>(i))) return static_cast<raft::MessageType>(i);
  return std::nullopt;
}

class Interaction : public Environment {
 public:
  std::string run(const Directive& directive) override {
    const auto done = handle(directive);
    if (!done && output_.silent) return done.error().message;
    if (!done) output_.write(done.error().message);
    std::string text = output_.take();
    return text.empty() ? "ok" : text;
  }

 private:
  using Handler = Result<void> (Interaction::*)(const Directive&);
  Result<void> handle(const Directive& directive);

  // ---- nodes
  Result<void> add_nodes(const Directive& directive);
  Result<void> add_node(const raft::Config& stub, Snapshot snapshot, bool bootstrap);
  Node& node(PeerId id) {
    SWARM_CHECK(id >= 1 && id <= nodes_.size(), "no node", id);
    return *nodes_[id - 1];
  }
  Node& first_node(const Directive& directive) { return node(to_number(directive.words().at(0))); }

  // ---- what the core is told
  Result<void> campaign(const Directive& directive) { return first_node(directive).raw->campaign(); }
  Result<void> propose(const Directive& directive);
  Result<void> propose_conf_change(const Directive& directive);
  Result<void> forget_leader(const Directive& directive) {
    return first_node(directive).raw->forget_leader();
  }
  Result<void> transfer_leadership(const Directive& directive);
  Result<void> report_unreachable(const Directive& directive);
  Result<void> tick_election(const Directive& directive) { return tick(directive, kElectionTick); }
  Result<void> tick_heartbeat(const Directive& directive) { return tick(directive, kHeartbeatTick); }
  Result<void> tick(const Directive& directive, int times);
  Result<void> set_election_timeout(const Directive& directive);

  // ---- work and messages
  Result<void> process_ready(const Directive& directive);
  Result<void> process_append_thread(const Directive& directive);
  Result<void> process_apply_thread(const Directive& directive);
  Result<void> deliver(const Directive& directive);
  Result<void> stabilize(const Directive& directive);
  Result<void> send_snapshot(const Directive& directive);

  using Step = Result<void> (Interaction::*)(PeerId);
  Result<void> for_each_named(const Directive& directive, const char* doing, Step step);
  Result<void> under(PeerId id, const char* doing, const std::function<Result<void>()>& work);
  Result<void> ready_of(PeerId id);
  Result<void> append_thread_of(PeerId id);
  Result<void> apply_thread_of(PeerId id);
  Result<void> drain(PeerId id, std::deque<Message>& work, Step step);
  Result<bool> stabilize_once(const std::vector<PeerId>& ids);
  Result<void> append(Node& its, const raft::HardState& hard, const std::vector<raft::Entry>& entries,
                      const Snapshot* snapshot);
  void apply(Node& its, const std::vector<raft::Entry>& entries);
  std::size_t deliver_to(const Recipient& recipient, std::optional<raft::MessageType> type);
  std::vector<Message> take_messages(const Recipient& recipient, std::optional<raft::MessageType> type);
  bool has_messages(PeerId id) const;

  // ---- looking
  Result<void> compact(const Directive& directive);
  Result<void> raft_log(const Directive& directive);
  Result<void> raft_state(const Directive& directive);
  Result<void> status(const Directive& directive);
  Result<void> log_level(const Directive& directive);
  Result<void> set_log_level(const std::string& name);
  Result<void> nothing(const Directive&) { return {}; }
  void print_log(const Node& its);

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Message> messages_;  // under way, first sent first
  Output output_;
};

Result<void> Interaction::handle(const Directive& directive) {
  static const std::map<std::string, Handler> kHandlers = {
      {"_breakpoint", &Interaction::nothing},
      {"add-nodes", &Interaction::add_nodes},
      {"campaign", &Interaction::campaign},
      {"compact", &Interaction::compact},
      {"deliver-msgs", &Interaction::deliver},
      {"forget-leader", &Interaction::forget_leader},
      {"log-level", &Interaction::log_level},
      {"process-append-thread", &Interaction::process_append_thread},
      {"process-apply-thread", &Interaction::process_apply_thread},
      {"process-ready", &Interaction::process_ready},
      {"propose", &Interaction::propose},
      {"propose-conf-change", &Interaction::propose_conf_change},
      {"raft-log", &Interaction::raft_log},
      {"raft-state", &Interaction::raft_state},
      {"report-unreachable", &Interaction::report_unreachable},
      {"send-snapshot", &Interaction::send_snapshot},
      {"set-randomized-election-timeout", &Interaction::set_election_timeout},
      {"stabilize", &Interaction::stabilize},
      {"status", &Interaction::status},
      {"tick-election", &Interaction::tick_election},
      {"tick-heartbeat", &Interaction::tick_heartbeat},
      {"transfer-leadership", &Interaction::transfer_leadership},
  };
  const auto handler = kHandlers.find(directive.command);
  if (handler == kHandlers.end()) return bad("unknown command");
  return (this->*handler->second)(directive);
}

// ---- nodes

namespace {

Result<void> configure(raft::Config& config, const std::string& key, const std::string& value) {
  if (key == "inflight")
    config.max_inflight_msgs = to_number(value);
  else if (key == "async-storage-writes")
    config.async_storage_writes = to_bool(value);
  else if (key == "prevote")
    config.pre_vote = to_bool(value);
  else if (key == "checkquorum")
    config.check_quorum = to_bool(value);
  else if (key == "max-committed-size-per-ready")
    config.max_committed_size_per_ready = to_number(value);
  else if (key == "disable-conf-change-validation")
    config.disable_conf_change_validation = to_bool(value);
  else if (key == "step-down-on-removal")
    config.step_down_on_removal = to_bool(value);
  else if (key == "read-only" && value == "safe")
    config.read_only = raft::ReadOnly::safe;
  else if (key == "read-only" && value == "lease-based")
    config.read_only = raft::ReadOnly::lease_based;
  else if (key == "read-only")
    return bad("invalid read-only option \"" + value + "\"");
  else
    return bad("unknown argument " + key);
  return {};
}

}  // namespace

Result<void> Interaction::add_nodes(const Directive& directive) {
  raft::Config config;
  config.election_tick = kElectionTick;
  config.heartbeat_tick = kHeartbeatTick;
  config.max_inflight_msgs = std::numeric_limits<std::int32_t>::max();
  Snapshot snapshot;
  bool bootstrap = false;
  for (const auto& [key, values] : directive.arguments) {
    if (values.empty()) continue;
    const std::string& value = values.front();
    bootstrap = bootstrap || key == "voters" || key == "learners" || key == "index" || key == "content";
    if (key == "voters")
      snapshot.conf_state.voters = ids_of(values);
    else if (key == "learners")
      snapshot.conf_state.learners = ids_of(values);
    else if (key == "index")
      snapshot.index = config.applied = to_number(value);
    else if (key == "content")
      snapshot.data = value;
    else if (const auto known = configure(config, key, value); !known)
      return known;
  }
  const auto count = to_number(directive.words().at(0));
  for (std::uint64_t i = 0; i < count; ++i)
    if (const auto added = add_node(config, snapshot, bootstrap); !added) return added;
  return {};
}

Result<void> Interaction::add_node(const raft::Config& stub, Snapshot snapshot, bool bootstrap) {
  auto its = std::make_unique<Node>();
  if (bootstrap) {
    if (snapshot.index <= 1) return bad("index must be specified as > 1 due to bootstrap");
    snapshot.term = 1;
    its->storage.apply_snapshot(snapshot);
  }
  its->storage.history.push_back(snapshot);
  its->config = stub;
  its->config.id = nodes_.size() + 1;
  its->raw = std::make_unique<raft::RawNode>(its->config, its->storage);
  nodes_.push_back(std::move(its));
  return {};
}

// ---- what the core is told

Result<void> Interaction::propose(const Directive& directive) {
  return first_node(directive).raw->propose(directive.words().at(1));
}

Result<void> Interaction::propose_conf_change(const Directive& directive) {
  raft::ConfChangeV2 change;
  change.v1 = to_bool(directive.value("v1").value_or("false"));
  const std::string transition = directive.value("transition").value_or("auto");
  if (transition == "implicit")
    change.transition = raft::Transition::joint_implicit;
  else if (transition == "explicit")
    change.transition = raft::Transition::joint_explicit;
  else if (transition != "auto")
    return bad("unknown transition " + transition);
  auto changes = parse_changes(directive.input);
  if (!changes) return changes.error();
  change.changes = std::move(*changes);
  if (change.v1 && (change.changes.size() != 1 || change.transition != raft::Transition::automatic))
    return bad("v1 conf change can only have one operation and no transition");
  return first_node(directive).raw->propose_conf_change(change);
}

Result<void> Interaction::transfer_leadership(const Directive& directive) {
  node(to_number(directive.value("from").value_or("0")))
      .raw->transfer_leader(to_number(directive.value("to").value_or("0")));
  return {};
}

Result<void> Interaction::report_unreachable(const Directive& directive) {
  const auto ids = ids_of(directive.words());
  if (ids.size() != 2)
    return bad("must specify exactly two node indexes: node on which to report, and reported node");
  node(ids[0]).raw->report_unreachable(ids[1]);
  return {};
}

Result<void> Interaction::tick(const Directive& directive, int times) {
  Node& its = first_node(directive);
  for (int i = 0; i < times; ++i) its.raw->tick();
  return {};
}

Result<void> Interaction::set_election_timeout(const Directive& directive) {
  const auto ticks = to_number(directive.value("timeout").value_or("0"));
  first_node(directive).raw->set_randomized_election_timeout(static_cast<int>(ticks));
  return {};
}

// ---- work

// Under a header, and indented, when there is more than one.
Result<void> Interaction::for_each_named(const Directive& directive, const char* doing, Step step) {
  const auto ids = ids_of(directive.words());
  for (const PeerId id : ids) {
    const auto done =
        ids.size() > 1 ? under(id, doing, [&] { return (this->*step)(id); }) : (this->*step)(id);
    if (!done) return done;
  }
  return {};
}

Result<void> Interaction::under(PeerId id, const char* doing, const std::function<Result<void>()>& work) {
  output_.write("> " + std::to_string(id) + " " + doing + "\n");
  const std::string outer = output_.indent;
  output_.indent += "  ";
  const auto done = work();
  output_.end_line();
  output_.indent = outer;
  return done;
}

Result<void> Interaction::process_ready(const Directive& directive) {
  return for_each_named(directive, "handling Ready", &Interaction::ready_of);
}
Result<void> Interaction::process_append_thread(const Directive& directive) {
  return for_each_named(directive, "processing append thread", &Interaction::append_thread_of);
}
Result<void> Interaction::process_apply_thread(const Directive& directive) {
  return for_each_named(directive, "processing apply thread", &Interaction::apply_thread_of);
}

Result<void> Interaction::ready_of(PeerId id) {
  Node& its = node(id);
  const raft::Ready ready = its.raw->ready();
  output_.write(raft::describe(ready));
  if (!its.config.async_storage_writes) {
    const auto done = append(its, ready.hard_state.value_or(raft::HardState{}), ready.entries,
                             ready.snapshot ? &*ready.snapshot : nullptr);
    if (!done) return done;
    apply(its, ready.committed_entries);
  }
  for (const auto* list : {&ready.messages, &ready.messages_after_append}) {
    for (const Message& message : *list) {
      if (message.to == raft::kAppendThread)
        its.append_work.push_back(message);
      else if (message.to == raft::kApplyThread)
        its.apply_work.push_back(message);
      else
        messages_.push_back(message);
    }
  }
  if (!its.config.async_storage_writes) its.raw->advance();
  return {};
}

Result<void> Interaction::append(Node& its, const raft::HardState& hard,
                                 const std::vector<raft::Entry>& entries, const Snapshot* snapshot) {
  if (!hard.empty()) its.storage.set_hard_state(hard);
  if (!snapshot || snapshot->empty()) {
    its.storage.append(entries);
    return {};
  }
  if (!entries.empty()) return bad("can't apply snapshot and entries at the same time");
  its.storage.apply_snapshot(*snapshot);
  return {};
}

void Interaction::apply(Node& its, const std::vector<raft::Entry>& entries) {
  for (const raft::Entry& entry : entries) {
    Snapshot next = its.storage.history.back();
    if (entry.type == raft::EntryType::normal) {
      next.data += entry.data;
    } else {
      next.conf_state = its.raw->apply_conf_change(raft::decode_conf_change(entry));
    }
    next.index = entry.index;
    next.term = entry.term;
    its.storage.history.push_back(std::move(next));
  }
}

Result<void> Interaction::append_thread_of(PeerId id) {
  Node& its = node(id);
  if (its.append_work.empty()) {
    output_.write("no append work to perform");
    return {};
  }
  Message message = std::move(its.append_work.front());
  its.append_work.pop_front();
  const auto responses = std::exchange(message.responses, {});
  output_.write("Processing:\n" + raft::describe(message) + "\nResponses:\n");
  auto done =
      append(its, {message.term, message.vote, message.commit}, message.entries, message.snapshot.get());
  if (!done) return done;
  for (const Message& response : responses) output_.write(raft::describe(response) + "\n");
  messages_.insert(messages_.end(), responses.begin(), responses.end());
  return {};
}

Result<void> Interaction::apply_thread_of(PeerId id) {
  Node& its = node(id);
  if (its.apply_work.empty()) {
    output_.write("no apply work to perform");
    return {};
  }
  Message message = std::move(its.apply_work.front());
  its.apply_work.pop_front();
  const auto responses = std::exchange(message.responses, {});
  output_.write("Processing:\n" + raft::describe(message) + "\nResponses:\n");
  apply(its, message.entries);
  for (const Message& response : responses) output_.write(raft::describe(response) + "\n");
  messages_.insert(messages_.end(), responses.begin(), responses.end());
  return {};
}

Result<void> Interaction::drain(PeerId id, std::deque<Message>& work, Step step) {
  while (!work.empty())
    if (const auto done = (this->*step)(id); !done) return done;
  return {};
}

// ---- messages

Result<void> Interaction::deliver(const Directive& directive) {
  std::optional<raft::MessageType> type;
  std::vector<Recipient> recipients;
  for (const auto& [key, values] : directive.arguments) {
    if (values.empty()) recipients.push_back({to_number(key), false});
    if (key == "drop")
      for (const PeerId id : ids_of(values)) recipients.push_back({id, true});
    if (key != "type") continue;
    type = type_named(values.front());
    if (!type) return bad("unknown message type " + values.front());
  }
  std::size_t count = 0;
  for (const Recipient& recipient : recipients) count += deliver_to(recipient, type);
  if (count == 0) output_.write("no messages\n");
  return {};
}

std::size_t Interaction::deliver_to(const Recipient& recipient, std::optional<raft::MessageType> type) {
  const auto taken = take_messages(recipient, type);
  for (const Message& message : taken) {
    output_.write((recipient.drop ? "dropped: " : "") + raft::describe(message) + "\n");
    if (recipient.drop) continue;
    if (const auto stepped = node(message.to).raw->step(message); !stepped)
      output_.write(stepped.error().message + "\n");
  }
  return taken.size();
}

// Messages between a node and its own storage are never dropped.
std::vector<Message> Interaction::take_messages(const Recipient& recipient,
                                                std::optional<raft::MessageType> type) {
  std::vector<Message> taken, kept;
  for (Message& message : messages_) {
    const bool fits = message.to == recipient.id && !(recipient.drop && is_local(message)) &&
                      (!type || message.type == *type);
    (fits ? taken : kept).push_back(std::move(message));
  }
  messages_ = std::move(kept);
  return taken;
}

bool Interaction::has_messages(PeerId id) const {
  for (const Message& message : messages_)
    if (message.to == id) return true;
  return false;
}

Result<void> Interaction::send_snapshot(const Directive& directive) {
  const auto ids = ids_of(directive.words());
  Message message;
  message.type = raft::MessageType::snap;
  message.from = ids.at(0);
  message.to = ids.at(1);
  message.term = node(message.from).raw->term();
  message.snapshot = std::make_shared<Snapshot>(node(message.from).storage.history.back());
  output_.write(raft::describe(message));
  messages_.push_back(std::move(message));
  return {};
}

Result<void> Interaction::stabilize(const Directive& directive) {
  auto ids = ids_of(directive.words());
  if (ids.empty())
    for (PeerId id = 1; id <= nodes_.size(); ++id) ids.push_back(id);
  const bool silent = output_.silent;
  if (const auto level = directive.value("log-level"))
    if (const auto set = set_log_level(*level); !set) return set;
  auto more = stabilize_once(ids);
  while (more && *more) more = stabilize_once(ids);
  output_.silent = silent;
  return more ? Result<void>() : more.error();
}

// One round of the fixed phases; whether anything happened.
Result<bool> Interaction::stabilize_once(const std::vector<PeerId>& ids) {
  bool busy = false;
  const auto phase = [&](auto wanted, const char* doing, auto work) -> Result<void> {
    for (const PeerId id : ids) {
      if (!wanted(id)) continue;
      busy = true;
      if (const auto done = under(id, doing, [&] { return work(id); }); !done) return done;
    }
    return {};
  };
  auto done = phase([&](PeerId id) { return node(id).raw->has_ready(); }, "handling Ready",
                    [&](PeerId id) { return ready_of(id); });
  if (!done) return done.error();
  done = phase([&](PeerId id) { return has_messages(id); }, "receiving messages",
               [&](PeerId id) -> Result<void> {
                 deliver_to({id, false}, std::nullopt);
                 return {};
               });
  if (!done) return done.error();
  done = phase([&](PeerId id) { return !node(id).append_work.empty(); }, "processing append thread",
               [&](PeerId id) { return drain(id, node(id).append_work, &Interaction::append_thread_of); });
  if (!done) return done.error();
  done = phase([&](PeerId id) { return !node(id).apply_work.empty(); }, "processing apply thread",
               [&](PeerId id) { return drain(id, node(id).apply_work, &Interaction::apply_thread_of); });
  if (!done) return done.error();
  return busy;
}

// ---- looking

Result<void> Interaction::compact(const Directive& directive) {
  Node& its = first_node(directive);
  const auto error = its.storage.compact(to_number(directive.words().at(1)));
  if (error != raft::LogError::none) return bad(raft::to_string(error));
  print_log(its);
  return {};
}

Result<void> Interaction::raft_log(const Directive& directive) {
  print_log(first_node(directive));
  return {};
}

void Interaction::print_log(const Node& its) {
  const Index first = its.storage.first_index(), last = its.storage.last_index();
  if (last < first) {
    output_.write("log is empty: first index=" + std::to_string(first) +
                  ", last index=" + std::to_string(last));
    return;
  }
  output_.write(raft::describe(its.storage.entries(first, last + 1, raft::kNoLimit).value));
}

Result<void> Interaction::raft_state(const Directive&) {
  for (const auto& its : nodes_) {
    const auto status = its->raw->status();
    const bool voter = status.config.voters.ids().contains(status.id);
    output_.write(std::to_string(status.id) + ": " + raft::to_string(status.role) +
                  (voter ? " (Voter)" : " (Non-Voter)") + " Term:" + std::to_string(status.term) +
                  " Lead:" + std::to_string(status.leader) + "\n");
  }
  return {};
}

Result<void> Interaction::status(const Directive& directive) {
  for (const auto& [id, progress] : first_node(directive).raw->status().progress)
    output_.write(std::to_string(id) + ": " + progress.describe() + "\n");
  return {};
}

Result<void> Interaction::log_level(const Directive& directive) {
  return set_log_level(directive.words().at(0));
}

// Log lines are not compared, so only "none" matters: it silences everything but errors.
Result<void> Interaction::set_log_level(const std::string& name) {
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (const char* level : {"debug", "info", "warn", "error", "fatal", "none"}) {
    if (lower != level) continue;
    output_.silent = lower == "none";
    return {};
  }
  return bad("log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]");
}

}  // namespace

std::unique_ptr<Environment> make_interaction() { return std::make_unique<Interaction>(); }

}  // namespace swarm::datadriven
