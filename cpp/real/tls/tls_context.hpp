// TlsContext: what all TLS connections with one set of credentials share. It never changes: new credentials
// make a new one, and connections that are open keep the one that they began with. Thread-safe.
//
// TLS 1.3 only. Chains are checked against the roots by OpenSSL; times, swarm and role by ca/policy, in every
// handshake, resumed ones too. The end that dials keeps the last ticket of each address; the other
// end keeps nothing, since the ticket holds the session, sealed.
//
// The API's door has another authority: certificates that the user names, as with dockerd, of TLS 1.2 on, and
// without tickets. NOT here: bytes (tls_stream).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "ca/policy.hpp"
#include "ports/transport.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/tls/owned.hpp"

namespace swarm::real {

class TlsContext {
 public:
  // What connections are for. `management` (2377): strangers may dial, and managers are dialled. `data`
  // (7946): between nodes of one swarm.
  enum class Use : std::uint8_t { management, data, api };
  using Wall = std::function<WallTime()>;  // from any thread

  // An error in a sentence when the certificate or its key cannot be used.
  static Result<std::shared_ptr<TlsContext>> make(const ports::Credentials& credentials, Use use, Wall wall);

  // PEM: the door's own certificate with those that lead to its root, its key, and the roots of its clients;
  // empty: clients prove nothing.
  struct ApiCredentials {
    std::string certificate_pem, key_pem, client_roots_pem;
  };
  static Result<std::shared_ptr<TlsContext>> make_for_api(const ApiCredentials& credentials);

  tls::Owned<SSL, SSL_free> make_ssl(Side side) const;
  // Lets a connection to `peer`, an address, go on where the last one ended, if there is a ticket.
  void resume(SSL* ssl, const std::string& peer);
  // What the peer proved, after the handshake; nothing of a stranger. `why`: it is not believed.
  struct Peer {
    std::optional<model::Certificate> certificate;
    std::optional<ca::Distrust> why;
  };
  Peer peer_of(SSL* ssl, Side side) const;

  void keep(const std::string& peer, tls::Session session);

 private:
  static constexpr std::size_t kMostSessions = 1'024;

  TlsContext(Use use, Wall wall) : use_(use), wall_(std::move(wall)) {}
  void set_up_bytes();
  std::string verified_by(SSL* ssl) const;
  Result<void> take(const ports::Credentials& credentials);
  Result<void> take_for_api(const ApiCredentials& credentials);
  Result<void> take_own(const ports::Credentials& credentials);
  Result<void> take_roots(const std::string& roots_pem);
  void set_up_resumption(const std::string& ticket_key);
  static int on_ticket_made(SSL* ssl, void* context);
  static SSL_TICKET_RETURN on_ticket_opened(SSL* ssl, SSL_SESSION* session, const unsigned char* name,
                                            std::size_t size, SSL_TICKET_STATUS status, void* context);
  tls::Session session_for(const std::string& peer);

  tls::Owned<SSL_CTX, SSL_CTX_free> context_;
  Use use_;
  Wall wall_;
  ca::Trust trust_;
  std::mutex mutex_;
  std::map<std::string, tls::Session> sessions_;  // of dialled peers
};

}  // namespace swarm::real
