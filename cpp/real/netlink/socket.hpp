// Socket: a netlink socket of one network namespace. It sends requests and waits for the kernel's answers,
// which come at once: a kernel works off a request within the call that sends it.
//
// The socket belongs to the namespace of the thread that opened it, for as long as it lives, whatever thread
// uses it then (net_space opens it in another one). Calls block: they are not for the node's thread. An error
// is a sentence: what was to be done, and what the kernel said (its own words, where it has some).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "real/netlink/message.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real::netlink {

struct Request {
  std::string what;  // "make the bridge swb4097", for the sentence
  Message message;
  int harmless = 0;  // this errno is no error: what is to be removed is gone already
};

struct Reply {
  std::uint16_t type = 0;
  std::string body;  // after the header
};

class Socket {
 public:
  static Result<Socket> open(int protocol);  // NETLINK_ROUTE, NETLINK_NETFILTER

  // One outcome per request, in their order; each is tried, whatever came of those before it.
  std::vector<Result<void>> ask(std::vector<Request> requests);
  Result<void> ask(Request request);
  // All that the kernel has to tell (NLM_F_DUMP).
  Result<std::vector<Reply>> dump(const std::string& what, Message message);
  // The one reply to a question that is no dump.
  Result<Reply> get(const std::string& what, Message message);
  // Makes the kernel act at once on a link's carrier that has come. Until it has, the link drops what it is
  // given; by itself it gets to it some milliseconds later, and a first ARP that was dropped costs a second.
  void settle_link(const std::string& name);
  // A transaction of nf_tables: all of it or nothing. `messages` without begin and end.
  Result<void> commit(const std::string& what, std::vector<Message> messages);

 private:
  explicit Socket(Fd fd) : fd_(std::move(fd)) {}
  Result<void> send(const std::string& bytes, const std::string& what);
  // One datagram; nothing and errno on failure.
  std::optional<std::string> receive();
  std::vector<Result<void>> ask_some(std::vector<Request>& requests, std::size_t from, std::size_t to);
  Result<void> end_of_transaction(const std::string& what, std::uint32_t first, std::uint32_t last);
  Result<std::vector<Reply>> collect(const std::string& what, std::uint32_t sequence, bool many);

  Fd fd_;
  std::uint32_t sequence_ = 0;
};

}  // namespace swarm::real::netlink
