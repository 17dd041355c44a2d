// swarmd: the node daemon. Flags, signals, the pid file, and the lease that ties it to its starter;
// all else is real/host. Its flags are dockerd's where dockerd has one. It starts outside any swarm: init,
// join and leave come through its API.
#include <fcntl.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "real/files.hpp"
#include "real/host.hpp"
#include "real/http/reactor.hpp"
#include "real/local_doors.hpp"
#include "real/log_trace.hpp"
#include "real/process/task_shim.hpp"
#include "tools/swarmd/enter.hpp"

namespace {

using swarm::Address;
using swarm::Error;
using swarm::Result;

struct Flags {
  swarm::real::HostOptions host;
  swarm::Spaces spaces;
  std::vector<std::string> labels;
  std::string log_level = "info", address, pidfile, runner = "process";
  int lease_fd = -1, ready_fd = -1;
};

int refuse(const Error& error) {
  std::fprintf(stderr, "swarmd: %s%s%s\n", error.message.c_str(), error.hint.empty() ? "" : "; ",
               error.hint.c_str());
  return 1;
}

void declare(CLI::App& app, Flags& flags) {
  flags.host.data_root = "/var/lib/swarmpy";
  app.set_version_flag("-v,--version", std::string("swarmd version ") + SWARMPY_VERSION);
  app.add_option("--data-root", flags.host.data_root, "Directory of this node's state")
      ->capture_default_str();
  app.add_option(
         "-H,--host", flags.host.hosts,
         "Where the API listens: unix:///PATH or tcp://ADDRESS:PORT (default unix://DATA_ROOT/docker.sock)")
      ->take_all();
  app.add_option("-G,--group", flags.host.socket_group,
                 "Group for the unix sockets (default: that of this process)");
  app.add_option("--label", flags.labels, "Label of this engine, KEY=VALUE")->take_all();
  app.add_option("-l,--log-level", flags.log_level, "debug, info, warn, error or fatal")
      ->capture_default_str();
  app.add_option("-p,--pidfile", flags.pidfile, "File to write the process id to");
  app.add_option("--address", flags.address,
                 "Address to listen at, advertise and publish on (default: all interfaces)");
  app.add_option("--hostname", flags.host.hostname, "Name of this node (default: the machine's)");
  app.add_option("--netns", flags.spaces.net,
                 "Network namespace to run in: a path, as /run/netns/NAME or /proc/PID/ns/net");
  app.add_option("--userns", flags.spaces.user, "User namespace to enter before that");
  app.add_option("--hide", flags.host.hidden, "Folder that tasks on overlay networks do not see");
  app.add_option("--publish-door", flags.host.publish_door,
                 "Socket of a swarm-hub that listens at the host for the ports which this node publishes");
  app.add_option("--runner", flags.runner, "How tasks run: process")->capture_default_str();
  app.add_flag("--tls", flags.host.tls.on, "Use TLS for the API over TCP; implied by --tlsverify");
  app.add_flag("--tlsverify", flags.host.tls.verify, "Use TLS and verify the remote");
  app.add_option("--tlscacert", flags.host.tls.ca,
                 "Trust certs signed only by this CA (default ~/.docker/ca.pem)");
  app.add_option("--tlscert", flags.host.tls.certificate,
                 "Path to TLS certificate file (default ~/.docker/cert.pem)");
  app.add_option("--tlskey", flags.host.tls.key, "Path to TLS key file (default ~/.docker/key.pem)");
  app.add_flag("--insecure-open-api", flags.host.insecure_open_api,
               "Let the API listen on TCP outside loopback although any client could command this daemon");
  app.add_flag("--faults", flags.host.faults,
               "Take faults (POST /swarmpy/v1/faults) at the unix socket: for tests on purpose");
  app.add_option("--test-feature-level", flags.host.build.feature_level,
                 "Act as a build that knows this feature level")
      ->envname("SWARMPY_TEST_FEATURE_LEVEL")
      ->check(CLI::PositiveNumber)
      ->group("");  // not for people: what is newer it does not know all the same
  app.add_option("--lease-fd", flags.lease_fd, "Stop when the other side of this pipe is closed");
  app.add_option("--ready-fd", flags.ready_fd, "Write \"ready\" to this descriptor once the API answers");
}

Error wrong(const std::string& sentence) {
  return swarm::plain_error(swarm::Code::invalid_argument, sentence);
}

Result<void> check(swarm::real::ApiTls& tls) {
  tls.on = tls.on || tls.verify;
  const bool names_own = !tls.certificate.empty() || !tls.key.empty();
  if (names_own && !tls.on) return wrong("--tlscert and --tlskey do nothing without --tls or --tlsverify");
  if (!tls.ca.empty() && !tls.verify)
    return wrong("--tlscacert does nothing without --tlsverify: clients would not be verified");
  return {};
}

Result<void> check(Flags& flags) {
  if (auto good = check(flags.host.tls); !good) return good;
  if (flags.runner != "process")
    return wrong("there is no runner \"" + flags.runner + "\"; the only one is: process");
  const auto level = swarm::real::parse_log_level(flags.log_level);
  if (!level)
    return wrong("\"" + flags.log_level + "\" is no log level; use debug, info, warn, error or fatal");
  flags.host.log_level = *level;
  if (!flags.address.empty()) {
    const auto address = Address::parse(flags.address);
    if (!address || address->port != 0) return wrong("--address " + flags.address + " is not an IP address");
    flags.host.address = *address;
  }
  for (const std::string& label : flags.labels) {
    const auto equals = label.find('=');
    if (equals == std::string::npos || equals == 0) return wrong("--label " + label + " is not KEY=VALUE");
    flags.host.labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  std::error_code error;
  flags.host.data_root = std::filesystem::absolute(flags.host.data_root, error).lexically_normal();
  return {};
}

// A descriptor that is readable when SIGTERM or SIGINT came. Blocked before any thread starts, so for all of
// them.
int signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of its write, like a full disk
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Six descriptors per task: the soft limit, kept low for programs that use select(), is not for a daemon.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void say_ready(const Flags& flags, swarm::real::Host& host) {
  for (const std::string& url : host.urls())
    host.log().log(swarm::real::LogLevel::info, "API listen on " + url);
  if (flags.ready_fd < 0) return;
  [[maybe_unused]] const auto written = write(flags.ready_fd, "ready\n", 6);
  close(flags.ready_fd);
}

int serve(const Flags& flags) {
  using swarm::real::FdWatch;
  const int signal_fd = signals();
  raise_descriptor_limit();
  auto opened = swarm::real::Host::open(flags.host);
  if (!opened) return refuse(opened.error());
  auto& host = **opened;
  if (!flags.pidfile.empty())
    if (auto written = swarm::real::replace_file(flags.pidfile, std::to_string(getpid()) + "\n"); !written)
      return refuse(written.error());
  const FdWatch on_signal(host.reactor(), signal_fd, [&host, signal_fd] {
    signalfd_siginfo info;
    while (read(signal_fd, &info, sizeof info) > 0) host.stop();
  });
  std::optional<FdWatch> lease;
  if (flags.lease_fd >= 0)
    lease.emplace(host.reactor(), flags.lease_fd, [&host, &lease] {
      char byte = 0;
      const auto count = read(lease->fd(), &byte, 1);
      if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) return;
      lease.reset();
      host.stop();
      host.stop();  // at once: the process that wanted this node is gone
    });
  host.reactor().post([&] { say_ready(flags, host); });
  host.run();
  if (!flags.pidfile.empty()) unlink(flags.pidfile.c_str());
  return 0;
}

// Started without them, the first sockets and files would get these numbers, and log lines would go there.
void have_standard_descriptors() {
  int fd = 0;
  while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO) {
  }
  if (fd >= 0) close(fd);
}

// What its starter left open is not for tasks; nor is what it was given.
void keep_inherited_descriptors() {
  if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = STDERR_FILENO + 1; fd < 1024; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);  // before Linux 5.11
}

// The C library gives the end of its heap back at each turn that frees 128 KB there, and asks for it again in
// the next: two calls of the kernel and a page fault for each 4 KB, an eighth of what a create costs. It is
// asked in steps of 1 MB and given back from 32 MB; what is asked for and not touched takes no memory. With
// these set, it no longer learns by itself which sizes come and go (mallopt(3), M_MMAP_THRESHOLD), and would
// ask the kernel for each large buffer of the packet path anew: so the threshold for these is set as well.
// (Of jemalloc, where that is linked, all this changes nothing.)
void keep_the_heap() {
  ::mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
  ::mallopt(M_TOP_PAD, 1024 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
}

}  // namespace

int main(int argc, char** argv) {
  have_standard_descriptors();
  if (swarm::real::run_as_shim(argc, argv)) return 0;
  keep_inherited_descriptors();
  swarm::real::make_private_files();
  keep_the_heap();
  CLI::App app{"swarmd: a node of a swarm"};
  Flags flags;
  declare(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return refuse(swarm::plain_error(swarm::Code::invalid_argument, error.what()));
  }
  if (auto good = check(flags); !good) return refuse(good.error());
  if (auto entered = swarm::enter_spaces(flags.spaces); !entered) return refuse(entered.error());
  return serve(flags);
}
