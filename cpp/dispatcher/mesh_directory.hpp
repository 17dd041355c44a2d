// MeshDirectory: which published port leads to which tasks, derived from the store, as a list of changes that
// can be told from any point on. MeshFeed: how far one session has been told.
//
// A task is a backend while it runs and is meant to run, and its service publishes a TCP port through the
// mesh. Each service and task stands in the list once, at the version of its last change: an increment costs
// what changed, and a session that is behind the list's beginning gets the whole. Versions are this leader's
// own; a session begins with the whole table. NOT here: who gets a connection (net/mesh).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "model/wire.hpp"
#include "store/store.hpp"

namespace swarm::dispatcher {

class MeshDirectory {
 public:
  void start(const store::Store& store);
  void note(const store::Store& store, const store::Change<model::Service>& change);
  void note(const store::Store& store, const store::Change<model::Task>& change);
  void note(const store::Store& store, const store::Change<model::Node>& change);

  std::uint64_t version() const { return version_; }
  // Everything, or what changed after `version`; the session's numbers are for the caller to fill in.
  wire::MeshUpdate all() const;
  std::optional<wire::MeshUpdate> since(std::uint64_t version) const;  // nothing: that is too long ago

 private:
  using Key = std::variant<ServiceId, TaskId>;
  void set_service(const store::Store& store, const model::Service* service, ServiceId id);
  void set_task(const store::Store& store, const model::Task* task, TaskId id);
  void changed(const Key& key, bool removed);
  void forget_old_removals();

  std::uint64_t version_ = 0;
  std::uint64_t first_ = 0;  // increments reach back to here
  std::map<ServiceId, std::vector<model::MeshPort>> services_;
  std::map<TaskId, model::MeshBackend> backends_;
  std::map<Key, std::uint64_t> last_change_;
  std::map<std::uint64_t, Key> changes_;
  std::deque<std::pair<std::uint64_t, Key>> removals_;
};

class MeshFeed {
 public:
  // The node starts from nothing. Numbers go on: an old acknowledgement must not pass for a new one.
  void start_over() {
    wants_all_ = true;
    deadline_ = Instant::never();
  }
  void on_ack(const wire::MeshAck& ack);
  // The next message, when it is time for one. One is under way at a time; what changes meanwhile is
  // gathered.
  std::optional<wire::MeshUpdate> next(const MeshDirectory& directory, Instant now);
  Instant next_deadline() const { return deadline_; }

 private:
  std::uint64_t number_ = 0;  // of the last message
  std::uint64_t told_ = 0;    // the directory's version that it carried
  Instant deadline_ = Instant::never();
  std::int64_t timeouts_ = 0;  // in a row
  bool wants_all_ = true;
};

}  // namespace swarm::dispatcher
