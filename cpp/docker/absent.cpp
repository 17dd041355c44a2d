// Kinds that are not there yet: 404 for a name, an empty list, so that `docker inspect X` and `docker system`
// go on.
#include "docker/handlers.hpp"

#include "base/result.hpp"
#include "docker/call.hpp"
#include "docker/errors.hpp"

namespace swarm::docker {

void empty_list(Call& call) { call.reply("[]"); }
void no_secret(Call& call) { call.refuse(not_found("secret", call.name)); }
void no_config(Call& call) { call.refuse(not_found("config", call.name)); }
void list_volumes(Call& call) { call.reply(R"({"Volumes":[],"Warnings":null})"); }
void no_volume(Call& call) {
  call.refuse(plain_error(Code::not_found, "get " + call.name + ": no such volume"));
}
void prune_volumes(Call& call) { call.reply(R"({"VolumesDeleted":[],"SpaceReclaimed":0})"); }
void no_plugin(Call& call) {
  call.refuse(plain_error(Code::not_found, "plugin \"" + call.name + "\" not found"));
}
void prune_builds(Call& call) { call.reply(R"({"CachesDeleted":[],"SpaceReclaimed":0})"); }
void no_such_exec(Call& call) {
  call.refuse(plain_error(Code::not_found, "No such exec instance: " + call.name));
}

}  // namespace swarm::docker
