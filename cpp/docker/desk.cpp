#include "docker/desk.hpp"

#include <algorithm>

namespace swarm::docker {

// ---- whole replies

void Desk::head(ApiId id, std::uint32_t status, http::Headers headers, bool streaming) {
  headers.emplace_back("Api-Version", "1.50");
  headers.emplace_back("Ostype", "linux");
  headers.emplace_back("Docker-Experimental", "false");
  headers.emplace_back("Server", "swarmpy (linux)");
  effects_.emplace_back(BeginReply{id, {status, std::move(headers), streaming}});
}

void Desk::reply(ApiId id, std::uint32_t status, std::string json) {
  // Exactly this: Go's client compares the header of errors for equality.
  head(id, status, {{"Content-Type", "application/json"}}, false);
  piece(id, std::move(json) + "\n");
  end(id);
}

void Desk::reply_empty(ApiId id, std::uint32_t status) {
  head(id, status, {}, false);
  end(id);
}

void Desk::reply_text(ApiId id, std::uint32_t status, std::string text, http::Headers more) {
  more.emplace_back("Content-Type", "text/plain; charset=utf-8");
  head(id, status, std::move(more), false);
  if (!text.empty()) piece(id, std::move(text));
  end(id);
}

void Desk::refuse(ApiId id, const Error& error) {
  http::Headers headers{{"Content-Type", "application/json"}, {"Swarmpy-Code", code_name(error.code)}};
  std::string hint = next_step(error);
  std::replace_if(
      hint.begin(), hint.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (!hint.empty()) headers.emplace_back("Swarmpy-Hint", std::move(hint));
  head(id, http_status(error), std::move(headers), false);
  Json json;
  json.object([&] { json.field("message", shown_text(error)); });
  piece(id, json.take() + "\n");
  end(id);
}

// ---- replies in pieces

void Desk::begin_stream(ApiId id, std::string content_type) {
  head(id, 200, {{"Content-Type", std::move(content_type)}}, true);
}

void Desk::piece(ApiId id, std::string bytes) { effects_.emplace_back(ReplyPiece{id, std::move(bytes)}); }

void Desk::end(ApiId id) { effects_.emplace_back(EndReply{id}); }

// ---- what takes time

void Desk::propose(ApiId id, model::Transaction transaction, OnSettled then) {
  proposals_[id] = std::move(then);
  effects_.emplace_back(Propose{id, std::move(transaction)});
}

void Desk::perform(ApiId id, Operation operation, OnDone then) {
  operations_[id] = std::move(then);
  effects_.emplace_back(Perform{id, std::move(operation)});
}

void Desk::await_end(ApiId id, TaskId task, bool until_removed, OnEnd then) {
  waits_[id] = Wait{task, until_removed, std::move(then)};
}

void Desk::open_logs(ApiId id, LogStream stream, Operation operation) {
  stream.open = 1;
  if (stream.options.follow && !stream.service.empty()) followers_[stream.service].insert(id);
  logs_[id] = std::move(stream);
  effects_.emplace_back(Perform{id, std::move(operation)});
}

void Desk::open_events(ApiId id, EventFilter filter, std::optional<Instant> until) {
  if (until) deadlines_.insert({*until, id});
  event_streams_.emplace(id, EventStream{std::move(filter), until});
}

// ---- what comes back

void Desk::settled(ApiId id, const model::Outcome& outcome, const Context& context) {
  const auto it = proposals_.find(id);
  if (it == proposals_.end()) return;
  const OnSettled then = std::move(it->second);
  proposals_.erase(it);
  if (outcome.applied) return then(*this, id, outcome, context);
  refuse(id, outcome.error == kNoLeaderText ? rpc_error(Code::unknown, kNoLeaderText) : refused(outcome));
}

void Desk::operation_done(ApiId id, const Result<OperationResult>& result, const Context& context) {
  const auto it = operations_.find(id);
  if (it == operations_.end()) {
    // Opening logs has no answer of its own, unless it failed.
    if (!result && logs_.contains(id)) {
      close(id);
      end(id);
    }
    return;
  }
  const OnDone then = std::move(it->second);
  operations_.erase(it);
  if (result) return then(*this, id, *result, context);
  refuse(id, result.error());
}

void Desk::log_lines(ApiId id, const std::vector<wire::LogLine>& lines, bool over, const Context& context) {
  const auto it = logs_.find(id);
  if (it == logs_.end()) return;
  LogStream& stream = it->second;
  std::string frames;
  for (const auto& line : lines) frames += log_frame(stream, line, context.store);
  if (!frames.empty()) piece(id, std::move(frames));
  if (!over || --stream.open != 0) return;
  // A service that is followed has tasks to come as long as it exists.
  const bool lives = stream.options.follow && !stream.service.empty() && context.store != nullptr &&
                     context.store->service(stream.service) != nullptr;
  if (lives) return;
  close(id);
  end(id);
}

void Desk::close(ApiId id) {
  proposals_.erase(id);
  operations_.erase(id);
  waits_.erase(id);
  if (const auto it = logs_.find(id); it != logs_.end()) {
    if (const auto of = followers_.find(it->second.service); of != followers_.end()) {
      of->second.erase(id);
      if (of->second.empty()) followers_.erase(of);
    }
    logs_.erase(it);
  }
  if (const auto it = event_streams_.find(id); it != event_streams_.end()) {
    if (it->second.until) deadlines_.erase({*it->second.until, id});
    event_streams_.erase(it);
  }
}

void Desk::abort(ApiId id) {
  if (logs_.contains(id)) effects_.emplace_back(Perform{id, CloseLogs{}});
  close(id);
}

void Desk::fail(ApiId id, const Error& error) {
  close(id);
  refuse(id, error);
}

void Desk::send_event(const Event& event) {
  for (const auto& [id, stream] : event_streams_)
    if (auto line = stream.filter.line(event)) piece(id, std::move(*line));
}

// A task of a service whose logs are followed has begun to run, or the service is gone.
void Desk::follow(const store::Change<model::Task>& change, const Context&) {
  if (change.removed() || !has_logs(*change.after)) return;
  const auto of = followers_.find(change.after->service_id);
  if (of == followers_.end()) return;
  for (const ApiId id : of->second) {
    LogStream& stream = logs_.at(id);
    if (!stream.tasks.insert(change.after->id).second) continue;
    ++stream.open;
    wire::LogOptions options = stream.options;
    options.tail = -1;  // all of what is new
    effects_.emplace_back(Perform{id, OpenSwarmLogs{{change.after->id}, options}});
  }
}

void Desk::observe(const store::ChangeSet& changes, const Context& context) {
  const std::vector<Event> events = events_.add(changes, context);
  if (!event_streams_.empty())
    for (const Event& event : events) send_event(event);
  if (followers_.empty()) return;
  std::vector<ApiId> over;
  for (const auto& any : changes.changes) {
    if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) follow(*task, context);
    const auto* service = std::get_if<store::Change<model::Service>>(&any);
    if (service == nullptr || !service->removed()) continue;
    if (const auto of = followers_.find(service->before->id); of != followers_.end())
      for (const ApiId id : of->second)
        if (logs_.at(id).open == 0) over.push_back(id);
  }
  for (const ApiId id : over) {
    close(id);
    end(id);
  }
}

void Desk::observe(const agent::ContainerEvent& event, const Context& context) {
  for (const Event& shown : events_.add(event, context)) send_event(shown);
  if (event.action != "die" && event.action != "destroy") return;
  std::vector<std::pair<ApiId, OnEnd>> ended;
  for (const auto& [id, wait] : waits_)
    if (wait.task == event.task && (!wait.until_removed || event.action == "destroy"))
      ended.emplace_back(id, wait.then);
  for (const auto& [id, then] : ended) {
    waits_.erase(id);
    then(*this, id, event.exit_code);
  }
}

void Desk::on_deadline(Instant now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const ApiId id = deadlines_.begin()->second;
    close(id);
    end(id);
  }
}

Instant Desk::next_deadline() const {
  return deadlines_.empty() ? Instant::never() : deadlines_.begin()->first;
}

std::size_t Desk::open_requests() const {
  return proposals_.size() + operations_.size() + waits_.size() + logs_.size() + event_streams_.size();
}

}  // namespace swarm::docker
