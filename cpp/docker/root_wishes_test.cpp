// Roots that nodes could not tell from one that they know.
#include "docker/root_wishes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/id.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "docker/api.hpp"
#include "model/cluster.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "ports/test_ports.hpp"
#include "store/store.hpp"

namespace swarm::docker {
namespace {

// A root "KEY/NAME" has the key of "KEY", and a name of its own.
class NamedRoots final : public ports::TestCrypto {
 public:
  std::string root_id(std::string_view pem) override { return std::string(pem.substr(0, pem.find('/'))); }
  Issuer issuer_of(std::string_view pem) override {
    return {std::string(pem.substr(std::min(pem.find('/'), pem.size()))), "key"};
  }
  Result<std::string> cross_sign(const KeyPair& by, std::string_view other) override {
    if (by.cert_pem.ends_with("/short"))
      return rpc_error(Code::failed_precondition, "no way from a short one");
    return TestCrypto::cross_sign(by, other);
  }
};

class RootWishes : public testing::Test {
 protected:
  RootWishes() {
    model::Cluster cluster;
    cluster.id = ClusterId(9);
    cluster.feature_level = 2;
    cluster.root_ca.cert_pem = "PRESENT";
    apply(cluster);
  }
  template <class Object>
  void apply(const Object& object) {
    model::Transaction transaction;
    transaction.actions = {model::Put{object}};
    ASSERT_TRUE(store_.apply(transaction, store_.version() + 1).outcome.applied);
  }
  std::string refusal(const std::string& cert) {
    const Context context{&store_, local_, raft_, nullptr, runner_, crypto_, rng_, {}, {}};
    const auto roots = wanted_roots({cert, "KEY"}, store_.cluster()->spec, store_, context);
    return roots ? "" : roots.error().message;
  }
  void expect_refused(const std::string& cert) {
    const std::string text = refusal(cert);
    EXPECT_TRUE(text.starts_with("the desired CA certificate has the key identifier of another root"))
        << text;
    EXPECT_NE(text.find("Make the new root with a new key"), std::string::npos) << text;
  }

  store::Store store_;
  LocalNode local_;
  RaftView raft_;
  ports::IdleRunner runner_;
  NamedRoots crypto_;
  Rng rng_{1};
};

TEST_F(RootWishes, ThePresentRootsKeyWithAnotherNameIsRefused) {
  expect_refused("PRESENT/another name");
  EXPECT_EQ(refusal("PRESENT"), "");
  EXPECT_EQ(refusal("NEW/another name"), "");
}

TEST_F(RootWishes, TheGoalsKeyWithAnotherNameIsRefused) {
  model::Cluster cluster = *store_.cluster();
  cluster.root_ca.rotation = {.cert_pem = "GOAL",
                              .key_pem = "",
                              .cross_signed_pem = "",
                              .id = "GOAL",
                              .join_token_worker = "",
                              .join_token_manager = ""};
  apply(cluster);
  expect_refused("GOAL/another name");
  EXPECT_EQ(refusal("GOAL"), "");
}

// The rotation was taken back, and the node has been down since.
TEST_F(RootWishes, TheKeyOfANodesRootWithAnotherNameIsRefused) {
  model::Node node;
  node.id = NodeId(3);
  node.description.tls = model::TlsInfo{"PRESENT", "FORMER", "/name", "key"};
  apply(node);
  expect_refused("FORMER/another name");
  EXPECT_EQ(refusal("FORMER/name"), "");
}

TEST_F(RootWishes, FromARootThatLeadsNowhereThereIsNoWay) {
  model::Cluster cluster = *store_.cluster();
  cluster.root_ca.cert_pem = "PRESENT/short";
  apply(cluster);
  EXPECT_EQ(refusal("NEW"), "no way from a short one");
}

TEST_F(RootWishes, ANodeThatBelievesTheRootThatWasRenewedCountsToo) {
  model::Node node;
  node.id = NodeId(3);
  node.description.tls = model::TlsInfo{"PRESENT/short", "PRESENT", "", "key"};
  apply(node);
  EXPECT_EQ(refusal("NEW"), "no way from a short one");
  node.description.tls->trust_root = "PRESENT";
  node.meta = store_.node(node.id)->meta;
  apply(node);
  EXPECT_EQ(refusal("NEW"), "");
}

}  // namespace
}  // namespace swarm::docker
