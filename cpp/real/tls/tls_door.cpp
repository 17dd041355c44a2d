#include "real/tls/tls_door.hpp"

#include <memory>
#include <mutex>
#include <utility>

#include "base/check.hpp"
#include "ports/transport.hpp"
#include "real/http/reactor.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/stream/fd.hpp"
#include "real/tls/tls_context.hpp"
#include "real/tls/tls_stream.hpp"

namespace swarm::real {

TlsDoor::TlsDoor(TlsContext::Wall wall) : wall_(std::move(wall)) {
  const auto nothing = set({});
  SWARM_CHECK(nothing.ok(), "a node without credentials");
}

Result<void> TlsDoor::set(const ports::Credentials& credentials) {
  auto management = TlsContext::make(credentials, TlsContext::Use::management, wall_);
  if (!management) return management.error();
  // A ticket of the mesh is good at its node alone: any other's key would not open it.
  ports::Credentials own = credentials;
  own.ticket_key.clear();
  auto data = TlsContext::make(own, TlsContext::Use::data, wall_);
  if (!data) return data.error();
  const std::lock_guard hold(mutex_);
  management_ = std::move(*management);
  data_ = std::move(*data);
  return {};
}

std::shared_ptr<TlsContext> TlsDoor::current(TlsContext::Use use) {
  const std::lock_guard hold(mutex_);
  return use == TlsContext::Use::management ? management_ : data_;
}

StreamMaker TlsDoor::data() {
  return [this](Fd fd, Side side) {
    return std::make_unique<TlsStream>(std::move(fd), side, current(TlsContext::Use::data));
  };
}

StreamOpener TlsDoor::management(Reactor& reactor) {
  return [this, &reactor](Fd fd, Side side, StreamOpened opened) {
    shake(reactor, std::make_unique<TlsStream>(std::move(fd), side, current(TlsContext::Use::management)),
          std::move(opened));
  };
}

StreamOpener TlsDoor::api(Reactor& reactor, std::shared_ptr<TlsContext> context) {
  return [this, &reactor, context = std::move(context)](Fd fd, Side side, StreamOpened opened) {
    shake(reactor, std::make_unique<TlsStream>(std::move(fd), side, context), std::move(opened));
  };
}

void TlsDoor::shake(Reactor& reactor, std::unique_ptr<TlsStream> stream, StreamOpened opened) {
  pool_.shake(std::move(stream),
              [&reactor, opened = std::move(opened)](std::unique_ptr<TlsStream> made, std::string why) {
                // A function that is copied cannot own the stream alone.
                auto kept = std::make_shared<std::unique_ptr<TlsStream>>(std::move(made));
                reactor.post([opened, kept, why = std::move(why)] { opened(std::move(*kept), why); });
              });
}

}  // namespace swarm::real
