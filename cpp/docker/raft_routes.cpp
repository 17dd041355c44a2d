// /swarmpy/v1/raft: what this manager knows of Raft, its log in words, what happened, and the hand-over
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/handlers.hpp"
#include "docker/inside.hpp"
#include "docker/json.hpp"
#include "docker/lookup.hpp"
#include "docker/replies.hpp"
#include "docker/url.hpp"
#include "docker/waits.hpp"

namespace swarm::docker {
namespace {

constexpr std::uint64_t kMostRows = 10'000;               // of the log, in one answer
constexpr Duration kFollowPeriod = Duration::millis(50);  // between two looks of a stream

const char* role_word(const std::string& raft_role) {
  if (raft_role == "StateLeader") return "leader";
  return raft_role == "StateFollower" ? "follower" : "candidate";
}

void write_members(Json& json, const RaftDetail& detail) {
  for (const RaftMember& member : detail.members)
    json.object(std::to_string(member.raft_id), [&] {
      json.field("Node", member.node.str())
          .field("Name", member.name)
          .field("Addr", member.addr)
          .field("Voter", member.voter)
          .field("Reachable", member.reachable);
      if (member.progress)
        json.field("Match", member.progress->match)
            .field("Next", member.progress->next)
            .field("Progress", member.progress->state);
    });
}

// A whole number of the query; nothing where there is none.
Result<std::optional<std::uint64_t>> number_of(const Call& call, std::string_view name) {
  const std::string given = call.target.text(name);
  if (given.empty()) return std::optional<std::uint64_t>();
  const auto number = parse_whole<std::uint64_t>(given);
  if (number) return number;
  return not_a_number(std::string(name) + " must be a whole number", "ParseUint", given);
}

// ---- events

std::string sentence(const RaftEvent& event) {
  const std::string in_term = " in term " + std::to_string(event.term);
  if (event.action == "voted") return "voted for " + event.other_name + in_term;
  if (event.action == "follows") return "follows leader " + event.other_name + in_term;
  if (event.action == "leader-lost") return "leader " + event.other_name + " lost" + in_term;
  if (event.action == "member-added")
    return std::string("added to the Raft group") + (event.voter ? "" : " as a learner");
  if (event.action == "member-promoted") return "has caught up, and votes from now on";
  if (event.action == "member-removed") return "removed from the Raft group";
  if (event.action == "snapshot-sent")
    return "sent a snapshot of entry " + std::to_string(event.index) + " to " + event.other_name;
  if (event.action == "state-differs")
    return "has another state at entry " + std::to_string(event.index) + " than the leader";
  if (event.action == "snapshot-installed")
    return "installed a snapshot of entry " + std::to_string(event.index);
  return "became " + event.action + in_term;
}

// Which attribute tells of the other one.
const char* other_word(const RaftEvent& event) {
  if (event.action == "voted") return "voted_for";
  return event.action == "snapshot-sent" ? "to" : "leader";
}

void write_event(Json& json, const RaftEvent& event) {
  json.object([&] {
    json.field("Type", "raft").field("Action", event.action);
    json.object("Actor", [&] {
      json.field("ID", event.node.str());
      json.object("Attributes", [&] {
        json.field("name", event.subject_name).field("term", std::to_string(event.term));
        if (event.other != 0) json.field(other_word(event), event.other_name);
        if (event.index != 0) json.field("index", std::to_string(event.index));
        json.field("message", sentence(event));
      });
    });
    json.field("scope", "swarm")
        .field("time", event.time.ns / 1'000'000'000)
        .field("timeNano", event.time.ns)
        .field("Number", event.number)
        .field("RaftID", event.subject)
        .field_if("OtherRaftID", event.other);
  });
}

// A line each.
void send_news(Replies& replies, ApiId id, const RaftPast& past, WallTime since) {
  for (const RaftEvent& event : past.events) {
    if (event.time < since) continue;
    Json json;
    write_event(json, event);
    replies.piece(id, json.take() + "\n");
  }
}

// Each line as it comes, until the client goes or this is no manager any more.
void follow(Call& call, std::uint64_t after, WallTime since) {
  call.replies.begin_stream(call.id, "application/json");
  call.replies.open_beat(call.id, RaftBeat{after, since, {}}, call.context.now);
}

}  // namespace

// ---- streams of events

void say(RaftBeat beat, Replies& replies, ApiId id, const Context& context) {
  if (context.store == nullptr) return replies.end(id);
  replies.ask(id, AskRaftPast{beat.after}, beat);
}

// It ends where the numbers began anew: this is another life of the manager.
void say(const RaftBeat& beat, Replies& replies, ApiId id, const RaftPast& past, const Context& context) {
  if (beat.began && *beat.began != past.began) return replies.end(id);
  send_news(replies, id, past, beat.since);
  replies.open_beat(id, RaftBeat{past.last, beat.since, past.began}, context.now + kFollowPeriod);
}

// ---- whole answers

void show_raft(Call& call) { call.replies.ask(call.id, AskRaft{}, ShowsRaft{}); }

void say(const ShowsRaft&, Replies& replies, ApiId id, const RaftDetail& detail, const Context& context) {
  const RaftView& raft = context.raft;
  Json json;
  json.object([&] {
    json.field("Id", raft.id)
        .field("Term", raft.term)
        .field("Leader", raft.leader)
        .field("LeaderName", raft.leader == 0 ? std::string() : detail.leader_name)
        .field("LeaderSince", raft.leader_since)
        .field("Role", role_word(raft.role))
        .field("PreCandidate", detail.pre_candidate)
        .field("Vote", detail.vote)
        .field("VoteName", detail.vote_name)
        .field("Commit", raft.commit)
        .field("Applied", raft.applied)
        .field("FirstIndex", detail.first_index)
        .field("LastIndex", detail.last_index);
    json.object("Snapshot",
                [&] { json.field("Index", detail.snapshot_index).field("Term", detail.snapshot_term); });
    json.object("Members", [&] { write_members(json, detail); });
  });
  replies.reply(id, 200, json.take());
}

void show_raft_log(Call& call) {
  const auto from = number_of(call, "from"), limit = number_of(call, "limit");
  if (!from) return call.refuse(from.error());
  if (!limit) return call.refuse(limit.error());
  call.replies.ask(call.id, AskRaftLog{*from, std::min(limit->value_or(kMostRows), kMostRows)},
                   ShowsRaftLog{});
}

void say(const ShowsRaftLog&, Replies& replies, ApiId id, const RaftLogPart& log, const Context& context) {
  Json json;
  json.object([&] {
    json.field("FirstIndex", log.first_index)
        .field("LastIndex", log.last_index)
        .field("Commit", context.raft.commit)
        .field("Applied", context.raft.applied);
    json.array("Entries", [&] {
      for (const LogRow& row : log.rows)
        json.object([&] {
          json.field("Index", row.index)
              .field("Term", row.term)
              .field("Kind", row.kind)
              .field("Size", row.size)
              .field("What", row.what)
              .field("Digest", std::to_string(row.digest));
        });
    });
  });
  replies.reply(id, 200, json.take());
}

// `after`: a number that an answer of this manager told as its `Last`. `since`: a time. `follow=1`: a line
// each, as they come. `Name`: the manager that saw it; `Members`: all managers. `Whole`: nothing
// between `after` and now was forgotten.
void raft_events(Call& call) {
  const auto after = number_of(call, "after");
  const auto since = call.target.time("since");
  if (!after) return call.refuse(after.error());
  if (!since) return call.refuse(since.error());
  const WallTime from = since->value_or(WallTime{std::numeric_limits<std::int64_t>::min()});
  const std::uint64_t known = after->value_or(0);
  if (call.target.flag("follow")) return follow(call, known, from);
  call.replies.ask(call.id, AskRaftPast{known}, ShowsRaftEvents{known, from});
}

void say(const ShowsRaftEvents& then, Replies& replies, ApiId id, const RaftPast& past, const Context&) {
  Json json;
  json.object([&] {
    json.field("Began", past.began.ns).field("Last", past.last).field("Whole", then.after >= past.forgotten);
    if (past.name) json.field("Name", *past.name);
    json.array("Members", [&] {
      for (const std::string& name : past.members) json.value(name);
    });
    json.array("Events", [&] {
      for (const RaftEvent& event : past.events)
        if (event.time >= then.since) write_event(json, event);
    });
  });
  replies.reply(id, 200, json.take());
}

void transfer_leadership(Call& call) {
  TransferLeadership wish;
  if (const std::string to = call.target.text("to"); !to.empty()) {
    const auto node = find_node(call.store(), to);
    if (!node) return call.refuse(node.error());
    wish.to = (*node)->id;
  }
  call.replies.perform(call.id, wish, EmptyAnswer{});
}

}  // namespace swarm::docker
