#include "node/api_request.hpp"

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>

#include "base/check.hpp"
#include "base/time.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {

std::optional<Instant> deadline_of(const RequestStage& stage) {
  struct Of {
    std::optional<Instant> operator()(const request::Waiting& stage) const { return stage.give_up; }
    std::optional<Instant> operator()(const request::Reading& stage) const { return stage.give_up; }
    std::optional<Instant> operator()(const request::Forwarded& stage) const { return stage.give_up; }
    std::optional<Instant> operator()(const request::Relaying& stage) const { return stage.give_up; }
    std::optional<Instant> operator()(const request::Answering&) const { return std::nullopt; }
    std::optional<Instant> operator()(const request::Proposed& stage) const { return stage.give_up; }
  };
  return std::visit(Of{}, stage);
}

std::optional<WayOn> way_on(const RequestStage& stage) {
  if (const auto* forwarded = std::get_if<request::Forwarded>(&stage))
    return WayOn{forwarded->link, forwarded->number};
  if (const auto* relaying = std::get_if<request::Relaying>(&stage))
    return WayOn{relaying->link, relaying->number};
  return std::nullopt;
}

void ApiRequests::note(ports::ApiId id, const ApiRequest& request) {
  if (const auto deadline = deadline_of(request.stage)) deadlines_.insert({*deadline, id});
  if (const auto way = way_on(request.stage)) by_number_[{Of::passing_on, way->number}] = id;
  if (const auto* proposed = std::get_if<request::Proposed>(&request.stage))
    by_number_[{Of::proposal, proposed->proposal}] = id;
  if (const auto* reading = std::get_if<request::Reading>(&request.stage); reading && reading->check == 0)
    unread_.insert(id);
  if (std::holds_alternative<request::Waiting>(request.stage)) ++waiting_;
}

void ApiRequests::unnote(ports::ApiId id, const ApiRequest& request) {
  if (const auto deadline = deadline_of(request.stage)) deadlines_.erase({*deadline, id});
  if (const auto way = way_on(request.stage)) by_number_.erase({Of::passing_on, way->number});
  if (const auto* proposed = std::get_if<request::Proposed>(&request.stage))
    by_number_.erase({Of::proposal, proposed->proposal});
  unread_.erase(id);
  if (std::holds_alternative<request::Waiting>(request.stage)) --waiting_;
}

ApiRequest& ApiRequests::add(ports::ApiId id, ApiRequest&& request) {
  const auto [it, is_new] = requests_.try_emplace(id, std::move(request));
  SWARM_CHECK(is_new, "a request came twice", id);
  if (const auto& origin = it->second.origin) by_origin_[{origin->link, origin->number}] = id;
  note(id, it->second);
  return it->second;
}

ApiRequest* ApiRequests::find(ports::ApiId id) {
  const auto it = requests_.find(id);
  return it == requests_.end() ? nullptr : &it->second;
}

const ApiRequest* ApiRequests::find(ports::ApiId id) const {
  const auto it = requests_.find(id);
  return it == requests_.end() ? nullptr : &it->second;
}

void ApiRequests::enter(ports::ApiId id, RequestStage stage) {
  ApiRequest& request = requests_.at(id);
  unnote(id, request);
  request.stage = std::move(stage);
  note(id, request);
}

void ApiRequests::expect(ports::ApiId id, std::optional<Instant> give_up) {
  ApiRequest& request = requests_.at(id);
  unnote(id, request);
  std::get<request::Relaying>(request.stage).give_up = give_up;
  note(id, request);
}

void ApiRequests::erase(ports::ApiId id) {
  const auto it = requests_.find(id);
  if (it == requests_.end()) return;
  unnote(id, it->second);
  if (const auto& origin = it->second.origin) by_origin_.erase({origin->link, origin->number});
  requests_.erase(it);
}

ports::ApiId ApiRequests::from(ports::LinkId link, std::uint64_t number) const {
  const auto it = by_origin_.find({link, number});
  return it == by_origin_.end() ? 0 : it->second;
}

// A manager that was not asked this has no say in it: the link is part of the name.
ports::ApiId ApiRequests::passed_on(ports::LinkId link, std::uint64_t number) const {
  const auto it = by_number_.find({Of::passing_on, number});
  if (it == by_number_.end()) return 0;
  const auto way = way_on(requests_.at(it->second).stage);
  return way && way->link == link ? it->second : 0;
}

ports::ApiId ApiRequests::proposed(std::uint64_t proposal) const {
  const auto it = by_number_.find({Of::proposal, proposal});
  return it == by_number_.end() ? 0 : it->second;
}

ApiRequests::OfLink ApiRequests::of(ports::LinkId link) const {
  OfLink out;
  for (const auto& [id, request] : requests_) {
    if (request.origin && request.origin->link == link) out.from.push_back(id);
    if (const auto way = way_on(request.stage); way && way->link == link) out.passed_on.push_back(id);
  }
  return out;
}

ports::ApiId ApiRequests::due(Instant now) const {
  return deadlines_.empty() || deadlines_.begin()->first > now ? 0 : deadlines_.begin()->second;
}

Instant ApiRequests::next_deadline() const {
  return deadlines_.empty() ? Instant::never() : deadlines_.begin()->first;
}

}  // namespace swarm::node
