// Image references: "[domain[:port]/]path[:tag][@digest]" (distribution reference grammar). Only whether a
// text is one.
#pragma once

#include <string_view>

namespace swarm::control {

bool is_image_reference(std::string_view text);

}  // namespace swarm::control
