#include "docker/replies.hpp"

#include <algorithm>

namespace swarm::docker {

// ---- whole replies

void Replies::head(ApiId id, std::uint32_t status, http::Headers headers, bool streaming) {
  headers.emplace_back("Api-Version", "1.50");
  headers.emplace_back("Ostype", "linux");
  headers.emplace_back("Docker-Experimental", "false");
  headers.emplace_back("Server", "swarmpy (linux)");
  effects_.emplace_back(BeginReply{id, {status, std::move(headers), streaming}});
}

void Replies::reply(ApiId id, std::uint32_t status, std::string json) {
  // Exactly this: Go's client compares the header of errors for equality.
  head(id, status, {{"Content-Type", "application/json"}}, false);
  piece(id, std::move(json) + "\n");
  end(id);
}

void Replies::reply_empty(ApiId id, std::uint32_t status) {
  head(id, status, {}, false);
  end(id);
}

void Replies::reply_text(ApiId id, std::uint32_t status, std::string text, http::Headers more) {
  more.emplace_back("Content-Type", "text/plain; charset=utf-8");
  head(id, status, std::move(more), false);
  if (!text.empty()) piece(id, std::move(text));
  end(id);
}

void Replies::reply_as(ApiId id, std::string content_type, std::string text) {
  head(id, 200, {{"Content-Type", std::move(content_type)}}, false);
  if (!text.empty()) piece(id, std::move(text));
  end(id);
}

void Replies::refuse(ApiId id, const Error& error) {
  refuse(id, error, [](Json&) {});
}

void Replies::refuse(ApiId id, const Error& error, const std::function<void(Json&)>& more) {
  http::Headers headers{{"Content-Type", "application/json"}, {"Swarmpy-Code", code_name(error.code)}};
  std::string hint = next_step(error);
  std::replace_if(
      hint.begin(), hint.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (!hint.empty()) headers.emplace_back("Swarmpy-Hint", std::move(hint));
  head(id, http_status(error), std::move(headers), false);
  Json json;
  json.object([&] {
    json.field("message", shown_text(error));
    more(json);
  });
  piece(id, json.take() + "\n");
  end(id);
}

// ---- replies in pieces

void Replies::begin_stream(ApiId id, std::string content_type) {
  head(id, 200, {{"Content-Type", std::move(content_type)}}, true);
}

void Replies::piece(ApiId id, std::string bytes) { effects_.emplace_back(ReplyPiece{id, std::move(bytes)}); }

void Replies::end(ApiId id) { effects_.emplace_back(EndReply{id}); }
void Replies::cut(ApiId id) { effects_.emplace_back(CutReply{id}); }

// ---- what takes time

void Replies::propose(ApiId id, model::Transaction transaction, OnSettled then, OnSettled otherwise) {
  proposals_[id] = {std::move(then), std::move(otherwise)};
  effects_.emplace_back(Propose{id, std::move(transaction)});
}

void Replies::perform(ApiId id, Operation operation, OnDone then) {
  operations_[id] = std::move(then);
  effects_.emplace_back(Perform{id, std::move(operation)});
}

void Replies::await_end(ApiId id, TaskId task, bool until_removed, OnEnd then) {
  waits_[id] = Wait{task, until_removed, std::move(then)};
}

void Replies::open_logs(ApiId id, LogStream stream, Operation operation) {
  if (!stream.tasks.empty() || !stream.swarm) stream.open = 1;
  if (stream.options.follow && !stream.service.empty()) followers_[stream.service].insert(id);
  const bool asks = stream.open != 0, waits = stream.options.follow;
  logs_[id] = std::move(stream);
  if (asks) {
    effects_.emplace_back(Perform{id, std::move(operation)});
  } else if (!waits) {
    finish_logs(id);
  }
}

void Replies::open_events(ApiId id, EventFilter filter, std::optional<Instant> until) {
  if (until) deadlines_.insert({*until, id});
  event_streams_.emplace(id, EventStream{std::move(filter), until});
}

// ---- what comes back

void Replies::settled(ApiId id, const model::Outcome& outcome, const Context& context) {
  const auto it = proposals_.find(id);
  if (it == proposals_.end()) return;
  const Proposal proposal = std::move(it->second);
  proposals_.erase(it);
  if (outcome.applied) return proposal.then(*this, id, outcome, context);
  if (proposal.otherwise && outcome.error != kNoLeaderText)
    return proposal.otherwise(*this, id, outcome, context);
  refuse(id, outcome.error == kNoLeaderText ? rpc_error(Code::unknown, kNoLeaderText) : refused(outcome));
}

void Replies::operation_done(ApiId id, const Result<OperationResult>& result, const Context& context) {
  const auto it = operations_.find(id);
  if (it == operations_.end()) {
    // Opening logs has no answer of its own, unless it failed.
    if (const auto stream = logs_.find(id); !result && stream != logs_.end()) {
      note_missing(stream->second, result.error().message);
      finish_logs(id);
    }
    return;
  }
  const OnDone then = std::move(it->second);
  operations_.erase(it);
  if (result) return then(*this, id, *result, context);
  refuse(id, result.error());
}

void Replies::log_news(ApiId id, const LogNews& news, const Context& context) {
  const auto it = logs_.find(id);
  if (it == logs_.end()) return;
  LogStream& stream = it->second;
  std::string frames;
  for (const auto& line : news.lines) frames += log_frame(stream, line, context.store);
  for (const auto& missing : news.missing) {
    note_missing(stream, missing.reason);
    // The others go on: their reader learns now of those that do not.
    if (stream.options.follow) frames += missing_frame(stream, missing, context.wall, context.store);
  }
  if (!frames.empty()) piece(id, std::move(frames));
  if (!news.end || --stream.open != 0 || has_more_to_come(stream, context)) return;
  finish_logs(id);
}

// A service that is followed has tasks to come as long as it exists, a task lines until it has ended; of both
// only the leader hears.
bool Replies::has_more_to_come(const LogStream& stream, const Context& context) const {
  if (!stream.options.follow || stream.service.empty() || context.store == nullptr) return false;
  if (!context.local.is_leader) return false;
  if (stream.only.empty()) return context.store->service(stream.service) != nullptr;
  const auto task = context.store->task(stream.only);
  return task && !stream.tasks.contains(stream.only) && !model::is_terminal(task->state());
}

void Replies::finish_logs(ApiId id) {
  if (std::string frame = incomplete_frame(logs_.at(id)); !frame.empty()) piece(id, std::move(frame));
  close(id);
  end(id);
}

void Replies::close(ApiId id) {
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
  if (const auto it = beats_.find(id); it != beats_.end()) {
    deadlines_.erase({it->second.next, id});
    beats_.erase(it);
  }
  if (const auto it = event_streams_.find(id); it != event_streams_.end()) {
    if (it->second.until) deadlines_.erase({*it->second.until, id});
    event_streams_.erase(it);
  }
}

void Replies::abort(ApiId id) {
  if (logs_.contains(id)) effects_.emplace_back(Perform{id, CloseLogs{}});
  close(id);
}

void Replies::fail(ApiId id, const Error& error) {
  close(id);
  refuse(id, error);
}

void Replies::send_event(const Event& event) {
  for (const auto& [id, stream] : event_streams_)
    if (auto line = stream.filter.line(event)) piece(id, std::move(*line));
}

// A task of a service whose logs are followed has begun to run.
void Replies::follow(const store::Change<model::Task>& change, const Context&) {
  if (change.removed() || !has_logs(*change.after)) return;
  const auto of = followers_.find(change.after->service_id);
  if (of == followers_.end()) return;
  for (const ApiId id : of->second) {
    LogStream& stream = logs_.at(id);
    if (!stream.only.empty() && stream.only != change.after->id) continue;
    if (!stream.tasks.insert(change.after->id).second) continue;
    ++stream.open;
    wire::LogOptions options = stream.options;
    options.tail = -1;  // all of what is new
    effects_.emplace_back(Perform{id, OpenSwarmLogs{{change.after->id}, options}});
  }
}

// The followed streams that a change may have been the last thing for.
std::set<ApiId> Replies::followers_of(const store::ChangeSet& changes) const {
  std::set<ApiId> out;
  for (const auto& any : changes.changes) {
    const auto* task = std::get_if<store::Change<model::Task>>(&any);
    const auto* service = std::get_if<store::Change<model::Service>>(&any);
    if (task == nullptr && (service == nullptr || !service->removed())) continue;
    const auto of = followers_.find(task != nullptr ? task->latest().service_id : service->before->id);
    if (of != followers_.end()) out.insert(of->second.begin(), of->second.end());
  }
  return out;
}

void Replies::observe(const store::ChangeSet& changes, const Context& context) {
  const std::vector<Event> events = events_.add(changes, context);
  if (!event_streams_.empty())
    for (const Event& event : events) send_event(event);
  if (followers_.empty()) return;
  if (!context.local.is_leader) return forsake_followers();
  for (const auto& any : changes.changes)
    if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) follow(*task, context);
  for (const ApiId id : followers_of(changes))
    if (logs_.at(id).open == 0 && !has_more_to_come(logs_.at(id), context)) finish_logs(id);
}

// This manager leads no more: it hears of no agent, and the new leader knows nothing of these requests.
void Replies::forsake_followers() {
  std::vector<ApiId> idle;
  for (const auto& [service, ids] : followers_)
    for (const ApiId id : ids)
      if (logs_.at(id).open == 0) idle.push_back(id);
  for (const ApiId id : idle) {
    note_missing(logs_.at(id), "the leader has changed in the middle of the stream");
    finish_logs(id);
  }
}

void Replies::observe(const agent::ContainerEvent& event, const Context& context) {
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

// Events are lost: a stream that went on would hide it.
void Replies::changes_skipped() {
  const auto streams = std::exchange(event_streams_, {});
  for (const auto& [id, stream] : streams) {
    if (stream.until) deadlines_.erase({*stream.until, id});
    cut(id);
  }
}

void Replies::on_deadline(const Context& context) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= context.now) {
    const ApiId id = deadlines_.begin()->second;
    if (const auto beat = beats_.find(id); beat != beats_.end()) {
      deadlines_.erase(deadlines_.begin());
      tick(id, context);
      continue;
    }
    close(id);
    end(id);
  }
}

// ---- what is said again and again

void Replies::open_beat(ApiId id, OnBeat then, Instant first) {
  beats_.emplace(id, Beat{std::move(then), first});
  deadlines_.insert({first, id});
}

void Replies::tick(ApiId id, const Context& context) {
  Beat& beat = beats_.at(id);
  const std::optional<Instant> next = beat.then(*this, id, context);
  if (!next) {
    beats_.erase(id);
    return end(id);
  }
  beat.next = *next;
  deadlines_.insert({*next, id});
}

Instant Replies::next_deadline() const {
  return deadlines_.empty() ? Instant::never() : deadlines_.begin()->first;
}

std::size_t Replies::open_requests() const {
  return proposals_.size() + operations_.size() + waits_.size() + logs_.size() + event_streams_.size() +
         beats_.size();
}

}  // namespace swarm::docker
