#include "docker/api.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/worker.hpp"
#include "base/check.hpp"
#include "base/overloaded.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/answer.hpp"
#include "docker/call.hpp"
#include "docker/errors.hpp"
#include "docker/inside.hpp"
#include "docker/replies.hpp"
#include "docker/routes.hpp"
#include "docker/url.hpp"
#include "model/transaction.hpp"
#include "ports/http.hpp"
#include "store/change_set.hpp"

namespace swarm::docker {
namespace {

// Docker's texts for a version that is out of range; plain text, as clients of that age expect.
std::optional<std::string> bad_version(const Target& target) {
  if (target.version_text.empty()) return std::nullopt;
  if (target.version < kMinVersion)
    return "client version " + target.version_text +
           " is too old. Minimum supported API version is 1.24, please upgrade your client to a newer "
           "version";
  if (target.version > kMaxVersion)
    return "client version " + target.version_text + " is too new. Maximum supported API version is 1.50";
  return std::nullopt;
}

// A manager whose swarm is still being made has a store, but no cluster in it.
bool has_swarm(const Context& context) {
  return context.store != nullptr && context.store->cluster() != nullptr;
}

}  // namespace

struct Api::State {
  Replies replies;
};

Api::Api() : state_(std::make_unique<State>()) {}
Api::~Api() = default;

Routed::Routed(http::Request asked) : request(std::move(asked)), target(Target::parse(request.target)) {
  Match match = find_route(request.method, target);
  route = match.route;
  name = std::move(match.name);
}

bool Routed::is_past_log() const {
  return !target.segments.empty() && target.segments.back() == "logs" && !target.flag("follow");
}
Scope Routed::scope() const { return route == nullptr ? Scope::local : route->scope; }

namespace {

void serve(Replies& replies, ApiId id, const Routed& what, const Context& context) {
  if (auto text = bad_version(what.target)) {
    if (what.target.version < kMinVersion) return replies.reply_text(id, 400, std::move(*text));
    return replies.refuse(id, plain_error(Code::invalid_argument, std::move(*text)));
  }
  if (what.route == nullptr) return replies.refuse(id, plain_error(Code::not_found, "page not found"));
  if (what.route->needs == Needs::manager && !has_swarm(context))
    return replies.refuse(id, no_manager(context.local));
  if (what.route->handler == nullptr) return replies.refuse(id, not_yet(what.route->not_yet));
  Call call{id, what.request, what.target, what.name, context, replies};
  const std::size_t before = replies.effects();
  what.route->handler(call);
  SWARM_CHECK(replies.effects() != before || replies.is_open(id), "request", id,
              "is left without an answer:", what.request.target);
}

// What must be known before these effects can be an answer. Lines to come cannot be known.
std::optional<Looked> missing(const std::vector<Effect>& effects) {
  for (const Effect& effect : effects) {
    if (const auto* ask = std::get_if<Ask>(&effect)) return ask->question;
    const auto* perform = std::get_if<Perform>(&effect);
    if (perform == nullptr) continue;
    if (const auto* swarm = std::get_if<OpenSwarmLogs>(&perform->operation); swarm && !swarm->options.follow)
      return *swarm;
    if (const auto* local = std::get_if<OpenLocalLogs>(&perform->operation); local && !local->options.follow)
      return OpenSwarmLogs{{local->task}, local->options};
  }
  return std::nullopt;
}

void learn(Replies& replies, const Learnt& learnt, const Context& context) {
  std::visit(Overloaded{[](std::monostate) {}, [&](const Told& told) { replies.told(0, told, context); },
                        [&](const LogNews& news) { replies.log_news(0, news, context); }},
             learnt);
}

// Nothing, unless it is over already.
std::optional<Answer> whole(std::vector<Effect> effects) {
  Answer answer;
  bool ended = false;
  for (Effect& effect : effects) {
    if (auto* begin = std::get_if<BeginReply>(&effect)) answer.head = std::move(begin->head);
    if (auto* piece = std::get_if<ReplyPiece>(&effect)) answer.body += piece->bytes;
    ended = ended || std::holds_alternative<EndReply>(effect);
  }
  return ended ? std::optional(std::move(answer)) : std::nullopt;
}

}  // namespace

void Api::request(ApiId id, const Routed& what, const Context& context) {
  serve(state_->replies, id, what, context);
}

Looked Api::look(const http::Request& request, const Context& context, const Learnt& learnt) const {
  if (request.method != "GET" && request.method != "HEAD") return TakesTime{};
  Replies replies(state_->replies);
  serve(replies, 0, Routed(request), context);
  replies.finish_list(0, context);
  std::vector<Effect> effects = replies.take_effects();
  if (std::holds_alternative<std::monostate>(learnt))
    if (auto first = missing(effects)) return std::move(*first);
  learn(replies, learnt, context);
  for (Effect& effect : replies.take_effects()) effects.push_back(std::move(effect));
  if (auto answer = whole(std::move(effects))) return std::move(*answer);
  return TakesTime{};
}

Answer Api::refusal(const Error& error) {
  Replies replies;
  replies.refuse(0, error);
  auto answer = whole(replies.take_effects());
  SWARM_CHECK(answer.has_value(), "a refusal ends at once:", error.message);
  return std::move(*answer);
}

void Api::settled(ApiId id, const model::Outcome& outcome, const Context& context) {
  state_->replies.settled(id, outcome, context);
}

void Api::operation_done(ApiId id, const Result<OperationResult>& result, const Context& context) {
  state_->replies.operation_done(id, result, context);
}

void Api::log_news(ApiId id, const LogNews& news, const Context& context) {
  state_->replies.log_news(id, news, context);
}

void Api::told(ApiId id, const Told& told, const Context& context) {
  state_->replies.told(id, told, context);
}

void Api::abort(ApiId id) { state_->replies.abort(id); }
void Api::fail(ApiId id, const Error& error) { state_->replies.fail(id, error); }

void Api::observe(const store::ChangeSet& changes, const Context& context) {
  state_->replies.observe(changes, context);
}
void Api::observe(const agent::ContainerEvent& event, const Context& context) {
  state_->replies.observe(event, context);
}
void Api::changes_skipped() { state_->replies.changes_skipped(); }
void Api::begin_turn(Instant now) { state_->replies.begin_turn(now); }
void Api::on_deadline(const Context& context) { state_->replies.on_deadline(context); }
Instant Api::next_deadline() const { return state_->replies.next_deadline(); }

std::vector<Effect> Api::take_effects() { return state_->replies.take_effects(); }
std::size_t Api::open_requests() const { return state_->replies.open_requests(); }

}  // namespace swarm::docker
