#include "bindings/served_faults.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/number.hpp"
#include "base/result.hpp"
#include "bindings/world_host.hpp"
#include "docker/json.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "faults/plan.hpp"
#include "ports/http.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

constexpr std::string_view kPath = "/swarmpy/v1/faults";

FaultsAnswer refused(const Error& error) {
  const std::uint32_t status = error.code == Code::not_found          ? 404
                               : error.code == Code::invalid_argument ? 400
                               : error.code == Code::unimplemented    ? 501
                                                                      : 409;
  docker::Json json;
  json.object([&] { json.field("message", faults::sentence(error)); });
  return {status, json.take()};
}

FaultsAnswer list(WorldHost& host) {
  docker::Json json;
  json.array([&] {
    for (const auto& [id, fault] : host.use([](sim::World& world) { return world.active_faults(); }))
      json.object([&, number = id, &one = fault] {
        json.field("Id", number);
        json.key("Fault");
        faults::write(json, one);
      });
  });
  return {200, json.take()};
}

FaultsAnswer begin(WorldHost& host, const std::string& body) {
  const auto fault = faults::from_json(body);
  if (!fault) return refused(fault.error());
  const auto id = host.use([&](sim::World& world) { return world.begin_fault(*fault); });
  if (!id) return refused(id.error());
  return {201, "{\"Id\":" + std::to_string(*id) + "}"};
}

FaultsAnswer run(WorldHost& host, const std::string& body) {
  const auto plan = faults::Plan::from_json(body);
  if (!plan) return refused(plan.error());
  const auto ids = host.use([&](sim::World& world) { return world.run_plan(*plan); });
  if (!ids) return refused(ids.error());
  docker::Json json;
  json.object([&] {
    json.array("Ids", [&] {
      for (const sim::FaultId id : *ids) json.value(id);
    });
  });
  return {201, json.take()};
}

}  // namespace

std::optional<FaultsAnswer> answer_about_faults(WorldHost& host, const http::Request& request) {
  if (!request.target.starts_with(kPath)) return std::nullopt;
  const std::string rest = request.target.substr(kPath.size());
  if (!rest.empty() && rest.front() != '/') return std::nullopt;
  const bool get = request.method == "GET", post = request.method == "POST";
  if (get && rest.empty()) return list(host);
  if (get && rest == "/skipped")
    return FaultsAnswer{200, host.use([](sim::World& w) { return skipped_json(w); })};
  if (get && rest == "/history")
    return FaultsAnswer{200, host.use([](sim::World& w) { return w.fault_history().to_json(); })};
  if (post && rest.empty()) return begin(host, request.body);
  if (post && rest == "/plan") return run(host, request.body);
  if (post && rest == "/heal") {
    host.use([](sim::World& world) { world.heal(); });
    return FaultsAnswer{204, {}};
  }
  const auto id = rest.size() < 2 ? std::nullopt : parse_whole<std::uint64_t>(rest.substr(1));
  if (request.method == "DELETE" && id) {
    const auto ended = host.use([&](sim::World& world) { return world.end_fault(*id); });
    return ended ? FaultsAnswer{204, {}} : refused(ended.error());
  }
  return refused(plain_error(Code::not_found, "page not found"));
}

}  // namespace swarm::bindings
