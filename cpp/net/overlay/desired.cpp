#include "net/overlay/desired.hpp"

#include <map>
#include <optional>
#include <vector>

namespace swarm::overlay {
namespace {

template <class Key, class Value>
void edit(std::map<Key, Value>& kept, const std::vector<Edit<Key, Value>>& edits) {
  for (const auto& [key, value] : edits) {
    if (value) {
      kept.insert_or_assign(key, *value);
    } else {
      kept.erase(key);
    }
  }
}

template <class Key, class Value>
std::vector<Edit<Key, Value>> edits(const std::map<Key, Value>& from, const std::map<Key, Value>& to) {
  std::vector<Edit<Key, Value>> out;
  auto old = from.begin();
  auto now = to.begin();
  while (old != from.end() || now != to.end()) {
    if (now == to.end() || (old != from.end() && old->first < now->first)) {
      out.push_back({(old++)->first, std::nullopt});
    } else if (old == from.end() || now->first < old->first) {
      out.push_back({now->first, now->second});
      ++now;
    } else {
      if (!(old->second == now->second)) out.push_back({now->first, now->second});
      ++old;
      ++now;
    }
  }
  return out;
}

}  // namespace

void apply(DesiredNetwork& to, const Difference& difference) {
  edit(to.segments, difference.segments);
  edit(to.stations, difference.stations);
  edit(to.spaces, difference.spaces);
  edit(to.cables, difference.cables);
  edit(to.vips, difference.vips);
}

Difference difference(const DesiredNetwork& from, const DesiredNetwork& to) {
  return {edits(from.segments, to.segments), edits(from.stations, to.stations), edits(from.spaces, to.spaces),
          edits(from.cables, to.cables), edits(from.vips, to.vips)};
}

}  // namespace swarm::overlay
