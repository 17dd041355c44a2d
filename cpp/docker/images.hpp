// Images: the runner's catalogue of named commands, shown as Docker images.
#pragma once

#include <optional>
#include <string>

#include "docker/api.hpp"
#include "docker/json.hpp"
#include "model/builtin_images.hpp"

namespace swarm::docker {

using model::normal_reference;
// What the catalogue has under a reference: "mine:*" stands for any tag, the built-in "nginx:*" for those
// that are known.
std::optional<ports::Image> find_image(const Context& context, std::string_view reference);
std::string image_id(const Context& context, std::string_view reference);  // "sha256:<64 hex>"

// "Images" of GET /system/df: each with the number of containers that were made of it.
void write_all_images(Json& json, const Context& context);

}  // namespace swarm::docker
