#include "scheduler/spread.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "model/annotations.hpp"
#include "model/node.hpp"
#include "scheduler/filters.hpp"
#include "scheduler/node_info.hpp"

namespace swarm::scheduler {
namespace {

constexpr std::string_view kNodeLabels = "node.labels.";
constexpr std::string_view kEngineLabels = "engine.labels.";

bool begins_with(std::string_view text, std::string_view prefix) {
  if (text.size() <= prefix.size()) return false;
  return std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b + ('a' - 'A')) : b);
  });
}

std::string label(const model::Labels& labels, std::string_view key) {
  const auto it = labels.find(std::string(key));
  return it == labels.end() ? std::string() : it->second;
}

// The branch of a node; a missing label is a branch of its own, "". Null for a key that names no label:
// ignored.
std::optional<std::string> branch_name(const model::Node& node, std::string_view preference) {
  if (begins_with(preference, kNodeLabels))
    return label(node.spec.annotations.labels, preference.substr(kNodeLabels.size()));
  if (begins_with(preference, kEngineLabels))
    return label(node.description.engine_labels, preference.substr(kEngineLabels.size()));
  return std::nullopt;
}

}  // namespace

Spread::Spread(Infos& infos, const Filters& filters, const GroupKey& group,
               const std::vector<std::string>& preferences, Instant now, Rng& rng)
    : filters_(filters), group_(group), now_(now), rng_(rng) {
  for (auto& [id, info] : infos)
    if (info.node) insert(info, preferences);
  open(root_);
}

Spread::Rank Spread::rank(const NodeInfo& info) {
  return {info.faults(group_, now_), info.tasks_of(group_.service), info.tasks(), rng_.next()};
}

void Spread::insert(NodeInfo& info, const std::vector<std::string>& preferences) {
  Branch* branch = &root_;
  const std::uint64_t weight = info.tasks_of(group_.service);
  for (const auto& preference : preferences) {
    const auto name = branch_name(*info.node, preference);
    if (!name) continue;
    auto& child = branch->children[*name];
    if (!child) {
      child = std::make_unique<Branch>();
      child->draw = rng_.next();
    }
    branch = child.get();
    branch->weight += weight;
  }
  if (!filters_.refusal(info)) branch->nodes.emplace(std::pair(rank(info), info.node->id), &info);
}

void Spread::open(Branch& branch) {
  for (auto& [name, child] : branch.children) {
    open(*child);
    if (!child->is_empty()) branch.usable.emplace(std::tuple(child->weight, child->draw, name), child.get());
  }
}

// The first fitting node below the branch; what cannot take a task any more is left out from then on.
NodeInfo* Spread::best(Branch& branch) {
  path_.push_back(&branch);
  while (!branch.usable.empty()) {
    if (NodeInfo* info = best(*branch.usable.begin()->second)) return info;
    branch.usable.erase(branch.usable.begin());
  }
  while (!branch.nodes.empty()) {
    NodeInfo* info = branch.nodes.begin()->second;
    if (!filters_.refusal(*info)) return info;
    branch.nodes.erase(branch.nodes.begin());
  }
  path_.pop_back();
  return nullptr;
}

NodeInfo* Spread::next() {
  path_.clear();
  given_ = best(root_);
  return given_;
}

void Spread::placed() {
  SWARM_CHECK(given_ != nullptr);
  Branch& leaf = *path_.back();
  SWARM_CHECK(leaf.nodes.begin()->second == given_, "node", given_->node->id,
              "is not the best of its branch");
  leaf.nodes.erase(leaf.nodes.begin());
  leaf.nodes.emplace(std::pair(rank(*given_), given_->node->id), given_);
  for (std::size_t i = path_.size() - 1; i > 0; --i) {
    Branch& parent = *path_[i - 1];
    Branch& child = *path_[i];
    auto entry = parent.usable.extract(parent.usable.begin());
    std::get<0>(entry.key()) = ++child.weight;
    parent.usable.insert(std::move(entry));
  }
  given_ = nullptr;
}

}  // namespace swarm::scheduler
