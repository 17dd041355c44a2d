#include "model/constraint.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/id.hpp"
#include "model/node.hpp"

namespace swarm::model {
namespace {

Node node() {
  Node out;
  out.id = NodeId(42);
  out.description.hostname = "Host-1";
  out.description.platform = {"x86_64", "linux"};
  out.description.engine_labels = {{"storage", "ssd"}};
  out.spec.annotations.labels = {{"Zone", "a"}};
  out.spec.desired_role = NodeRole::worker;  // being demoted: the observed role counts
  out.role = NodeRole::manager;
  out.status.addr = "127.0.3.7";
  return out;
}

bool holds(const std::string& text) {
  const auto parsed = parse_constraints({text});
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() && matches(*parsed, node());
}

std::string refusal(const std::string& text) {
  const auto parsed = parse_constraints({text});
  return parsed.ok() ? "" : parsed.error().message;
}

TEST(Constraint, every_key_is_compared_with_what_it_names) {
  EXPECT_TRUE(holds("node.role == Manager"));
  EXPECT_FALSE(holds("node.role==worker"));
  EXPECT_TRUE(holds("node.hostname==host-1"));
  EXPECT_TRUE(holds("NODE.HOSTNAME!=host-2"));
  EXPECT_TRUE(holds("node.id==" + NodeId(42).str()));
  EXPECT_TRUE(holds("node.platform.os==Linux"));
  EXPECT_TRUE(holds("node.platform.arch!=arm64"));
  EXPECT_TRUE(holds("engine.labels.storage==SSD"));
  EXPECT_TRUE(holds("node.labels.Zone==A"));
}

TEST(Constraint, label_keys_have_case_and_a_missing_label_is_empty) {
  EXPECT_FALSE(holds("node.labels.zone==a"));
  EXPECT_TRUE(holds("node.labels.zone!=a"));
}

TEST(Constraint, an_unknown_key_matches_no_node) {
  EXPECT_FALSE(holds("node.colour==red"));
  EXPECT_FALSE(holds("node.colour!=red"));
  EXPECT_FALSE(holds("node.labels.!=red"));
}

TEST(Constraint, node_ip_is_an_address_or_a_block) {
  EXPECT_TRUE(holds("node.ip==127.0.3.7"));
  EXPECT_TRUE(holds("node.ip==127.0.3.0/24"));
  EXPECT_FALSE(holds("node.ip==127.0.4.0/24"));
  EXPECT_TRUE(holds("node.ip!=127.0.4.0/24"));
  EXPECT_TRUE(holds("node.ip==127.0.3.6/31"));
  EXPECT_FALSE(holds("node.ip==nonsense"));
  EXPECT_FALSE(holds("node.ip!=nonsense"));
  EXPECT_FALSE(holds("node.ip==127.0.3.7/33"));
}

TEST(Constraint, what_cannot_be_read_is_refused_with_dockers_texts) {
  EXPECT_EQ(refusal("node.role"), "constraint expected one operator from ==, !=");
  EXPECT_EQ(refusal("node.role=manager"), "constraint expected one operator from ==, !=");
  EXPECT_EQ(refusal("1key==x"), "key '1key' is invalid");
  EXPECT_EQ(refusal("k==x"), "key 'k' is invalid");
  EXPECT_EQ(refusal("node.role==a,b"), "value 'a,b' is invalid");
  EXPECT_EQ(refusal("node.role=="), "value '' is invalid");
  EXPECT_EQ(refusal("node.labels.a==b c"), "");
}

}  // namespace
}  // namespace swarm::model
