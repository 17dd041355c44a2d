// HubDoor: requests to a hub, by a private unix socket (SOCK_SEQPACKET). One connection is one request, of
// words, and one answer: "ok", or "error: SENTENCE"; some answers bring descriptors (SCM_RIGHTS).
//
//   add NAME ADDRESS       a node
//   enter NAME             its network namespace, and, where the hub has a user namespace of its own, that
//   one listen NAME PORT       a listening socket at its address link NAME up|down      its cable deafen NAME
//   [OTHER..]  it hears all nodes but these
//
// The file is its user's alone (0600), so clients are believed. A client that connects and says nothing keeps
// others waiting, for two seconds at most.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "real/hub/hub.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

struct HubAnswer {
  std::string text;  // "ok", or what is wrong
  std::vector<int> descriptors;
  Fd made;  // closed once it is sent
};
// `user_space`: of the hub, -1 for none.
HubAnswer answer_request(Hub& hub, const std::string& request, int user_space);

class HubDoor {
 public:
  static Result<HubDoor> open(const std::string& path);
  int fd() const { return listener_.get(); }
  // Takes one client, and answers it.
  void serve(Hub& hub, int user_space);

 private:
  explicit HubDoor(Fd listener) : listener_(std::move(listener)) {}
  Fd listener_;
};

}  // namespace swarm::real
