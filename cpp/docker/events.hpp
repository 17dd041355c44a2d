// Events: what `docker events` shows. Changes of nodes, services and networks come from the store, on
// managers; those of containers from this node's worker. Docker has no events of tasks: swarmpy shows them
// under /swarmpy/v1/events only.
//
// The log keeps the last of them, for `since`, as the objects that they are about: text is made only for a
// reader.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "docker/api.hpp"
#include "docker/filters.hpp"

namespace swarm::docker {

// What events say about a container: known from its creation on, and still known when it is gone.
struct ContainerFacts {
  std::string container_id, image;
  model::Labels attributes;  // its labels, `image` and `name`
  std::string stop_signal;   // "": SIGTERM
};

struct Event {
  WallTime time;
  std::uint64_t version = 0;  // the entry that did it; 0: no entry, a container's event
  std::variant<store::AnyChange, std::pair<agent::ContainerEvent, ContainerFacts>> subject;
  std::string node_name;  // of a task's node
  bool of_task() const {
    const auto* change = std::get_if<store::AnyChange>(&subject);
    return change != nullptr && std::holds_alternative<store::Change<model::Task>>(*change);
  }
};

struct ShownEvent {
  std::string type, action, id, name, scope;
  model::Labels attributes;
};
ShownEvent show(const Event& event);

class Json;

class EventFilter {
 public:
  EventFilter(Filters filters, bool with_tasks, std::optional<WallTime> since, std::optional<WallTime> until)
      : filters_(std::move(filters)), with_tasks_(with_tasks), since_(since), until_(until) {}
  // The line to send, or nothing.
  std::optional<std::string> line(const Event& event) const;

 private:
  bool matches(const ShownEvent& event) const;

  Filters filters_;
  bool with_tasks_;
  std::optional<WallTime> since_, until_;
};

class EventLog {
 public:
  // Makes events of the changes, or of the container's event; keeps them and returns them.
  std::vector<Event> add(const store::ChangeSet& changes, const Context& context);
  std::vector<Event> add(const agent::ContainerEvent& event, const Context& context);
  // Oldest first.
  std::vector<std::string> replay(const EventFilter& filter) const;
  // All that entries after this one did is still kept.
  std::uint64_t forgotten_until() const { return forgotten_until_; }
  // Writes what the entries after `version` did, as items of an array, in their order. `facts`: with what
  // each object was before and after.
  void write_after(std::uint64_t version, bool facts, Json& json) const;

 private:
  void keep(const Event& event);
  template <class Each>
  void in_order(Each&& each) const;

  std::uint64_t last_ = 0;
  std::uint64_t last_version_ = 0, forgotten_until_ = 0;
  std::uint64_t began_ = 0;  // events before it are of another swarm's log
  // By number, so that both replay in the order in which they came. Tasks have a ring of their own: there are
  // many.
  std::deque<std::pair<std::uint64_t, Event>> docker_, tasks_;
  std::map<TaskId, ContainerFacts> containers_;
};

}  // namespace swarm::docker
