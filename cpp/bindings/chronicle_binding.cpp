// _core.World: the chronicle, what a picture of a run is made from.
#include "bindings/binding.hpp"

#include <string>

#include "bindings/world_host.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

// Also after a broken invariant: that is when it is wanted most.
py::bytes chronicle(WorldHost& host) {
  std::string json;
  {
    const py::gil_scoped_release release;
    json = host.read([](const sim::World& world) { return world.chronicle(); });
  }
  return py::bytes(json);
}

}  // namespace

void define_chronicle(WorldClass& world) {
  world
      .def(
          "record_chronicle",
          [](WorldHost& host, bool on) { host.use([&](sim::World& w) { w.record_chronicle(on); }); },
          py::arg("on"), Unlocked())
      .def(
          "records_chronicle",
          [](WorldHost& host) {
            return host.read([](const sim::World& w) { return w.records_chronicle(); });
          },
          Unlocked())
      .def("chronicle", &chronicle);
}

}  // namespace swarm::bindings
