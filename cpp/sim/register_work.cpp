#include "sim/register_work.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/json.hpp"
#include "linearizability/history.hpp"
#include "ports/http.hpp"
#include "sim/client.hpp"
#include "sim/contradiction.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

namespace lin = linearizability;

constexpr std::size_t kClients = 3;
constexpr Duration kPatience = Duration::seconds(6);
constexpr std::int64_t kShortestRestMs = 50, kLongestRestMs = 1'200;
constexpr std::uint32_t kRefused = 400;  // the swarm's feature level does not allow it yet
constexpr const char* kPath = "/swarmpy/v1/kv/x";

std::string value_in(const std::string& body) {
  const auto parsed = docker::parse_json(body);
  const docker::Value* value = parsed ? parsed->find("Value") : nullptr;
  return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
}

bool says_nothing_done(const http::ResponseHead& head) {
  for (const auto& [name, value] : head.headers)
    if (name == "Swarmpy-Nothing-Done") return true;
  return false;
}

}  // namespace

RegisterWork::RegisterWork(World& world, Rng rng, std::vector<std::string> managers)
    : world_(world), rng_(rng), managers_(std::move(managers)), clients_(kClients) {
  for (Client& client : clients_) rest(client);
}

void RegisterWork::rest(Client& client) {
  client.due = world_.now() + Duration::millis(rng_.between(kShortestRestMs, kLongestRestMs));
}

void RegisterWork::poll() {
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    Client& client = clients_[number];
    if (!client.call) {
      if (client.due <= world_.now()) begin(client, number);
    } else if (world_.reply(*client.call).ended || client.give_up <= world_.now()) {
      finish(client, *client.call);
    }
  }
}

lin::Operation RegisterWork::some_operation(const Client& client) {
  lin::Operation op;
  const std::uint64_t dice = rng_.below(10);
  if (dice < 5) return op;
  op.kind = dice < 8 ? lin::Kind::write : lin::Kind::cas;
  op.value = std::to_string(++last_value_);
  if (op.kind == lin::Kind::cas) op.expected = client.last_seen;
  return op;
}

http::Request RegisterWork::request_of(const lin::Operation& op) const {
  if (op.kind == lin::Kind::read) return get(kPath);
  if (op.kind == lin::Kind::write) return {"PUT", kPath, {}, op.value};
  docker::Json json;
  json.object([&] {
    if (op.expected.empty()) {
      json.null("Old");
    } else {
      json.field("Old", op.expected);
    }
    json.field("New", op.value);
  });
  return post(std::string(kPath) + "/cas", json.take());
}

void RegisterWork::begin(Client& client, std::size_t number) {
  lin::Operation op = some_operation(client);
  op.client = std::to_string(number + 1);
  op.key = "x";
  op.call = (world_.now() - Instant{}).ns;
  client.operation = history_.size();
  client.give_up = world_.now() + kPatience;
  const std::string& asked = managers_[rng_.below(managers_.size())];
  client.call = world_.call(asked, request_of(op));
  history_.push_back(std::move(op));
}

void RegisterWork::finish(Client& client, CallId call) {
  lin::Operation& op = history_[client.operation];
  const Reply& reply = world_.reply(call);
  const std::uint32_t status = reply.ended && !reply.cut ? reply.head.status : 0;
  const bool missing = op.kind == lin::Kind::read && status == 404;
  const bool refused = op.kind == lin::Kind::cas && status == 409;
  if (status == 200 || missing || refused) {
    op.returned = (reply.ended_at - Instant{}).ns;
    if (op.kind == lin::Kind::read && !missing) op.seen = {value_in(reply.body)};
    if (op.kind == lin::Kind::cas) op.succeeded = !refused;
    if (op.kind == lin::Kind::read) client.last_seen = missing ? std::string() : op.seen.front();
    if (op.kind != lin::Kind::read && !refused) client.last_seen = op.value;
  } else if (says_nothing_done(reply.head) || status == kRefused) {
    op.kind = lin::Kind::read;  // of unknown outcome: nothing at all
  }
  world_.hang_up(call);
  client.call.reset();
  rest(client);
}

std::string RegisterWork::contradiction() const { return contradiction_in(history_, "the register"); }

}  // namespace swarm::sim
