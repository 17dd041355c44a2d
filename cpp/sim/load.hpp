// Loads: clients that send requests to a published port at a steady rate, whether or not they are answered
// (open loop), to these machines in turn. Values and arithmetic only: the world sends (World::begin_load).
//
// Invariant: request n of a load is meant for the instant begin + n / rate, exactly; none is left out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "sim/event_queue.hpp"
#include "sim/requests.hpp"

namespace swarm::sim {

struct Load {
  std::uint32_t port = 0;
  std::vector<MachineIndex> machines;
  std::uint64_t per_1000_seconds = 0;  // requests; more than 0
  Instant begin, end = Instant::never();
  std::uint64_t sent = 0;

  Instant due() const {  // of the next request
    const std::uint64_t whole = sent / per_1000_seconds, rest = sent % per_1000_seconds;
    constexpr std::int64_t kThousandSeconds = 1'000'000'000'000;
    return begin + Duration::nanos(static_cast<std::int64_t>(whole) * kThousandSeconds) +
           Duration::nanos(
               static_cast<std::int64_t>(static_cast<__int128>(rest) * kThousandSeconds / per_1000_seconds));
  }
  MachineIndex target() const { return machines[sent % machines.size()]; }
};

class LoadBook {
 public:
  LoadId open(Load load) {
    loads_[++last_] = std::move(load);
    return last_;
  }
  Load* find(LoadId id) {
    const auto found = loads_.find(id);
    return found == loads_.end() ? nullptr : &found->second;
  }
  void close(LoadId id) { loads_.erase(id); }

 private:
  std::map<LoadId, Load> loads_;
  LoadId last_ = 0;
};

}  // namespace swarm::sim
