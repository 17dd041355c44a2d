// _core.World: the journal of a run, and the same run again.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "bindings/binding.hpp"
#include "bindings/engine.hpp"
#include "bindings/world_host.hpp"
#include "sim/journal.hpp"
#include "sim/references.hpp"
#include "sim/watch.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

// (text, why the run cannot be replayed from it or ""). Like all reading calls it works also after something
// broke.
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

constexpr std::uint64_t kStepsPerLook = 2'000;

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
  // The world has left the run; what is left of its first `inputs` means the objects that it meant.
  // False: a rule is broken by now, and none is asked any more.
  bool let_go(WorldHost& host, std::size_t inputs) {
    if (inputs > 0 && !references) references = find_references();
    const py::gil_scoped_release release;
    return host.use([&](sim::World& w) {
      w.let_go(inputs, references);
      const bool broken = w.watch().broken().has_value();
      if (broken) w.watch().forget_rules();
      return !broken;
    });
  }
  // Takes as long as the run took; Ctrl-C ends it.
  std::shared_ptr<const sim::References> find_references() const {
    sim::References::Search search(run);
    wait_interruptibly([&] { return search.go_on(kStepsPerLook) ? Progress::done : Progress::again; });
    return std::make_shared<const sim::References>(search.take());
  }
  std::size_t inputs() const { return run->entries.size(); }
  std::shared_ptr<const sim::RecordedRun> run;
  std::shared_ptr<const sim::References> references;
};

}  // namespace

void define_recording(py::module_& module) {
  py::class_<Recording>(module, "Recording")
      .def(py::init<std::string>(), py::arg("text"), Unlocked())
      .def("world", &Recording::world, py::kw_only(), py::arg("check") = true, Unlocked())
      .def("inputs", &Recording::inputs)
      .def("let_go", &Recording::let_go, py::arg("world"), py::arg("inputs"));
}

// Long: a list, one definition for each method.
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
          "inputs",  // how many there were so far
          [](WorldHost& host) {
            return host.read([](const sim::World& w) { return w.journal().entries().size(); });
          },
          Unlocked())
      .def(
          "rules",  // how many of `sp.inv` are asked
          [](WorldHost& host) { return host.use([](sim::World& w) { return w.watch().count(); }); },
          Unlocked())
      .def(
          "failure_mark",  // (steps, inputs before it, the plan of all faults as they were then), or None
          [](WorldHost& host) -> std::optional<std::tuple<std::uint64_t, std::size_t, std::string>> {
            return host.read([](const sim::World& w) {
              using Mark = std::tuple<std::uint64_t, std::size_t, std::string>;
              const auto& mark = w.failure_mark();
              return mark ? std::optional<Mark>(Mark(mark->steps, mark->inputs, mark->faults.to_json()))
                          : std::nullopt;
            });
          },
          Unlocked())
      .def(
          "done",  // (steps, now_ns, trace_hash), also of a world in which something broke
          [](WorldHost& host) {
            return host.read(
                [](const sim::World& w) { return std::tuple(w.steps(), w.now().ns, w.trace_hash()); });
          },
          Unlocked());
}

}  // namespace swarm::bindings
