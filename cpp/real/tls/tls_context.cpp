#include "real/tls/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "ca/policy.hpp"
#include "ports/transport.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/tls/owned.hpp"
#include "real/tls/tls_stream.hpp"
#include "real/tls/x509.hpp"

namespace swarm::real {
namespace {

constexpr long kTicketLife = 7L * 24 * 3600;      // seconds: the most that RFC 8446 allows (4.6.1)
constexpr std::size_t kTicketKey = 16 + 32 + 32;  // its name, and the keys that seal and sign

Error unusable(const char* what) {
  return plain_error(Code::data_loss,
                     std::string("this node's certificate cannot be used: ") + what +
                         "; restore swarm/certificates in the data root, or leave the swarm and join again");
}

// As many bytes as OpenSSL wants, of a key of any length.
std::string stretched(const std::string& key) {
  std::string out;
  for (char part = 0; out.size() < kTicketKey; ++part) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const std::string bytes = key + part;
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
    out.append(reinterpret_cast<const char*>(digest), sizeof digest);
  }
  out.resize(kTicketKey);
  return out;
}

std::string random_key() {
  std::string key(32, '\0');
  SWARM_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(key.data()), static_cast<int>(key.size())) == 1,
              "no randomness");
  return key;
}

// The root that stands in a ticket's session; empty: the peer showed nothing.
std::string root_in(SSL_SESSION* session) {
  void* data = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || data == nullptr) return {};
  return {static_cast<const char*>(data), size};
}

bool is_among(const std::vector<std::string>& roots, const std::string& root) {
  return std::ranges::find(roots, root) != roots.end();
}

// A ticket has come: it is good for one more handshake with this peer.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  auto* stream = static_cast<TlsStream*>(SSL_get_app_data(ssl));
  if (stream == nullptr || SSL_is_server(ssl) == 1) return 0;
  stream->keep(tls::Session(session));
  return 1;  // it is ours now
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::make(const ports::Credentials& credentials, Use use,
                                                     Wall wall) {
  std::shared_ptr<TlsContext> made(new TlsContext(use, std::move(wall)));
  if (auto taken = made->take(credentials); !taken) return taken.error();
  return made;
}

void TlsContext::set_up_bytes() {
  context_.reset(SSL_CTX_new(TLS_method()));
  SWARM_CHECK(context_ != nullptr, "no TLS context");
  SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context_.get(), 0);  // record_pipe does that
}

Result<void> TlsContext::take(const ports::Credentials& credentials) {
  set_up_bytes();
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context,
                           "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set1_groups_list(context, "X25519:P-256");
  if (auto taken = take_own(credentials); !taken) return taken;
  if (auto taken = take_roots(credentials.roots_pem); !taken) return taken;
  set_up_resumption(credentials.ticket_key);
  return {};
}

Result<void> TlsContext::take_own(const ports::Credentials& credentials) {
  if (credentials.certificate_pem.empty()) return {};
  const auto chain = tls::read_certs(credentials.certificate_pem);
  const tls::Key key = tls::read_key(credentials.key_pem);
  if (chain.empty()) return unusable("it cannot be read");
  const tls::Cert& cert = chain.front();
  if (!key) return unusable("its key cannot be read");
  const auto says = tls::says(cert.get());
  if (!says) return unusable("it names no node of a swarm");
  trust_.cluster = says->cluster;
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context_.get(), cert.get()) != 1) return unusable("OpenSSL refuses it");
  for (std::size_t i = 1; i < chain.size(); ++i)  // cross-signed, after the root's rotation
    if (SSL_CTX_add1_chain_cert(context_.get(), chain[i].get()) != 1) return unusable("its chain is none");
  if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) return unusable("the key is another one's");
  return {};
}

Result<std::shared_ptr<TlsContext>> TlsContext::make_for_api(const ApiCredentials& credentials) {
  std::shared_ptr<TlsContext> made(new TlsContext(Use::api, {}));
  if (auto taken = made->take_for_api(credentials); !taken) return taken.error();
  return made;
}

// OpenSSL judges clients by itself: their chain, their times, and that their certificate is a client's.
Result<void> TlsContext::take_for_api(const ApiCredentials& credentials) {
  const auto wrong = [](const char* what) { return plain_error(Code::invalid_argument, what); };
  set_up_bytes();
  SSL_CTX* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  std::vector<tls::Cert> chain = tls::read_certs(credentials.certificate_pem);
  const tls::Key key = tls::read_key(credentials.key_pem);
  if (chain.empty()) return wrong("the certificate cannot be read: it is no PEM");
  if (X509_check_purpose(chain.front().get(), X509_PURPOSE_SSL_SERVER, 0) != 1)
    return wrong("every client would refuse the certificate: its usages do not allow a server (serverAuth)");
  if (!key) return wrong("the key cannot be read: it is no PEM, or it has a password");
  ERR_clear_error();
  if (SSL_CTX_use_certificate(context, chain.front().get()) != 1)
    return wrong("OpenSSL refuses the certificate");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) return wrong("the key is not that of the certificate");
  for (std::size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context, chain[i].get());
  if (credentials.client_roots_pem.empty()) return {};
  const std::vector<tls::Cert> roots = tls::read_certs(credentials.client_roots_pem);
  if (roots.empty()) return wrong("the clients' certificate authority cannot be read: it is no PEM");
  for (const tls::Cert& root : roots) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get());
    SSL_CTX_add_client_CA(context, root.get());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return {};
}

// Times are a matter of ca/policy, and of the clock that it is given.
Result<void> TlsContext::take_roots(const std::string& roots_pem) {
  X509_STORE* store = SSL_CTX_get_cert_store(context_.get());
  X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store), X509_V_FLAG_NO_CHECK_TIME);
  for (const tls::Cert& root : tls::read_certs(roots_pem)) {
    X509_STORE_add_cert(store, root.get());
    trust_.roots.push_back(tls::key_id(root.get()));
  }
  if (trust_.roots.empty() && !roots_pem.empty()) return unusable("the swarm's root cannot be read");
  SSL_CTX_set_verify(context_.get(), trust_.roots.empty() ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  return {};
}

// A session is resumed only where the same root is the current one, for the same use. Managers that differ by
// an older root open each other's tickets; which root the peer's chain led to stands in the ticket.
void TlsContext::set_up_resumption(const std::string& ticket_key) {
  SSL_CTX* context = context_.get();
  SSL_CTX_set_timeout(context, kTicketLife);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  SSL_CTX_set_session_ticket_cb(context, on_ticket_made, on_ticket_opened, this);
  std::string keys = stretched(ticket_key.empty() ? random_key() : ticket_key);
  SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), static_cast<long>(keys.size()));
  OPENSSL_cleanse(keys.data(), keys.size());
  unsigned char id[SHA256_DIGEST_LENGTH];
  const std::string bytes =
      (trust_.roots.empty() ? "" : trust_.roots.front()) + (use_ == Use::data ? "data" : "management");
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), id);
  SSL_CTX_set_session_id_context(context, id, sizeof id);
}

int TlsContext::on_ticket_made(SSL* ssl, void* context) {
  const std::string root = static_cast<const TlsContext*>(context)->verified_by(ssl);
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), root.data(), root.size());
}

// The peer may have been believed for the sake of a root that this node does not believe (any more): then it
// shows its chain again.
SSL_TICKET_RETURN TlsContext::on_ticket_opened(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                                               SSL_TICKET_STATUS status, void* context) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  const std::string root = root_in(session);
  if (!root.empty() && !is_among(static_cast<const TlsContext*>(context)->trust_.roots, root))
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

tls::Owned<SSL, SSL_free> TlsContext::make_ssl(Side side) const {
  tls::Owned<SSL, SSL_free> ssl(SSL_new(context_.get()));
  SWARM_CHECK(ssl != nullptr, "no TLS connection");
  side == Side::accepted ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  return ssl;
}

void TlsContext::resume(SSL* ssl, const std::string& peer) {
  if (const tls::Session session = session_for(peer)) SSL_set_session(ssl, session.get());
}

// The root that the peer's chain leads to. A client resumes what it began with the same roots: it was one of
// these.
std::string TlsContext::verified_by(SSL* ssl) const {
  if (SSL_session_reused(ssl) == 1)
    return SSL_is_server(ssl) == 1 ? root_in(SSL_get_session(ssl)) : trust_.roots.front();
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  const int count = chain == nullptr ? 0 : sk_X509_num(chain);
  return count == 0 ? std::string() : tls::key_id(sk_X509_value(chain, count - 1));
}

TlsContext::Peer TlsContext::peer_of(SSL* ssl, Side side) const {
  if (use_ == Use::api) return {};  // it has been judged
  const ca::Expected expected =
      use_ == Use::data ? ca::Expected::member : ca::expected_of(side == Side::dialled, trust_);
  Peer peer;
  X509* cert = trust_.roots.empty() ? nullptr : SSL_get0_peer_certificate(ssl);
  if (cert != nullptr) {
    peer.certificate = tls::says(cert);
    if (peer.certificate) {
      peer.certificate->cross_signed_by = verified_by(ssl);
    } else {
      peer.certificate.emplace();  // signed by the root, and no node's: of no root we know
    }
  }
  peer.why = ca::judge(peer.certificate, expected, trust_, wall_());
  return peer;
}

// ---- sessions that may be resumed

void TlsContext::keep(const std::string& peer, tls::Session session) {
  const std::lock_guard hold(mutex_);
  if (sessions_.size() >= kMostSessions && !sessions_.contains(peer)) sessions_.erase(sessions_.begin());
  sessions_[peer] = std::move(session);
}

// Once each: a ticket that is used twice lets an observer tie the two connections together (RFC 8446, C.4).
tls::Session TlsContext::session_for(const std::string& peer) {
  const std::lock_guard hold(mutex_);
  const auto found = sessions_.find(peer);
  if (found == sessions_.end()) return nullptr;
  tls::Session session = std::move(found->second);
  sessions_.erase(found);
  return session;
}

}  // namespace swarm::real
