// Sockets: listening, dialling, and how a connection is tuned. All of them non-blocking and closed on
// exec. NOT here: bytes (byte_stream.hpp), waiting (the reactor, the relay's poller).
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

// Returns an invalid one, with errno, on failure. Port 0: any. An unspecified address is all of this
// machine's: of IPv4, or of both families.
enum class Any : std::uint8_t { v4, both };
Fd listen_on(const Address& address, Any any = Any::v4);

struct Accepted {
  Fd fd;
  Address from;  // unspecified: of a unix socket, or of a client that has gone already
  int error = 0;
};
// The next connection that waits; none (invalid, error 0) when there is no other.
Accepted accept_from(int listener);
// Returns true if this process or machine has run out of something for a while: descriptors, memory.
bool is_out_of_means(int error);

// `error`: it failed at once. Not connected yet unless `connected`: then wait until it is writable.
struct Dialled {
  Fd fd;
  bool connected = false;
  int error = 0;
};
// From `source` unless that is unspecified: a plain connect to 127.0.x.y leaves from 127.0.0.1, and the other
// end would take that for this node's address.
Dialled dial(const Address& to, const Address& source);
int connect_error(int fd);  // once it is writable; 0: connected

void tune(int fd);       // no delay, keep-alive
void tune_link(int fd);  // and: a peer whose machine is dead is noticed within ten seconds

Address own_address(int fd);
Address peer_address(int fd);  // unspecified unless it is connected

}  // namespace swarm::real
