// PEM texts (RFC 7468) that hold one certificate after the other: a node's own, and behind it the
// cross-signed one.
#pragma once

#include <cstddef>
#include <string_view>

namespace swarm {

// Takes the first certificate off the front; "" when there is none.
inline std::string_view take_certificate(std::string_view& pems) {
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----\n";
  const std::size_t end = pems.find(kEnd);
  if (end == std::string_view::npos) return {};
  const std::string_view first = pems.substr(0, end + kEnd.size());
  pems.remove_prefix(first.size());
  return first;
}

}  // namespace swarm
