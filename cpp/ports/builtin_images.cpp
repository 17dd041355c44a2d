#include "ports/builtin_images.hpp"

#include <string>
#include <vector>

#include "model/builtin_images.hpp"
#include "ports/runner.hpp"

namespace swarm::ports {

std::vector<Image> builtin_images() {
  std::vector<Image> out;
  for (const model::BuiltinImage& image : model::builtin_images()) {
    const char* command = image.stand_in == model::StandIn::web     ? "swarm-web"
                          : image.stand_in == model::StandIn::redis ? "redis-server"
                                                                    : "/bin/sh";
    out.push_back({std::string(image.name) + ":*", {command}, true});
  }
  return out;
}

}  // namespace swarm::ports
