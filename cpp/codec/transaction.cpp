// Transactions: what log entries carry.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "codec/codec.hpp"
#include "codec/described.hpp"
#include "codec/objects.hpp"
#include "codec/reading.hpp"
#include "model/describe/transaction.hpp"
#include "model/transaction.hpp"
#include "objects.pb.h"

namespace swarm::codec {

template <>
struct Converter<decltype(model::Put::object)> {
  using Object = decltype(model::Put::object);
  static void put(const Object& from, swarmpy::Put& to) { put_case<model::Put>(from, to); }
  static void get(const swarmpy::Put& from, Object& to, Reading& reading) {
    if (!get_case<model::Put>(from, to, reading)) reading.fail("an object of an unknown kind");
  }
};

template <>
struct Converter<model::Action> {
  static void put(const model::Action& from, swarmpy::Action& to) { put_case<model::Action>(from, to); }
  static void get(const swarmpy::Action& from, model::Action& to, Reading& reading) {
    if (!get_case<model::Action>(from, to, reading)) reading.fail("an action of an unknown kind");
  }
};

// Whether a step says anything of the manager's part, and what.
template <>
struct Converter<decltype(model::NodeStep::manager)> {
  using Said = decltype(model::NodeStep::manager);
  static void put(const Said& from, swarmpy::NodeStep& to) {
    to.set_sets_manager(from.has_value());
    if (from && *from) codec::put(**from, *to.mutable_manager());
  }
  static void get(const swarmpy::NodeStep& from, Said& to, Reading& reading) {
    if (!from.sets_manager()) return;
    auto& manager = to.emplace();
    if (from.has_manager()) codec::get(from.manager(), manager.emplace(), reading);
  }
};

std::string encode(const model::Transaction& transaction) {
  return encode_as<swarmpy::Transaction>(transaction);
}

Result<model::Transaction> decode_transaction(std::string_view bytes) {
  return decode_as<swarmpy::Transaction, model::Transaction>(bytes, "transaction");
}

bool is_transaction(std::string_view bytes) {
  Scratch<swarmpy::Transaction> message;
  return parse_into(*message, bytes);
}

std::size_t count_actions(std::string_view bytes) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  std::size_t count = 0;
  while (const std::uint32_t tag = in.ReadTag()) {
    if (WireFormatLite::GetTagFieldNumber(tag) == swarmpy::Transaction::kActionsFieldNumber) ++count;
    if (!WireFormatLite::SkipField(&in, tag)) return 0;
  }
  return count;
}

}  // namespace swarm::codec
