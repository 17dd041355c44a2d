#include "sim/name_work.hpp"

#include <cstdint>
#include <string>
#include <utility>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

constexpr Duration kPatience = Duration::seconds(6);
constexpr std::uint32_t kFirstPort = 8200;

}  // namespace

void NameWork::poll() {
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

void NameWork::begin() {
  asked_ = managers_[rng_.below(managers_.size())];
  give_up_ = world_.now() + kPatience;
  ServiceWish wish;
  wish.name = "n" + std::to_string(number_);
  wish.replicas = 0;
  wish.published_port = kFirstPort + number_;
  wish.target_port = 80;
  http::Request request = exists_ ? del("/services/" + wish.name) : post("/services/create", to_json(wish));
  world_.note("names", request.method + " " + wish.name + " at " + asked_);
  call_ = world_.call(asked_, std::move(request));
}

// An answer that leaves open what was done: that name is not used again.
void NameWork::finish(std::uint32_t status, const std::string& body) {
  world_.note("names", "answer of " + asked_ + ": " + std::to_string(status) +
                           (status >= 300 ? " " + message_of(body) : ""));
  const bool done = status >= 200 && status < 300, refused = status >= 400 && status < 500;
  if (done) {
    exists_ = !exists_;
  } else if (refused && broken_.empty()) {
    broken_ = std::string(exists_ ? "the removal" : "the creation") + " of service n" +
              std::to_string(number_) +
              (exists_ ? ", which was created, " : ", whose name and port are free, ") + "is refused by " +
              asked_ + ": " + message_of(body);
  } else {
    exists_ = false;
    ++number_;
  }
}

}  // namespace swarm::sim
