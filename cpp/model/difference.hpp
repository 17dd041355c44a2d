// Returns how two objects of one kind differ, field by field, in words for a trace or a failed test:
// "status.state: running, not failed; status.message: absent, not \"no such image\"".
#pragma once

#include <string>

#include "model/kinds.hpp"

namespace swarm::model {

// At most the first four fields; "" for equal ones. Fields that the log does not carry (a task's template)
// are not compared.
template <class T>
requires Kinds::contains<T> std::string difference(const T& is, const T& should_be);

}  // namespace swarm::model
