#include "real/hub/user_space.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/result.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

Error failure(const std::string& what) {
  const Code code = errno == EPERM || errno == ENOSPC ? Code::permission_denied : Code::unavailable;
  return plain_error(code, "cannot " + what + ": the kernel says: " + std::strerror(errno));
}

Result<void> write_once(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return failure("write " + path);
  return {};
}

}  // namespace

Result<Fd> enter_own_user_space() {
  const std::string user = std::to_string(::geteuid()), group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return failure("make a user namespace");
  // A group may be mapped by a plain user once groups can no longer be given up (user_namespaces(7)).
  if (auto denied = write_once("/proc/self/setgroups", "deny"); !denied) return denied.error();
  if (auto mapped = write_once("/proc/self/uid_map", "0 " + user + " 1"); !mapped) return mapped.error();
  if (auto mapped = write_once("/proc/self/gid_map", "0 " + group + " 1"); !mapped) return mapped.error();
  Fd space(::open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC));
  if (!space.valid()) return failure("open this process's user namespace");
  return space;
}

}  // namespace swarm::real
