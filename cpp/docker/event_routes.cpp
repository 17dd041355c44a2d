// GET /events, GET /swarmpy/v1/events, GET /swarmpy/v1/changes
#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/events.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/url.hpp"

namespace swarm::docker {
namespace {

void stream(Call& call, bool with_tasks) {
  const auto filters = Filters::parse(call.target, {});
  if (!filters) return call.refuse(filters.error());
  const auto read_since = call.target.time("since"), read_until = call.target.time("until");
  if (!read_since) return call.refuse(read_since.error());
  if (!read_until) return call.refuse(read_until.error());
  const std::optional<WallTime> since = *read_since, until = *read_until;
  if (since && until && *until < *since)
    return call.refuse(plain_error(Code::invalid_argument, "`since` time (" + to_rfc3339(*since) +
                                                               ") cannot be after `until` time (" +
                                                               to_rfc3339(*until) + ")"));
  EventFilter filter(*filters, with_tasks, since, until);
  call.replies.begin_stream(call.id, "application/json");
  // A client asks for past events by `since`, or by an `until` that lies in the past.
  const WallTime wall = call.context.wall;
  if (since || (until && *until <= wall))
    for (std::string& line : call.replies.past().replay(filter)) call.replies.piece(call.id, std::move(line));
  if (until && *until <= wall) return call.replies.end(call.id);
  std::optional<Instant> end;
  if (until) end = call.context.now + (*until - wall);
  call.replies.open_events(call.id, std::move(filter), end);
}

}  // namespace

void stream_events(Call& call) { stream(call, false); }
void stream_all_events(Call& call) { stream(call, true); }

// What entries after `after` did to nodes, services and tasks, answered at once. Each manager answers the
// same for the same entries, with the same times: a client that asks again with the `Version` of the last
// answer misses nothing, whichever manager it asks. `Whole`: nothing is missing; else what is left is not
// shown either. `From`: the smallest `after` of which all is kept here. `facts=1`: with what each object was
// before and after.
void show_changes(Call& call) {
  const std::string given = call.target.text("after");
  const auto after = parse_whole<std::uint64_t>(given);
  if (!after) return call.refuse(not_a_number("after must be the number of an entry", "ParseUint", given));
  const RaftView& raft = call.context.raft;
  const EventLog& log = call.replies.past();
  const std::uint64_t from = std::max(raft.began_from, log.forgotten_until());
  const bool whole = *after >= from;
  Json json;
  json.object([&] {
    json.field("Version", call.store().version()).field("Whole", whole).field("From", from);
    json.array("Changes", [&] {
      if (whole) log.write_after(*after, call.target.flag("facts"), json);
    });
  });
  call.reply(json.take());
}

}  // namespace swarm::docker
