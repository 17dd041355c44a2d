// _core.World: the front door, looks, and published ports.
#include "bindings/binding.hpp"

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "bindings/world_host.hpp"
#include "ports/http.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

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

std::string take_body(WorldHost& host, sim::CallId id) {
  return host.use([&](sim::World& world) { return world.take_body(id); });
}

}  // namespace

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

// Long: a list, one definition for each method.
void define_calls(WorldClass& world) {
  world
      .def("call", &call, py::arg("machine"), py::arg("method"), py::arg("target"), py::arg("headers"),
           py::arg("body"), Unlocked())
      .def("reply", &reply, Unlocked())
      .def("look", &look, py::arg("machine"), py::arg("target"), py::arg("headers"))
      .def("leader", asking([](sim::World& w) { return w.leader(); }), Unlocked())
      .def("managers", asking([](sim::World& w) { return w.managers(); }), Unlocked())
      .def("raft_changes", asking([](sim::World& w) { return w.raft_changes(); }), Unlocked())
      .def(
          "counted",
          [](WorldHost& host, const std::string& machine) {
            return host.use_machine(machine, [&](sim::World& w) { return w.counted(machine); });
          },
          py::arg("machine"), Unlocked())
      .def("changes", asking([](sim::World& w) { return w.changes(); }), Unlocked())
      .def(
          "http_get",
          [](WorldHost& host, const std::string& machine, std::uint32_t port) {
            return host.act_on(machine, [&](sim::World& w) { return w.http_get(machine, port); });
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

}  // namespace swarm::bindings
