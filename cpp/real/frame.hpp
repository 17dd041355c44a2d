// Frames as bytes: what TcpTransport puts on the wire, and takes from it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "ports/transport.hpp"

namespace swarm::real {

enum class FrameKind : std::uint8_t { hello = 0, raft = 1, wire = 2 };

inline constexpr std::size_t kFrameHeader = 5;  // length and kind
inline constexpr std::size_t kMaxFrame = 64UL * 1024 * 1024;

std::string encode_frame(const wire::Hello& hello);
std::string encode_frame(const ports::Frame& frame);
FrameKind kind_of(const std::string& encoded);

using AnyFrame = std::variant<wire::Hello, ports::Frame>;

// The most bytes of a frame while the peer has proved nothing: of its first one, by which it introduces
// itself, and of all that a stranger says.
inline constexpr std::size_t kMaxStrangersFrame = 64UL * 1024;

// Bytes in, frames out.
class FrameReader {
 public:
  void add(std::string_view bytes);
  // Nothing: more bytes are needed. An error: the link cannot go on.
  Result<std::optional<AnyFrame>> next();
  std::size_t size() const { return buffer_.size() - at_; }  // of bytes that are no frame yet
  void trust() { most_ = kMaxFrame; }                        // from now on it takes large frames

 private:
  void rest_from_work();

  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t most_ = kMaxStrangersFrame;
};

}  // namespace swarm::real
