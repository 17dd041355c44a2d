#include "real/mesh/conn.hpp"

#include <cstdint>
#include <utility>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "net/mesh/balancer.hpp"
#include "real/mesh/flow.hpp"
#include "real/mesh/link.hpp"
#include "real/mesh/poller.hpp"
#include "real/stream/fd.hpp"
#include "real/stream/sockets.hpp"

namespace swarm::real::relay {

using Kind = Topic::Kind;

Conn::Conn(const Tools& tools, mesh::ConnId id, Fd client, const Address& from)
    : tools_(tools), id_(id), from_(from), has_client_(client.valid()) {
  front_.socket = PlainStream(std::move(client));
  if (has_client_) up_.keep_first();
}

// ---- the way to the task

void Conn::accept_stream(Link& link, std::uint32_t stream) { stream_.attach(link, stream); }

Conn::News Conn::dial_task(const Address& task, const Address& source) {
  Dialled dialled = dial(task, source);
  if (dialled.error != 0) return fail_dial();
  back_ = {PlainStream(std::move(dialled.fd)), false};
  if (has_client_) {
    up_.begin_again(&front_.socket, Sink(back_.socket));
    down_ = Flow(&back_.socket, Sink(front_.socket));
  } else {
    up_ = Flow(&back_.socket, Sink(stream_));
    down_ = Flow(nullptr, Sink(back_.socket));
  }
  if (dialled.connected) return open();
  state_ = State::dialling;
  watch(back_, Kind::task);
  return News::none;
}

void Conn::dial_peer(Link& link, TaskId task, std::uint32_t target) {
  state_ = State::dialling;
  stream_.attach(link, link.open_stream(id_, {task, target, from_}));
  up_.begin_again(&front_.socket, Sink(stream_));
  down_ = Flow(nullptr, Sink(front_.socket));
}

Conn::News Conn::open() {
  state_ = State::open;
  if (is_owner()) stream_.say(FrameType::opened);
  return News::opened;
}

Conn::News Conn::finish_dial() {
  const int error = connect_error(back_.socket.fd());
  if (error != 0) return fail_dial();
  return back_.socket.may_write() ? open() : News::none;
}

Conn::News Conn::fail_dial() {
  if (has_client_) stream_.detach();
  back_.socket.reset();
  state_ = State::waiting;
  return News::dial_failed;
}

Conn::News Conn::give_up_dial() {
  if (has_client_) stream_.say(FrameType::reset);
  return fail_dial();
}

Conn::News Conn::refuse() {
  stream_.say(FrameType::refused);
  stream_.detach();
  return finish(true);
}

void Conn::watch(End& end, Kind kind) {
  if (!std::exchange(end.watched, true)) tools_.poller.add(end.socket.fd(), {kind, id_});
}

// Both ends begin as ready: what they are not, the first call says.
void Conn::watch_all() {
  for (End* end : {&front_, &back_}) {
    if (!end->socket.is_open() || end->watched) continue;
    end->socket.note({true, true, false});
    watch(*end, end == &front_ ? Kind::client : Kind::task);
  }
}

// The task did not say anything, nor its end; and what was sent to it, in one piece, is kept. A process that
// dies ends what it has read, and resets what it has not: so a reset means that the piece was not taken up.
bool Conn::unused() const {
  return has_client_ && !down_.has_spoken() && !back_.socket.ended_first() && up_.kept_all();
}

// dial_task and dial_peer send the next task all that the client has said so far, and its end.
Conn::News Conn::try_another() {
  if (up_.is_broken()) return finish(true);  // the client is gone
  stream_.detach();
  told_ = up_.has_passed();
  back_.socket.reset();
  state_ = State::waiting;
  return News::unused;
}

// ---- bytes

Conn::News Conn::step() {
  if (state_ == State::dialling && back_.socket.is_open()) return finish_dial();
  if (state_ != State::open) return News::none;
  watch_all();
  bool more = false;
  for (Flow* flow : {&up_, &down_}) {
    const News news = settle(*flow, flow->step(tools_.scratch));
    if (state_ != State::open) return news;
    more |= news == News::more;
  }
  if (down_.has_spoken()) up_.keep_no_more();
  stream_.pay_back(down_.take_gone());
  if (up_.is_over() && down_.is_over()) return finish(false);
  return more ? News::more : News::none;
}

Conn::News Conn::settle(Flow& flow, Flow::Step step) {
  const Flow& other = &flow == &up_ ? down_ : up_;
  switch (step) {
    case Flow::Step::moved:
      return News::more;
    case Flow::Step::blocked:
      return News::none;
    case Flow::Step::ended:
      if (other.is_deaf()) return finish(true);
      flow.pass_end();
      return News::none;
    case Flow::Step::reset:
      return &flow == &down_ && is_local() && unused() ? try_another() : finish(true);
    case Flow::Step::refused:
      return on_refused(flow);
  }
  return News::none;
}

// Its sink may still have something to say, and then its own end to report; unless it has done both, or the
// other direction is as deaf.
Conn::News Conn::on_refused(Flow& flow) {
  const bool is_up = &flow == &up_;
  if (is_up && unused() && !back_.socket.has_more()) return try_another();
  flow.go_deaf();
  const Flow& other = is_up ? down_ : up_;
  if (other.is_deaf() || other.is_over()) return finish(true);
  (is_up ? back_.socket : task_or_client()).note({true, false, false});
  return News::more;
}

// ---- what the other node says

Conn::News Conn::on_frame(const Frame& frame) {
  switch (frame.type) {
    case FrameType::opened:
      return state_ == State::dialling ? open() : News::none;
    case FrameType::refused:
      return state_ == State::dialling ? fail_dial() : News::none;
    case FrameType::data:
      return on_data(frame.payload);
    case FrameType::finish:
      down_.source_ended();
      return News::more;
    case FrameType::reset:
      return on_reset(true);
    case FrameType::credit:
      stream_.add_credit(get_u32(frame.payload, 0));
      return News::more;
    case FrameType::open:
      break;  // the link makes a Conn of it
  }
  return News::none;
}

Conn::News Conn::on_data(std::string_view bytes) {
  if (state_ != State::open || down_.has_ended() || down_.waiting() + bytes.size() > kWindow)
    return finish(true);  // not by the rules of a stream
  watch_all();
  const Flow::Step step = down_.push(bytes);
  up_.keep_no_more();
  const News news = step == Flow::Step::refused ? settle(down_, step) : News::none;
  if (!is_over()) stream_.pay_back(down_.take_gone());
  return news;
}

// By the other node, for the task's sake; or with the link: what that has still carried is not known.
Conn::News Conn::on_reset(bool by_task) {
  stream_.detach();
  if (state_ == State::waiting && has_client_) return News::none;
  if (is_owner() && state_ != State::open) return finish(true);
  if (state_ == State::dialling) return fail_dial();
  if (unused() && (by_task || !up_.has_passed())) return try_another();
  down_.source_reset();
  return News::more;
}

// ---- the end

Conn::News Conn::end() { return finish(true); }

Conn::News Conn::finish(bool reset) {
  if (reset && task_or_client().ended_first() && !up_.is_over()) stream_.say(FrameType::finish);
  if (reset) stream_.say(FrameType::reset);
  stream_.detach();
  for (End* end : {&front_, &back_}) {
    if (reset) end->socket.reset();
    end->socket = {};
  }
  state_ = State::over;
  return News::over;
}

}  // namespace swarm::real::relay
