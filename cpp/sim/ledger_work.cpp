#include "sim/ledger_work.hpp"

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

constexpr std::size_t kClients = 2;
constexpr Duration kPatience = Duration::seconds(6);
constexpr std::int64_t kShortestRestMs = 50, kLongestRestMs = 1'500;

std::string spec_of(const std::string& value) {
  docker::Json json;
  json.object([&] {
    json.field("Name", "ledger");
    json.object("Labels", [&] { json.field("value", value); });
    json.object("TaskTemplate",
                [&] { json.object("ContainerSpec", [&] { json.field("Image", "nginx:1.10"); }); });
    json.object("Mode",
                [&] { json.object("Replicated", [&] { json.field("Replicas", std::uint64_t{0}); }); });
  });
  return json.take();
}

std::string label_in(const std::string& body) {
  const auto parsed = docker::parse_json(body);
  const docker::Value* at = parsed ? &*parsed : nullptr;
  for (const char* key : {"Spec", "Labels", "value"})
    if (at != nullptr) at = at->find(key);
  return at != nullptr && at->text() != nullptr ? *at->text() : std::string();
}

// A refusal, after which nothing was done.
bool refuses(const Reply& reply) {
  for (const auto& [name, value] : reply.head.headers)
    if (name == "Swarmpy-Nothing-Done") return true;
  return (reply.head.status >= 400 && reply.head.status < 500) ||
         message_of(reply.body).find("out of sequence") != std::string::npos;
}

}  // namespace

LedgerWork::LedgerWork(World& world, Rng rng, std::vector<std::string> managers)
    : world_(world), rng_(rng), managers_(std::move(managers)), clients_(kClients) {
  for (Client& client : clients_) rest(client);
}

void LedgerWork::rest(Client& client) {
  client.due = world_.now() + Duration::millis(rng_.between(kShortestRestMs, kLongestRestMs));
}

void LedgerWork::poll() {
  for (std::size_t number = 0; number < clients_.size(); ++number) {
    Client& client = clients_[number];
    if (!client.call) {
      if (client.due <= world_.now()) begin(client, number);
    } else if (world_.reply(*client.call).ended || client.give_up <= world_.now()) {
      finish(client, *client.call);
    }
  }
}

// Reads until it knows a version; then, as often as not, writes from that.
void LedgerWork::begin(Client& client, std::size_t number) {
  lin::Operation op;
  op.client = std::to_string(number + 1);
  op.key = "ledger";
  op.call = (world_.now() - Instant{}).ns;
  http::Request request = get("/services/ledger");
  if (client.version && rng_.chance(1, 2)) {
    const std::uint64_t version = *client.version;
    client.version.reset();
    op.kind = lin::Kind::cas;
    op.expected = client.seen;
    op.value = std::to_string(++last_value_);
    request =
        post(version == 0 ? "/services/create" : "/services/ledger/update?version=" + std::to_string(version),
             spec_of(op.value));
  }
  client.operation = history_.size();
  client.give_up = world_.now() + kPatience;
  client.call = world_.call(managers_[rng_.below(managers_.size())], std::move(request));
  history_.push_back(std::move(op));
}

void LedgerWork::take_read(Client& client, lin::Operation& op, const Reply& reply) {
  const bool missing = reply.head.status == 404;
  if (!missing && reply.head.status != 200) return;  // of unknown outcome: nothing at all
  op.returned = (reply.ended_at - Instant{}).ns;
  client.seen = missing ? std::string() : label_in(reply.body);
  client.version = missing ? 0 : version_of(reply.body);
  if (!missing) op.seen = {client.seen};
}

void LedgerWork::finish(Client& client, CallId call) {
  lin::Operation& op = history_[client.operation];
  const Reply& reply = world_.reply(call);
  const bool whole = reply.ended && !reply.cut;
  if (op.kind == lin::Kind::read) {
    if (whole) take_read(client, op, reply);
  } else if (whole && reply.head.status >= 200 && reply.head.status < 300) {
    op.returned = (reply.ended_at - Instant{}).ns;
    op.succeeded = true;
  } else if (whole && refuses(reply)) {
    op.kind = lin::Kind::read;
  }
  world_.hang_up(call);
  client.call.reset();
  rest(client);
}

std::string LedgerWork::contradiction() const { return contradiction_in(history_, "the service ledger"); }

}  // namespace swarm::sim
