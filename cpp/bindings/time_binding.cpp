// _core.World: time, waits, and the trace.
#include "bindings/binding.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "bindings/world_host.hpp"
#include "sim/gate.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

using TraceTuple = std::tuple<std::int64_t, std::string, std::string, std::string>;

sim::Gate gate_of(const std::vector<std::string>& services, std::size_t ready_nodes) {
  sim::Gate gate{{}, ready_nodes};
  for (const std::string& id : services)
    if (const auto service = ServiceId::parse(id)) gate.services.push_back(*service);
  return gate;
}

const char* wait_change(WorldHost& host, std::uint64_t seen, std::int64_t until_ns,
                        const std::optional<std::vector<std::string>>& services, std::size_t ready_nodes) {
  const sim::Gate gate = gate_of(services.value_or(std::vector<std::string>()), ready_nodes);
  const sim::Gate* closed = services || ready_nodes > 0 ? &gate : nullptr;
  return word(wait_interruptibly([&] { return host.wait_change(seen, closed, Instant{until_ns}); }));
}

std::vector<TraceTuple> take_trace(WorldHost& host) {
  return host.use([](sim::World& world) {
    std::vector<TraceTuple> lines;
    for (auto& line : world.take_trace()) lines.emplace_back(line.at.ns, line.machine, line.kind, line.text);
    return lines;
  });
}

}  // namespace

void define_time(WorldClass& world) {
  world.def("now_ns", asking([](sim::World& w) { return w.now().ns; }), Unlocked())
      .def("wall_ns", asking([](sim::World& w) { return w.wall().ns; }), Unlocked())
      .def("next_event_ns", asking([](sim::World& w) { return w.next_event().ns; }), Unlocked())
      .def("step", &WorldHost::step, Unlocked())
      .def("run_to", [](WorldHost& host,
                        std::int64_t ns) { wait_interruptibly([&] { return host.run_to(Instant{ns}); }); })
      .def("wait_change", &wait_change, py::arg("seen"), py::arg("until_ns"), py::kw_only(),
           py::arg("services") = py::none(), py::arg("ready_nodes") = 0)
      .def(
          "may_be_there",
          [](WorldHost& host, const std::vector<std::string>& services, std::size_t ready_nodes) {
            const sim::Gate gate = gate_of(services, ready_nodes);
            return host.use([&](sim::World& w) { return w.is_open(gate); });
          },
          py::arg("services"), py::arg("ready_nodes"), Unlocked())
      .def(
          "wait_event",
          [](WorldHost& host, std::uint64_t seen, std::int64_t until_ns) {
            return word(wait_interruptibly([&] { return host.wait_event(seen, Instant{until_ns}); }));
          },
          py::arg("seen"), py::arg("until_ns"))
      .def("follow_wall_clock", &WorldHost::follow_wall_clock, py::arg("on"), Unlocked())
      .def(
          "keep_pace", [](WorldHost& host) { return host.keep_pace().count(); }, Unlocked())
      .def("seed", asking([](sim::World& w) { return w.seed(); }), Unlocked())
      .def("trace_hash", asking([](sim::World& w) { return w.trace_hash(); }), Unlocked())
      .def("events", asking([](sim::World& w) { return w.events(); }), Unlocked())
      .def("take_trace", &take_trace, Unlocked())
      .def(
          "note",
          [](WorldHost& host, const std::string& kind, const std::string& text) {
            host.use([&](sim::World& w) { w.note(kind, text); });
          },
          Unlocked())
      .def("check_all", asking([](sim::World& w) { w.check_all(); }), Unlocked());
}

}  // namespace swarm::bindings
