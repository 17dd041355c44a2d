// What a process can be given: the limits of the kernel and of Docker's containers, at create rather than at
// the first task that fails for an obscure reason.
#pragma once

#include "base/result.hpp"
#include "model/container_spec.hpp"

namespace swarm::control {

inline constexpr std::size_t kMaxProcessText = 131'071;  // Linux' MAX_ARG_STRLEN, less its end
// Linux gives arguments and variables a quarter of the stack, 2 MiB as a rule. Less what a runner adds.
inline constexpr std::size_t kMaxProcessTexts = 2'000'000;

// Of a spec whose placeholders are expanded, as far as they can be.
Result<void> check_process(const model::ContainerSpec& container);

}  // namespace swarm::control
