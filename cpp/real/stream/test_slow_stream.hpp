// SlowStream: a ByteStream for tests that behaves as one with TLS inside may: it has a handshake of its own,
// in which reading waits for writing; what it carries is not what it was given; it takes in more than it
// gives, and holds back what it has taken.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "real/stream/plain_stream.hpp"

namespace swarm::real {

class SlowStream final : public ByteStream {
 public:
  SlowStream(Fd fd, Side side) : under_(std::move(fd)), side_(side) {}

  int fd() const override { return under_.fd(); }
  void note(const Readiness& now) override {
    under_.note(now);
    may_read_ = may_write_ = true;  // either may go on by any event
  }
  bool may_read() const override { return may_read_ || !plain_.empty(); }
  bool may_write() const override { return may_write_; }
  bool holds_back() const override { return !secret_.empty(); }

  Outcome read(char* to, std::size_t most) override {
    if (const Outcome hand = shake(); hand.io != Io::moved) return blocked(hand, may_read_);
    if (plain_.empty())
      if (const Outcome got = fetch(); got.io != Io::moved) return blocked(got, may_read_);
    const std::size_t count = std::min({most, plain_.size(), kMost});
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<char>(plain_[i] ^ kMask);
    plain_.erase(0, count);
    return {.bytes = count};
  }
  using ByteStream::write;
  Outcome write(std::span<const std::string_view> pieces) override {
    if (const Outcome hand = shake(); hand.io != Io::moved) return blocked(hand, may_write_);
    std::size_t count = 0;
    for (const std::string_view piece : pieces)
      for (const char c : piece.substr(0, secret_.empty() ? piece.size() : 0)) {
        if (count == kMost) break;
        more_ += static_cast<char>(c ^ kMask);
        ++count;
      }
    secret_ += std::exchange(more_, {});
    const Outcome out = push_one();
    if (out.io == Io::reset) return out;
    if (out.io == Io::blocked && count == 0) return blocked(out, may_write_);
    return {.bytes = count};
  }
  Outcome shut_writing() override { return under_.shut_writing(); }
  void reset() override { under_.reset(); }

 private:
  static constexpr std::size_t kMost = 3'001;
  static constexpr char kMask = 0x5a;
  static constexpr std::string_view kHand = "shake hands";

  static Outcome blocked(const Outcome& outcome, bool& may) {
    if (outcome.io == Io::blocked) may = false;
    return outcome;
  }
  // The end that was dialled speaks second.
  Outcome shake() {
    if (shaken_) return {};
    if (!asked_ && side_ == Side::dialled) secret_ += kHand;
    asked_ = true;
    while (theirs_ < kHand.size()) {
      if (const Outcome out = push(); out.io != Io::moved) return out;
      char hand[kHand.size()];
      const Outcome got = under_.read(hand, kHand.size() - theirs_);
      if (got.io != Io::moved) return got;
      theirs_ += got.bytes;
    }
    if (side_ == Side::accepted) secret_ += kHand;
    shaken_ = true;
    return push().io == Io::reset ? Outcome{.io = Io::reset} : Outcome{};
  }
  Outcome push() {
    while (!secret_.empty())
      if (const Outcome out = push_one(); out.io != Io::moved) return out;
    return {};
  }
  Outcome push_one() {
    const Outcome out = under_.write(secret_.data(), (secret_.size() + 1) / 2);
    secret_.erase(0, out.bytes);
    return out;
  }
  Outcome fetch() {
    char bytes[16 * 1024];
    const Outcome got = under_.read(bytes, sizeof bytes);
    if (got.io == Io::moved) plain_.assign(bytes, got.bytes);
    return got;
  }

  PlainStream under_;
  Side side_;
  bool asked_ = false, shaken_ = false, may_read_ = false, may_write_ = false;
  std::size_t theirs_ = 0;
  std::string plain_, secret_, more_;  // read and not given; taken and not written; of one call
};

inline std::unique_ptr<ByteStream> slow_stream(Fd fd, Side side) {
  return std::make_unique<SlowStream>(std::move(fd), side);
}

}  // namespace swarm::real
