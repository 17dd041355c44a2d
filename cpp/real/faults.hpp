// FaultDesk: the faults of this daemon, begun and ended through its own unix socket (`swarmd --faults`).
//
//   GET    /swarmpy/v1/faults        [{"Id": 1, "Fault": {"kind": "cut", ...}}]
//   POST   /swarmpy/v1/faults        one fault; {"Id": 1}
//   DELETE /swarmpy/v1/faults/1      204, also when it is over
//   POST   /swarmpy/v1/faults/heal   204: all of them
//
// The faults that a daemon can do to itself: to what it sends and receives (names of other nodes are their
// addresses here), its disk, its clock, its pace. A fault with a `for` ends by itself, even if the process
// that began it is gone. NOT here: what is done to a daemon from outside (kill, freeze, ports):
// python/swarmpy/_faults.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/address.hpp"
#include "faults/fault.hpp"
#include "ports/http.hpp"
#include "real/faults_clock.hpp"
#include "real/faults_disk.hpp"
#include "real/faults_links.hpp"
#include "real/http/reactor.hpp"

namespace swarm::real {

class FaultDesk {
 public:
  struct Answer {
    std::uint32_t status = 200;
    std::string body;  // JSON
  };
  struct Parts {
    FaultyTransport* links = nullptr;
    FaultyDisk* disk = nullptr;
    FaultyClock* clock = nullptr;
    std::function<void(const std::vector<faults::Fault>&)> images;
    std::function<void()> changed;  // the links' rules, the clock: the waiting parts look again
  };
  FaultDesk(Reactor& reactor, Address own, Parts parts)
      : reactor_(reactor), own_(own), parts_(std::move(parts)) {}

  static bool is_for(const http::Request& request);
  static Answer refusal(std::string sentence);
  Answer answer(const http::Request& request);

  // The time of a turn is multiplied by this (billionths); 1'000'000'000 changes nothing.
  std::int64_t factor() const { return factor_; }

 private:
  struct Active {
    faults::Fault fault;
    std::unique_ptr<Timer> ends;
  };
  Result<std::uint64_t> begin(const faults::Fault& fault);
  void end(std::uint64_t id);
  void heal();
  void apply(faults::Kind changed, Duration jump = {});
  std::string list() const;

  Reactor& reactor_;
  Address own_;
  Parts parts_;
  std::map<std::uint64_t, Active> active_;
  std::uint64_t last_id_ = 0;
  std::int64_t factor_ = 1'000'000'000;
};

}  // namespace swarm::real
