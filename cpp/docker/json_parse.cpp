// The only file that sees Boost.JSON: text to Value.
#include <boost/json.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "docker/json.hpp"

namespace swarm::docker {
namespace {

namespace json = boost::json;

// Deeper than any spec, shallow enough for every stack.
constexpr std::size_t kMaxDepth = 64;

Value convert(const json::value& from) {
  Value to;
  switch (from.kind()) {
    case json::kind::null:
      break;
    case json::kind::bool_:
      to.data = from.get_bool();
      break;
    case json::kind::int64:
      to.data = from.get_int64();
      break;
    case json::kind::uint64:
      to.data = from.get_uint64();
      break;
    case json::kind::double_:
      to.data = from.get_double();
      break;
    case json::kind::string: {
      const auto& text = from.get_string();
      to.data = std::string(text.data(), text.size());
      break;
    }
    case json::kind::array: {
      Value::Items items;
      for (const auto& item : from.get_array()) items.push_back(convert(item));
      to.data = std::move(items);
      break;
    }
    case json::kind::object: {
      Value::Members members;
      for (const auto& member : from.get_object())
        members.push_back({std::string(member.key().data(), member.key().size()), convert(member.value())});
      to.data = std::move(members);
      break;
    }
  }
  return to;
}

}  // namespace

Result<Value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  options.allow_invalid_utf8 = true;
  json::stream_parser parser({}, options);
  json::error_code error;
  const std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && !parser.done()) parser.finish(error);
  if (error) return plain_error(Code::invalid_argument, "invalid JSON: " + error.message());
  if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    return plain_error(Code::invalid_argument, "unexpected content after JSON");
  return convert(parser.release());
}

}  // namespace swarm::docker
