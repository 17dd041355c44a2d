// The images that every runner has (model/builtin_images.hpp), as a runner lists them.
#pragma once

#include "ports/runner.hpp"

namespace swarm::ports {

std::vector<Image> builtin_images();

}  // namespace swarm::ports
