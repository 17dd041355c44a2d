#include "node/log_hub.hpp"

#include <utility>

#include "node/agent_part.hpp"

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

}  // namespace

void LogHub::send(ports::LinkId link, wire::Message message) {
  if (link == kLocalLink) {
    on_message(kLocalLink, message);
  } else {
    core_.links.send(link, std::move(message));
  }
}

// ---- for requests

void LogHub::open_local(ports::ApiId id, TaskId task, const wire::LogOptions& options) {
  const ports::LogStreamId stream = core_.ports.runner.open_logs(task, options);
  sources_[stream] = Source{id, 0, 0, task};
}

std::optional<ports::LinkId> LogHub::way_to(NodeId node) {
  if (node.empty()) return std::nullopt;
  if (core_.identity && core_.identity->node == node) return kLocalLink;  // whether it is in session or not
  return host_.agent_link(node);
}

// Docker's words (swarmkit manager/logbroker/subscription.go), with the node's name for its id.
std::string LogHub::why_not(TaskId task, NodeId node) {
  if (node.empty()) return "task " + task.str() + " has not been scheduled";
  const std::string name = host_.name_of_node(node);
  if (host_.leads()) return "node " + name + " is not available";
  return "node " + name +
         " is not available (this manager does not lead: only the leader is in touch with it)";
}

void LogHub::open_swarm(ports::ApiId id, const std::vector<TaskId>& tasks, const wire::LogOptions& options) {
  const std::uint64_t stream = ++last_stream_;
  std::map<ports::LinkId, std::vector<TaskId>> by_link;
  Collection collection{id, options.follow, {}, {}};
  docker::LogNews news;
  for (const TaskId task : tasks) {
    const NodeId node = host_.node_of(task);
    const auto link = way_to(node);
    if (!link) {
      news.missing.push_back({task, why_not(task, node)});
      continue;
    }
    by_link[*link].push_back(task);
    collection.open[task] = *link;
    Feed& feed = collection.feeds[*link];
    feed.node = node;
    feed.heard = core_.now;
  }
  if (collections_.empty()) next_look_ = core_.now + kLook;
  collections_[stream] = std::move(collection);
  if (by_link.empty() || !news.missing.empty()) deliver(stream, std::move(news), {});
  for (auto& [link, its_tasks] : by_link)
    send(link, wire::LogSubscribe{stream, std::move(its_tasks), options});
}

void LogHub::close(ports::ApiId id) {
  for (auto it = sources_.begin(); it != sources_.end();) {
    if (it->second.request == id) {
      core_.ports.runner.close_logs(it->first);
      it = sources_.erase(it);
    } else {
      ++it;
    }
  }
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

void LogHub::on_message(ports::LinkId link, const wire::Message& message) {
  if (const auto* subscribe = std::get_if<wire::LogSubscribe>(&message)) {
    subscribe_here(link, *subscribe);
  } else if (const auto* unsubscribe = std::get_if<wire::LogUnsubscribe>(&message)) {
    unsubscribe_here(link, unsubscribe->stream);
  } else if (const auto* chunk = std::get_if<wire::LogChunk>(&message)) {
    on_chunk(link, *chunk);
  }
}

// ---- as an agent

void LogHub::subscribe_here(ports::LinkId link, const wire::LogSubscribe& message) {
  const auto [outlet, is_new] = outlets_.try_emplace({link, message.stream});
  if (!is_new) return;  // the frame came twice
  outlet->second.open = message.tasks.size();
  for (const TaskId task : message.tasks) {
    const ports::LogStreamId stream = core_.ports.runner.open_logs(task, message.options);
    sources_[stream] = Source{0, link, message.stream, task};
  }
}

void LogHub::unsubscribe_here(ports::LinkId link, std::uint64_t stream) {
  outlets_.erase({link, stream});
  for (auto it = sources_.begin(); it != sources_.end();) {
    if (it->second.request == 0 && it->second.link == link && it->second.stream == stream) {
      core_.ports.runner.close_logs(it->first);
      it = sources_.erase(it);
    } else {
      ++it;
    }
  }
}

void LogHub::on_log(const ports::TaskLog& event) {
  const auto it = sources_.find(event.stream);
  if (it == sources_.end()) return;
  const Source source = it->second;
  if (event.end) sources_.erase(it);
  std::vector<wire::MissingLog> missing;
  if (!event.error.empty())
    missing.push_back({source.task, "task " + source.task.str() + ": " + event.error});
  if (source.request != 0) return host_.log_news(source.request, {event.lines, missing, event.end});
  wire::LogChunk chunk{source.stream, event.lines, {}, std::move(missing), 0};
  const auto outlet = outlets_.find({source.link, source.stream});
  chunk.number = ++outlet->second.chunks;
  if (event.end) chunk.finished.push_back(source.task);
  if (event.end && --outlet->second.open == 0) outlets_.erase(outlet);
  send(source.link, std::move(chunk));
}

// ---- as a manager

void LogHub::on_chunk(ports::LinkId link, const wire::LogChunk& chunk) {
  const auto it = collections_.find(chunk.stream);
  if (it == collections_.end()) return;
  const auto feed = it->second.feeds.find(link);
  if (feed == it->second.feeds.end()) return;
  const bool had_gap = feed->second.chunks.has_gap();
  std::vector<wire::LogChunk> ready = feed->second.chunks.add(chunk);
  if (!ready.empty() || (it->second.follow && !had_gap)) feed->second.heard = core_.now;
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
  host_.log_news(request, news);
}

// What was still to come over the link will not.
void LogHub::give_up(std::uint64_t stream, ports::LinkId link, const std::string& reason) {
  const auto it = collections_.find(stream);
  if (it == collections_.end()) return;
  docker::LogNews news;
  std::vector<TaskId> finished;
  for (const auto& [task, where] : it->second.open) {
    if (where != link) continue;
    finished.push_back(task);
    news.missing.push_back({task, reason});
  }
  it->second.feeds.erase(link);
  if (finished.empty()) return;
  send(link, wire::LogUnsubscribe{stream});
  deliver(stream, std::move(news), finished);
}

void LogHub::on_link_closed(ports::LinkId link) {
  for (auto it = sources_.begin(); it != sources_.end();) {
    if (it->second.request == 0 && it->second.link == link) {
      core_.ports.runner.close_logs(it->first);
      it = sources_.erase(it);
    } else {
      ++it;
    }
  }
  std::erase_if(outlets_, [link](const auto& entry) { return entry.first.first == link; });
  std::vector<std::pair<std::uint64_t, std::string>> lost;
  for (const auto& [stream, collection] : collections_)
    if (const auto feed = collection.feeds.find(link); feed != collection.feeds.end())
      lost.emplace_back(stream,
                        "node " + host_.name_of_node(feed->second.node) + " disconnected unexpectedly");
  for (const auto& [stream, reason] : lost) give_up(stream, link, reason);
}

// The agents go over to the new leader: what they still have to say will not come here.
void LogHub::on_step_down() {
  std::vector<std::pair<std::uint64_t, ports::LinkId>> open;
  for (const auto& [stream, collection] : collections_)
    for (const auto& [link, feed] : collection.feeds) open.emplace_back(stream, link);
  for (const auto& [stream, link] : open)
    give_up(stream, link, "the leader has changed in the middle of the stream");
}

std::optional<std::string> LogHub::trouble(const Collection& collection, ports::LinkId link,
                                           const Feed& feed) {
  const std::string node = "node " + host_.name_of_node(feed.node);
  if (way_to(feed.node) != link) return node + " disconnected unexpectedly";
  const bool owes = !collection.follow || feed.chunks.has_gap();
  if (owes && feed.heard + kAnswerPatience <= core_.now) return node + " did not answer in time";
  return std::nullopt;
}

void LogHub::on_deadline() {
  if (collections_.empty() || core_.now < next_look_) return;
  next_look_ = core_.now + kLook;
  struct Lost {
    std::uint64_t stream;
    ports::LinkId link;
    std::string reason;
  };
  std::vector<Lost> lost;
  for (const auto& [stream, collection] : collections_)
    for (const auto& [link, feed] : collection.feeds)
      if (auto reason = trouble(collection, link, feed)) lost.push_back({stream, link, std::move(*reason)});
  for (const Lost& one : lost) give_up(one.stream, one.link, one.reason);
}

}  // namespace swarm::node
