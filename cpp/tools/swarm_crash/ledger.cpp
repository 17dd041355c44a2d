#include "ledger.hpp"

#include <cstdint>
#include <set>
#include <string>

#include "model/container_spec.hpp"
#include "model/service.hpp"
#include "store/store.hpp"

namespace swarm::tools {
namespace {

std::string name_of(const model::Service& service) { return service.spec.annotations.name; }

std::string seen_in(const store::Store& store, const std::string& fact) {
  const std::string name = fact.substr(fact.find(' ') + 1);
  if (fact.starts_with("key ")) {
    const auto key = store.key(name);
    return key ? key->value : kAbsent;
  }
  if (!fact.starts_with("service ")) return {};
  const auto service = store.service_named(name);
  return service ? look_of(service->spec.task.container->image, service->spec.replicas()) : kAbsent;
}

std::string list(const std::set<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : " or ") + value;
  return text;
}

}  // namespace

std::string look_of(const std::string& image, std::uint64_t replicas) {
  return image + " x " + std::to_string(replicas);
}

const std::set<std::string>& Ledger::may_be(const std::string& fact) const {
  static const std::set<std::string> kUnheardOf{kAbsent};
  const auto found = facts_.find(fact);
  return found == facts_.end() ? kUnheardOf : found->second;
}

std::string Ledger::broken_by(const store::Store& store) const {
  for (const auto& [fact, values] : facts_) {
    const std::string seen = seen_in(store, fact);
    if (!seen.empty() && !values.contains(seen))
      return fact + " is " + seen + ", and was promised as " + list(values);
  }
  for (const auto& [id, service] : store.services())
    if (!facts_.contains("service " + name_of(*service)))
      return "a service that no client made: " + name_of(*service);
  return {};
}

}  // namespace swarm::tools
