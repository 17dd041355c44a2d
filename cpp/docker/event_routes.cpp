// GET /events, GET /swarmpy/v1/events
#include "docker/handlers.hpp"

namespace swarm::docker {
namespace {

void stream(Call& call, bool with_tasks) {
  const auto filters = Filters::parse(call.target, {});
  if (!filters) return call.refuse(filters.error());
  const auto since = call.target.time("since"), until = call.target.time("until");
  if (!since) return call.refuse(since.error());
  if (!until) return call.refuse(until.error());
  if (*since && *until && **until < **since)
    return call.refuse(plain_error(Code::invalid_argument, "`since` time (" + to_rfc3339(**since) +
                                                               ") cannot be after `until` time (" +
                                                               to_rfc3339(**until) + ")"));
  EventFilter filter(*filters, with_tasks, *since, *until);
  call.desk.begin_stream(call.id, "application/json");
  // The past is shown to who asks for it: by `since`, or by an `until` that lies in it.
  const WallTime wall = call.context.wall;
  if (*since || (*until && **until <= wall))
    for (std::string& line : call.desk.events().replay(filter)) call.desk.piece(call.id, std::move(line));
  if (*until && **until <= wall) return call.desk.end(call.id);
  std::optional<Instant> end;
  if (*until) end = call.context.now + (**until - wall);
  call.desk.open_events(call.id, std::move(filter), end);
}

}  // namespace

void stream_events(Call& call) { stream(call, false); }
void stream_all_events(Call& call) { stream(call, true); }

}  // namespace swarm::docker
