// Keys and values (model/key_value.hpp): what may be a key and a value, and the transaction that writes one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/transaction.hpp"

namespace swarm::control {

Result<void> check_key(std::string_view key);
Result<void> check_value(std::string_view value);

// Checked, as far as that needs no store; what it asks for is looked at when it is applied.
Result<model::Transaction> write_key(model::WriteKey write);

}  // namespace swarm::control
