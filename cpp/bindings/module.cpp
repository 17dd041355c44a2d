// swarmpy._core: the simulator as a Python object, thin: values and handles only.
//
// Everything that waits or steps lets go of the interpreter's lock, in slices after which Ctrl-C is looked
// for. No pointer into the engine escapes: what comes out is numbers, text and bytes. A broken invariant
// becomes swarmpy.errors.InvariantError and poisons that world only. NOT here: what the names mean to users
// (python/swarmpy) and every rule of the engine.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bindings/served_door.hpp"
#include "bindings/world_host.hpp"

namespace py = pybind11;

namespace swarm::bindings {
namespace {

using HeaderList = std::vector<std::pair<std::string, std::string>>;
using WorldClass = py::class_<WorldHost, std::shared_ptr<WorldHost>>;
using TraceTuple = std::tuple<std::int64_t, std::string, std::string, std::string>;

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

const char* word(Progress progress) {
  switch (progress) {
    case Progress::done:
      return "done";
    case Progress::gone:
      return "gone";
    case Progress::deadline:
      return "deadline";
    case Progress::again:
      break;
  }
  return "again";
}

const char* word(sim::Look::How how) {
  switch (how) {
    case sim::Look::How::answered:
      return "answered";
    case sim::Look::How::takes_time:
      return "takes time";
    case sim::Look::How::silent:
      return "silent";
    case sim::Look::How::dead:
      break;
  }
  return "dead";
}

Wanted wanted_of(const std::string& text) {
  if (text == "head") return Wanted::head;
  if (text == "piece") return Wanted::piece;
  if (text == "end") return Wanted::end;
  throw UsageError("wanted is head, piece or end, not " + text);
}

sim::WorldOptions options_of(std::uint64_t seed, bool check, bool codec) {
  sim::WorldOptions options;
  options.seed = seed;
  options.check = check;
  options.codec = codec;
  return options;
}

void add_machine(WorldHost& host, const std::string& name, const model::Labels& labels,
                 std::int64_t nano_cpus, std::int64_t memory_bytes) {
  sim::MachineOptions machine;
  machine.name = name;
  machine.engine_labels = labels;
  machine.resources.nano_cpus = nano_cpus;
  machine.resources.memory_bytes = memory_bytes;
  host.use([&](sim::World& world) {
    if (world.has_machine(name)) throw UsageError("there is a machine named " + name + " already");
    world.add_machine(std::move(machine));
  });
}

sim::CallId call(WorldHost& host, const std::string& machine, const std::string& method,
                 const std::string& target, const HeaderList& headers, const std::string& body) {
  return host.call(machine, http::Request{method, target, headers, body});
}

// (begun, ended, status, headers) of an answer, as far as it has come.
std::tuple<bool, bool, std::uint32_t, HeaderList> reply(WorldHost& host, sim::CallId id) {
  return host.use([&](sim::World& world) {
    const sim::Reply& answer = world.reply(id);
    return std::tuple(answer.begun, answer.ended, answer.head.status, answer.head.headers);
  });
}

// (how, only the last that is known, status, headers, body)
py::tuple look(WorldHost& host, const std::string& machine, const std::string& target,
               const HeaderList& headers) {
  sim::Look seen;
  {
    const py::gil_scoped_release release;
    seen = host.look(machine, http::Request{"GET", target, headers, {}});
  }
  return py::make_tuple(word(seen.how), seen.last_known, seen.answer.head.status, seen.answer.head.headers,
                        py::bytes(seen.answer.body));
}

const char* wait_change(WorldHost& host, std::uint64_t seen, std::int64_t until_ns,
                        const std::optional<std::vector<std::string>>& services, std::size_t ready_nodes) {
  sim::Gate gate{{}, ready_nodes};
  for (const std::string& id : services.value_or(std::vector<std::string>()))
    if (const auto service = ServiceId::parse(id)) gate.services.push_back(*service);
  const sim::Gate* closed = services || ready_nodes > 0 ? &gate : nullptr;
  return word(wait_interruptibly([&] { return host.wait_change(seen, closed, Instant{until_ns}); }));
}

std::string take_body(WorldHost& host, sim::CallId id) {
  return host.use([&](sim::World& world) { return world.take_body(id); });
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

std::vector<TraceTuple> take_trace(WorldHost& host) {
  return host.use([](sim::World& world) {
    std::vector<TraceTuple> lines;
    for (auto& line : world.take_trace()) lines.emplace_back(line.at.ns, line.machine, line.kind, line.text);
    return lines;
  });
}

// A method of World that takes a machine's name and gives nothing back.
template <class Method>
auto on_machine(Method method) {
  return [method](WorldHost& host, const std::string& name) {
    host.use_machine(name, [&](sim::World& world) { (world.*method)(name); });
  };
}

// A method of World that only asks.
template <class Ask>
auto asking(Ask ask) {
  return [ask](WorldHost& host) { return host.use([&](sim::World& world) { return ask(world); }); };
}

void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const InvariantFailure& failure) {
    const py::object type = py::module_::import("swarmpy.errors").attr("InvariantError");
    py::set_error(type, failure.what());
  } catch (const UsageError& error) {
    py::set_error(PyExc_ValueError, error.what());
  }
}

void define_machines(WorldClass& world) {
  using Unlocked = py::call_guard<py::gil_scoped_release>;
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
}

void define_faults(WorldClass& world) {
  using Unlocked = py::call_guard<py::gil_scoped_release>;
  world
      .def(
          "partition",
          [](WorldHost& host, const std::vector<std::vector<std::string>>& groups) {
            host.partition(groups);
          },
          Unlocked())
      .def("heal", asking([](sim::World& w) { w.heal(); }), Unlocked())
      .def(
          "set_image",
          [](WorldHost& host, const std::string& reference, bool exists, std::optional<std::int64_t> lives_ns,
             std::int64_t exit_code, bool ignores_term) {
            const auto script = script_of(exists, lives_ns, exit_code, ignores_term);
            host.use([&](sim::World& w) { w.set_image(reference, script); });
          },
          py::arg("reference"), py::kw_only(), py::arg("exists") = true, py::arg("lives_ns") = py::none(),
          py::arg("exit_code") = 0, py::arg("ignores_term") = false, Unlocked());
}

void define_calls(WorldClass& world) {
  using Unlocked = py::call_guard<py::gil_scoped_release>;
  world
      .def("call", &call, py::arg("machine"), py::arg("method"), py::arg("target"), py::arg("headers"),
           py::arg("body"), Unlocked())
      .def("reply", &reply, Unlocked())
      .def("look", &look, py::arg("machine"), py::arg("target"), py::arg("headers"))
      .def("leader", asking([](sim::World& w) { return w.leader(); }), Unlocked())
      .def("managers", asking([](sim::World& w) { return w.managers(); }), Unlocked())
      .def("raft_changes", asking([](sim::World& w) { return w.raft_changes(); }), Unlocked())
      .def("changes", asking([](sim::World& w) { return w.changes(); }), Unlocked())
      .def(
          "http_get",
          [](WorldHost& host, const std::string& machine, std::uint32_t port) {
            return host.use_machine(machine, [&](sim::World& w) { return w.http_get(machine, port); });
          },
          Unlocked())
      .def(
          "http_reply",  // (ended, status, body, error); an ended one is forgotten
          [](WorldHost& host, sim::RequestId id) {
            return host.use([&](sim::World& w) {
              const sim::HttpReply reply = w.http_reply(id);
              if (reply.ended) w.http_forget(id);
              return std::tuple(reply.ended, reply.status, reply.body, reply.error);
            });
          },
          Unlocked())
      .def(
          "wait_http",
          [](WorldHost& host, sim::RequestId id, std::int64_t until_ns) {
            return word(wait_interruptibly([&] { return host.wait_http(id, Instant{until_ns}); }));
          },
          py::arg("id"), py::arg("until_ns"))
      .def(
          "occupy_port",
          [](WorldHost& host, const std::string& machine, std::uint32_t port, bool taken) {
            host.use_machine(machine, [&](sim::World& w) { w.occupy_port(machine, port, taken); });
          },
          Unlocked())
      .def("take_body",
           [](WorldHost& host, sim::CallId id) {
             std::string body;
             {
               const py::gil_scoped_release release;
               body = take_body(host, id);
             }
             return py::bytes(body);
           })
      .def("hang_up", &WorldHost::hang_up, Unlocked())
      .def(
          "wait_reply",
          [](WorldHost& host, sim::CallId id, const std::string& wanted, std::int64_t until_ns) {
            const Wanted what = wanted_of(wanted);
            return word(wait_interruptibly([&] { return host.wait_reply(id, what, Instant{until_ns}); }));
          },
          py::arg("id"), py::arg("wanted"), py::arg("until_ns"));
}

void define_time(WorldClass& world) {
  using Unlocked = py::call_guard<py::gil_scoped_release>;
  world.def("now_ns", asking([](sim::World& w) { return w.now().ns; }), Unlocked())
      .def("wall_ns", asking([](sim::World& w) { return w.wall().ns; }), Unlocked())
      .def("next_event_ns", asking([](sim::World& w) { return w.next_event().ns; }), Unlocked())
      .def("step", &WorldHost::step, Unlocked())
      .def("run_to", [](WorldHost& host,
                        std::int64_t ns) { wait_interruptibly([&] { return host.run_to(Instant{ns}); }); })
      .def("wait_change", &wait_change, py::arg("seen"), py::arg("until_ns"), py::kw_only(),
           py::arg("services") = py::none(), py::arg("ready_nodes") = 0)
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

void define_door(py::module_& module) {
  using Unlocked = py::call_guard<py::gil_scoped_release>;
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
  define_faults(world);
  define_calls(world);
  define_time(world);
  define_door(module);
}
