// HttpConnection: one client's connection to HttpServer. Asio and Beast inside; included by http_server.cpp
// only.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ports/ports.hpp"
#include "real/http/asio_reactor.hpp"

namespace swarm::real {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  // What the server does for its connections.
  struct Owner {
    std::function<ports::ApiId(HttpConnection&, http::Request)> arrived;  // names the request
    std::function<void(ports::ApiId)> aborted;
    std::function<void(ports::ApiId)> answered;
    std::function<void(HttpConnection&)> gone;
  };

  HttpConnection(Socket socket, Owner& owner);
  void start();
  void close();           // no callbacks after this
  bool is_local() const;  // over a unix socket

  void begin(http::ResponseHead head);
  void piece(std::string bytes);
  void end();
  void cut();

 private:
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  void read();
  void on_read(std::string_view bytes);
  void parse();
  bool feed();
  void deliver();
  void refuse(unsigned status, const std::string& sentence);
  void expect(std::int64_t seconds);
  void lost();
  std::string head_text(std::optional<std::size_t> length);
  void send(std::string bytes);
  void flush();
  void hang_up();
  void finish();
  void go_on();

  Socket socket_;
  Owner* owner_;
  boost::asio::steady_timer timer_;
  std::uint64_t timer_generation_ = 0;
  std::string input_;  // read, not parsed yet
  std::unique_ptr<Parser> parser_;
  bool continued_ = false;  // "100 Continue" was said
  bool reading_ = false;

  ports::ApiId id_ = 0;  // of the request that is being answered
  bool answering_ = false;
  bool head_only_ = false, keep_alive_ = false, chunked_ = false, http_1_0_ = false;
  std::optional<http::ResponseHead> head_;
  std::string body_;

  std::deque<std::string> output_;
  std::size_t output_bytes_ = 0;
  bool writing_ = false, close_when_sent_ = false, closed_ = false;
};

}  // namespace swarm::real
