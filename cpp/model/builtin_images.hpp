// The images that every swarm has: what they stand in for, and their tags. One table for the process runner,
// the simulator and `docker images`. An image is a named command (docs/adr/0005), so a tag changes nothing
// but the name. Tags are checked all the same: a mistyped tag is the most common reason for a failed update.
//
// NOT here: images that a user added; what a stand-in does (real/runner/image_catalogue, sim/sim_runner).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace swarm::model {

enum class StandIn : std::uint8_t {
  web,    // our small web server: port 80
  redis,  // our small server that answers PING: port 6379
  shell,  // runs its command with this machine's programs; a shell without one
};

struct BuiltinImage {
  std::string_view name;
  StandIn stand_in;
  std::uint32_t port;           // where it listens; 0: nowhere
  std::string_view tags_shown;  // "1.10 to 1.29, latest, ..."
  bool has_ping = false;        // `ping HOST` answers, without a network too
};

std::span<const BuiltinImage> builtin_images();
// By a reference in normal form; null when the name, the tag or the digest is not known.
const BuiltinImage* find_builtin_image(std::string_view reference);

// "docker.io/library/nginx" -> "nginx:latest". A digest stays: nothing here has one.
std::string normal_reference(std::string_view image);
bool has_tag(std::string_view image);
// "registry:5000/team/app:1.2" -> "registry:5000/team/app"
std::string repository_of(std::string_view reference);
// "app:1.2" -> "app:*": the name under which an image of any tag is added.
std::string any_tag_of(std::string_view reference);

// Returns true if a container may run as this user ("name", "1000", "name:group"). Known names are those of
// the users in Docker's own images.
bool is_builtin_user(std::string_view name);

}  // namespace swarm::model
