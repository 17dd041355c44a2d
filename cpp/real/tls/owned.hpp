// Owned: OpenSSL's objects, freed when they go out of scope.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

namespace swarm::real::tls {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;

using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Cert = Owned<X509, X509_free>;
using Request = Owned<X509_REQ, X509_REQ_free>;
using Bio = Owned<BIO, BIO_free_all>;
using Session = Owned<SSL_SESSION, SSL_SESSION_free>;

}  // namespace swarm::real::tls
