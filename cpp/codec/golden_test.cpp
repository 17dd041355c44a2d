// The bytes that older versions wrote (test_golden.hpp) are read for ever, and written again they are the
// same. A new field adds to what a value writes and leaves these as they are, because absent fields are not
// written.
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "codec/codec.hpp"
#include "codec/test_full_values.hpp"
#include "codec/test_golden.hpp"
#include "model/cluster.hpp"
#include "model/key_value.hpp"
#include "model/kinds.hpp"
#include "model/network.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "raft/message.hpp"

namespace swarm::codec {
namespace {

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

const std::map<std::string, Again>& types() {
  static const std::map<std::string, Again> kTypes = {
      {"cluster", again(decode<model::Cluster>)},
      {"node", again(decode<model::Node>)},
      {"service", again(decode<model::Service>)},
      {"task", again(decode<model::Task>)},
      {"network", again(decode<model::Network>)},
      {"key_value", again(decode<model::KeyValue>)},
      {"task_template", again(decode<model::TaskTemplateRecord>)},
      {"transaction", again(decode_transaction)},
      {"message", again(decode_wire_message)},
      {"task_record",
       [](std::string_view bytes) -> Result<std::string> {
         const auto task = decode_task_record(bytes);
         if (!task) return task.error();
         return encode_task_record(*task);
       }},
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
  Lines out = {{"transaction", encode(fill.of<model::Transaction>())},
               {"hello", encode(fill.of<wire::Hello>())},
               {"manager_peer", encode(fill.of<wire::ManagerPeer>())},
               {"raft_message", encode(fill.of<raft::Message>())},
               {"entry", encode(fill.of<raft::Entry>())},
               {"hard_state", encode(fill.of<raft::HardState>())},
               {"conf_state", encode(fill.of<raft::ConfState>())},
               {"raft_snapshot", encode(fill.of<raft::Snapshot>())}};
  model::Kinds::each([&]<class T>() { out[T::kWord] = encode(fill.of<T>()); });
  std::vector<wire::Message> messages;
  fill.each_of(messages);
  for (const auto& message : messages) out["message " + std::to_string(message.index())] = encode(message);
  model::Task kept = fill.of<model::Task>();
  kept.templ = std::make_shared<model::TaskTemplate>(fill.of<model::TaskTemplate>());
  out["task_record"] = encode_task_record(kept);
  return out;
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

Lines kept() {
  Lines out;
  for (const auto& [name, hex] : kGolden) out[std::string(name)] = from_hex(hex);
  return out;
}

TEST(Golden, BytesOfOlderVersionsAreReadAndWrittenAgainTheSame) {
  const Lines lines = kept();
  ASSERT_GE(lines.size(), types().size());
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
  for (const auto& [name, bytes] : full_values())
    EXPECT_TRUE(lines.contains(name)) << "to be added:\n{\"" << name << "\", \"" << to_hex(bytes) << "\"},";
}

}  // namespace
}  // namespace swarm::codec
