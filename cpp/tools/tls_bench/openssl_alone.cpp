#include "openssl_alone.hpp"

#include <openssl/ssl.h>
#include <time.h>

#include <cstddef>
#include <memory>
#include <string>

#include "base/check.hpp"
#include "ports/transport.hpp"
#include "real/tls/owned.hpp"
#include "real/tls/x509.hpp"

namespace swarm::bench {
namespace {

using Context = real::tls::Owned<SSL_CTX, SSL_CTX_free>;
using Connection = real::tls::Owned<SSL, SSL_free>;

Context context_of(const ports::Credentials& own) {
  Context context(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_use_certificate(context.get(), real::tls::read_cert(own.certificate_pem).get());
  SSL_CTX_use_PrivateKey(context.get(), real::tls::read_key(own.key_pem).get());
  for (const auto& root : real::tls::read_certs(own.roots_pem))
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), root.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("bench"), 5);
  return context;
}

Connection connection(SSL_CTX* context) {
  Connection ssl(SSL_new(context));
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  return ssl;
}

void carry(SSL* from, SSL* to) {
  char bytes[32 * 1024];
  for (int count = 0; (count = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0;)
    BIO_write(SSL_get_rbio(to), bytes, count);
}

}  // namespace

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct OpensslAlone::Impl {
  Context client, server;
  real::tls::Session session;
  bool resumed = false;
};

OpensslAlone::OpensslAlone(const ports::Credentials& client, const ports::Credentials& server)
    : impl_(std::make_unique<Impl>()) {
  impl_->client = context_of(client);
  impl_->server = context_of(server);
}
OpensslAlone::~OpensslAlone() = default;

double OpensslAlone::shake(bool resume) {
  Connection client = connection(impl_->client.get()), server = connection(impl_->server.get());
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  if (resume && impl_->session) SSL_set_session(client.get(), impl_->session.get());
  double spent = 0;
  for (int i = 0; i < 10; ++i) {
    SSL_do_handshake(client.get());
    carry(client.get(), server.get());
    const double begun = cpu_seconds();
    SSL_do_handshake(server.get());
    spent += cpu_seconds() - begun;
    carry(server.get(), client.get());
  }
  SWARM_CHECK(SSL_is_init_finished(server.get()) == 1, "no handshake");
  char byte = 0;
  SSL_read(client.get(), &byte, 1);  // the ticket
  impl_->session.reset(SSL_get1_session(client.get()));
  impl_->resumed = SSL_session_reused(server.get()) == 1;
  for (SSL* end : {client.get(), server.get()})
    SSL_set_shutdown(end, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  return spent;
}

double OpensslAlone::carry_seconds(std::size_t size, int times) {
  Connection client = connection(impl_->client.get()), server = connection(impl_->server.get());
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  for (int i = 0; i < 10; ++i) {
    SSL_do_handshake(client.get());
    carry(client.get(), server.get());
    SSL_do_handshake(server.get());
    carry(server.get(), client.get());
  }
  char byte = 0;
  SSL_read(client.get(), &byte, 1);  // the ticket
  // One memory between them: what one seals lies where the other opens it.
  BIO* between = BIO_new(BIO_s_mem());
  BIO_up_ref(between);
  SSL_set0_wbio(server.get(), between);
  SSL_set0_rbio(client.get(), between);
  const std::string sent(size, 'x');
  std::string came(16UL * 1024, 0);
  const double begun = cpu_seconds();
  for (int i = 0; i < times; ++i) {
    std::size_t count = 0;
    SWARM_CHECK(SSL_write_ex(server.get(), sent.data(), size, &count) == 1, "OpenSSL does not write");
    for (std::size_t got = 0; got < size; got += count)
      SWARM_CHECK(SSL_read_ex(client.get(), came.data(), came.size(), &count) == 1, "OpenSSL does not read");
  }
  return (cpu_seconds() - begun) / times;
}

bool OpensslAlone::was_resumed() const { return impl_->resumed; }

}  // namespace swarm::bench
