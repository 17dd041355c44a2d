#include "node/log_hub.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/links.hpp"
#include "ports/ports.hpp"
#include "ports/runner.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

constexpr Duration kLook = Duration::millis(500);
constexpr Duration kAnswerPatience = Duration::seconds(5);

// Leaves only what the node behind `link` was asked for: it speaks for its own tasks.
void keep_tasks_of(ports::LinkId link, const std::map<TaskId, ports::LinkId>& open, wire::LogChunk& chunk) {
  const auto foreign = [&](TaskId task) {
    const auto it = open.find(task);
    return it == open.end() || it->second != link;
  };
  std::erase_if(chunk.lines, [&](const wire::LogLine& line) { return foreign(line.task); });
  std::erase_if(chunk.finished, foreign);
  std::erase_if(chunk.missing, [&](const wire::MissingLog& missing) { return foreign(missing.task); });
}

// Docker's words (swarmkit manager/logbroker/subscription.go), with the node's name for its id.
std::string why_not(const PlaceOfTask& place, bool leads) {
  if (place.node.empty()) return "task " + place.task.str() + " has not been scheduled";
  std::string sentence = "node " + place.node_name + " is not available";
  if (leads) return sentence;
  return sentence + " (this manager does not lead: only the leader is in touch with it)";
}

}  // namespace

// ---- for requests

void LogHub::open(Source source, const wire::LogOptions& options) {
  out_.add(effect::OpenLogs{source.task, options});
  opening_.push_back(source);
}

void LogHub::on_opened(ports::LogStreamId stream) {
  SWARM_CHECK(!opening_.empty(), "a log stream that was not asked for", stream);
  sources_[stream] = opening_.front();
  opening_.pop_front();
}

void LogHub::open_local(ports::ApiId id, TaskId task, const wire::LogOptions& options) {
  open(Source{id, 0, 0, task}, options);
}

void LogHub::open_swarm(ports::ApiId id, const std::vector<PlaceOfTask>& places, bool leads,
                        const wire::LogOptions& options, Instant now) {
  const std::uint64_t stream = ++last_stream_;
  std::map<ports::LinkId, std::vector<TaskId>> by_link;
  Collection collection{id, options.follow, {}, {}};
  docker::LogNews news;
  for (const PlaceOfTask& place : places) {
    if (!place.way) {
      news.missing.push_back({place.task, why_not(place, leads)});
      continue;
    }
    by_link[*place.way].push_back(place.task);
    collection.open[place.task] = *place.way;
    Feed& feed = collection.feeds[*place.way];
    feed.node = place.node;
    feed.name = "node " + place.node_name;
    feed.heard = now;
  }
  if (collections_.empty()) next_look_ = now + kLook;
  collections_[stream] = std::move(collection);
  if (by_link.empty() || !news.missing.empty()) deliver(stream, std::move(news), {});
  for (auto& [link, its_tasks] : by_link)
    send(link, wire::LogSubscribe{stream, std::move(its_tasks), options});
}

template <class Condition>
void LogHub::close_sources(Condition condition) {
  for (auto it = sources_.begin(); it != sources_.end();) {
    if (!condition(it->second)) {
      ++it;
      continue;
    }
    out_.add(effect::CloseLogs{it->first});
    it = sources_.erase(it);
  }
}

void LogHub::close(ports::ApiId id) {
  close_sources([id](const Source& source) { return source.request == id; });
  // A followed service has a collection for each batch of new tasks.
  std::vector<std::uint64_t> streams;
  for (const auto& [stream, collection] : collections_)
    if (collection.request == id) streams.push_back(stream);
  for (const std::uint64_t stream : streams) {
    std::set<ports::LinkId> links;
    for (const auto& [task, link] : collections_.at(stream).open) links.insert(link);
    collections_.erase(stream);
    for (const ports::LinkId link : links) send(link, wire::LogUnsubscribe{stream});
  }
}

void LogHub::on_message(const Speaker& from, const wire::Message& message, Instant now) {
  if (const auto* subscribe = std::get_if<wire::LogSubscribe>(&message)) {
    subscribe_here(from.link, *subscribe);
  } else if (const auto* unsubscribe = std::get_if<wire::LogUnsubscribe>(&message)) {
    unsubscribe_here(from.link, unsubscribe->stream);
  } else if (const auto* chunk = std::get_if<wire::LogChunk>(&message)) {
    on_chunk(from.link, *chunk, now);
  }
}

// ---- as an agent

void LogHub::subscribe_here(ports::LinkId link, const wire::LogSubscribe& message) {
  const auto [outlet, is_new] = outlets_.try_emplace({link, message.stream});
  if (!is_new) return;  // the frame came twice
  outlet->second.open = message.tasks.size();
  for (const TaskId task : message.tasks) open(Source{0, link, message.stream, task}, message.options);
}

void LogHub::unsubscribe_here(ports::LinkId link, std::uint64_t stream) {
  outlets_.erase({link, stream});
  close_sources([=](const Source& source) {
    return source.request == 0 && source.link == link && source.stream == stream;
  });
}

void LogHub::on_log(const ports::TaskLog& event) {
  const auto it = sources_.find(event.stream);
  if (it == sources_.end()) return;
  const Source source = it->second;
  if (event.end) sources_.erase(it);
  std::vector<wire::MissingLog> missing;
  if (!event.error.empty())
    missing.push_back({source.task, "task " + source.task.str() + ": " + event.error});
  if (source.request != 0)
    return out_.add(effect::NewsOfLogs{source.request, {event.lines, std::move(missing), event.end}});
  wire::LogChunk chunk{source.stream, event.lines, {}, std::move(missing), 0};
  const auto outlet = outlets_.find({source.link, source.stream});
  chunk.number = ++outlet->second.chunks;
  if (event.end) chunk.finished.push_back(source.task);
  if (event.end && --outlet->second.open == 0) outlets_.erase(outlet);
  send(source.link, std::move(chunk));
}

// ---- as a manager

void LogHub::on_chunk(ports::LinkId link, const wire::LogChunk& chunk, Instant now) {
  const auto it = collections_.find(chunk.stream);
  if (it == collections_.end()) return;
  const auto feed = it->second.feeds.find(link);
  if (feed == it->second.feeds.end()) return;
  const bool had_gap = feed->second.chunks.has_gap();
  std::vector<wire::LogChunk> ready = feed->second.chunks.add(chunk);
  if (!ready.empty() || (it->second.follow && !had_gap)) feed->second.heard = now;
  for (auto& one : ready) {
    const auto still = collections_.find(one.stream);
    if (still == collections_.end()) return;
    keep_tasks_of(link, still->second.open, one);
    deliver(one.stream, {std::move(one.lines), std::move(one.missing), false}, one.finished);
  }
}

void LogHub::deliver(std::uint64_t stream, docker::LogNews news, const std::vector<TaskId>& finished) {
  const auto it = collections_.find(stream);
  if (it == collections_.end()) return;
  for (const TaskId task : finished) it->second.open.erase(task);
  news.end = it->second.open.empty();
  const ports::ApiId request = it->second.request;
  if (news.end) collections_.erase(it);
  out_.add(effect::NewsOfLogs{request, std::move(news)});
}

// What was still to come over the link will not.
void LogHub::give_up(const Lost& lost) {
  const auto it = collections_.find(lost.stream);
  if (it == collections_.end()) return;
  docker::LogNews news;
  std::vector<TaskId> finished;
  for (const auto& [task, where] : it->second.open) {
    if (where != lost.link) continue;
    finished.push_back(task);
    news.missing.push_back({task, lost.reason});
  }
  it->second.feeds.erase(lost.link);
  if (finished.empty()) return;
  send(lost.link, wire::LogUnsubscribe{lost.stream});
  deliver(lost.stream, std::move(news), finished);
}

void LogHub::on_link_gone(const LinkGone& event) {
  const ports::LinkId link = event.link;
  close_sources([link](const Source& source) { return source.request == 0 && source.link == link; });
  std::erase_if(outlets_, [link](const auto& entry) { return entry.first.first == link; });
  std::vector<Lost> lost;
  for (const auto& [stream, collection] : collections_)
    if (const auto feed = collection.feeds.find(link); feed != collection.feeds.end())
      lost.push_back({stream, link, feed->second.name + " disconnected unexpectedly"});
  for (const Lost& one : lost) give_up(one);
}

// The agents go over to the new leader: what they still have to say will not come here.
void LogHub::on_step_down() {
  std::vector<Lost> lost;
  for (const auto& [stream, collection] : collections_)
    for (const auto& [link, feed] : collection.feeds)
      lost.push_back({stream, link, "the leader has changed in the middle of the stream"});
  for (const Lost& one : lost) give_up(one);
}

std::set<NodeId> LogHub::watched() const {
  std::set<NodeId> nodes;
  for (const auto& [stream, collection] : collections_)
    for (const auto& [link, feed] : collection.feeds) nodes.insert(feed.node);
  return nodes;
}

void LogHub::on_deadline(Instant now, const std::map<NodeId, ports::LinkId>& ways) {
  if (!is_due(now)) return;
  next_look_ = now + kLook;
  std::vector<Lost> lost;
  for (const auto& [stream, collection] : collections_) {
    for (const auto& [link, feed] : collection.feeds) {
      const auto way = ways.find(feed.node);
      const bool owes = !collection.follow || feed.chunks.has_gap();
      if (way == ways.end() || way->second != link) {
        lost.push_back({stream, link, feed.name + " disconnected unexpectedly"});
      } else if (owes && feed.heard + kAnswerPatience <= now) {
        lost.push_back({stream, link, feed.name + " did not answer in time"});
      }
    }
  }
  for (const Lost& one : lost) give_up(one);
}

std::optional<Effect> LogHub::next_effect() { return out_.next(); }

}  // namespace swarm::node
