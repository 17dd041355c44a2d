// What all files of the extension share: the class that Python sees as `_core.World`, and the ways in which
// its methods are made. NOT here: what the methods mean.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>

#include "bindings/world_host.hpp"

namespace swarm::bindings {

namespace py = pybind11;
using WorldClass = py::class_<WorldHost, std::shared_ptr<WorldHost>>;
using Unlocked = py::call_guard<py::gil_scoped_release>;

// Waits by slices. `slice` runs without the interpreter's lock; Ctrl-C raises between two of them.
template <class Slice>
Progress wait_interruptibly(Slice&& slice) {
  while (true) {
    Progress progress = Progress::again;
    {
      const py::gil_scoped_release release;
      progress = slice();
    }
    if (progress != Progress::again) return progress;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

const char* word(Progress progress);  // "done", "gone", "deadline"

// A method of World that takes a machine's name and gives nothing back.
template <class Method>
auto on_machine(Method method) {
  return [method](WorldHost& host, const std::string& name) {
    host.act_on(name, [&](sim::World& world) { (world.*method)(name); });
  };
}

// A method of World that only asks.
template <class Ask>
auto asking(Ask ask) {
  return [ask](WorldHost& host) { return host.use([&](sim::World& world) { return ask(world); }); };
}

// ---- one function per file of this directory
void define_machines(WorldClass& world);       // machines_binding.cpp: machines and their faults
void define_calls(WorldClass& world);          // calls_binding.cpp: the front door, looks, published ports
void define_fault_actions(WorldClass& world);  // faults_binding.cpp: faults as data
void define_fault_forms(py::module_& module);
void define_chronicle(WorldClass& world);  // chronicle_binding.cpp: what a picture of a run is made from
void define_recording(py::module_& module);
void define_journal(WorldClass& world);            // journal_binding.cpp: a run written down, and run again
void define_linearizability(py::module_& module);  // linearizability_binding.cpp: histories
void define_checks(WorldClass& world);  // check_binding.cpp: what must hold, and the facts that it reads
void define_loads(WorldClass& world);   // load_binding.cpp: steady requests, and what became of them
void define_time(WorldClass& world);    // time_binding.cpp: time and the trace

}  // namespace swarm::bindings
