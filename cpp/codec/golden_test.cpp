// The bytes that older versions wrote, kept in tests/golden: they are read for ever, and written again they
// are the same. A new field adds to what a value writes and leaves these as they are, because absent fields
// are not written.
//
// To add the bytes of a new type: run this test with SWARM_GOLDEN_WRITE=FILE, and add the new lines to the
// file.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>

#include "base/bytes.hpp"
#include "codec/codec.hpp"
#include "codec/test_full_values.hpp"

namespace swarm::codec {
namespace {

constexpr const char* kGoldenFile = "tests/golden/encoded.txt";  // from the top level, where ctest runs tests

using Lines = std::map<std::string, std::string>;  // name to bytes
// Decodes and encodes again; or what was wrong.
using Again = std::function<Result<std::string>(std::string_view)>;

template <class T>
Again again(Result<T> (*decode)(std::string_view)) {
  return [decode](std::string_view bytes) -> Result<std::string> {
    const auto value = decode(bytes);
    if (!value) return value.error();
    return encode(*value);
  };
}

Result<std::string> template_again(std::string_view bytes) {
  const auto value = decode_template(bytes);
  if (!value) return value.error();
  return encode_template(value->service_id, value->spec_version, value->templ);
}

const std::map<std::string, Again>& types() {
  static const std::map<std::string, Again> kTypes = {{"cluster", again(decode_cluster)},
                                                      {"node", again(decode_node)},
                                                      {"service", again(decode_service)},
                                                      {"task", again(decode_task)},
                                                      {"network", again(decode_network)},
                                                      {"key_value", again(decode_key_value)},
                                                      {"task_template", template_again},
                                                      {"transaction", again(decode_transaction)},
                                                      {"message", again(decode_wire_message)},
                                                      {"hello", again(decode_hello)},
                                                      {"manager_peer", again(decode_manager_peer)},
                                                      {"raft_message", again(decode_raft_message)},
                                                      {"entry", again(decode_entry)},
                                                      {"hard_state", again(decode_hard_state)},
                                                      {"conf_state", again(decode_conf_state)},
                                                      {"raft_snapshot", again(decode_snapshot)}};
  return kTypes;
}

Lines full_values() {
  full::Filler fill;
  Lines out = {
      {"cluster", encode(fill.cluster())},
      {"node", encode(fill.node())},
      {"service", encode(fill.service())},
      {"task", encode(fill.task())},
      {"network", encode(fill.network())},
      {"key_value", encode(fill.key_value())},
      {"task_template", encode_template(fill.id<ServiceId>(), 7, fill.task_template())},
      {"transaction", encode(fill.transaction())},
      {"hello", encode(wire::Hello{9, fill.id<ClusterId>(), fill.id<NodeId>(), model::NodeRole::manager, 5})},
      {"manager_peer", encode(fill.peer())},
      {"raft_message", encode(fill.raft_message())},
      {"entry", encode(fill.entry())},
      {"hard_state", encode(raft::HardState{3, 4, 5})},
      {"conf_state", encode(fill.conf_state())},
      {"raft_snapshot", encode(fill.snapshot())}};
  for (const auto& message : fill.messages())
    out["message " + std::to_string(message.index())] = encode(message);
  return out;
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

Lines kept() {
  std::ifstream file(kGoldenFile);
  Lines out;
  for (std::string line; std::getline(file, line);) {
    const auto at = line.rfind(' ');
    if (line.empty() || line[0] == '#' || at == std::string::npos) continue;
    out[line.substr(0, at)] = from_hex(line.substr(at + 1));
  }
  return out;
}

TEST(Golden, BytesOfOlderVersionsAreReadAndWrittenAgainTheSame) {
  const Lines lines = kept();
  ASSERT_GE(lines.size(), types().size()) << kGoldenFile << " is not there: run this from the top level";
  for (const auto& [name, bytes] : lines) {
    const auto type = types().find(name.substr(0, name.find(' ')));
    ASSERT_NE(type, types().end()) << name;
    const auto written = type->second(bytes);
    ASSERT_TRUE(written.ok()) << name << ": " << written.error().message;
    EXPECT_EQ(to_hex(*written), to_hex(bytes)) << name;
  }
}

TEST(Golden, EveryTypeHasItsBytesKept) {
  const Lines lines = kept();
  for (const auto& [name, bytes] : full_values()) EXPECT_TRUE(lines.contains(name)) << name;
}

TEST(Golden, WritesTheFileWhenAsked) {
  const char* path = std::getenv("SWARM_GOLDEN_WRITE");
  if (path == nullptr) GTEST_SKIP() << "SWARM_GOLDEN_WRITE names no file";
  std::ofstream file(path);
  for (const auto& [name, bytes] : full_values()) file << name << ' ' << to_hex(bytes) << '\n';
  EXPECT_TRUE(file.good());
}

}  // namespace
}  // namespace swarm::codec
