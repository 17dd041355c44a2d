// A parsed HTTP request and its answer, as values: what goes through the one front door.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace swarm::http {

using Headers = std::vector<std::pair<std::string, std::string>>;  // names in lower case on requests

struct Request {
  std::string method;
  std::string target;  // path and query, percent-escapes as received
  Headers headers;
  std::string body;

  std::string_view header(std::string_view lower_case_name) const {
    for (const auto& [name, value] : headers)
      if (name == lower_case_name) return value;
    return {};
  }
};

// `streaming`: pieces follow until the end; the server sends them chunked and flushed one by one.
struct ResponseHead {
  std::uint32_t status = 200;
  Headers headers;
  bool streaming = false;
};

}  // namespace swarm::http
