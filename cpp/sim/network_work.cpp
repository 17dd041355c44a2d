#include "sim/network_work.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "node/node.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kPatience = Duration::seconds(6);
constexpr std::uint32_t kNotFound = 404;

}  // namespace

void NetworkWork::poll() {
  if (call_ == 0) {
    if (world_.now() >= due_) begin();
    return;
  }
  const Reply& reply = world_.reply(call_);
  if (!reply.ended && world_.now() < give_up_) return;
  finish(reply.ended && !reply.cut ? reply.head.status : 0, reply.body);
  world_.hang_up(call_);
  call_ = 0;
  due_ = world_.now() + Duration::millis(rng_.between(200, 4'000));
}

std::optional<http::Request> NetworkWork::next_request() const {
  switch (stage_) {
    case Stage::nothing:
      return post("/networks/create", R"({"Name":")" + network() + R"(","Driver":"overlay"})");
    case Stage::network: {
      ServiceWish wish;
      wish.name = service();
      wish.replicas = replicas_;
      wish.networks = {network()};
      return post("/services/create", to_json(wish));
    }
    case Stage::service:
      return del("/services/" + service());
    case Stage::leaving:
      return del("/networks/" + network());
  }
  return std::nullopt;
}

bool NetworkWork::asks_a_manager() const {
  return world_.alive(asked_) && world_.node(asked_).inspect().raft != nullptr;
}

void NetworkWork::begin() {
  asked_ = managers_[rng_.below(managers_.size())];
  was_manager_ = asks_a_manager();
  give_up_ = world_.now() + kPatience;
  if (stage_ == Stage::network) replicas_ = rng_.below(4);
  auto request = next_request();
  if (!request) return;
  world_.note("networks", request->method + " " + request->target + " at " + asked_);
  call_ = world_.call(asked_, std::move(*request));
}

// A worker, as a manager is after a demotion, has none of the swarm's networks. It may have become one, or a
// manager again, since it was asked.
bool NetworkWork::is_for_now(std::uint32_t status, const std::string& body) const {
  const bool is_manager = was_manager_ && asks_a_manager();
  return (status == kNotFound && !is_manager) ||
         message_of(body).find("is in use by task") != std::string::npos;
}

void NetworkWork::blame(const std::string& what, const std::string& body) {
  if (broken_.empty()) broken_ = what + " is refused by " + asked_ + ": " + message_of(body);
}

// An answer that leaves open what was done: that number is not used again.
void NetworkWork::finish(std::uint32_t status, const std::string& body) {
  world_.note("networks", "answer of " + asked_ + ": " + std::to_string(status) +
                              (status >= 300 ? " " + message_of(body) : ""));
  const bool done = status >= 200 && status < 300;
  const bool out_of_sequence = message_of(body).find("out of sequence") != std::string::npos;
  const bool refused = (status >= 400 && status < 500) || out_of_sequence;
  if (!done && !refused) {
    stage_ = Stage::nothing;
    ++number_;
    return;
  }
  switch (stage_) {
    case Stage::nothing:
      if (refused) return blame("network " + network() + ", whose name is free,", body);
      stage_ = Stage::network;
      return;
    case Stage::network:
      if (refused) return blame("service " + service() + " on " + network() + ", which was made,", body);
      stage_ = Stage::service;
      return;
    case Stage::service:
      if (refused) return blame("the removal of " + service() + ", which was made,", body);
      stage_ = Stage::leaving;
      return;
    case Stage::leaving:  // its tasks may go on for a moment: it is asked again
      if (refused && !is_for_now(status, body))
        return blame("the removal of " + network() + ", which no service uses,", body);
      if (done) stage_ = Stage::nothing;
      return;
  }
}

}  // namespace swarm::sim
