#include "docker/replies.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/check.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/errors.hpp"
#include "docker/events.hpp"
#include "docker/inside.hpp"
#include "docker/json.hpp"
#include "docker/listing.hpp"
#include "docker/logs.hpp"
#include "docker/waits.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "ports/http.hpp"
#include "store/change_set.hpp"

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

// ---- lists

void Replies::begin_turn(Instant now) {
  turn_ = now;
  budget_ = Budget(kObjectsPerTurn);
}

void Replies::open_list(ApiId id, Listing listing, const Context& context) {
  head(id, 200, {{"Content-Type", "application/json"}}, false);
  SWARM_CHECK(!is_open(id), "request", id, "waits for something beside its list");
  lists_.emplace(id, std::move(listing));
  write_list(id, budget_, context);
}

// The turn's objects go round among those under way: a long one does not keep a short one waiting.
void Replies::write_lists(const Context& context) {
  while (!lists_.empty() && !budget_.is_spent()) {
    auto next = lists_.upper_bound(last_list_);
    if (next == lists_.end()) next = lists_.begin();
    last_list_ = next->first;
    const std::size_t slice = std::min(kObjectsPerSlice, budget_.left());
    Budget own(slice);
    write_list(last_list_, own, context);
    SWARM_CHECK(own.left() <= slice, "a list gave back", own.left(), "of", slice, "objects");
    budget_ = Budget(budget_.left() - (slice - own.left()));
  }
}

void Replies::finish_list(ApiId id, const Context& context) {
  Budget all(std::numeric_limits<std::size_t>::max());
  if (lists_.contains(id)) write_list(id, all, context);
}

void Replies::write_list(ApiId id, Budget& budget, const Context& context) {
  const auto it = lists_.find(id);
  SWARM_CHECK(it != lists_.end(), "request", id, "has no list");
  std::string bytes = it->second.write(budget, context);
  if (!bytes.empty()) piece(id, std::move(bytes));
  if (!it->second.done()) return;
  lists_.erase(it);
  end(id);
}

void Replies::end(ApiId id) { effects_.emplace_back(EndReply{id}); }
void Replies::cut(ApiId id) { effects_.emplace_back(CutReply{id}); }

// ---- what takes time

std::optional<Instant> deadline_of(const Wait& wait) {
  if (const auto* events = std::get_if<FollowsEvents>(&wait)) return events->until;
  if (const auto* beats = std::get_if<Beats>(&wait)) return beats->next;
  return std::nullopt;
}

void Replies::wait(ApiId id, Wait what) {
  SWARM_CHECK(!is_open(id), "request", id, "waits for two things");
  if (const auto deadline = deadline_of(what)) deadlines_.insert({*deadline, id});
  if (std::holds_alternative<FollowsEvents>(what)) event_streams_.insert(id);
  open_.emplace(id, std::move(what));
}

template <class Kind>
Kind* Replies::waiting(ApiId id) {
  const auto it = open_.find(id);
  return it == open_.end() ? nullptr : std::get_if<Kind>(&it->second);
}

LogStream& Replies::logs(ApiId id) {
  LogStream* stream = waiting<LogStream>(id);
  SWARM_CHECK(stream != nullptr, "request", id, "waits for no log lines");
  return *stream;
}

void Replies::propose(ApiId id, model::Transaction transaction, OnApplied then) {
  wait(id, AwaitsLog{std::move(then)});
  effects_.emplace_back(Propose{id, std::move(transaction)});
}

void Replies::perform(ApiId id, Operation operation, OnDone then) {
  wait(id, AwaitsOperation{then});
  effects_.emplace_back(Perform{id, std::move(operation)});
}

void Replies::ask(ApiId id, Question question, OnTold then) {
  wait(id, AwaitsTold{then});
  effects_.emplace_back(Ask{id, question});
}

void Replies::await_end(ApiId id, AwaitsEnd end) { wait(id, end); }

void Replies::open_logs(ApiId id, LogStream stream, Operation operation) {
  if (!stream.tasks.empty() || !stream.swarm) stream.open = 1;
  if (stream.options.follow && !stream.service.empty()) followers_[stream.service].insert(id);
  const bool asks = stream.open != 0, waits = stream.options.follow;
  wait(id, std::move(stream));
  if (asks) {
    effects_.emplace_back(Perform{id, std::move(operation)});
  } else if (!waits) {
    finish_logs(id);
  }
}

void Replies::open_events(ApiId id, EventFilter filter, std::optional<Instant> until) {
  wait(id, FollowsEvents{std::move(filter), until});
}

void Replies::open_beat(ApiId id, Beat beat, Instant first) { wait(id, Beats{beat, first}); }

// ---- what comes back

void Replies::settled(ApiId id, const model::Outcome& outcome, const Context& context) {
  const auto* waits = waiting<AwaitsLog>(id);
  if (waits == nullptr) return;
  const OnApplied then = waits->then;
  close(id);
  if (outcome.applied) return std::visit([&](const auto& one) { say(one, *this, id, outcome); }, then);
  if (outcome.error == kNoLeaderText) return refuse(id, rpc_error(Code::unknown, kNoLeaderText));
  if (const auto* key = std::get_if<KeyWritten>(&then)) return say_refused(*key, *this, id, outcome, context);
  refuse(id, refused(outcome));
}

void Replies::operation_done(ApiId id, const Result<OperationResult>& result, const Context& context) {
  if (auto* stream = waiting<LogStream>(id)) {
    if (result) return;  // opening logs has no answer of its own, unless it failed
    note_missing(*stream, result.error().message);
    return finish_logs(id);
  }
  const auto* waits = waiting<AwaitsOperation>(id);
  if (waits == nullptr) return;
  const OnDone then = waits->then;
  close(id);
  if (!result) return refuse(id, result.error());
  std::visit([&](const auto& one) { say(one, *this, id, *result, context); }, then);
}

void Replies::log_news(ApiId id, const LogNews& news, const Context& context) {
  LogStream* const found = waiting<LogStream>(id);
  if (found == nullptr) return;
  LogStream& stream = *found;
  std::string frames;
  for (const auto& line : news.lines) frames += log_frame(stream, line, context.store);
  for (const auto& missing : news.missing) {
    note_missing(stream, missing.reason);
    // The others go on: their reader learns now of those that do not.
    if (stream.options.follow) frames += missing_frame(stream, missing, context.wall, context.store);
  }
  if (!frames.empty()) piece(id, std::move(frames));
  SWARM_CHECK(!news.end || stream.open != 0, "request", id, "hears the end of logs that it did not ask for");
  if (!news.end || --stream.open != 0 || has_more_to_come(stream, context)) return;
  finish_logs(id);
}

void Replies::told(ApiId id, const Told& told, const Context& context) {
  const auto* waits = waiting<AwaitsTold>(id);
  if (waits == nullptr) return;
  const OnTold then = waits->then;
  close(id);
  const auto answer = [&](const auto& one, const auto& what) {
    if constexpr (requires { say(one, *this, id, what, context); }) {
      say(one, *this, id, what, context);
    } else {
      SWARM_CHECK(false, "request", id, "was told", told.index(), "for", then.index());
    }
  };
  std::visit(answer, then, told);
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
  if (std::string frame = incomplete_frame(logs(id)); !frame.empty()) piece(id, std::move(frame));
  close(id);
  end(id);
}

void Replies::close(ApiId id) {
  lists_.erase(id);
  const auto it = open_.find(id);
  if (it == open_.end()) return;
  if (const auto deadline = deadline_of(it->second)) deadlines_.erase({*deadline, id});
  event_streams_.erase(id);
  if (const auto* stream = std::get_if<LogStream>(&it->second)) {
    if (const auto of = followers_.find(stream->service); of != followers_.end()) {
      of->second.erase(id);
      if (of->second.empty()) followers_.erase(of);
    }
  }
  open_.erase(it);
}

void Replies::abort(ApiId id) {
  if (waiting<LogStream>(id) != nullptr) effects_.emplace_back(Perform{id, CloseLogs{}});
  close(id);
}

void Replies::fail(ApiId id, const Error& error) {
  close(id);
  refuse(id, error);
}

void Replies::send_event(const Event& event) {
  for (const ApiId id : event_streams_) {
    const auto* stream = waiting<FollowsEvents>(id);
    SWARM_CHECK(stream != nullptr, "request", id, "follows no events");
    if (auto line = stream->filter.line(event)) piece(id, std::move(*line));
  }
}

// A task of a service whose logs are followed has begun to run.
void Replies::follow(const store::Change<model::Task>& change, const Context&) {
  if (change.removed() || !has_logs(*change.after)) return;
  const auto of = followers_.find(change.after->service_id);
  if (of == followers_.end()) return;
  for (const ApiId id : of->second) {
    LogStream& stream = logs(id);
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
    for (const Event& event : events) {
      send_event(event);
      if (SWARM_MISTAKE("docker.tells-events-twice")) send_event(event);
    }
  if (followers_.empty()) return;
  if (!context.local.is_leader) return forsake_followers();
  for (const auto& any : changes.changes)
    if (const auto* task = std::get_if<store::Change<model::Task>>(&any)) follow(*task, context);
  for (const ApiId id : followers_of(changes))
    if (logs(id).open == 0 && !has_more_to_come(logs(id), context)) finish_logs(id);
}

// This manager leads no more: it hears of no agent, and the new leader knows nothing of these requests.
void Replies::forsake_followers() {
  std::vector<ApiId> idle;
  for (const auto& [service, ids] : followers_)
    for (const ApiId id : ids)
      if (logs(id).open == 0) idle.push_back(id);
  for (const ApiId id : idle) {
    note_missing(logs(id), "the leader has changed in the middle of the stream");
    finish_logs(id);
  }
}

void Replies::observe(const agent::ContainerEvent& event, const Context& context) {
  for (const Event& shown : events_.add(event, context)) send_event(shown);
  if (event.action != "die" && event.action != "destroy") return;
  std::vector<std::pair<ApiId, bool>> ended;
  for (const auto& [id, wait] : open_) {
    const auto* end = std::get_if<AwaitsEnd>(&wait);
    if (end != nullptr && end->task == event.task && (!end->until_removed || event.action == "destroy"))
      ended.emplace_back(id, end->says_code);
  }
  for (const auto& [id, says_code] : ended) {
    close(id);
    says_code ? say_exit_code(*this, id, event.exit_code) : reply_empty(id, 204);
  }
}

// Events are lost: a stream that went on would hide it.
void Replies::changes_skipped() {
  const std::set<ApiId> streams = event_streams_;
  for (const ApiId id : streams) {
    close(id);
    cut(id);
  }
}

void Replies::on_deadline(const Context& context) {
  if (!lists_.empty()) write_lists(context);
  while (!deadlines_.empty() && deadlines_.begin()->first <= context.now) {
    const ApiId id = deadlines_.begin()->second;
    SWARM_CHECK(open_.contains(id), "request", id, "is due, and waits for nothing");
    if (waiting<Beats>(id) != nullptr) {
      tick(id, context);
    } else {
      close(id);
      end(id);
    }
  }
}

// ---- what is said again and again

void Replies::tick(ApiId id, const Context& context) {
  Beat beat = waiting<Beats>(id)->beat;
  close(id);
  std::visit([&](auto& one) { say(one, *this, id, context); }, beat);
}

Instant Replies::next_deadline() const {
  const Instant next = deadlines_.empty() ? Instant::never() : deadlines_.begin()->first;
  return lists_.empty() ? next : std::min(next, turn_);  // those go on in the next turn
}

std::size_t Replies::open_requests() const { return open_.size() + lists_.size(); }

// ---- answers without words

void say(const EmptyAnswer& then, Replies& replies, ApiId id, const model::Outcome&) {
  replies.reply_empty(id, then.status);
}

void say(const EmptyAnswer& then, Replies& replies, ApiId id, const OperationResult&, const Context&) {
  replies.reply_empty(id, then.status);
}

}  // namespace swarm::docker
