// Links: the connections of one node. Outbound ones are kept by address, opened on demand and opened again
// after a back-off; each is remembered with the principal that the transport made for it. NOT here: what
// messages mean (the parts), who may send them (permissions).
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "node/leadership.hpp"
#include "ports/ports.hpp"

namespace swarm::node {

class Links {
 public:
  Links(ports::Transport& transport, Rng rng) : transport_(transport), rng_(rng) {}

  void reseed(Rng rng) { rng_ = rng; }
  void set_source(const Address& source) { source_ = source; }
  void set_hello(const wire::Hello& hello);
  Result<void> set_credentials(const ports::Credentials& credentials) {
    return transport_.set_credentials(credentials);
  }

  // The link to `address`, opened if need be. 0 while the back-off after a failure lasts.
  ports::LinkId to(const Address& address, Instant now);
  // Sends to `address`. Returns false if there is no link now.
  bool send_to(const Address& address, ports::Frame frame, Instant now);
  void send(ports::LinkId link, ports::Frame frame) { transport_.send(link, std::move(frame)); }

  void on_opened(const ports::LinkOpened& event);
  struct Gone {
    model::Principal peer;            // empty ids when the link never opened
    std::optional<Address> outbound;  // the address that was dialled
    bool was_open = false;
  };
  std::optional<Gone> on_closed(ports::LinkId link, Instant now);

  // The principal at the other end of the link; null before it is open.
  const model::Principal* peer(ports::LinkId link) const;
  // Returns true if this node opened the link.
  bool is_outbound(ports::LinkId link) const;
  const Address* remote(ports::LinkId link) const;
  bool is_open_to(const Address& address) const;
  std::size_t open_count() const;
  std::optional<Gone> close(ports::LinkId link);
  // Closes all links. Returns them, so that the parts which used them hear of it.
  std::vector<std::pair<ports::LinkId, Gone>> close_all();

 private:
  struct Link {
    model::Principal peer;
    Address remote;
    std::optional<Address> outbound;
    bool open = false;
  };
  struct Dial {
    ports::LinkId link = 0;
    Instant not_before{};
    std::uint32_t failures = 0;
  };
  Duration back_off(std::uint32_t failures);

  ports::Transport& transport_;
  Rng rng_;
  Address source_;
  wire::Hello hello_;
  std::map<ports::LinkId, Link> links_;
  std::map<Address, Dial> dials_;
};

// The sender of a message: the principal of the link that it came on, and the link to answer on.
struct Speaker {
  ports::LinkId link = 0;
  model::Principal who;
};

// A link has closed. Every part gets this same event.
struct LinkGone {
  ports::LinkId link = 0;
  Links::Gone gone;
  Moment at;
};

}  // namespace swarm::node
