// A task's room: what a process of a task on overlay networks sees of this machine. It has a network
// namespace of its own (descriptor kSpaceFd of the shim), its own /etc/resolv.conf and /etc/hosts, and it
// finds neither the daemon's data nor its sockets. As root it has the rights that Docker leaves a container,
// and no more: it can enter no other namespace, and it changes no interface.
//
// The daemon writes what is to be seen into the task's folder (prepare_room); the process takes it from there
// between fork and exec (enter_room). NOT here: file systems of images, users, limits.
#pragma once

#include <string>

namespace swarm::real {

inline constexpr int kSpaceFd = 5;
inline constexpr const char* kRoomFlag = "--task-room";

// Returns 0, or a number that why_no_room explains. For a process of one thread.
int enter_room(const char* folder);
// Returns "" if the number is none of enter_room.
std::string why_no_room(int number);

}  // namespace swarm::real
