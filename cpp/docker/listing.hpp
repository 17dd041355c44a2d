// Listings: answers that are one JSON array of many objects: tasks, services, nodes.
//
// A listing shows the store of one version (store::View) and is written in pieces: kObjectsPerTurn objects in
// one turn of the node, of all listings together, so that no other request waits for a hundred thousand
// tasks. Every object that is looked at counts, whether or not it passes the filters. A short listing is
// written at once. The pieces together are the same bytes as one whole.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "docker/filters.hpp"
#include "docker/json.hpp"
#include "docker/objects.hpp"
#include "model/constraint.hpp"
#include "store/view.hpp"

namespace swarm::docker {

inline constexpr std::size_t kObjectsPerTurn = 1'000;
// ... of one listing, while others wait for theirs.
inline constexpr std::size_t kObjectsPerSlice = 250;

// How many objects may still be looked at.
class Budget {
 public:
  explicit Budget(std::size_t objects) : left_(objects) {}
  bool is_spent() const { return left_ == 0; }
  std::size_t left() const { return left_; }
  void spend_one() { left_ -= left_ == 0 ? 0 : 1; }

 private:
  std::size_t left_;
};

// Each writes objects until the budget is spent, from where it stopped. Returns true when it has written the
// last one.

struct TaskListing {
  std::shared_ptr<const store::View> view;
  Filters filters;
  std::vector<ServiceId> services;
  std::vector<NodeId> nodes;
  std::optional<std::vector<TaskId>> candidates;  // by the narrowest index; nothing: all tasks
  std::size_t next = 0;                           // of the candidates
  std::optional<TaskId> last;                     // of all tasks
  TaskWriter writer;

  bool write(Json& json, Budget& budget, const Context& context);
};

// The running and wanted tasks of one service, which may have as many as the whole swarm.
class TaskCount {
 public:
  TaskCount(store::Ref<model::Service> service, std::vector<TaskId> tasks);
  bool count(const store::View& view, Budget& budget);
  ServiceCounts counts() const;

 private:
  void note_place(const model::Task& task, const model::Node& node);

  store::Ref<model::Service> service_;
  std::vector<TaskId> tasks_;
  std::size_t next_ = 0;
  std::uint64_t running_ = 0;
  // Of a global service: the constraints on its nodes, if they can be read, and the nodes where a task is
  // wanted.
  std::optional<std::vector<model::Constraint>> constraints_;
  std::set<NodeId> places_;
};

struct ServiceListing {
  std::shared_ptr<const store::View> view;
  Filters filters;
  bool with_status = false;
  ServiceWriter* texts = nullptr;  // of the Replies, which outlive it
  std::optional<ServiceId> last;
  std::optional<TaskCount> counting;  // of the service that is next

  bool write(Json& json, Budget& budget, const Context& context);

 private:
  bool write_one(Json& json, const store::Ref<model::Service>& service, Budget& budget);
};

struct NodeListing {
  std::shared_ptr<const store::View> view;
  Filters filters;
  std::optional<NodeId> last;

  bool write(Json& json, Budget& budget, const Context& context);
};

using Listing = std::variant<TaskListing, ServiceListing, NodeListing>;

// One that is being written: the listing and what is left of its JSON.
class ListingUnderWay {
 public:
  explicit ListingUnderWay(Listing listing) : listing_(std::move(listing)) { json_.begin_array(); }
  // The next piece of the answer's body; `done()` after the last one.
  std::string write(Budget& budget, const Context& context);
  bool done() const { return done_; }

 private:
  Listing listing_;
  Json json_;
  bool done_ = false;
};

}  // namespace swarm::docker
