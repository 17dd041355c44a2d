// An address of a network belongs to one service or to one task that goes on, and no two networks share a
// subnet.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/network.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "sim/check/rules.hpp"
#include "sim/watch.hpp"
#include "store/change_set.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

class AddressHolders {
 public:
  Verdict committed(const Commit& commit) {
    for (const auto& any : commit.changes) release_before(any);
    for (const auto& any : commit.changes)
      if (is_last(any, commit.store))
        if (auto broken = hold_after(any)) return broken;
    return std::nullopt;
  }

 private:
  using Place = std::pair<NetworkId, std::string>;

  // Calls what(place, holder) for each address of the object.
  template <class What>
  static void each(const model::Service& service, const What& what) {
    for (const auto& one : service.virtual_ips)
      what({one.network_id, one.address}, "service " + service.spec.annotations.name);
  }
  template <class What>
  static void each(const model::Task& task, const What& what) {
    if (model::is_terminal(task.state())) return;
    for (const auto& one : task.attachments)
      for (const auto& address : one.addresses) what({one.network_id, address}, "task " + task.id.str());
  }
  template <class What>
  static void each(const model::Network& network, const What& what) {
    for (const auto& one : network.allocated) what({{}, one.subnet}, "network " + network.annotations.name);
  }

  // An entry may change an object more than once: what the object was in between holds nothing.
  static bool is_last(const store::AnyChange& any, const store::Store& store) {
    if (const auto* service = std::get_if<store::Change<model::Service>>(&any))
      return service->after == store.service(service->latest().id);
    if (const auto* task = std::get_if<store::Change<model::Task>>(&any))
      return task->after == store.task(task->latest().id);
    if (const auto* network = std::get_if<store::Change<model::Network>>(&any))
      return network->after == store.network(network->latest().id);
    return true;
  }
  void release_before(const store::AnyChange& any) {
    std::visit(
        [this]<class T>(const store::Change<T>& change) {
          if constexpr (requires { each(*change.before, [](const Place&, const std::string&) {}); })
            if (change.before)
              each(*change.before, [this](const Place& place, const std::string&) { holders_.erase(place); });
        },
        any);
  }
  Verdict hold_after(const store::AnyChange& any) {
    Verdict broken;
    const auto hold = [&](const Place& place, const std::string& holder) {
      const auto [held, fresh] = holders_.try_emplace(place, holder);
      if (!fresh && held->second != holder)
        broken = place.second + " is given to " + holder + " and to " + held->second;
      if (place.first.empty()) note_overlap(place.second, holder, broken);
    };
    std::visit(
        [&]<class T>(const store::Change<T>& change) {
          if constexpr (requires { each(*change.after, hold); })
            if (change.after) each(*change.after, hold);
        },
        any);
    return broken;
  }
  void note_overlap(const std::string& subnet, const std::string& holder, Verdict& broken) const {
    const auto block = AddressBlock::parse(subnet);
    for (auto it = holders_.begin(); it != holders_.end() && it->first.first.empty(); ++it) {
      const auto other = AddressBlock::parse(it->first.second);
      if (it->second != holder && block && other && block->overlaps(*other))
        broken = "the subnet " + subnet + " of " + holder + " overlaps with " + it->first.second + " of " +
                 it->second;
    }
  }

  std::map<Place, std::string> holders_;  // subnets under no network's id: they come first
};

}  // namespace

Rule addresses_belong_to_one() {
  Rule rule;
  rule.name = "addresses belong to one";
  rule.committed = [holders = AddressHolders()](const Commit& commit) mutable {
    return holders.committed(commit);
  };
  return rule;
}

}  // namespace swarm::sim
