#include "bindings/served_door.hpp"

#include <signal.h>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "bindings/served_faults.hpp"
#include "bindings/world_host.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "real/http/http_server.hpp"
#include "real/http/reactor.hpp"
#include "sim/world.hpp"

namespace swarm::bindings {
namespace {

// Signals belong to the interpreter's threads: a thread started meanwhile inherits the full mask.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

std::string json_message(const std::string& text) {
  std::string out = "{\"message\":\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"}\n";
}

}  // namespace

struct ServedDoor::Impl {
  struct Open {
    sim::CallId call = 0;
    bool begun = false;
  };

  Impl(std::shared_ptr<WorldHost> world_host, std::string name)
      : host(std::move(world_host)),
        machine(std::move(name)),
        server(
            reactor, [this](ports::ApiId id, http::Request request) { on_request(id, std::move(request)); },
            [this](ports::ApiId id) { on_abort(id); }),
        timer(reactor) {}

  void on_request(ports::ApiId id, http::Request request) {
    safely([&] {
      if (const auto about = answer_about_faults(*host, request)) {
        server.begin(id, {about->status, {{"Content-Type", "application/json"}}, false});
        if (!about->body.empty()) server.piece(id, about->body + "\n");
        return server.end(id);
      }
      if (!host->use([&](sim::World& world) { return world.alive(machine); }))
        return refuse(id, machine + " is not running");
      open[id] = {host->call(machine, std::move(request)), false};
      pump();
    });
  }

  void on_abort(ports::ApiId id) {
    safely([&] {
      const auto found = open.find(id);
      if (found == open.end()) return;
      host->hang_up(found->second.call);
      open.erase(found);
    });
  }

  // One beat: what is due happens, what was answered goes out, and the next beat is set.
  void pump() {
    safely([&] {
      const auto pause = host->keep_pace();
      std::vector<ports::ApiId> over;
      for (auto& [id, exchange] : open)
        if (forward(id, exchange)) over.push_back(id);
      for (const ports::ApiId id : over) {
        host->hang_up(open[id].call);
        open.erase(id);
      }
      timer.after(Duration::nanos(pause.count()), [this] { pump(); });
    });
  }

  // True when the exchange is over.
  bool forward(ports::ApiId id, Open& exchange) {
    sim::Reply news = host->use([&](sim::World& world) {
      const sim::Reply& reply = world.reply(exchange.call);
      sim::Reply copy{
          reply.begun, reply.ended, reply.cut, exchange.begun ? http::ResponseHead() : reply.head, {}};
      if (reply.begun) copy.body = world.take_body(exchange.call);
      return copy;
    });
    if (news.begun && !exchange.begun) server.begin(id, std::move(news.head));
    exchange.begun = exchange.begun || news.begun;
    if (!news.body.empty()) server.piece(id, std::move(news.body));
    if (news.cut && !exchange.begun) {
      refuse(id, machine + " stopped while it was asked");
      return true;
    }
    if (news.cut) {
      server.cut(id);
    } else if (news.ended) {
      server.end(id);
    }
    return news.ended;
  }

  void refuse(ports::ApiId id, const std::string& why) {
    server.begin(id, http::ResponseHead{503, {{"Content-Type", "application/json"}}, false});
    server.piece(id, json_message(why));
    server.end(id);
  }

  // A broken invariant closes the door; the next call of the swarm raises it.
  template <class Work>
  void safely(Work&& work) {
    try {
      work();
    } catch (const std::exception&) {
      return;  // poisoned: there is nothing left to tidy
    }
  }

  void close() {
    if (!thread.joinable()) return;
    reactor.post([this] {
      timer.cancel();
      server.close();
      reactor.stop();
    });
    thread.join();
    for (const auto& [id, exchange] : open) hang_up_quietly(exchange.call);
    open.clear();
    host->follow_wall_clock(false);
  }

  void hang_up_quietly(sim::CallId call) {
    try {
      host->hang_up(call);
    } catch (const std::exception&) {
      return;  // poisoned: there is nothing left to tidy
    }
  }

  std::shared_ptr<WorldHost> host;
  std::string machine;
  std::string bound;
  std::map<ports::ApiId, Open> open;
  real::Reactor reactor;
  real::HttpServer server;
  real::Timer timer;
  std::thread thread;
};

ServedDoor::ServedDoor(std::shared_ptr<WorldHost> host, std::string machine, const std::string& url)
    : impl_(std::make_unique<Impl>(std::move(host), std::move(machine))) {
  impl_->host->use_machine(impl_->machine, [](sim::World&) {});
  const auto bound = impl_->server.listen(url);
  if (!bound.ok()) throw UsageError(bound.error().message);
  impl_->bound = *bound;
  impl_->host->follow_wall_clock(true);
  impl_->reactor.post([impl = impl_.get()] { impl->pump(); });
  const SignalsBlocked blocked;
  impl_->thread = std::thread([impl = impl_.get()] { impl->reactor.run(); });
}

ServedDoor::~ServedDoor() { close(); }

const std::string& ServedDoor::url() const { return impl_->bound; }

void ServedDoor::close() { impl_->close(); }

}  // namespace swarm::bindings
