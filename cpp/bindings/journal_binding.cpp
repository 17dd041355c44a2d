// _core.World: the journal of a run, and the same run again.
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "bindings/binding.hpp"
#include "bindings/engine.hpp"
#include "sim/journal.hpp"
#include "sim/references.hpp"

namespace swarm::bindings {
namespace {

// (text, why it cannot be told by it or ""); also of a world in which something broke, as all that only
// reads.
std::tuple<py::bytes, std::string> journal(WorldHost& host) {
  std::string text, why;
  {
    const py::gil_scoped_release release;
    host.read([&](const sim::World& world) {
      text = world.journal_text();
      why = world.journal().incomplete();
    });
  }
  return {py::bytes(text), why};
}

// A run that was written down: worlds that play it are made from it.
struct Recording {
  explicit Recording(const std::string& text) {
    auto read = sim::read_run(text);
    if (!read.ok()) throw UsageError(read.error().message);
    run = std::make_shared<const sim::RecordedRun>(std::move(*read));
  }
  std::shared_ptr<WorldHost> world(bool check) const {
    sim::WorldOptions options = run->options;
    options.check = options.check && check;
    auto host = std::make_shared<WorldHost>(options);
    host->use([&](sim::World& world) { world.play(run); });
    return host;
  }
  // The world has left the run; what inputs are left mean the objects that they meant.
  void let_go(WorldHost& host, bool inputs) {
    if (inputs && !references)
      references = std::make_shared<const sim::References>(sim::References::of(*run));
    host.use([&](sim::World& w) { w.let_go(inputs, references); });
  }
  std::shared_ptr<const sim::RecordedRun> run;
  std::shared_ptr<const sim::References> references;
};

}  // namespace

void define_recording(py::module_& module) {
  py::class_<Recording>(module, "Recording")
      .def(py::init<std::string>(), py::arg("text"), Unlocked())
      .def("world", &Recording::world, py::kw_only(), py::arg("check") = true, Unlocked())
      .def("let_go", &Recording::let_go, py::arg("world"), py::arg("inputs"), Unlocked());
}

void define_journal(WorldClass& world) {
  world.def("journal", &journal)
      .def_static("engine", &engine_fingerprint)
      .def_static(
          "replay", [](const std::string& text) { return Recording(text).world(true); }, py::arg("text"),
          Unlocked())
      .def(
          "told_faults",  // the plan of all faults so far, JSON
          [](WorldHost& host) {
            return host.read([](const sim::World& w) { return w.fault_history().to_json(); });
          },
          Unlocked())
      .def(
          "run_to_step",
          [](WorldHost& host, std::uint64_t count) {
            wait_interruptibly([&] { return host.run_to_step(count); });
          },
          py::arg("count"))
      .def(
          "leave_out",
          [](WorldHost& host, std::size_t fault) { host.use([&](sim::World& w) { w.leave_out(fault); }); },
          py::arg("fault"), Unlocked())
      .def("plays", asking([](sim::World& w) { return w.plays(); }), Unlocked())
      .def("coming", asking([](sim::World& w) { return w.coming(); }), Unlocked())
      .def(
          "reseed",
          [](WorldHost& host, std::uint64_t seed) { host.use([&](sim::World& w) { w.reseed(seed); }); },
          py::arg("seed"), Unlocked())
      .def(
          "done",  // (steps, now_ns, trace_hash), also of a world in which something broke
          [](WorldHost& host) {
            return host.read(
                [](const sim::World& w) { return std::tuple(w.steps(), w.now().ns, w.trace_hash()); });
          },
          Unlocked());
}

}  // namespace swarm::bindings
