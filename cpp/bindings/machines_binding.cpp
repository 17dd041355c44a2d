// _core.World: machines, and what goes wrong with them.
#include "bindings/binding.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "bindings/world_host.hpp"
#include "model/annotations.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

void add_machine(WorldHost& host, const std::string& name, const model::Labels& labels,
                 std::int64_t nano_cpus, std::int64_t memory_bytes) {
  sim::MachineOptions machine;
  machine.name = name;
  machine.engine_labels = labels;
  machine.resources.nano_cpus = nano_cpus;
  machine.resources.memory_bytes = memory_bytes;
  host.act([&](sim::World& world) {
    if (world.has_machine(name)) throw UsageError("there is a machine named " + name + " already");
    world.add_machine(std::move(machine));
  });
}

sim::ImageScript script_of(bool exists, std::optional<std::int64_t> lives_ns, std::int64_t exit_code,
                           bool ignores_term) {
  sim::ImageScript script;
  script.exists = exists;
  if (lives_ns) script.lives = Duration::nanos(*lives_ns);
  script.exit_code = exit_code;
  script.ignores_term = ignores_term;
  return script;
}

void define_faults(WorldClass& world) {
  world
      .def(
          "partition",
          [](WorldHost& host, const std::vector<std::vector<std::string>>& groups) {
            host.partition(groups);
          },
          Unlocked())
      .def(
          "heal", [](WorldHost& host) { host.act([](sim::World& w) { w.heal(); }); }, Unlocked())
      .def(
          "set_image",
          [](WorldHost& host, const std::string& reference, bool exists, std::optional<std::int64_t> lives_ns,
             std::int64_t exit_code, bool ignores_term) {
            const auto script = script_of(exists, lives_ns, exit_code, ignores_term);
            host.act([&](sim::World& w) { w.set_image(reference, script); });
          },
          py::arg("reference"), py::kw_only(), py::arg("exists") = true, py::arg("lives_ns") = py::none(),
          py::arg("exit_code") = 0, py::arg("ignores_term") = false, Unlocked());
}

}  // namespace

void define_machines(WorldClass& world) {
  world
      .def("add_machine", &add_machine, py::arg("name"), py::arg("labels"), py::arg("nano_cpus"),
           py::arg("memory_bytes"), Unlocked())
      .def("machines", asking([](sim::World& w) { return w.machines(); }), Unlocked())
      .def("dead", asking([](sim::World& w) { return w.dead(); }), Unlocked())
      .def(
          "alive",
          [](WorldHost& host, const std::string& name) {
            return host.use_machine(name, [&](sim::World& w) { return w.alive(name); });
          },
          Unlocked())
      .def(
          "address",
          [](WorldHost& host, const std::string& name) {
            return host.use_machine(name, [&](sim::World& w) { return w.address(name).host(); });
          },
          Unlocked())
      .def("crash", on_machine(&sim::World::crash), Unlocked())
      .def("power_off", on_machine(&sim::World::power_off), Unlocked())
      .def("start", on_machine(&sim::World::start), Unlocked())
      .def("pause", on_machine(&sim::World::pause), Unlocked())
      .def("resume", on_machine(&sim::World::resume), Unlocked())
      .def("shut_down", on_machine(&sim::World::shut_down), Unlocked());
  define_faults(world);
}

}  // namespace swarm::bindings
