#include "real/http/http_connection.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "ports/http.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"

namespace swarm::real {
namespace {

namespace asio = boost::asio;
namespace beast_http = boost::beast::http;
using boost::beast::iequals;
using boost::system::error_code;

constexpr std::uint32_t kHeaderLimit = 64 * 1024;
constexpr std::uint64_t kBodyLimit = 64ULL * 1024 * 1024;
constexpr std::size_t kOutputLimit = 64ULL * 1024 * 1024;
constexpr std::size_t kPipelineLimit = 128 * 1024;  // read ahead while a request is being answered
constexpr std::size_t kAnswersLimit = 1024 * 1024;  // unread answers beyond which no request is taken
constexpr std::size_t kReadSize = 32 * 1024;
constexpr std::size_t kMaxGather = 64;
constexpr std::size_t kShortAnswer = 64 * 1024;
constexpr std::int64_t kHeaderSeconds = 10, kBodySeconds = 60;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string hex_size(std::size_t size) {
  char text[20];
  std::snprintf(text, sizeof text, "%zx\r\n", size);
  return text;
}

std::string json_quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out + '"';
}

bool has_no_body(std::uint32_t status) { return status == 204 || status == 304 || status < 200; }

}  // namespace

HttpConnection::HttpConnection(Reactor& reactor, std::unique_ptr<ByteStream> stream, bool local, Owner& owner)
    : reactor_(reactor), stream_(std::move(stream)), is_local_(local), owner_(&owner), timer_(reactor) {
  stream_->note({false, true, false});
  watch_ = std::make_unique<ReadyWatch>(
      reactor, stream_->fd(),
      [this] {
        on_ready({true, false, false});
      },
      [this] {
        on_ready({false, true, false});
      });
}

void HttpConnection::start() {
  expect(kHeaderSeconds);
  read();
}

void HttpConnection::close() {
  if (closed_) return;
  closed_ = true;
  owner_ = nullptr;
  timer_.cancel();
  watch_.reset();
  stream_.reset();
}

// The client is gone, or has to go.
void HttpConnection::lost() {
  if (closed_) return;
  const auto self = shared_from_this();
  Owner* owner = owner_;
  const bool was_answering = std::exchange(answering_, false);
  close();
  if (was_answering) owner->aborted(id_);
  owner->gone(*this);
}

void HttpConnection::expect(std::int64_t seconds) {
  timer_.cancel();
  if (seconds == 0) return;
  timer_.after(Duration::seconds(seconds), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->lost();
  });
}

// ---- in

// Waits first and reads then: an idle connection, of which there may be ten thousand, needs no buffer.
void HttpConnection::read() {
  if (closed_ || reading_ || input_.size() > kPipelineLimit) return;
  reading_ = true;
  if (!stream_->may_read()) return watch_->want_read();
  reactor_.post([self = shared_from_this()] { self->on_ready({}); });
}

void HttpConnection::on_ready(const Readiness& now) {
  if (closed_) return;
  const auto self = shared_from_this();
  stream_->note(now);
  if (reading_ && stream_->may_read()) take();
  if (closed_ || writing_ != Output::waiting) return;
  writing_ = Output::idle;
  flush();
}

void HttpConnection::take() {
  char bytes[kReadSize];
  const Outcome got = stream_->read(bytes, kReadSize);
  if (got.io == Io::blocked) return wait_for(got.wants);
  reading_ = false;
  if (got.io != Io::moved) return lost();
  on_read({bytes, got.bytes});
}

void HttpConnection::on_read(std::string_view bytes) {
  if (close_when_sent_) return read();
  const bool begins = input_.empty() && !parser_ && !answering_;
  input_ += bytes;
  parse();
  // Most requests come whole, and need no alarm.
  if (begins && parser_ && !parser_->is_header_done()) expect(kHeaderSeconds);
  read();
}

void HttpConnection::parse() {
  while (!closed_ && !answering_ && !close_when_sent_ && !input_.empty() && output_bytes_ <= kAnswersLimit) {
    if (!parser_) {
      parser_ = std::make_unique<Parser>();
      parser_->header_limit(kHeaderLimit);
      parser_->body_limit(kBodyLimit);
      parser_->eager(true);
      continued_ = false;
    }
    if (!feed()) return;
    if (parser_->is_done()) deliver();
  }
}

// False when more bytes are needed, or none wanted any more.
bool HttpConnection::feed() {
  const bool had_header = parser_->is_header_done();
  error_code error;
  const std::size_t used = parser_->put(asio::buffer(input_), error);
  input_.erase(0, used);
  if (error == beast_http::error::need_more) error = {};
  if (error == beast_http::error::header_limit)
    return refuse(431, "the request's headers are larger than 64 KiB"), false;
  if (error == beast_http::error::body_limit)
    return refuse(413, "the request's body is larger than 64 MiB"), false;
  if (error) return refuse(400, "malformed HTTP request: " + error.message()), false;
  if (parser_->is_header_done()) {
    if (!parser_->is_done() && (!had_header || used > 0)) expect(kBodySeconds);
    if (!continued_ && !parser_->is_done() && lower(parser_->get()["Expect"]) == "100-continue") {
      continued_ = true;
      send("HTTP/1.1 100 Continue\r\n\r\n");
    }
  }
  return used > 0 || parser_->is_done();
}

void HttpConnection::deliver() {
  expect(0);
  auto message = parser_->release();
  parser_.reset();
  http::Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) request.headers.emplace_back(lower(field.name_string()), field.value());
  request.body = std::move(message.body());
  answering_ = true;
  head_only_ = request.method == "HEAD";
  http_1_0_ = message.version() < 11;
  keep_alive_ = message.keep_alive();
  head_.reset();
  body_.clear();
  id_ = owner_->arrived(*this, std::move(request));
}

void HttpConnection::refuse(unsigned status, const std::string& sentence) {
  answering_ = true;
  head_only_ = keep_alive_ = http_1_0_ = false;
  id_ = 0;
  head_ = http::ResponseHead{status, {{"Content-Type", "application/json"}}, false};
  body_ = {"{\"message\":" + json_quote(sentence) + "}\n"};
  end();
}

// ---- out

void HttpConnection::begin(http::ResponseHead head) {
  head_ = std::move(head);
  if (head_->streaming) send(head_text(*head_, std::nullopt));
}

void HttpConnection::piece(std::string bytes) {
  if (bytes.empty() || !head_) return;
  if (!head_->streaming) {
    body_.push_back(std::move(bytes));
  } else if (!head_only_) {
    send(chunked_ ? hex_size(bytes.size()) + bytes + "\r\n" : std::move(bytes));
  }
}

// A short answer is one write of one piece of memory; a long one is sent as it came, and never copied.
void HttpConnection::send_whole(const http::ResponseHead& head) {
  if (closed_) return;
  std::size_t size = 0;
  for (const std::string& bytes : body_) size += bytes.size();
  std::string answer = head_text(head, size);
  std::vector<std::string> body = std::exchange(body_, {});
  if (head_only_ || has_no_body(head.status)) body.clear();
  if (size <= kShortAnswer)
    for (const std::string& bytes : std::exchange(body, {})) answer += bytes;
  output_bytes_ += answer.size();
  output_.push_back(std::move(answer));
  for (std::string& bytes : body) {
    output_bytes_ += bytes.size();
    output_.push_back(std::move(bytes));
  }
  flush();
}

void HttpConnection::end() {
  if (!head_) return;
  if (!head_->streaming) {
    send_whole(*head_);
  } else if (chunked_ && !head_only_) {
    send("0\r\n\r\n");
  }
  finish();
}

// What was sent is sent, and then the line goes dead: no client takes this for the whole.
void HttpConnection::cut() {
  body_.clear();
  keep_alive_ = false;
  finish();
}

// Without a length the body is chunked; a client of HTTP/1.0 reads it until the connection closes.
std::string HttpConnection::head_text(const http::ResponseHead& head, std::optional<std::size_t> length) {
  chunked_ = !length && !http_1_0_;
  if (!length && http_1_0_) keep_alive_ = false;
  const auto status = static_cast<beast_http::status>(head.status);
  std::string text = http_1_0_ ? "HTTP/1.0 " : "HTTP/1.1 ";
  text.reserve(512);
  (text += std::to_string(head.status) + ' ') += beast_http::obsolete_reason(status);
  text += "\r\n";
  bool own_length = false;
  for (const auto& [name, value] : head.headers) {
    if (iequals(name, "transfer-encoding") || iequals(name, "connection")) continue;
    if (iequals(name, "content-length")) {
      if (!head_only_) continue;
      own_length = true;  // a HEAD's answer tells the length of the body that it leaves out
    }
    (((text += name) += ": ") += value) += "\r\n";
  }
  if (chunked_) {
    text += "Transfer-Encoding: chunked\r\n";
  } else if (length && !own_length && !has_no_body(head.status)) {
    text += "Content-Length: " + std::to_string(*length) + "\r\n";
  }
  if (!keep_alive_) text += "Connection: close\r\n";
  if (keep_alive_ && http_1_0_) text += "Connection: keep-alive\r\n";
  text += "\r\n";
  return text;
}

void HttpConnection::send(std::string bytes) {
  if (closed_ || bytes.empty()) return;
  output_bytes_ += bytes.size();
  output_.push_back(std::move(bytes));
  // A reader this far behind will not catch up. Later, because the machine is in the middle of its answer.
  if (output_bytes_ > kOutputLimit && answering_ && head_ && head_->streaming)
    return reactor_.post([self = shared_from_this()] { self->lost(); });
  flush();
}

// The first piece of a turn goes at once, and all the others together. A lost client is reported later: the
// machine may be in the middle of its answer.
void HttpConnection::flush() {
  if (writing_ != Output::idle || closed_ || has_sent_all()) return;
  writing_ = Output::waiting;
  if (!stream_->may_write()) return watch_->want_write();
  std::array<std::string_view, kMaxGather> pieces;
  std::size_t count = 0;
  for (auto it = output_.begin(); it != output_.end() && count < kMaxGather; ++it) pieces[count++] = *it;
  if (count > 0) pieces[0].remove_prefix(front_sent_);
  const Outcome outcome = stream_->write(std::span(pieces.data(), count));
  if (outcome.io == Io::blocked) return wait_for(outcome.wants);
  if (outcome.io == Io::reset) return reactor_.post([self = shared_from_this()] { self->lost(); });
  sent(outcome.bytes);
  writing_ = Output::resting;
  reactor_.post([self = shared_from_this()] {
    if (self->closed_) return;
    self->writing_ = Output::idle;
    self->flush();
    self->hang_up();
    if (self->output_.empty()) self->go_on();
  });
}

void HttpConnection::sent(std::size_t count) {
  output_bytes_ -= count;
  count += front_sent_;
  for (; !output_.empty() && count >= output_.front().size(); output_.pop_front())
    count -= output_.front().size();
  front_sent_ = count;
}

// Our side ends first; closing at once, with bytes unread, would take the answer back from a client that
// still sends.
void HttpConnection::hang_up() {
  if (closed_ || !close_when_sent_ || writing_ != Output::idle || !has_sent_all()) return;
  stream_->shut_writing();
}

void HttpConnection::finish() {
  answering_ = false;
  if (id_ != 0) owner_->answered(id_);
  head_.reset();
  if (!keep_alive_) {
    close_when_sent_ = true;
    input_.clear();
    expect(kHeaderSeconds);  // for a client that does not read its answer, or never hangs up
    read();
    return hang_up();
  }
  // The next request may be here already; not within the machine's call.
  reactor_.post([self = shared_from_this()] { self->go_on(); });
}

void HttpConnection::go_on() {
  if (closed_ || answering_ || close_when_sent_ || input_.empty()) return read();
  if (!parser_) expect(kHeaderSeconds);
  parse();
  read();
}

}  // namespace swarm::real
