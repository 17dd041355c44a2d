#include "sim/journal.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "faults/fault.hpp"
#include "model/annotations.hpp"
#include "ports/http.hpp"
#include "sim/inputs.hpp"

namespace swarm::sim {
namespace {

struct Weigh {
  static constexpr std::uint64_t kFault = sizeof(faults::Fault);
  std::uint64_t bytes = sizeof(JournalEntry);
  void operator()(std::string_view, const std::string& text) { bytes += text.size(); }
  void operator()(std::string_view, const http::Headers& headers) {
    for (const auto& [name, value] : headers) bytes += 2 * sizeof(std::string) + name.size() + value.size();
  }
  void operator()(std::string_view, const model::Labels& labels) {
    for (const auto& [key, value] : labels) bytes += 100 + key.size() + value.size();
  }
  void operator()(std::string_view, const faults::Groups& groups) {
    for (const auto& group : groups) bytes += sizeof(faults::Names) + group.size() * sizeof(std::string);
  }
  void operator()(std::string_view, const faults::Fault& fault) {
    bytes += kFault + 100 * fault.arguments.size();
  }
  void operator()(std::string_view name, const std::vector<faults::Fault>& all) {
    for (const auto& fault : all) (*this)(name, fault);
  }
  template <class Plain>
  void operator()(std::string_view, const Plain&) {
    static_assert(std::is_trivially_copyable_v<Plain>, "say what it weighs");
  }
};

std::uint64_t weight(Input& input) {
  Weigh weigh;
  std::visit([&](auto& what) { what.fields(weigh); }, input);
  return weigh.bytes;
}

}  // namespace

bool Journal::add(Moment when, Input input) {
  full_ = full_ || bytes_ > kMostBytes;
  if (full_) return false;
  bytes_ += weight(input);
  entries_.push_back({when, std::move(input), 0});
  return true;
}

std::string Journal::incomplete() const {
  if (full_) return "it has more inputs than a journal keeps (" + std::to_string(kMostBytes >> 20) + " MiB)";
  for (const JournalEntry& entry : entries_) {
    if (const auto* disk = std::get_if<inputs::DiskByHand>(&entry.input))
      return "the disk of " + disk->machine + " was written by hand";
    if (const auto* wire = std::get_if<inputs::WireByHand>(&entry.input))
      return "frames were sent by hand from " + wire->machine;
  }
  return {};
}

}  // namespace swarm::sim
