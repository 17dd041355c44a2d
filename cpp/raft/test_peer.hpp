// For tests: one raw node with its storage, whose disk is as fast as it is told to be.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "raft/conf_change.hpp"
#include "raft/raft.hpp"

namespace swarm::raft {

inline std::vector<Entry> log_of_terms(const std::vector<Term>& terms) {
  std::vector<Entry> entries;
  for (const Term term : terms)
    entries.push_back({term, entries.size() + 1, EntryType::normal, "t" + std::to_string(term)});
  return entries;
}

struct Peer {
  explicit Peer(PeerId id, std::vector<PeerId> voters = {1, 2, 3}, Config its_config = {})
      : config(its_config) {
    config.id = id;
    config.seed = config.seed + id;
    ConfState conf;
    conf.voters = std::move(voters);
    storage.set_conf_state(conf);
  }

  // Starts it with what its disk has.
  Peer& start(Term term = 0, const std::vector<Term>& log = {}, Index commit = 0) {
    storage.append(log_of_terms(log));
    storage.set_hard_state({term, kNone, commit});
    raw = std::make_unique<RawNode>(config, storage);
    settle();
    return *this;
  }

  // Does all that is to be done; messages are left in `sent`.
  void settle() {
    while (raw->has_ready()) {
      const Ready ready = raw->ready();
      if (ready.hard_state) storage.set_hard_state(*ready.hard_state);
      if (ready.snapshot) storage.apply_snapshot(*ready.snapshot);
      storage.append(ready.entries);
      for (const auto* list : {&ready.messages, &ready.messages_after_append})
        sent.insert(sent.end(), list->begin(), list->end());
      for (const Entry& entry : ready.committed_entries) {
        if (entry.type != EntryType::normal)
          storage.set_conf_state(raw->apply_conf_change(decode_conf_change(entry)));
        applied.push_back(entry);
      }
      reads.insert(reads.end(), ready.read_states.begin(), ready.read_states.end());
      raw->advance();
    }
  }

  Result<void> step(Message message) {
    message.to = config.id;
    auto done = raw->step(std::move(message));
    settle();
    return done;
  }
  void tick(int times = 1) {
    for (int i = 0; i < times; ++i) raw->tick();
    settle();
  }
  void campaign() {
    (void)raw->campaign().ok();
    settle();
  }
  Result<void> propose(const std::string& data) {
    auto done = raw->propose(data);
    settle();
    return done;
  }
  std::vector<Message> take(MessageType type) {
    std::vector<Message> taken;
    for (const Message& message : std::exchange(sent, {}))
      if (message.type == type) taken.push_back(message);
    return taken;
  }
  // Votes for it until it leads.
  Peer& lead() {
    campaign();
    for (PeerId other = 1; raw->role() == Role::candidate && other <= 9; ++other) {
      if (other == config.id || !raw->progress().contains(other)) continue;
      Message vote;
      vote.type = MessageType::vote_resp;
      vote.from = other;
      vote.term = raw->term();
      (void)step(vote).ok();
    }
    return *this;
  }
  // Answers every append of `sent` as a follower that takes it.
  void accept_appends() {
    for (const Message& append : take(MessageType::app)) {
      Message answer;
      answer.type = MessageType::app_resp;
      answer.from = append.to;
      answer.term = raw->term();
      answer.index = append.index + append.entries.size();
      (void)step(answer).ok();
    }
  }
  std::vector<Term> log_terms() const {
    std::vector<Term> terms;
    for (const Entry& entry :
         storage.entries(storage.first_index(), storage.last_index() + 1, kNoLimit).value)
      terms.push_back(entry.term);
    return terms;
  }

  Config config;
  MemoryStorage storage;
  std::unique_ptr<RawNode> raw;
  std::vector<Message> sent;
  std::vector<Entry> applied;
  std::vector<ReadState> reads;
};

inline Message message_from(PeerId from, MessageType type, Term term) {
  Message message;
  message.type = type;
  message.from = from;
  message.term = term;
  return message;
}

}  // namespace swarm::raft
