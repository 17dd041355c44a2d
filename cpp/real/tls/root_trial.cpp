#include "real/tls/root_trial.hpp"

#include <openssl/err.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ca/policy.hpp"
#include "model/node.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"
#include "real/stream/byte_stream.hpp"
#include "real/tls/owned.hpp"
#include "real/tls/tls_context.hpp"
#include "real/tls/x509.hpp"

namespace swarm::real::tls {
namespace {

using KeyPair = ports::Crypto::KeyPair;

constexpr int kMostSteps = 20;       // a handshake takes four
constexpr std::size_t kSerial = 20;  // bytes

Error refused(std::string why) { return plain_error(Code::invalid_argument, std::move(why)); }

// One end of a handshake in memory.
class End {
 public:
  End(std::shared_ptr<TlsContext> context, Side side, Bio bio)
      : context_(std::move(context)), side_(side), ssl_(context_->make_ssl(side)) {
    BIO* both_ways = bio.release();
    SSL_set_bio(ssl_.get(), both_ways, both_ways);
  }

  // Returns the reason why it goes on no more; nothing while it does.
  std::optional<std::string> step() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    const int error = SSL_get_error(ssl_.get(), result);
    const bool goes_on =
        error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    return goes_on ? std::nullopt : std::optional(reason());
  }
  bool is_done() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  std::optional<ca::Distrust> distrust() const { return context_->peer_of(ssl_.get(), side_).why; }

 private:
  std::string reason() const {
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
    const char* words = ERR_reason_error_string(ERR_peek_last_error());
    return words != nullptr ? words : "TLS failed";
  }

  std::shared_ptr<TlsContext> context_;
  Side side_;
  Owned<SSL, SSL_free> ssl_;
};

Result<void> shake(const std::shared_ptr<TlsContext>& dialling,
                   const std::shared_ptr<TlsContext>& accepting) {
  BIO* one = nullptr;
  BIO* other = nullptr;
  SWARM_CHECK(BIO_new_bio_pair(&one, 0, &other, 0) == 1, "no memory for a handshake");
  End client(dialling, Side::dialled, Bio(one));
  End server(accepting, Side::accepted, Bio(other));
  for (int i = 0; i < kMostSteps && !(client.is_done() && server.is_done()); ++i)
    for (End* end : {&client, &server})
      if (const auto why = end->step()) return refused(*why);
  if (!client.is_done() || !server.is_done()) return refused("the handshake does not end");
  for (const End* end : {&client, &server})
    if (const auto why = end->distrust()) return refused(ca::sentence_of(*why));
  return {};
}

// A manager: it is dialled as well. `behind`: what follows its certificate.
Result<std::shared_ptr<TlsContext>> node_of(const KeyPair& root, const std::string& behind,
                                            const std::string& believed_pem, WallTime now) {
  const Key key = make_key();
  const auto says = ca::to_issue(NodeId(1), model::NodeRole::manager, ClusterId(1), ca::kLeastExpiry, now);
  auto pem =
      issue(root.cert_pem, root.key_pem, make_request_pem(key.get()), says, std::string(kSerial, '\1'));
  if (!pem) return refused(pem.error().message);
  const ports::Credentials credentials{*pem + behind, to_pem(key.get()), believed_pem, "a ticket key"};
  return TlsContext::make(credentials, TlsContext::Use::management, [now] { return now; });
}

}  // namespace

Result<void> try_root(const KeyPair& root, WallTime now) {
  const auto node = node_of(root, {}, root.cert_pem, now);
  return node ? shake(*node, *node) : Result<void>(node.error());
}

Result<void> try_change(const KeyPair& old, const KeyPair& next, const std::string& cross_signed_pem,
                        WallTime now) {
  const auto of_old = node_of(old, {}, old.cert_pem, now);
  if (!of_old) return of_old.error();
  const auto of_next = node_of(next, cross_signed_pem, old.cert_pem, now);
  if (!of_next) return of_next.error();
  if (const auto dialled = shake(*of_old, *of_next); !dialled) return dialled;
  return shake(*of_next, *of_old);
}

}  // namespace swarm::real::tls
