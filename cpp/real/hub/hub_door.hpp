// HubDoor: requests to a hub, by a private unix socket (SOCK_SEQPACKET). One connection is one request, of
// words, and one answer: "ok", or "error: SENTENCE"; some answers bring descriptors (SCM_RIGHTS).
//
//   add NAME ADDRESS       a node
//   enter NAME             its network namespace; of a plain user's hub also its user namespace
//   listen NAME PORT       a listening socket at its address
//   publish ADDRESS PORT   of a plain user's node: a listening socket of the host, at 127.0.K.N
//   link NAME up|down      its cable
//   deafen NAME [OTHER..]  it hears all nodes but these
//
// The file is its user's alone (0600), so clients are believed. A client that connects and says nothing keeps
// others waiting, for two seconds at most.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "real/hub/host_door.hpp"
#include "real/hub/hub.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

struct HubAnswer {
  std::string text;  // "ok", or what is wrong
  std::vector<int> descriptors;
  Fd made;  // closed once it is sent
};
// What the hub has in a user namespace of its own; as root nothing.
struct OwnSpace {
  Fd user;  // the namespace
  std::optional<HostDoor> host;
};
HubAnswer answer_request(Hub& hub, OwnSpace& own, const std::string& request);

class HubDoor {
 public:
  static Result<HubDoor> open(const std::string& path);
  int fd() const { return listener_.get(); }
  // Takes one client, and answers it.
  void serve(Hub& hub, OwnSpace& own);

 private:
  explicit HubDoor(Fd listener) : listener_(std::move(listener)) {}
  Fd listener_;
};

}  // namespace swarm::real
