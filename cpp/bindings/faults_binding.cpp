// _core.World: faults as data, JSON in and out. And, of the module itself, the two forms of a fault and of a
// plan, so that Python's words are these words.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "bindings/binding.hpp"
#include "bindings/served_faults.hpp"
#include "bindings/world_host.hpp"
#include "docker/json.hpp"
#include "faults/draw.hpp"
#include "faults/fault.hpp"
#include "faults/nearest.hpp"
#include "faults/plan.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

template <class T>
T value_of(Result<T> result) {
  if (!result) throw UsageError(faults::sentence(result.error()));
  return std::move(*result);
}
void must(const Result<void>& result) {
  if (!result) throw UsageError(faults::sentence(result.error()));
}

sim::FaultId begin(WorldHost& host, const std::string& json) {
  const faults::Fault fault = value_of(faults::from_json(json));
  return host.act([&](sim::World& world) { return value_of(world.begin_fault(fault)); });
}

std::vector<sim::FaultId> run_plan(WorldHost& host, const std::string& json) {
  const faults::Plan plan = value_of(faults::Plan::from_json(json));
  return host.act([&](sim::World& world) { return value_of(world.run_plan(plan)); });
}

// For the machines of this world, where none are named.
std::string draw_plan(WorldHost& host, const std::string& json) {
  faults::DrawOptions options;
  host.use([&](sim::World& world) {
    options.seed = world.seed();
    options.managers = world.voters();
    for (const auto& name : world.machines())
      if (std::count(options.managers.begin(), options.managers.end(), name) == 0)
        options.workers.push_back(name);
  });
  return value_of(faults::draw(value_of(faults::draw_options(json, options)))).to_json();
}

std::vector<std::pair<sim::FaultId, std::string>> active(WorldHost& host) {
  std::vector<std::pair<sim::FaultId, std::string>> all;
  for (const auto& [id, fault] : host.use([](sim::World& world) { return world.active_faults(); }))
    all.emplace_back(id, faults::to_json(fault));
  return all;
}

}  // namespace

std::string skipped_json(const sim::World& world) {
  docker::Json json;
  json.array([&] {
    for (const auto& one : world.skipped_faults()) faults::write(json, one);
  });
  return json.take();
}

void define_fault_actions(WorldClass& world) {
  world.def("begin_fault", &begin, py::arg("json"), Unlocked())
      .def(
          "end_fault",
          [](WorldHost& host, sim::FaultId id) { host.act([&](sim::World& w) { must(w.end_fault(id)); }); },
          py::arg("id"), Unlocked())
      .def("active_faults", &active, Unlocked())
      .def(
          "fault_history",
          [](WorldHost& host) { return host.use([](sim::World& w) { return w.fault_history().to_json(); }); },
          Unlocked())
      .def("draw_plan", &draw_plan, py::arg("json"), Unlocked())
      .def("run_plan", &run_plan, py::arg("json"), Unlocked())
      .def(
          "skipped_faults", [](WorldHost& host) { return host.read(skipped_json); }, Unlocked())
      .def("quiet", &WorldHost::quiet, py::arg("on"), Unlocked());
}

void define_fault_forms(py::module_& module) {
  module.def("fault_text",
             [](const std::string& json) { return faults::to_text(value_of(faults::from_json(json))); });
  module.def("fault_json",
             [](const std::string& text) { return faults::to_json(value_of(faults::parse(text))); });
  module.def("fault_checked",
             [](const std::string& json) { return faults::to_json(value_of(faults::from_json(json))); });
  module.def("plan_text",
             [](const std::string& json) { return value_of(faults::Plan::from_json(json)).to_text(); });
  module.def("plan_json",
             [](const std::string& text) { return value_of(faults::Plan::from_text(text)).to_json(); });
}

}  // namespace swarm::bindings
