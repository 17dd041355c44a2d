// A published port in the ingress mode belongs to one service (reliability.md, invariant V3).
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "base/id.hpp"
#include "model/port.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "sim/check/rules.hpp"
#include "sim/watch.hpp"
#include "store/change_set.hpp"

namespace swarm::sim {
namespace {

class PortHolders {
 public:
  Verdict committed(const Commit& commit) {
    for (const auto& any : commit.changes)
      if (const auto* change = std::get_if<store::Change<model::Service>>(&any))
        if (change->before) release(*change->before);
    for (const auto& any : commit.changes)
      if (const auto* change = std::get_if<store::Change<model::Service>>(&any);
          change && change->after &&
          change->after == commit.store.service(change->after->id))  // its last one
        if (auto broken = hold(*change->after)) return broken;
    return std::nullopt;
  }

 private:
  void release(const model::Service& service) {
    for (const auto& port : service.ports) {
      const auto held = holders_.find({port.protocol, port.published_port});
      if (held != holders_.end() && held->second == service.id) holders_.erase(held);
    }
  }
  Verdict hold(const model::Service& service) {
    for (const auto& port : service.ports) {
      if (port.publish_mode != model::PublishMode::ingress || port.published_port == 0) continue;
      const auto [held, fresh] = holders_.try_emplace({port.protocol, port.published_port}, service.id);
      if (!fresh && held->second != service.id)
        return "port " + std::to_string(port.published_port) + " is given to " +
               service.spec.annotations.name + " and to service " + held->second.str();
    }
    return std::nullopt;
  }
  std::map<model::PortKey, ServiceId> holders_;
};

}  // namespace

Rule ports_belong_to_one_service() {
  Rule rule;
  rule.name = "ports belong to one service";
  rule.committed = [holders = PortHolders()](const Commit& commit) mutable {
    return holders.committed(commit);
  };
  return rule;
}

}  // namespace swarm::sim
