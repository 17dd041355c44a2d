// swarmpy._core: the simulator as a Python object, thin: values and handles only.
//
// Everything that waits or steps lets go of the interpreter's lock, in slices after which Ctrl-C is looked
// for. No pointer into the engine escapes: what comes out is numbers, text and bytes. A broken invariant
// becomes swarmpy.errors.InvariantError and poisons that world only. NOT here: what the names mean to users
// (python/swarmpy) and every rule of the engine.
#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "bindings/binding.hpp"
#include "bindings/checks.hpp"
#include "bindings/served_door.hpp"
#include "bindings/world_host.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

sim::WorldOptions options_of(std::uint64_t seed, bool check, bool codec) {
  sim::WorldOptions options;
  options.seed = seed;
  options.check = check;
  options.codec = codec;
  return options;
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 takes a function of this type
void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const InvariantFailure& failure) {
    const py::object type = py::module_::import("swarmpy.errors").attr("InvariantError");
    py::set_error(type, failure.what());
  } catch (const CheckBroken& broken) {
    const py::module_ errors = py::module_::import("swarmpy.errors");
    const double at = static_cast<double>(broken.at.ns) / 1e9;
    const py::object error = errors.attr("check_broken")(broken.name, at, broken.what_broke, broken.again);
    PyErr_SetObject(errors.attr("InvariantBroken").ptr(), error.ptr());
  } catch (const UsageError& error) {
    py::set_error(PyExc_ValueError, error.what());
  }
}

void define_door(py::module_& module) {
  py::class_<ServedDoor>(module, "Door")
      .def(py::init<std::shared_ptr<WorldHost>, std::string, std::string>(), py::arg("world"),
           py::arg("machine"), py::arg("url"), Unlocked())
      .def("url", &ServedDoor::url)
      .def("close", &ServedDoor::close, Unlocked());
}

}  // namespace
}  // namespace swarm::bindings

PYBIND11_MODULE(_core, module) {
  using namespace swarm::bindings;  // NOLINT: this module's own names
  throw_failed_checks();
  py::register_exception_translator(&translate);
  module.doc() = "The engine of swarmpy: a whole swarm in virtual time.";
  module.def("version", [] { return SWARM_VERSION; });
  WorldClass world(module, "World");
  world.def(py::init([](std::uint64_t seed, bool check, bool codec) {
              return std::make_shared<WorldHost>(options_of(seed, check, codec));
            }),
            py::arg("seed"), py::kw_only(), py::arg("check") = true, py::arg("codec") = false,
            py::call_guard<py::gil_scoped_release>());
  define_machines(world);
  define_calls(world);
  define_checks(world);
  define_loads(world);
  define_time(world);
  define_journal(world);
  define_recording(module);
  define_chronicle(world);
  define_fault_actions(world);
  define_fault_forms(module);
  define_linearizability(module);
  define_door(module);
}
