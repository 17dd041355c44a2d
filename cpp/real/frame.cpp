#include "real/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "codec/codec.hpp"
#include "model/wire.hpp"
#include "ports/transport.hpp"
#include "raft/message.hpp"

namespace swarm::real {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMostKept = 16UL * 1024;  // of an empty buffer

std::string framed(FrameKind kind, const std::string& payload) {
  std::string out;
  out.reserve(kFrameHeader + payload.size());
  put_u32(out, static_cast<std::uint32_t>(payload.size() + 1));
  out += static_cast<char>(kind);
  return out += payload;
}

template <class T>
Result<std::optional<AnyFrame>> wrap(Result<T> decoded) {
  if (!decoded) return decoded.error();
  if constexpr (std::is_same_v<T, wire::Hello>) {
    return std::optional<AnyFrame>(std::move(*decoded));
  } else {
    return std::optional<AnyFrame>(ports::Frame(std::move(*decoded)));
  }
}

Result<std::optional<AnyFrame>> decode(std::uint8_t kind, std::string_view payload) {
  switch (static_cast<FrameKind>(kind)) {
    case FrameKind::hello:
      return wrap(codec::decode_hello(payload));
    case FrameKind::raft:
      return wrap(codec::decode_raft_message(payload));
    case FrameKind::wire:
      return wrap(codec::decode_wire_message(payload));
  }
  return plain_error(Code::data_loss, "a frame of unknown kind " + std::to_string(kind));
}

}  // namespace

std::string encode_frame(const wire::Hello& hello) { return framed(FrameKind::hello, codec::encode(hello)); }

std::string encode_frame(const ports::Frame& frame) {
  if (const auto* message = std::get_if<raft::Message>(&frame))
    return framed(FrameKind::raft, codec::encode(*message));
  return framed(FrameKind::wire, codec::encode(std::get<wire::Message>(frame)));
}

FrameKind kind_of(const std::string& encoded) { return static_cast<FrameKind>(encoded[kLengthBytes]); }

void FrameReader::add(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_ += bytes;
}

// A link that was busy once keeps no large buffer for it.
void FrameReader::rest_from_work() {
  if (buffer_.capacity() > kMostKept) buffer_ = std::string();
  buffer_.clear();
  at_ = 0;
}

Result<std::optional<AnyFrame>> FrameReader::next() {
  const std::string_view rest = std::string_view(buffer_).substr(at_);
  if (rest.empty()) rest_from_work();
  if (rest.size() < kFrameHeader) return std::optional<AnyFrame>();
  const std::size_t length = get_u32(rest);
  if (length == 0 || length > most_)
    return plain_error(Code::out_of_range, "a frame of " + std::to_string(length) + " bytes");
  if (rest.size() < kLengthBytes + length) return std::optional<AnyFrame>();
  at_ += kLengthBytes + length;
  return decode(static_cast<std::uint8_t>(rest[kLengthBytes]), rest.substr(kFrameHeader, length - 1));
}

}  // namespace swarm::real
