#include "real/runner/task_address.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

// 127.16.0.1 .. 127.255.255.254: nodes live below.
constexpr std::uint32_t kFirst = 16U << 16, kCount = 240U << 16;

bool is_free_ending(std::uint32_t number) { return (number & 0xff) != 0 && (number & 0xff) != 0xff; }

// The name of a socket that is connected to itself, so that the kernel refuses what others send. A name in
// the abstract space has no mode.
std::optional<Fd> lease(const std::string& host) {
  Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::string text = "swarmpy-task-" + host;
  std::memcpy(name.sun_path + 1, text.data(), text.size());  // a zero first: abstract
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  const auto* address = reinterpret_cast<sockaddr*>(&name);
  if (!fd.valid() || ::bind(fd.get(), address, size) != 0) return std::nullopt;
  if (::connect(fd.get(), address, size) != 0) return std::nullopt;
  return fd;
}

int first_unprivileged_port() {
  int first = 1024;
  if (std::FILE* file = std::fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re")) {
    if (std::fscanf(file, "%d", &first) != 1) first = 1024;
    std::fclose(file);
  }
  return first;
}

}  // namespace

TaskAddresses::TaskAddresses(const std::string& node_name)
    : next_(static_cast<std::uint32_t>(fnv1a(node_name) % (kCount >> 16)) << 16) {}

std::optional<TaskAddress> TaskAddresses::take() {
  for (std::uint32_t tried = 0; tried < kCount; ++tried) {
    next_ = (next_ + 1) % kCount;
    const std::uint32_t number = kFirst + next_;
    if (!is_free_ending(number)) continue;
    const Address address =
        Address::v4(127, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                    static_cast<std::uint8_t>(number));
    if (auto held = lease(address.host())) return TaskAddress{address, std::move(*held)};
  }
  return std::nullopt;
}

std::uint32_t bindable_port(std::uint32_t port) {
  static const int first = first_unprivileged_port();
  if (::geteuid() == 0 || port >= static_cast<std::uint32_t>(first)) return port;
  return port + 10'000;
}

}  // namespace swarm::real
