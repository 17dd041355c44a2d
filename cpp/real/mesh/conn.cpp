#include "real/mesh/conn.hpp"

#include <utility>

namespace swarm::real::relay {
namespace {

constexpr int kTurns = 16;  // pieces in a row, then others have theirs

}  // namespace

Conn::Conn(ConnOwner& owner, mesh::ConnId id, Fd client, const Address& from)
    : owner_(owner), id_(id), from_(from), owner_mode_(!client.valid()), front_(*this), back_(*this) {
  front_.socket.fd = std::move(client);
}

// ---- the way to the task

void Conn::set_stream(Link& link, std::uint32_t stream) {
  link_ = &link;
  stream_ = stream;
}

void Conn::dial_task(const Address& task, const Address& source) {
  Dialled dialled = dial(task, source);
  if (dialled.refused) return owner_.on_dialled(*this, false);
  back_.socket = {};
  back_.socket.fd = std::move(dialled.fd);
  back_.watched = false;
  state_ = State::dialling;
  if (!dialled.connected) return watch(back_);
  state_ = State::open;
  owner_.on_dialled(*this, true);
}

void Conn::dial_peer(Link& link, TaskId task, std::uint32_t target) {
  link_ = &link;
  state_ = State::dialling;
  credit_ = kWindow;
  consumed_ = 0;
  stream_ = link.open_stream(*this, {task, target, from_});
}

void Conn::on_opened(bool ok) {
  if (state_ != State::dialling) return;
  state_ = ok ? State::open : State::waiting;
  if (!ok) leave_link();
  owner_.on_dialled(*this, ok);
}

void Conn::give_up_dial() {
  if (link_ != nullptr && !owner_mode_) {
    link_->send(FrameType::reset, stream_);
    leave_link();
  }
  back_.socket.reset();
  state_ = State::waiting;
  owner_.on_dialled(*this, false);
}

void Conn::refuse() {
  if (link_ != nullptr) link_->send(FrameType::refused, stream_);
  finish(true);
}

void Conn::tell_opened() {
  if (owner_mode_ && link_ != nullptr) link_->send(FrameType::opened, stream_);
}

void Conn::watch(End& end) {
  if (std::exchange(end.watched, true)) return;
  owner_.watch(end.socket.fd.get(), end);
}

// Both ends begin as ready: what they are not, the first call says.
void Conn::open() {
  for (End* end : {&front_, &back_}) {
    if (!end->socket.open() || end->watched) continue;
    end->socket.can_read = end->socket.can_write = true;
    watch(*end);
  }
}

void Conn::on_ready(End& end) {
  if (state_ == State::dialling && &end == &back_) {
    if (const int error = connect_error(back_.socket.fd.get()); error != 0 || !back_.socket.can_write) {
      if (error == 0) return;
      back_.socket.reset();
      state_ = State::waiting;
      return owner_.on_dialled(*this, false);
    }
    state_ = State::open;
    return owner_.on_dialled(*this, true);
  }
  turn();
}

// The task did not say anything, nor its end; and what it was told, in one piece, is kept. A process that
// dies ends what it has read, and resets what it has not: so a reset means that the piece was not taken up.
bool Conn::unused() const {
  return down_.moved == 0 && !down_.eof && !back_.socket.ended_first && told_.size() == up_.moved;
}

// The first piece. Of two the task may have read one and acted on it: then nothing is kept, and unused()
// stays false.
void Conn::keep(const char* bytes, std::size_t count) {
  if (count == 0 || down_.moved > 0) return;
  if (up_.moved > 0 || count > kMostTold) {
    told_.drop();
  } else {
    told_.add(bytes, count);
  }
}

// What the client said so far is told to the next task, with its end.
void Conn::try_another() {
  if (up_.broken) return finish(true);  // the client is gone
  leave_link();
  const bool told = up_.moved > 0;
  told_.add(up_.pending.data(), up_.pending.size());
  up_.pending = std::exchange(told_, {});
  up_.moved = 0;
  back_.socket.reset();
  back_.watched = false;
  up_.sink_dead = up_.passed_on = false;
  down_ = {};
  state_ = State::waiting;
  owner_.on_unused_reset(*this, told);
}

// ---- bytes

void Conn::turn() {
  if (state_ != State::open) return;
  open();
  if (owner_mode_ || link_ != nullptr || !back_.socket.open()) {
    turn_stream();
  } else {
    turn_local();
  }
}

void Conn::turn_local() {
  const bool more_up = move(front_.socket, back_.socket, up_, down_);
  if (state_ != State::open) return;
  const bool more_down = move(back_.socket, front_.socket, down_, up_);
  if (state_ != State::open) return;
  if (up_.passed_on && down_.passed_on) return finish(false);
  if (more_up || more_down) owner_.wants_turn(*this);
}

// True when there is more to do than one turn does.
bool Conn::move(Socket& from, Socket& to, Flow& flow, const Flow& back) {
  for (int turns = 0; turns < kTurns; ++turns) {
    const bool has_old = !flow.pending.empty();
    if (has_old && !to.can_write) return false;
    if (!has_old && (flow.broken || (flow.eof && back.sink_dead))) {
      if (&from == &back_.socket && unused()) {
        try_another();
      } else {
        finish(true);
      }
      return false;
    }
    if (!has_old && flow.eof && !std::exchange(flow.passed_on, true)) to.shut_writing();
    if (!has_old && (flow.eof || flow.sink_dead || !from.can_read)) return false;
    const char* bytes = flow.pending.data();
    std::size_t count = flow.pending.size();
    if (!has_old) {
      const auto came = from.read(owner_.scratch(), kScratch);
      flow.broken = came == Socket::kBroken;
      flow.eof = came == 0;
      if (came <= 0) continue;
      bytes = owner_.scratch();
      count = static_cast<std::size_t>(came);
    }
    const auto sent = to.can_write ? to.write(bytes, count) : Socket::kLater;
    if (sent == Socket::kBroken) {
      // It may still have something to say, and then its own end to report.
      flow.sink_dead = to.can_read = true;
      if (&to == &back_.socket && unused() && !to.has_more()) {
        if (!has_old) flow.pending.add(bytes, count);
        try_another();
        return false;
      }
      flow.pending = {};
      return true;
    }
    const std::size_t done = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (&flow == &up_) keep(bytes, done);
    flow.moved += done;
    if (&flow == &down_) told_.drop();
    if (has_old) {
      flow.pending.eat(done);
      flow.pending.let_go();
    } else if (done < count) {
      flow.pending.add(bytes + done, count - done);
    }
  }
  return true;
}

// ---- bytes by a stream: up_ into it, down_ out of it

void Conn::turn_stream() {
  Socket& socket = owner_mode_ ? back_.socket : front_.socket;
  drain(socket);
  if (state_ != State::open) return;
  const bool more = send_stream(socket);
  if (state_ != State::open) return;
  if (up_.passed_on && down_.passed_on) return finish(false);
  if (more) owner_.wants_turn(*this);
}

bool Conn::send_stream(Socket& from) {
  if (link_ == nullptr) return false;
  // What was kept of a connection that was tried elsewhere first.
  while (!up_.pending.empty()) {
    if (credit_ == 0) return false;
    if (!link_->has_room()) {
      link_->call_back(stream_);
      return false;
    }
    const std::size_t count =
        link_->send_bytes(up_.pending.data(), std::min(up_.pending.size(), credit_), stream_);
    keep(up_.pending.data(), count);
    up_.pending.eat(count);
    up_.moved += count;
    credit_ -= count;
  }
  up_.pending.let_go();
  for (int turns = 0; turns < kTurns; ++turns) {
    if (up_.broken || (up_.eof && down_.sink_dead)) {
      if (from.ended_first) link_->send(FrameType::finish, stream_);
      link_->send(FrameType::reset, stream_);
      finish(true);
      return false;
    }
    if (up_.eof && !std::exchange(up_.passed_on, true)) link_->send(FrameType::finish, stream_);
    if (up_.eof || credit_ == 0 || !from.can_read) return false;
    if (!link_->has_room()) {
      link_->call_back(stream_);
      return false;
    }
    const auto count = link_->send_from(from, stream_, credit_);
    if (count > 0) keep(link_->newest(static_cast<std::size_t>(count)), static_cast<std::size_t>(count));
    up_.broken = count == Socket::kBroken;
    up_.eof = count == 0;
    if (count <= 0) continue;
    credit_ -= static_cast<std::size_t>(count);
    up_.moved += static_cast<std::size_t>(count);
  }
  return true;
}

void Conn::drain(Socket& to) {
  while (!down_.pending.empty() && to.can_write && !down_.sink_dead) {
    const auto sent = to.write(down_.pending.data(), down_.pending.size());
    if (sent == Socket::kLater) break;
    const std::size_t gone = sent == Socket::kBroken ? down_.pending.size() : static_cast<std::size_t>(sent);
    if (sent == Socket::kBroken) down_.sink_dead = to.can_read = true;
    down_.pending.eat(gone);
    give_credit(gone);
  }
  if (!down_.pending.empty()) return;
  down_.pending.let_go();
  if (down_.broken) return finish(true);
  if (down_.eof && !std::exchange(down_.passed_on, true)) to.shut_writing();
}

void Conn::give_credit(std::size_t count) {
  consumed_ += count;
  if (consumed_ < kWindow / 4 || link_ == nullptr) return;
  link_->send_credit(stream_, std::exchange(consumed_, 0));
}

void Conn::on_data(const char* bytes, std::size_t count) {
  if (state_ != State::open || down_.eof || down_.pending.size() + count > kWindow) return end();
  open();
  Socket& to = owner_mode_ ? back_.socket : front_.socket;
  down_.moved += count;
  told_.drop();
  std::size_t done = down_.sink_dead ? count : 0;
  if (done == 0 && down_.pending.empty() && to.can_write) {
    const auto sent = to.write(bytes, count);
    if (sent == Socket::kBroken) down_.sink_dead = to.can_read = true;
    done = sent == Socket::kBroken ? count : sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  if (done < count) down_.pending.add(bytes + done, count - done);
  give_credit(done);
  if (down_.sink_dead) turn();
}

void Conn::on_finish() {
  down_.eof = true;
  turn();
}

void Conn::on_credit(std::size_t count) {
  credit_ += count;
  turn();
}

// By the other node, for the task's sake; or with the link, of which nobody knows what it has still carried.
void Conn::on_reset(bool by_task) {
  if (state_ == State::over) return;
  leave_link();
  if (owner_mode_ && state_ != State::open) return finish(true);
  if (state_ == State::dialling) {
    state_ = State::waiting;
    return owner_.on_dialled(*this, false);
  }
  if (!owner_mode_ && unused() && (by_task || up_.moved == 0)) return try_another();
  down_.broken = true;
  turn();
}

// ---- the end

void Conn::leave_link() {
  if (link_ != nullptr) link_->forget(stream_);
  link_ = nullptr;
}

void Conn::end() {
  if (state_ == State::over) return;
  if (link_ != nullptr) link_->send(FrameType::reset, stream_);
  finish(true);
}

void Conn::finish(bool reset) {
  if (state_ == State::over) return;
  state_ = State::over;
  leave_link();
  for (End* end : {&front_, &back_}) {
    if (reset) end->socket.reset();
    end->socket.fd = Fd();
  }
  owner_.on_over(*this);
}

}  // namespace swarm::real::relay
