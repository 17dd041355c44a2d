// /swarmpy/v1/kv: what a client of the replicated register sees.
#include "docker/fixture_test.hpp"

#include <string>
#include <utility>
#include <vector>

#include "docker/api.hpp"
#include "docker/json.hpp"

namespace swarm::docker {
namespace {

class KeyRoutes : public ApiTest {
 protected:
  KeyRoutes() { init(); }
  Reply put(const std::string& key, const std::string& value) { return ask("PUT", kv(key), value); }
  Reply del(const std::string& key) { return ask("DELETE", kv(key)); }
  Reply swap(const std::string& body, const std::string& key = "x") { return post(kv(key) + "/cas", body); }
  Reply matching(const std::string& version, const std::string& value) {
    return replies_[send("PUT", kv("x"), value, {{"if-match", version}})];
  }
  std::string value(const std::string& key = "x") { return at(get(kv(key)).json(), "Value"); }
  std::string version(const std::string& key = "x") { return at(get(kv(key)).json(), "Version.Index"); }
  static std::string kv(const std::string& key) { return "/swarmpy/v1/kv/" + key; }
};

TEST_F(KeyRoutes, TheBodyIsTheValueAndComesBackWithItsVersion) {
  const Reply written = put("x", "hello \"you\"");
  EXPECT_EQ(written.status, 200U);
  EXPECT_EQ(at(written.json(), "Key"), "x");
  const Reply read = get(kv("x"));
  EXPECT_EQ(read.status, 200U);
  EXPECT_EQ(at(read.json(), "Value"), "hello \"you\"");
  EXPECT_EQ(at(read.json(), "Version.Index"), at(written.json(), "Version.Index"));
  EXPECT_EQ(put("x", "").status, 200U) << "an empty text is a value";
  EXPECT_EQ(value(), "");
}

TEST_F(KeyRoutes, WhatIsNotThereIs404) {
  for (const Reply& reply : {get(kv("x")), del("x")}) {
    EXPECT_EQ(reply.status, 404U);
    EXPECT_EQ(reply.message(), "no such key: x");
    EXPECT_NE(reply.header("Swarmpy-Hint"), "");
  }
  put("x", "1");
  EXPECT_EQ(del("x").status, 200U);
  EXPECT_EQ(get(kv("x")).status, 404U);
}

TEST_F(KeyRoutes, TheListHasAllKeysInOrder) {
  EXPECT_EQ(get("/swarmpy/v1/kv").body, "[]\n");
  put("b", "22");
  put("a", "1");
  const Value list = get("/swarmpy/v1/kv").json();
  EXPECT_EQ(at(list, "0.Key") + at(list, "1.Key"), "ab");
  EXPECT_EQ(at(list, "1.Bytes"), "2");
}

TEST_F(KeyRoutes, AConditionOnTheVersionHoldsOrTellsThePresentOne) {
  EXPECT_EQ(ask("PUT", kv("x") + "?version=0", "1").status, 200U);
  const std::string first = version();
  const Reply again = ask("PUT", kv("x") + "?version=0", "2");
  EXPECT_EQ(again.status, 409U);
  EXPECT_EQ(again.message(), "the key x is there already, with version " + first);
  EXPECT_EQ(at(again.json(), "Version.Index"), first);
  EXPECT_EQ(at(again.json(), "Value"), "1");
  EXPECT_EQ(matching("\"" + first + "\"", "2").status, 200U);
  const Reply stale = matching(first, "3");
  EXPECT_EQ(stale.status, 409U);
  EXPECT_EQ(stale.message(), "the key x has version " + version() + ", not " + first);
  EXPECT_EQ(ask("DELETE", kv("x") + "?version=" + first).status, 409U);
  EXPECT_EQ(ask("DELETE", kv("x") + "?version=" + version()).status, 200U);
  const Reply gone = ask("PUT", kv("x") + "?version=" + first, "3");
  EXPECT_EQ(gone.message(), "the key x is not there");
  EXPECT_EQ(at(gone.json(), "Version.Index"), "0");
}

TEST_F(KeyRoutes, AConditionOnTheValueIsACompareAndSwap) {
  put("x", "1");
  EXPECT_EQ(ask("PUT", kv("x") + "?old=1", "2").status, 200U);
  EXPECT_EQ(ask("PUT", kv("x") + "?old=1", "3").status, 409U);
  EXPECT_EQ(swap(R"({"Old":"2","New":"3"})").status, 200U);
  EXPECT_EQ(swap(R"({"Old":"2","New":"4"})").status, 409U);
  EXPECT_EQ(swap(R"({"Old":null,"New":"4"})").status, 409U);
  EXPECT_EQ(value(), "3");
  EXPECT_EQ(swap(R"({"Old":"3","New":null})").status, 200U);
  EXPECT_EQ(get(kv("x")).status, 404U);
  EXPECT_EQ(swap(R"({"Old":null,"New":"4"})").status, 200U);
}

TEST_F(KeyRoutes, WhatIsNoKeyNoValueOrNoConditionIsRefusedWithTheNextStep) {
  put("x", "1");
  const std::vector<std::pair<Reply, std::string>> refused{
      {put("a%2Fb", "1"), "the key \"a/b\" has characters that keys do not have"},
      {get(kv(std::string(129, 'k'))), "the key has 129 characters, 128 are allowed"},
      {put("x", std::string(64 * 1024 + 1, 'v')), "the value has 65537 bytes, 65536 are allowed"},
      {put("x", "\xff"), "the value is not UTF-8 text"},
      {put("x", "\xed\xa0\x80"), "the value is not UTF-8 text"},
      {ask("PUT", kv("x") + "?version=one", "1"), "\"one\" is not a version: a whole number is wanted"},
      {ask("PUT", kv("x") + "?version=1&old=1", "1"), "more than one condition is given"},
      {swap(R"({"Old":"1"})"), "New must be given, as text or null"},
      {swap(R"({"Old":1,"New":"1"})"), "Old must be given, as text or null"},
  };
  for (const auto& [reply, text] : refused) {
    EXPECT_EQ(reply.status, 400U) << text;
    EXPECT_EQ(reply.message(), text);
    EXPECT_NE(reply.header("Swarmpy-Hint"), "") << text;
  }
  EXPECT_EQ(put(std::string(128, 'k'), std::string(64 * 1024, 'v')).status, 200U);
  EXPECT_EQ(put("x", "h\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3").status, 200U);
  EXPECT_EQ(value(), "h\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3");
}

TEST_F(KeyRoutes, KeysMakeNoEventsOfDocker) {
  const ApiId events = send("GET", "/events");
  put("x", "1");
  EXPECT_EQ(replies_[events].body, "");
}

}  // namespace
}  // namespace swarm::docker
