// TCP's framing of DNS: each message comes behind its length in two bytes (RFC 1035 section 4.2.2). A client
// may send several on one connection, and in pieces (RFC 7766). NOT here: sockets, idle connections.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace swarm::dns {

// `message` is no longer than 65,535 bytes: AnswerWriter and the forwarder see to that.
std::string framed(std::string_view message);

class TcpFrames {
 public:
  void add(std::string_view bytes) { bytes_ += bytes; }
  // The next whole message, in order. Take all before the next add(): then a client makes this reader keep
  // one message at most, besides what the caller reads at once.
  std::optional<std::string> next();

 private:
  std::string bytes_;
  std::size_t at_ = 0;  // what was taken already
};

}  // namespace swarm::dns
