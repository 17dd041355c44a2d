#include "net/overlay/names.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/id.hpp"

namespace swarm::overlay {
namespace {

constexpr std::size_t kDigitsOfTask = 10;  // 51 random bits: no two tasks of a node share them

}  // namespace

std::string bridge_name(std::uint32_t vni) { return "swb" + std::to_string(vni); }
std::string tunnel_name(std::uint32_t vni) { return "swx" + std::to_string(vni); }

std::string cable_name(TaskId task, std::uint8_t index) {
  return "swv" + to_base36(task.value(), kIdLength).substr(kIdLength - kDigitsOfTask) + to_base36(index, 2);
}

std::string interface_name(std::uint8_t index) { return "eth" + std::to_string(index); }

}  // namespace swarm::overlay
