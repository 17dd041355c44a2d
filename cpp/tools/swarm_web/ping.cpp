#include "tools/swarm_web/ping.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace swarm::web {
namespace {

int watch_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return signalfd(-1, &set, SFD_CLOEXEC);
}

int summary(const char* host, long sent) {
  std::printf(
      "\n--- %s ping statistics ---\n%ld packets transmitted, %ld packets received, 0%% packet loss\n", host,
      sent, sent);
  return 0;
}

}  // namespace

int ping(int count, char** words) {
  const char* host = nullptr;
  long wanted = -1;
  for (int i = 0; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "-c" && i + 1 < count)
      wanted = std::strtol(words[++i], nullptr, 10);
    else if (!word.starts_with('-'))
      host = words[i];
  }
  if (host == nullptr) {
    std::fprintf(stderr, "Usage: ping [-c COUNT] HOST\n");
    return 1;
  }
  pollfd signals{watch_signals(), POLLIN, 0};
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("PING %s (127.0.0.1): 56 data bytes\n", host);
  long sent = 0;
  while (sent != wanted) {
    std::printf("64 bytes from 127.0.0.1: seq=%ld ttl=64 time=0.050 ms\n", sent++);
    if (sent != wanted && poll(&signals, 1, 1'000) > 0) break;
  }
  return summary(host, sent);
}

}  // namespace swarm::web
