#include "net/dns/tcp_frames.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "net/dns/answer_writer.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {

std::string framed(std::string_view message) {
  SWARM_CHECK(message.size() <= kMostTcp, message.size());
  std::string out;
  out.reserve(message.size() + 2);
  out += static_cast<char>(message.size() >> 8);
  out += static_cast<char>(message.size() & 0xff);
  return out += message;
}

std::optional<std::string> TcpFrames::next() {
  const std::size_t left = bytes_.size() - at_;
  const std::size_t length = left < 2 ? 0 : get_u16(bytes_, at_);
  if (left < 2 || left - 2 < length) {
    bytes_.erase(0, at_);
    at_ = 0;
    return std::nullopt;
  }
  at_ += 2 + length;
  return bytes_.substr(at_ - length, length);
}

}  // namespace swarm::dns
