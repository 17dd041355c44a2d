// The shim: a small process between the daemon and one task, so that no orphan survives when either of them
// dies.
//
// Run as `PROGRAM --task-shim DIRECTORY COMMAND...`, or, for a task with a network namespace of its own, as
// `PROGRAM --task-room FOLDER DIRECTORY COMMAND...` (task_room.hpp); the program is swarm-web, which is
// small, or else swarmd itself. The shim makes the task a process group in a session of its own and becomes
// the reaper of all that descends from it. It holds a socket to the daemon (kControlFd): bytes from there are
// numbers of signals for the task's group, its end means that the daemon is gone. When the task's first
// process ends, or the daemon does, the shim kills everything that is left of the tree, reports, and ends.
//
// To the daemon, as lines: "started PID", "failed SENTENCE", "exited CODE" (128 + n for signal n).
// It also holds kLockFd, so that a restarted daemon can wait until all is dead.
#pragma once

namespace swarm::real {

inline constexpr int kControlFd = 3;
inline constexpr int kLockFd = 4;  // Kept: it names the place of the lock in the table of spawn_shim()
inline constexpr const char* kShimFlag = "--task-shim";

// Called first thing in main(): returns false at once when this is not a shim; never returns otherwise.
bool run_as_shim(int argc, char** argv);

}  // namespace swarm::real
