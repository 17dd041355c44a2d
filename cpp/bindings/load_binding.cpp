// _core.World: loads, and the log of all requests at published ports.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "bindings/binding.hpp"
#include "bindings/world_host.hpp"
#include "sim/load_options.hpp"
#include "sim/requests.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

// (sent_ns, ended_ns, machine, port, status, task, node, error, load)
using Row = std::tuple<std::int64_t, std::int64_t, std::string, std::uint32_t, std::uint32_t, std::string,
                       std::string, std::string, std::uint64_t>;

template <class Read>
auto reading(WorldHost& host, Read&& read) {
  if (host.asks_here()) return read(host.inside());
  const py::gil_scoped_release release;
  return host.use(read);
}

std::vector<Row> requests(WorldHost& host, std::size_t from, std::size_t to) {
  return reading(host, [&](sim::World& world) {
    const auto names = world.machines();
    const auto& done = world.requests().done();
    std::vector<Row> rows;
    for (std::size_t i = from; i < std::min(to, done.size()); ++i) {
      const sim::RequestDone& one = done[i];
      rows.emplace_back(one.sent.ns, one.ended.ns, names[one.machine], one.port, one.status, one.task,
                        one.node, one.error, one.load);
    }
    return rows;
  });
}

std::uint64_t begin_load(WorldHost& host, std::uint32_t port, const std::vector<std::string>& machines,
                         std::uint64_t per_1000_seconds, std::optional<std::int64_t> span_ns) {
  sim::LoadOptions options{port, machines, per_1000_seconds, std::nullopt};
  if (span_ns) options.span = Duration::nanos(*span_ns);
  for (const auto& name : machines) host.use_machine(name, [](sim::World&) {});
  return host.act([&](sim::World& world) { return world.begin_load(options); });
}

}  // namespace

void define_loads(WorldClass& world) {
  world
      .def("begin_load", &begin_load, py::arg("port"), py::arg("machines"), py::arg("per_1000_seconds"),
           py::arg("span_ns"), Unlocked())
      .def(
          "end_load",
          [](WorldHost& host, std::uint64_t load) { host.act([&](sim::World& w) { w.end_load(load); }); },
          Unlocked())
      .def(
          "give_up_requests", [](WorldHost& host) { host.use([](sim::World& w) { w.give_up_requests(); }); },
          Unlocked())
      .def("requests", &requests, py::arg("first"), py::arg("end"))
      .def("request_counts",  // (ended, failed)
           [](WorldHost& host) {
             return reading(host, [](sim::World& w) {
               return std::pair(w.requests().done().size(), w.requests().failed());
             });
           })
      .def("requests_open", [](WorldHost& host, std::uint64_t load) {
        return reading(host, [&](sim::World& w) { return w.requests().open(load); });
      });
}

}  // namespace swarm::bindings
