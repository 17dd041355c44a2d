// The rules that every committed change must keep in any swarm: ports, addresses, rollbacks, updates,
// restarts. Each is one function in a file of its own, and keeps what it must know; the cost grows with what
// changed.
//
// The checker asks them after each entry that is committed for the first time. NOT here: rules that users ask
// for (watch_rules), the life of a task in its slot (object_checks).
#pragma once

#include <vector>

#include "sim/watch.hpp"

namespace swarm::sim {

Rule ports_belong_to_one_service();
Rule addresses_belong_to_one();
Rule rollbacks_restore_the_spec();
Rule updates_end_when_all_is_new();
Rule updates_keep_their_order();
Rule updates_keep_their_delay();
Rule restarts_keep_their_limit();
Rule restarts_keep_their_delay();

// All of these, and the pace of updates.
std::vector<Rule> engine_rules();

// ---- for the rules
// The node of the task is up and takes tasks, for some time now: no change but the update's own moves the
// task.
bool stays_where_it_is(const model::Task& task, const store::Store& store);
// The way by which the update or rollback that is under way proceeds; nothing if none is.
std::optional<model::UpdateConfig> way_of_update(const model::Service& service);
std::string in_words(const model::Service& service, const model::Task& task);  // "web.1"

}  // namespace swarm::sim
