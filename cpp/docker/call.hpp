// Call: one request as a handler sees it. A handler answers through `replies`, at once or later, exactly
// once.
#pragma once

#include "base/check.hpp"
#include "docker/replies.hpp"

namespace swarm::docker {

struct Call {
  ApiId id = 0;
  const http::Request& request;
  const Target& target;
  std::string name;  // the text that matched `*` or `**` in the route
  const Context& context;
  Replies& replies;

  // Only for routes that need a manager.
  const store::Store& store() const {
    SWARM_CHECK(context.store != nullptr, "request", id, "is answered by a node that is no manager");
    return *context.store;
  }

  // The body's JSON; null when there is none. Errors: not JSON by its header, or not JSON.
  Result<Value> body() const;
  // The query's `version`, which an update must name: "invalid service version '': ...".
  Result<std::uint64_t> object_version(std::string_view kind) const;

  void reply(std::string json, std::uint32_t status = 200) const {
    replies.reply(id, status, std::move(json));
  }
  void reply_empty(std::uint32_t status = 200) const { replies.reply_empty(id, status); }
  void list(Listing listing) const { replies.open_list(id, std::move(listing), context); }
  void refuse(const Error& error) const { replies.refuse(id, error); }
};

using Handler = void (*)(Call& call);

}  // namespace swarm::docker
