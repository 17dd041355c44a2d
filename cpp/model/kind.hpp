// Kind: which kind of object something is, by a number that stands on disks and in logs for ever. Each struct
// says its own, once:
//
//   static constexpr Kind kKind{4};                      never another kind's, never changed
//   static constexpr const char* kWord = "network";      in events, errors and traces
//   static constexpr WrittenBy kWrittenBy = ...          which action of a transaction writes it
//   const std::string& unique_name() const               only where no two objects may have one name
//
// and model/kinds.hpp lists it. All else (tables, changes, records, snapshots, disk keys, codec, events, the
// checker's replica) follows from the list.
#pragma once

#include <cstdint>

namespace swarm::model {

enum class Kind : std::uint8_t {};

enum class WrittenBy : std::uint8_t {
  put,     // a Put of the whole object
  action,  // an action of its own (model/transaction.hpp)
  store,   // the store itself, as it applies others; no change set holds its changes
};

}  // namespace swarm::model
