#include "node/api_router.hpp"

#include "base/check.hpp"
#include "base/mistake.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/api_request.hpp"
#include "node/effects.hpp"
#include "node/leadership.hpp"
#include "node/links.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "docker/routes.hpp"

namespace swarm::node {
namespace {

constexpr Duration kRetry = Duration::millis(20);

bool wants_local(const http::Request& request) { return request.header("swarmpy-consistency") == "local"; }

// On a refusal: nothing came of the request, so that another manager may be asked the same.
constexpr const char* kNothingDone = "Swarmpy-Nothing-Done";
constexpr std::uint32_t kClientError = 400, kServerError = 500;

bool is_answered_here(const docker::Routed& what, const Leadership& leadership) {
  if (what.scope() == docker::Scope::local || !leadership.is_manager()) return true;
  const bool local = wants_local(what.request) || SWARM_MISTAKE("node.reads-from-its-own-store");
  if (what.scope() == docker::Scope::swarm_read && local) return true;
  return what.scope() == docker::Scope::swarm_write && leadership.leads();
}

}  // namespace

Error ApiRouter::leader_lost() {
  return rpc_error(
      Code::unavailable,
      "the leader was lost while the request was under way: it may or may not have been carried out. "
      "Look at the present state, then try again");
}

Error ApiRouter::no_leader() { return rpc_error(Code::unknown, docker::kNoLeaderText); }

void ApiRouter::say_nothing_done(http::ResponseHead& head) {
  if (head.status >= kServerError) head.headers.emplace_back(kNothingDone, "true");
}

// ---- the way in

void ApiRouter::arrived(ports::ApiId id, http::Request request, const Moment& at) {
  const Instant give_up = at.now + kPatience;
  requests_.add(id, {docker::Routed(std::move(request)), {}, request::Waiting{give_up}});
  route(id, give_up, at);
}

void ApiRouter::on_message(const Speaker& from, wire::Message message, const Moment& at) {
  if (auto* forward = std::get_if<wire::ApiForward>(&message)) {
    on_message(from.link, std::move(*forward), at);
  } else if (const auto* cancel = std::get_if<wire::ApiCancel>(&message)) {
    on_message(from.link, *cancel);
  } else if (auto* head = std::get_if<wire::ApiReplyHead>(&message)) {
    on_message(from.link, std::move(*head), at);
  } else if (auto* body = std::get_if<wire::ApiReplyBody>(&message)) {
    on_message(from.link, std::move(*body), at);
  }
}

void ApiRouter::on_message(ports::LinkId link, wire::ApiForward message, const Moment& at) {
  if (!taken_[link].take(message.id)) return;  // the frame came twice
  const ports::ApiId id = next_remote_++;
  const Instant give_up = at.now + kPatience;
  http::Request request{std::move(message.method), std::move(message.target), std::move(message.headers),
                        std::move(message.body)};
  requests_.add(id, {docker::Routed(std::move(request)), ApiRequest::Origin{link, message.id},
                     request::Waiting{give_up}});
  route(id, give_up, at);
}

void ApiRouter::route(ports::ApiId id, Instant give_up, const Moment& at) {
  ApiRequest& request = *requests_.find(id);
  if (is_answered_here(request.what, at.leadership)) {
    // A deposed leader that has not heard of it yet may refuse by what was so long ago.
    if (request.what.scope() == docker::Scope::swarm_write && at.leadership.leads())
      request.doubted = give_up;
    return answer(id);
  }
  if (at.leadership.leads() && SWARM_MISTAKE("node.reads-as-a-leader-unchecked")) return answer(id);
  if (at.leadership.leads()) return requests_.enter(id, request::Reading{give_up});
  if (request.origin) {
    begin(id, {kNotLeaderStatus, {}, false});
    return end(id);
  }
  if (!at.leadership.address) return wait(id, give_up, at.now);
  out_.add(effect::Forward{id, *at.leadership.address});
}

void ApiRouter::on_way(ports::ApiId id, ports::LinkId link, const Moment& at) {
  ApiRequest* found = requests_.find(id);
  if (found == nullptr || !std::holds_alternative<request::Waiting>(found->stage)) return;
  ApiRequest& request = *found;
  const Instant give_up = std::get<request::Waiting>(request.stage).give_up;
  if (link == 0) return wait(id, give_up, at.now);
  request.may_be_done = true;
  requests_.enter(id, request::Forwarded{give_up, link, ++last_forward_, {}});
  const http::Request& asked = request.what.request;
  out_.add(effect::SendOn{
      link, wire::ApiForward{last_forward_, asked.method, asked.target, asked.headers, asked.body}});
}

void ApiRouter::answer(ports::ApiId id) {
  requests_.enter(id, request::Answering{});
  out_.add(effect::Answer{id});
}

void ApiRouter::fail(ports::ApiId id, Error error) {
  requests_.find(id)->doubted.reset();
  requests_.enter(id, request::Answering{});
  out_.add(effect::Fail{id, std::move(error)});
}

void ApiRouter::wait(ports::ApiId id, Instant give_up, Instant now) {
  requests_.enter(id, request::Waiting{give_up});
  if (retry_ == Instant::never()) retry_ = now + kRetry;
}

void ApiRouter::route_waiting(const Moment& at) {
  if (requests_.waiting() == 0) return;
  for (const ports::ApiId id : requests_.in<request::Waiting>())
    route(id, std::get<request::Waiting>(requests_.find(id)->stage).give_up, at);
}

void ApiRouter::cancel(const WayOn& way) { out_.add(effect::SendOn{way.link, wire::ApiCancel{way.number}}); }

void ApiRouter::go_without_leader(ports::ApiId id) {
  const ApiRequest& request = *requests_.find(id);
  if (const auto way = way_on(request.stage)) cancel(*way);
  if (docker::is_own_without_leader(request.what) && !request.origin) return answer(id);
  fail(id, no_leader());
}

// ---- clients and links that go

void ApiRouter::on_message(ports::LinkId link, const wire::ApiCancel& message) {
  if (const ports::ApiId id = requests_.from(link, message.id); id != 0) aborted(id);
}

void ApiRouter::on_link_gone(const LinkGone& event) {
  const Instant now = event.at.now;
  taken_.erase(event.link);
  const auto [from, passed_on] = requests_.of(event.link);
  for (const ports::ApiId id : from) aborted(id);
  for (const ports::ApiId id : passed_on)
    lose_answer(id, deadline_of(requests_.find(id)->stage).value_or(now + kPatience), now);
}

void ApiRouter::aborted(ports::ApiId id) {
  const ApiRequest* request = requests_.find(id);
  if (request == nullptr) return;
  if (const auto way = way_on(request->stage)) {
    cancel(*way);
  } else if (std::holds_alternative<request::Answering>(request->stage) ||
             std::holds_alternative<request::Proposed>(request->stage)) {
    out_.add(effect::Abort{id});
  }
  requests_.erase(id);
}

// ---- reads and writes

bool ApiRouter::run(const Moment& at) {
  if (!wants_check() || !at.leadership.leads()) return false;
  // One check at a time: reads that come meanwhile wait for the next, which then serves all of them.
  // Followers pass a read on to their leader: no other manager may use the same name.
  check_ = rng_.next();
  checking_.assign(requests_.unread().begin(), requests_.unread().end());
  for (const ports::ApiId id : checking_) {
    const auto& reading = std::get<request::Reading>(requests_.find(id)->stage);
    requests_.enter(id, request::Reading{reading.give_up, check_});
  }
  out_.add(effect::CheckRead{check_});
  return true;
}

void ApiRouter::on_read_ready(std::uint64_t check) {
  if (check != check_ || check == 0) return;
  check_ = 0;
  for (const ports::ApiId id : std::exchange(checking_, {})) {
    const ApiRequest* request = requests_.find(id);
    const auto* reading = request ? std::get_if<request::Reading>(&request->stage) : nullptr;
    if (reading != nullptr && reading->check == check) answer(id);
  }
}

void ApiRouter::on_leader_changed(const Moment& at) {
  check_ = 0;
  for (const ports::ApiId id : requests_.in<request::Reading>())
    wait(id, std::get<request::Reading>(requests_.find(id)->stage).give_up, at.now);
  if (!at.leadership.leads()) {
    // Proposals of a past term: this node will not learn what became of them.
    std::vector<std::pair<std::uint64_t, ports::ApiId>> lost;
    for (const ports::ApiId id : requests_.in<request::Proposed>())
      lost.emplace_back(std::get<request::Proposed>(requests_.find(id)->stage).proposal, id);
    std::sort(lost.begin(), lost.end());
    for (const auto& [proposal, id] : lost) fail(id, leader_lost());
  }
  route_waiting(at);
}

void ApiRouter::on_proposed(ports::ApiId id, std::uint64_t proposal, Instant now) {
  if (proposal == 0) return fail(id, no_leader());
  requests_.find(id)->may_be_done = true;
  requests_.enter(id, request::Proposed{now + kPatience, proposal});
  if (SWARM_MISTAKE("node.answers-before-it-is-committed")) on_applied(proposal, {true, 0, ""});
}

void ApiRouter::on_applied(std::uint64_t proposal, const model::Outcome& outcome) {
  const ports::ApiId id = requests_.proposed(proposal);
  if (id == 0) return;
  requests_.enter(id, request::Answering{});
  out_.add(effect::Settled{id, outcome});
}

void ApiRouter::on_performing(ports::ApiId id) {
  if (ApiRequest* request = requests_.find(id)) request->may_be_done = true;
}

// ---- the way out

void ApiRouter::begin(ports::ApiId id, http::ResponseHead head) {
  ApiRequest* request = requests_.find(id);
  if (request == nullptr) return;
  request->withheld = request->doubted && head.status >= kClientError && !request->may_be_done;
  if (request->withheld || std::exchange(request->head_sent, true)) return;
  if (!request->may_be_done) say_nothing_done(head);
  if (const auto& origin = request->origin) {
    out_.add(effect::SendOn{origin->link, wire::ApiReplyHead{origin->number, head.status,
                                                             std::move(head.headers), head.streaming}});
  } else {
    out_.add(effect::BeginReply{id, std::move(head)});
  }
}

void ApiRouter::piece(ports::ApiId id, std::string bytes) {
  ApiRequest* request = requests_.find(id);
  if (request == nullptr || request->withheld) return;
  if (request->origin) return send_back(*request->origin, {0, std::move(bytes), false, 0, false});
  out_.add(effect::PieceOfReply{id, std::move(bytes)});
}

void ApiRouter::send_back(ApiRequest::Origin& origin, wire::ApiReplyBody body) {
  body.id = origin.number;
  body.number = ++origin.pieces;
  out_.add(effect::SendOn{origin.link, std::move(body)});
}

void ApiRouter::finish(ports::ApiId id, bool cut) {
  ApiRequest* request = requests_.find(id);
  if (request == nullptr) return;
  if (std::exchange(request->withheld, false)) {  // asked again as soon as it is sure
    SWARM_CHECK(request->doubted, "a refusal is withheld that is not doubted", id);
    const Instant give_up = *request->doubted;
    request->doubted.reset();
    return requests_.enter(id, request::Reading{give_up});
  }
  if (request->origin) {
    send_back(*request->origin, {0, {}, true, 0, cut});
  } else {
    out_.add(effect::EndReply{id, cut});
  }
  requests_.erase(id);
}

void ApiRouter::end(ports::ApiId id) { finish(id, false); }
void ApiRouter::cut(ports::ApiId id) { finish(id, true); }

void ApiRouter::on_deadline(const Moment& at) {
  if (retry_ <= at.now) {
    retry_ = Instant::never();
    route_waiting(at);
  }
  while (const ports::ApiId id = requests_.due(at.now)) {
    const auto* relaying = std::get_if<request::Relaying>(&requests_.find(id)->stage);
    if (relaying == nullptr) {
      go_without_leader(id);
      continue;
    }
    // A frame of the answer was lost on a link that lives.
    cancel({relaying->link, relaying->number});
    lose_answer(id, at.now + kPatience, at.now);
  }
}

Instant ApiRouter::next_deadline() const { return std::min(retry_, requests_.next_deadline()); }

std::optional<Effect> ApiRouter::next_effect() { return out_.next(); }

}  // namespace swarm::node
