// A World's calls for the front door, published ports, loads.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.hpp"
#include "base/time.hpp"
#include "model/port.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "sim/chronicle.hpp"
#include "sim/event_queue.hpp"
#include "sim/inputs.hpp"
#include "sim/load.hpp"
#include "sim/load_options.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/requests.hpp"
#include "sim/world.hpp"
#include "sim/world_impl.hpp"

namespace swarm::sim {

// ---- the front door

CallId World::call(std::string_view name, http::Request request) {
  const auto written = impl_->input([&] { return inputs::CallMachine{std::string(name), request}; });
  Machine& at = impl_->machine(name);
  const CallId id = impl_->calls.open(at.index);
  written.gave(id);
  impl_->watch.asked_api(id, request.method, request.target);
  Chronicle* const chronicle = impl_->shared.chronicle.get();
  if (chronicle != nullptr) chronicle->asked(now(), id, at.index, request.method, request.target);
  if (!at.alive()) {
    Reply& reply = impl_->calls.find(id)->reply;
    reply.ended = reply.cut = true;
    if (chronicle != nullptr) chronicle->answered(now(), id, 0, "connection refused");
    return id;
  }
  impl_->shared.queue.push(now() + kDoorLatency, at.index, at.life,
                           Deliver{ports::ApiArrived{id, std::move(request)}});
  return id;
}

const Reply& World::reply(CallId id) const {
  const Call* call = impl_->calls.find(id);
  SWARM_CHECK(call != nullptr, "no such call", id);
  return call->reply;
}

std::string World::take_body(CallId id) {
  Call* call = impl_->calls.find(id);
  return call == nullptr ? std::string() : std::exchange(call->reply.body, {});
}

void World::hang_up(CallId id) {
  const auto written = impl_->input([&] { return inputs::HangUp{id}; });
  const Call* call = impl_->calls.find(id);
  if (call == nullptr) return;
  const Machine& at = *impl_->machines[call->machine];
  if (!call->reply.ended && at.alive())
    impl_->shared.queue.push(now() + kDoorLatency, at.index, at.life, Deliver{ports::ApiAborted{id}});
  impl_->calls.forget(id);
}

Reply World::ask(std::string_view machine, http::Request request, Duration timeout) {
  const CallId id = call(machine, std::move(request));
  run_until([&] { return reply(id).ended; }, timeout);
  Reply out = reply(id);
  hang_up(id);
  return out;
}

// ---- published ports

RequestId World::http_get(std::string_view name, std::uint32_t port) {
  const auto written = impl_->input([&] { return inputs::HttpGet{std::string(name), port}; });
  const Machine& at = impl_->machine(name);
  const RequestId id = at.alive() ? impl_->mesh.request(at.index, port) : impl_->mesh.refused(at.index, port);
  written.gave(id);
  return id;
}

HttpReply World::http_reply(RequestId id) const {
  const HttpReply* reply = impl_->mesh.find(id);
  SWARM_CHECK(reply != nullptr, "no such request", id);
  return *reply;
}

void World::http_forget(RequestId id) {
  const auto written = impl_->input([&] { return inputs::HttpForget{id}; });
  impl_->mesh.forget(id);
}

HttpReply World::fetch(std::string_view machine, std::uint32_t port) {
  const RequestId id = http_get(machine, port);
  run_until([&] { return http_reply(id).ended; }, Duration::seconds(15));
  HttpReply out = http_reply(id);
  http_forget(id);
  return out;
}

void World::occupy_port(std::string_view name, std::uint32_t port, bool taken) {
  const auto written = impl_->input([&] { return inputs::OccupyPort{std::string(name), port, taken}; });
  impl_->mesh.occupy(impl_->machine(name).index, model::tcp_port(port), taken);
}

// ---- loads

void World::Impl::send_next(LoadId id) {
  Load* load = loads.find(id);
  if (load == nullptr) return;
  const Machine& at = *machines[load->target()];
  if (at.alive()) {
    mesh.request(at.index, load->port, id);
  } else {
    mesh.refused(at.index, load->port, id);
  }
  shared.requests.give_up(shared.now - kPatience, shared.now);
  ++load->sent;
  if (load->due() < load->end) shared.queue.push(load->due(), at.index, 0, LoadTick{id});
}

LoadId World::begin_load(const LoadOptions& options) {
  const auto written = impl_->input([&] {
    return inputs::BeginLoad{options.port, options.per_1000_seconds, {options.machines}, options.span};
  });
  SWARM_CHECK(!options.machines.empty() && options.per_1000_seconds > 0, "a load without clients");
  Load load;
  load.port = options.port;
  load.per_1000_seconds = options.per_1000_seconds;
  load.begin = now();
  if (options.span) load.end = now() + *options.span;
  for (const auto& name : options.machines) load.machines.push_back(impl_->machine(name).index);
  const MachineIndex first = load.target();
  const LoadId id = impl_->loads.open(std::move(load));
  note("sim.load", std::to_string(id) + " port " + std::to_string(options.port));
  impl_->shared.queue.push(now(), first, 0, LoadTick{id});
  return id;
}

void World::end_load(LoadId id) {
  const auto written = impl_->input([&] { return inputs::EndLoad{id}; });
  if (impl_->loads.find(id) == nullptr) return;
  impl_->loads.close(id);
  note("sim.load_ends", std::to_string(id));
}

void World::give_up_requests() {
  const auto written = impl_->input([] { return inputs::GiveUpRequests{}; });
  impl_->shared.requests.give_up(now() - kPatience, now());
}

const RequestLog& World::requests() const { return impl_->shared.requests; }

}  // namespace swarm::sim
