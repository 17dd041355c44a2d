// HttpConnection: one client's connection to HttpServer, over a byte stream (real/stream). Beast's parser
// inside; included by http_server.cpp only.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ports/ports.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"

namespace swarm::real {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // What the server does for its connections.
  struct Owner {
    std::function<ports::ApiId(HttpConnection&, http::Request)> arrived;  // names the request
    std::function<void(ports::ApiId)> aborted;
    std::function<void(ports::ApiId)> answered;
    std::function<void(HttpConnection&)> gone;
  };

  // `local`: over a unix socket.
  HttpConnection(Reactor& reactor, std::unique_ptr<ByteStream> stream, bool local, Owner& owner);
  void start();
  void close();  // no callbacks after this
  bool is_local() const { return is_local_; }

  void begin(http::ResponseHead head);
  void piece(std::string bytes);
  void end();
  void cut();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  void read();
  void on_ready(const Readiness& now);
  void take();
  void wait_for(Want want) { want == Want::read ? watch_->want_read() : watch_->want_write(); }
  void on_read(std::string_view bytes);
  void parse();
  bool feed();
  void deliver();
  void refuse(unsigned status, const std::string& sentence);
  void expect(std::int64_t seconds);
  void lost();
  std::string head_text(const http::ResponseHead& head, std::optional<std::size_t> length);
  void send_whole(const http::ResponseHead& head);
  void send(std::string bytes);
  void flush();
  void sent(std::size_t count);
  bool has_sent_all() const { return output_.empty() && !stream_->holds_back(); }
  void hang_up();
  void finish();
  void go_on();

  Reactor& reactor_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<ReadyWatch> watch_;  // of the stream's descriptor
  const bool is_local_;
  Owner* owner_;
  Timer timer_;
  std::string input_;  // read, not parsed yet
  std::unique_ptr<Parser> parser_;
  bool continued_ = false;  // "100 Continue" was sent
  bool reading_ = false;    // waits until there is something to read

  ports::ApiId id_ = 0;  // of the request that is being answered
  bool answering_ = false;
  bool head_only_ = false, keep_alive_ = false, chunked_ = false, http_1_0_ = false;
  std::optional<http::ResponseHead> head_;
  std::vector<std::string> body_;  // of an answer that is sent whole, as it came

  std::deque<std::string> output_;
  std::size_t output_bytes_ = 0, front_sent_ = 0;  // of all; of the first piece, those that went already
  // `resting`: it has written in this turn; the pieces that come meanwhile go together. `waiting`: until the
  // stream is ready.
  enum class Output : std::uint8_t { idle, resting, waiting } writing_ = Output::idle;
  bool close_when_sent_ = false, closed_ = false;
};

}  // namespace swarm::real
