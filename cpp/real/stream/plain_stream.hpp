// PlainStream: a ByteStream that is a non-blocking stream socket and nothing else.
#pragma once

#include <utility>

#include "real/stream/byte_stream.hpp"

namespace swarm::real {

class PlainStream final : public ByteStream {
 public:
  PlainStream() = default;  // no socket
  explicit PlainStream(Fd fd) : fd_(std::move(fd)) {}

  bool is_open() const { return fd_.valid(); }
  int fd() const override { return fd_.get(); }
  void note(const Readiness& now) override;
  bool may_read() const override { return may_read_; }
  bool may_write() const override { return may_write_; }
  Outcome read(char* to, std::size_t most) override;
  using ByteStream::write;
  Outcome write(std::span<const std::string_view> pieces) override;
  Outcome write(const char* from, std::size_t count);
  Outcome shut_writing() override;
  void reset() override;

  // Returns true if it broke after the other end had sent all.
  bool ended_first() const { return ended_first_; }
  // Returns true if bytes have come that were not read yet, before a reset too.
  bool has_more() const;

 private:
  Outcome blocked_or_reset(Want want);

  Fd fd_;
  bool may_read_ = false, may_write_ = false;
  bool hung_up_ = false;  // read on to the end: no further event will come
  bool ended_first_ = false;
};

}  // namespace swarm::real
