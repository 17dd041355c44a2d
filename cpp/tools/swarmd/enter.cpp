#include "tools/swarmd/enter.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/result.hpp"
#include "real/stream/fd.hpp"

namespace swarm {
namespace {

Result<void> enter(const std::string& path, int kind, const std::string& flag) {
  if (path.empty()) return {};
  const real::Fd space(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (space.valid() && ::setns(space.get(), kind) == 0) return {};
  return plain_error(Code::permission_denied,
                     flag + " " + path + " cannot be entered: the kernel says: " + std::strerror(errno));
}

}  // namespace

Result<void> enter_spaces(const Spaces& spaces) {
  if (auto entered = enter(spaces.user, CLONE_NEWUSER, "--userns"); !entered) return entered;
  return enter(spaces.net, CLONE_NEWNET, "--netns");
}

}  // namespace swarm
