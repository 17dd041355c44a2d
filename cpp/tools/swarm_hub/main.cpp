// swarm-hub: the process that holds the network namespaces of a local cluster (real/hub). Flags, signals, the
// lease, and the loop that waits for requests.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/result.hpp"
#include "real/hub/host_door.hpp"
#include "real/hub/hub.hpp"
#include "real/hub/hub_door.hpp"
#include "real/hub/user_space.hpp"
#include "real/stream/fd.hpp"

namespace {

using swarm::Code;
using swarm::Error;
using swarm::Result;
using swarm::real::Fd;
using swarm::real::HostDoor;
using swarm::real::Hub;
using swarm::real::HubDoor;
using swarm::real::OwnSpace;

struct Flags {
  std::string socket, pidfile;
  std::uint8_t network = 0;
  int lease_fd = -1, ready_fd = -1;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "swarm-hub: %s\n", error.message.c_str());
  return 1;
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_flag(Flags& flags, std::string_view name, const char* value) {
  if (name == "--socket") flags.socket = value;
  if (name == "--pidfile") flags.pidfile = value;
  if (name == "--network") return read_number(value, flags.network);
  if (name == "--lease-fd") return read_number(value, flags.lease_fd);
  if (name == "--ready-fd") return read_number(value, flags.ready_fd);
  return name == "--socket" || name == "--pidfile";
}

Result<Flags> parse(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; i += 2)
    if (i + 1 == argc || !read_flag(flags, argv[i], argv[i + 1]))
      return swarm::plain_error(Code::invalid_argument, std::string("cannot read ") + argv[i]);
  if (flags.socket.empty() || flags.network == 0)
    return swarm::plain_error(Code::invalid_argument, "it wants --socket PATH and --network 1 to 255");
  return flags;
}

struct Made {
  std::unique_ptr<Hub> hub;
  OwnSpace own;  // of a plain user
};

// With the rights that there are; else in a user namespace.
Result<Made> make(const Flags& flags) {
  auto hub = Hub::make({flags.network, true});
  if (hub) return Made{std::move(*hub), {}};
  if (hub.error().code != Code::permission_denied) return hub.error();
  auto host = HostDoor::open();
  if (!host) return host.error();
  auto space = swarm::real::enter_own_user_space();
  if (!space)
    return swarm::plain_error(Code::permission_denied, hub.error().message + "; " + space.error().message);
  hub = Hub::make({flags.network, false});
  if (!hub) return hub.error();
  return Made{std::move(*hub), {std::move(*space), std::move(*host)}};
}

// Readable when SIGTERM or SIGINT came.
Fd signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

void write_pid(const std::string& path) {
  if (path.empty()) return;
  if (std::FILE* file = std::fopen(path.c_str(), "we"); file != nullptr) {
    std::fprintf(file, "%d\n", static_cast<int>(getpid()));
    std::fclose(file);
  }
}

void say_ready(const Flags& flags, const Made& made) {
  if (flags.ready_fd < 0) return;
  const std::string_view word = made.own.user.valid() ? "ready user\n" : "ready host\n";
  [[maybe_unused]] const auto written = write(flags.ready_fd, word.data(), word.size());
  close(flags.ready_fd);
}

bool is_over(int lease) {
  char byte = 0;
  const auto count = read(lease, &byte, 1);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

// Until a signal, or the end of the lease.
void serve(const Flags& flags, Made& made, HubDoor& door, const Fd& signal) {
  pollfd waits[] = {{door.fd(), POLLIN, 0}, {signal.get(), POLLIN, 0}, {flags.lease_fd, POLLIN, 0}};
  while (poll(waits, 3, -1) >= 0 || errno == EINTR) {
    if (waits[1].revents != 0 || (waits[2].revents != 0 && is_over(flags.lease_fd))) return;
    if (waits[0].revents != 0) door.serve(*made.hub, made.own);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto flags = parse(argc, argv);
  if (!flags) return refuse(flags.error());
  umask(0077);
  const Fd signal = signals();
  auto made = make(*flags);
  if (!made) return refuse(made.error());
  auto door = HubDoor::open(flags->socket);
  if (!door) return refuse(door.error());
  write_pid(flags->pidfile);
  say_ready(*flags, *made);
  serve(*flags, *made, *door, signal);
  unlink(flags->socket.c_str());
  if (!flags->pidfile.empty()) unlink(flags->pidfile.c_str());
  return 0;
}
