// Images: the runner's catalogue of named commands, shown as Docker images.
#pragma once

#include <optional>
#include <string>

#include "docker/api.hpp"

namespace swarm::docker {

// "docker.io/library/nginx@sha256:..." -> "nginx:latest"
std::string normal_reference(std::string_view reference);
// What the catalogue has under a reference; "nginx:*" stands for any tag.
std::optional<ports::Image> find_image(const Context& context, std::string_view reference);
std::string image_id(const Context& context, std::string_view reference);  // "sha256:<64 hex>"

}  // namespace swarm::docker
