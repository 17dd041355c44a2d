// The answer of the leader to a request that was passed on: its frames may come twice, out of order, or not
// at all.
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "model/wire.hpp"
#include "node/api_request.hpp"
#include "node/api_router.hpp"
#include "node/leadership.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {

void ApiRouter::on_message(ports::LinkId link, wire::ApiReplyHead message, const Moment& at) {
  const ports::ApiId id = requests_.passed_on(link, message.id);
  if (id == 0) return;
  ApiRequest& request = *requests_.find(id);
  auto* forwarded = std::get_if<request::Forwarded>(&request.stage);
  if (forwarded == nullptr) return;  // the frame came twice
  if (message.status == kNotLeaderStatus) {
    request.may_be_done = false;
    return wait(id, forwarded->give_up, at.now);
  }
  std::vector<wire::ApiReplyBody> early = std::move(forwarded->early);
  http::ResponseHead head{message.status, std::move(message.headers), message.streaming};
  request::Relaying relaying{link, forwarded->number, {}, {}, {}, {}};
  if (head.streaming) {
    requests_.enter(id, std::move(relaying));
    begin(id, std::move(head));
  } else {
    relaying.held = std::move(head);
    requests_.enter(id, std::move(relaying));
  }
  expect_more(id, at.now);
  for (auto& body : early) on_message(link, std::move(body), at);
}

void ApiRouter::on_message(ports::LinkId link, wire::ApiReplyBody message, const Moment& at) {
  const ports::ApiId id = requests_.passed_on(link, message.id);
  if (id == 0) return;
  ApiRequest& request = *requests_.find(id);
  if (auto* forwarded = std::get_if<request::Forwarded>(&request.stage))
    return forwarded->early.push_back(std::move(message));
  std::vector<wire::ApiReplyBody> ready =
      std::get<request::Relaying>(request.stage).pieces.add(std::move(message));
  relay(id, std::move(ready), at.now);
  const ApiRequest* left = requests_.find(id);
  if (left != nullptr && std::holds_alternative<request::Relaying>(left->stage)) expect_more(id, at.now);
}

void ApiRouter::relay(ports::ApiId id, std::vector<wire::ApiReplyBody> bodies, Instant now) {
  for (wire::ApiReplyBody& body : bodies) {
    auto& relaying = std::get<request::Relaying>(requests_.find(id)->stage);
    if (relaying.held) {
      if (body.cut) return lose_answer(id, now + kPatience, now);
      relaying.gathered += body.bytes;
      if (!body.end) continue;
      begin(id, std::move(*relaying.held));
      relaying.held.reset();
      body.bytes = std::move(relaying.gathered);
    }
    if (!body.bytes.empty()) piece(id, std::move(body.bytes));
    if (body.cut) return cut(id);
    if (body.end) return end(id);
  }
}

// What has begun and is to be whole, or has a gap, comes soon or not at all: a frame of it was lost. Logs of
// the past come in pieces, and the leader gives up each node after five seconds (LogHub). What is followed
// may be silent for ever.
void ApiRouter::expect_more(ports::ApiId id, Instant now) {
  const ApiRequest& request = *requests_.find(id);
  const auto& relaying = std::get<request::Relaying>(request.stage);
  const bool owes = relaying.held || relaying.pieces.has_gap();
  std::optional<Instant> give_up;
  if (owes) {
    give_up = now + kPatience;
  } else if (request.what.is_past_log()) {
    give_up = now + kPastLogPatience;
  }
  requests_.expect(id, give_up);
}

// Nothing more will come of what was passed on.
void ApiRouter::lose_answer(ports::ApiId id, Instant give_up, Instant now) {
  const ApiRequest& request = *requests_.find(id);
  if (request.head_sent) return cut(id);
  if (request.what.request.method == "GET") return wait(id, give_up, now);
  fail(id, leader_lost());
}

}  // namespace swarm::node
