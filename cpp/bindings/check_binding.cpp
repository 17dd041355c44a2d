// _core.World: checks, and the facts that they read. While a check is asked the world is its thread's
// already: these functions then read it as it is, and let go of no lock.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "bindings/binding.hpp"
#include "bindings/checks.hpp"
#include "bindings/world_host.hpp"
#include "sim/watch_rules.hpp"  // IWYU pragma: keep: RuleSpec, which is made without its name
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

template <class Read>
auto fact(Read read) {
  return [read](WorldHost& host) {
    if (host.asks_here()) return read(host.inside());
    const py::gil_scoped_release release;
    return host.use([&](sim::World& world) { return read(world); });
  };
}

std::size_t running(WorldHost& host, const std::string& service) {
  if (host.asks_here()) return host.inside().watch().running(service);
  const py::gil_scoped_release release;
  return host.use([&](sim::World& world) { return world.watch().running(service); });
}

Checks& checks_of(WorldHost& host) {
  auto* checks = dynamic_cast<Checks*>(host.observer());
  if (checks == nullptr) throw UsageError("this world has no checks yet");
  return *checks;
}

void begin_checks(const std::shared_ptr<WorldHost>& host, const py::object& source) {
  auto checks = std::make_unique<Checks>(*host, source);
  const py::gil_scoped_release release;
  Checks& made = *checks;
  host->observe_by(std::move(checks));
  host->use([&](sim::World& world) { made.take_up(world.watch()); });
}

// A check that does not hold now is broken at once; one whose function raises now is not made. The checks are
// touched under the world's lock only.
void add(WorldHost& host, Check check) {
  Checks& checks = checks_of(host);
  const py::gil_scoped_release release;
  try {
    host.add_to([&](sim::World& world) { checks.add(world, std::move(check)); });
  } catch (const py::error_already_set&) {
    host.ask_observer([&](sim::World&) { checks.take_back(); });
    throw;
  }
}

void add_rule(WorldHost& host, const std::string& name, const std::string& kind, const std::string& service,
              std::uint64_t number) {
  static_cast<void>(checks_of(host));
  const py::gil_scoped_release release;
  host.add_to([&](sim::World& world) {
    if (!world.add_rule(name, {kind, service, number})) throw UsageError("there is no rule " + kind);
  });
}

void add_function(WorldHost& host, const std::string& kind, const std::string& name,
                  const py::object& function, std::int64_t within_ns, const py::object& after) {
  Check check;
  check.name = name;
  check.kind = kind == "always"       ? Check::Kind::always
               : kind == "eventually" ? Check::Kind::eventually
                                      : Check::Kind::sometimes;
  check.function = checks_of(host).keep(function);
  check.within = Duration::nanos(within_ns);
  if (py::isinstance<py::str>(after)) {
    check.after_kind = after.cast<std::string>();
  } else if (!after.is_none()) {
    check.after = checks_of(host).keep(after);
  }
  add(host, std::move(check));
}

const char* word(Check::Kind kind) {
  return kind == Check::Kind::always       ? "always"
         : kind == Check::Kind::eventually ? "eventually"
                                           : "sometimes";
}

const char* word(const Check& check) {
  if (check.state == Check::State::broken) return "broken";
  if (check.told) return "raised";
  if (check.kind == Check::Kind::sometimes) return check.held ? "held" : "never seen";
  if (check.kind == Check::Kind::eventually && !check.due.empty()) return "awaited";
  return "holds";
}

using Line = std::tuple<std::string, std::string, std::uint64_t, std::string>;

std::vector<Line> lines(WorldHost& host) {
  const auto* checks = dynamic_cast<const Checks*>(host.observer());
  if (checks == nullptr) return {};
  const auto read = [&](sim::World& world) {
    std::vector<Line> out;
    for (const Check& check : checks->all())
      out.emplace_back(check.name, word(check.kind),
                       check.rule ? world.watch().asked(*check.rule) : check.asked, word(check));
    return out;
  };
  if (host.asks_here()) return read(host.inside());
  const py::gil_scoped_release release;
  return host.use(read);
}

}  // namespace

void define_checks(WorldClass& world) {
  world.def("begin_checks", &begin_checks, py::arg("source"))
      .def("add_rule", &add_rule, py::arg("name"), py::arg("kind"), py::arg("service"), py::arg("number"))
      .def("add_check", &add_function, py::arg("kind"), py::arg("name"), py::arg("function"),
           py::arg("within_ns"), py::arg("after"))
      .def("checks", &lines)
      .def("finish_checks",
           [](WorldHost& host) {
             Checks& checks = checks_of(host);
             const py::gil_scoped_release release;
             host.ask_observer([&](sim::World& w) { checks.finish(w); });
           })
      .def("looked_inside", [](WorldHost& host) { return host.asks_here() && host.looked_inside(); })
      .def("running", &running, py::arg("service"))
      .def("leaders", fact([](const sim::World& w) { return w.leaders(); }))
      .def("peek_leader", fact([](const sim::World& w) { return w.leader(); }))
      .def("peek_now_ns", fact([](const sim::World& w) { return w.now().ns; }))
      .def("peek_marks", fact([](sim::World& w) { return std::pair(w.changes(), w.raft_changes()); }))
      .def("elections", fact([](sim::World& w) { return w.watch().elections().count(); }))
      .def("leaders_per_term_max", fact([](sim::World& w) { return w.watch().elections().most_in_a_term(); }))
      .def("term", fact([](const sim::World& w) { return w.term(); }));
}

}  // namespace swarm::bindings
