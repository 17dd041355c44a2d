#include "real/mesh/flow.hpp"

#include <cstddef>
#include <utility>

#include "base/check.hpp"
#include "real/mesh/link.hpp"
#include "real/stream/byte_stream.hpp"

namespace swarm::real::relay {
namespace {

constexpr int kTurns = 16;  // pieces in a row, then others have theirs

}  // namespace

// ---- the sink

std::pair<char*, std::size_t> Sink::space(char* scratch) {
  if (socket_ != nullptr) return {scratch, kScratch};
  const std::size_t room = stream_->room();
  return {room == 0 ? nullptr : stream_->space(), room};
}

Outcome Sink::put(const char* bytes, std::size_t count) {
  if (socket_ != nullptr) return write({bytes, count});
  stream_->put(count);
  return {.bytes = count};
}

Outcome Sink::write(std::string_view bytes) {
  if (stream_ != nullptr) return {.bytes = stream_->send(bytes)};
  if (!socket_->may_write()) return {.io = Io::blocked, .wants = Want::write};
  return socket_->write(bytes.data(), bytes.size());
}

void Sink::end() {
  if (socket_ != nullptr) {
    socket_->shut_writing();  // where it fails, the next read says so
  } else {
    stream_->say(FrameType::finish);
  }
}

// ---- the flow

Flow::Step Flow::step(char* scratch) {
  for (int turn = 0; turn < kTurns; ++turn)
    if (const Step step = pending_.empty() ? carry(scratch) : drain(); step != Step::moved) return step;
  return Step::moved;
}

Flow::Step Flow::drain() {
  if (!to_.takes()) {
    to_.await_room();
    return Step::blocked;
  }
  const Outcome sent = to_.write(pending_.view());
  if (sent.io == Io::reset) return Step::refused;
  passed(pending_.data(), sent.bytes);
  pending_.eat(sent.bytes);
  pending_.let_go();
  return Step::moved;
}

Flow::Step Flow::carry(char* scratch) {
  if (state_ == State::ending) return Step::ended;
  if (state_ == State::breaking) return Step::reset;
  if (state_ != State::flowing || from_ == nullptr || !from_->may_read()) return Step::blocked;
  const auto [at, most] = to_.space(scratch);
  if (most == 0) {
    to_.await_room();
    return Step::blocked;
  }
  const Outcome got = from_->read(at, most);
  if (got.io == Io::ended) state_ = State::ending;
  if (got.io == Io::reset) state_ = State::breaking;
  if (got.io != Io::moved) return got.io == Io::blocked ? Step::blocked : Step::moved;
  came_ += got.bytes;
  return give(at, got.bytes, true);
}

Flow::Step Flow::push(std::string_view bytes) {
  came_ += bytes.size();
  if (state_ == State::deaf) {
    gone_ += bytes.size();
    return Step::blocked;
  }
  if (pending_.empty()) return give(bytes.data(), bytes.size(), false);
  pending_.add(bytes.data(), bytes.size());
  return Step::blocked;
}

Flow::Step Flow::give(const char* bytes, std::size_t count, bool in_space) {
  const Outcome sent = in_space ? to_.put(bytes, count) : to_.write({bytes, count});
  passed(bytes, sent.bytes);
  pending_.add(bytes + sent.bytes, count - sent.bytes);
  return sent.io == Io::reset ? Step::refused : Step::moved;
}

void Flow::passed(const char* bytes, std::size_t count) {
  if (count == 0) return;
  if (keeps_ && passed_ == 0 && count <= kMostKept) {
    kept_.add(bytes, count);
  } else {
    keep_no_more();
  }
  passed_ += count;
  gone_ += count;
}

void Flow::pass_end() {
  SWARM_CHECK(state_ == State::ending && pending_.empty(), "an end before what was said");
  state_ = State::ended;
  to_.end();
}

void Flow::go_deaf() {
  state_ = State::deaf;
  gone_ += pending_.size();
  pending_ = {};
}

void Flow::begin_again(PlainStream* from, Sink to) {
  SWARM_CHECK(kept_all(), "what was passed on is not kept");
  kept_.add(pending_.data(), pending_.size());
  Flow next(from, to);
  next.pending_ = std::move(kept_);
  next.keeps_ = keeps_;
  *this = std::move(next);
}

}  // namespace swarm::real::relay
