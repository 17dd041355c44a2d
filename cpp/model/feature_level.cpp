#include "model/feature_level.hpp"

#include <algorithm>
#include <variant>

#include "base/type_list.hpp"
#include "model/key_value.hpp"
#include "model/kind.hpp"
#include "model/kinds.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"

namespace swarm::model {
namespace {

template <class T>
constexpr FeatureLevel since() {
  if constexpr (requires { T::kSince; })
    return T::kSince;
  else
    return kFirstLevel;
}

template <class... T>
constexpr bool all_known(TypeList<T...>) {
  return ((since<T>() >= kFirstLevel && since<T>() <= kFeatureLevel) && ...);
}
template <class... T>
constexpr bool all_known(const std::variant<T...>*) {
  return all_known(TypeList<T...>{});
}
static_assert(all_known(Kinds{}) && all_known(static_cast<const Action*>(nullptr)),
              "kFeatureLevel is the newest level that anything says");

FeatureLevel level_of(const Build& build, Kind kind) {
  if (const auto later = build.since.find(kind); later != build.since.end()) return later->second;
  FeatureLevel level = kFirstLevel;
  visit_kind(kind, [&]<class T>() { level = since<T>(); });
  return level;
}

template <class T>
FeatureLevel level_of(const Build& build, const T& object) {
  const FeatureLevel level = level_of(build, T::kKind);
  if constexpr (requires { object.needed_level(); })
    return std::max(level, object.needed_level());
  else
    return level;
}

FeatureLevel of_action(const Build& build, const Put& put) {
  return std::visit([&](const auto& object) { return level_of(build, object); }, put.object);
}
FeatureLevel of_action(const Build& build, const Remove& remove) { return level_of(build, remove.kind); }
FeatureLevel of_action(const Build& build, const TaskStep& step) {
  return std::max(level_of(build, Task::kKind), step.attachments.empty() ? kFirstLevel : kNetworksSince);
}
FeatureLevel of_action(const Build& build, const NodeStep& step) {
  const bool says_tls = step.description && step.description->tls;
  return std::max(level_of(build, Node::kKind), says_tls ? kTlsInfoSince : kFirstLevel);
}
FeatureLevel of_action(const Build& build, const WriteKey&) { return level_of(build, KeyValue::kKind); }

}  // namespace

FeatureLevel needed_level(const Build& build, const Transaction& transaction) {
  FeatureLevel needed = kFirstLevel;
  for (const auto& action : transaction.actions)
    std::visit(
        [&]<class T>(const T& one) {
          needed = std::max({needed, since<T>(), of_action(build, one)});
        },
        action);
  return needed;
}

}  // namespace swarm::model
