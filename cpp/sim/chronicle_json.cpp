// The chronicle as JSON: tables of rows, so that a long run stays small.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "docker/json.hpp"
#include "sim/chronicle.hpp"
#include "sim/chronicle_words.hpp"
#include "sim/event_queue.hpp"
#include "sim/machine_index.hpp"

namespace swarm::sim {

using docker::Json;

namespace {

std::int64_t number(MachineIndex machine) {
  return machine == Chronicle::kNobody ? -1 : static_cast<std::int64_t>(machine);
}
std::int64_t number(Instant at) { return at == Instant::never() ? -1 : at.ns; }

const char* word(Chronicle::Fate fate) {
  switch (fate) {
    case Chronicle::Fate::on_its_way:
      return "on its way";
    case Chronicle::Fate::arrived:
      return "arrived";
    case Chronicle::Fate::lost:
      return "lost";
    case Chronicle::Fate::cut:
      return "cut";
    case Chronicle::Fate::dead:
      return "nobody there";
  }
  return "";
}

}  // namespace

class ChronicleJson {
 public:
  explicit ChronicleJson(const Chronicle& of) : of_(of) {}

  std::string write(Instant now, std::uint64_t seed) {
    json_.object([&] {
      json_.field("format", 1).field("seed", std::to_string(seed));
      json_.field("since", of_.since_.ns).field("now", now.ns);
      json_.object("bounds", [&] {
        json_.field("messages", static_cast<std::uint64_t>(Chronicle::kMostMessages));
        json_.field("others", static_cast<std::uint64_t>(Chronicle::kMostOthers));
      });
      nodes();
      kinds();
      messages();
      raft();
      objects();
      faults();
      requests();
    });
    return json_.take();
  }

 private:
  template <class T, class Row>
  void table(const char* name, const std::vector<std::string>& columns, const Newest<T>& of, Row row) {
    json_.object(name, [&] {
      json_.field("columns", columns).field("dropped", of.dropped());
      json_.array("rows", [&] {
        for (const T& one : of.kept()) json_.array([&] { row(one); });
      });
    });
  }
  template <class... Values>
  void cells(const Values&... values) {
    (json_.value(values), ...);
  }

  void nodes() {
    json_.array("nodes", [&] {
      for (const auto& node : of_.nodes_)
        json_.object([&] {
          json_.field("name", node.name).field("added", node.added.ns).field("manages", node.manages);
        });
    });
    table("states", {"at", "node", "state", "why"}, of_.states_,
          [&](const auto& it) { cells(it.at.ns, number(it.machine), it.state, it.why); });
  }
  void kinds() {
    json_.array("kinds", [&] {
      for (const auto& kind : message_kinds())
        json_.object([&] { json_.field("word", kind.word).field("family", kind.family); });
    });
  }
  void messages() {
    table("messages",
          {"sent", "ended", "from", "to", "kind", "fate", "refused", "copy", "held", "count", "bytes", "term",
           "index", "commit", "text"},
          of_.messages_, [&](const auto& it) {
            cells(it.sent.ns, it.ended.ns, number(it.from), number(it.to), std::uint32_t{it.kind},
                  word(it.fate), it.refused ? 1 : 0, it.copy ? 1 : 0, it.held ? 1 : 0, it.count, it.bytes,
                  it.term, it.index, it.commit, it.text);
          });
  }
  void raft() {
    table("roles", {"at", "node", "role", "term", "leader"}, of_.roles_,
          [&](const auto& it) { cells(it.at.ns, number(it.machine), it.role, it.term, number(it.leader)); });
    table("commits", {"at", "node", "commit", "applied"}, of_.commits_,
          [&](const auto& it) { cells(it.at.ns, number(it.machine), it.commit, it.applied); });
  }
  void objects() {
    std::map<std::string, std::uint64_t> numbers;
    json_.array("tasks", [&] {
      for (const auto& move : of_.moves_.kept()) {
        if (!numbers.try_emplace(move.task->id, numbers.size()).second) continue;
        json_.object([&] {
          const auto& task = *move.task;
          json_.field("id", task.id).field("name", task.name).field("service", task.service);
          json_.field("image", task.image).field("slot", task.slot).field("version", task.spec_version);
        });
      }
    });
    table("moves", {"at", "task", "node", "state", "desired", "removed", "error"}, of_.moves_,
          [&](const auto& it) {
            cells(it.at.ns, numbers.at(it.task->id), number(it.machine), model::to_string(it.state),
                  model::to_string(it.desired), it.removed ? 1 : 0, it.error);
          });
    table("notes", {"at", "node", "kind", "name", "text"}, of_.notes_,
          [&](const auto& it) { cells(it.at.ns, number(it.machine), it.kind, it.name, it.text); });
  }
  void faults() {
    table("faults", {"at", "ended", "kind", "text", "nodes"}, of_.faults_, [&](const auto& it) {
      cells(number(it.begun), number(it.ended), it.kind, it.text);
      json_.array([&] {
        for (const auto machine : it.machines) json_.value(number(machine));
      });
    });
    table("broken", {"at", "node", "name", "what"}, of_.broken_,
          [&](const auto& it) { cells(it.at.ns, number(it.machine), it.name, it.what); });
  }
  void requests() {
    table("calls", {"at", "ended", "node", "method", "path", "status", "error"}, of_.calls_,
          [&](const auto& it) {
            cells(it.at.ns, number(it.ended), number(it.machine), it.method, it.path, it.status, it.error);
          });
    table("fetches", {"at", "ended", "node", "port", "status", "task", "error"}, of_.fetches_,
          [&](const auto& it) {
            cells(it.at.ns, number(it.ended), number(it.machine), it.port, it.status, it.task, it.error);
          });
  }

  const Chronicle& of_;
  Json json_;
};

std::string Chronicle::json(Instant now, std::uint64_t seed) const {
  return ChronicleJson(*this).write(now, seed);
}

}  // namespace swarm::sim
