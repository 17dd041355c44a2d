#include "docker/call.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include "base/number.hpp"
#include "base/result.hpp"
#include "docker/json.hpp"
#include "docker/url.hpp"

namespace swarm::docker {

Result<Value> Call::body() const {
  if (request.body.empty()) return Value{};
  const std::string_view type = request.header("content-type");
  if (!type.starts_with("application/json"))
    return plain_error(Code::invalid_argument, "unsupported Content-Type header (" + std::string(type) +
                                                   "): must be 'application/json'");
  return parse_json(request.body);
}

Result<std::uint64_t> Call::object_version(std::string_view kind) const {
  const std::string text = target.text("version");
  if (const auto version = parse_whole<std::uint64_t>(text)) return *version;
  return not_a_number("invalid " + std::string(kind) + " version '" + text + "'", "ParseUint", text);
}

}  // namespace swarm::docker
