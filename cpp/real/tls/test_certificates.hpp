// For tests: a root, and what nodes show that it signed.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "ca/policy.hpp"
#include "real/http/reactor.hpp"
#include "real/tls/openssl_crypto.hpp"
#include "real/tls/tls_context.hpp"

namespace swarm::real {

class TestRoot {
 public:
  static constexpr Duration kLife = Duration::seconds(90LL * 24 * 3600);

  TestRoot() : pair_(crypto_.make_root_ca(wall_now())) {}

  ports::Credentials node(NodeId id, model::NodeRole role, WallTime made_at = wall_now()) {
    const auto own = crypto_.make_request();
    auto signed_by_us =
        crypto_.issue(pair_, own.request_pem, ca::to_issue(id, role, cluster_, kLife, made_at));
    SWARM_CHECK(signed_by_us.ok(), "no certificate");
    return {std::move(*signed_by_us), own.key_pem, pair_.cert_pem, "one key of the whole swarm"};
  }
  ports::Credentials manager(std::uint64_t id = 1) { return node(NodeId(id), model::NodeRole::manager); }
  ports::Credentials worker(std::uint64_t id = 2) { return node(NodeId(id), model::NodeRole::worker); }
  // Of a node on its way in.
  ports::Credentials joiner() const { return {{}, {}, pair_.cert_pem, {}}; }
  const ports::Crypto::KeyPair& pair() const { return pair_; }
  ClusterId cluster() const { return cluster_; }
  OpensslCrypto& crypto() { return crypto_; }

 private:
  OpensslCrypto crypto_;
  ports::Crypto::KeyPair pair_;
  ClusterId cluster_{5};
};

inline std::shared_ptr<TlsContext> context_of(const ports::Credentials& credentials,
                                              TlsContext::Use use = TlsContext::Use::management) {
  auto made = TlsContext::make(credentials, use, wall_now);
  SWARM_CHECK(made.ok(), made.ok() ? "" : made.error().message);
  return *made;
}

}  // namespace swarm::real
