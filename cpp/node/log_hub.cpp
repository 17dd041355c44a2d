#include "node/log_hub.hpp"

#include "node/agent_part.hpp"

namespace swarm::node {

void LogHub::send(ports::LinkId link, wire::Message message) {
  if (link == kLocalLink) {
    on_message(kLocalLink, message);
  } else {
    core_.links.send(link, std::move(message));
  }
}

void LogHub::open_local(ports::ApiId id, TaskId task, const wire::LogOptions& options) {
  const ports::LogStreamId stream = core_.ports.runner.open_logs(task, options);
  sources_[stream] = Source{id, 0, 0, task};
}

void LogHub::open_swarm(ports::ApiId id, const std::vector<TaskId>& tasks, const wire::LogOptions& options) {
  const std::uint64_t stream = ++last_stream_;
  std::map<ports::LinkId, std::vector<TaskId>> by_link;
  Collection collection{id, {}};
  for (const TaskId task : tasks) {
    const auto link = host_.agent_link(host_.node_of(task));
    if (!link) continue;
    by_link[*link].push_back(task);
    collection.open[task] = *link;
  }
  collections_[stream] = std::move(collection);
  if (by_link.empty()) return deliver(stream, {}, {});
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
    on_chunk(*chunk);
  }
}

void LogHub::subscribe_here(ports::LinkId link, const wire::LogSubscribe& message) {
  for (const TaskId task : message.tasks) {
    const ports::LogStreamId stream = core_.ports.runner.open_logs(task, message.options);
    sources_[stream] = Source{0, link, message.stream, task};
  }
}

void LogHub::unsubscribe_here(ports::LinkId link, std::uint64_t stream) {
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
  if (source.request != 0) return host_.log_lines(source.request, event.lines, event.end);
  wire::LogChunk chunk{source.stream, event.lines, {}};
  if (event.end) chunk.finished.push_back(source.task);
  send(source.link, std::move(chunk));
}

void LogHub::on_chunk(const wire::LogChunk& chunk) { deliver(chunk.stream, chunk.lines, chunk.finished); }

void LogHub::deliver(std::uint64_t stream, const std::vector<wire::LogLine>& lines,
                     const std::vector<TaskId>& finished) {
  const auto it = collections_.find(stream);
  if (it == collections_.end()) return;
  for (const TaskId task : finished) it->second.open.erase(task);
  const bool end = it->second.open.empty();
  const ports::ApiId request = it->second.request;
  if (end) collections_.erase(it);
  host_.log_lines(request, lines, end);
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
  std::vector<std::pair<std::uint64_t, std::vector<TaskId>>> lost;
  for (const auto& [stream, collection] : collections_) {
    std::vector<TaskId> tasks;
    for (const auto& [task, where] : collection.open)
      if (where == link) tasks.push_back(task);
    if (!tasks.empty()) lost.emplace_back(stream, std::move(tasks));
  }
  for (const auto& [stream, tasks] : lost) deliver(stream, {}, tasks);
}

}  // namespace swarm::node
