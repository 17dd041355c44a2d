#include "real/reserve_file.hpp"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/result.hpp"
#include "real/files.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

constexpr off_t kReserve = 1 << 20;
constexpr unsigned long kNext = 64 * 1024;  // what a start may write before it has opened its disk

}  // namespace

// In its blocks: a file with holes keeps no room.
Result<void> ReserveFile::make() {
  if (is_made_) return {};
  const Fd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return file_error(path_, "cannot be made");
  if (const int error = ::posix_fallocate(fd.get(), 0, kReserve); error != 0) {
    ::unlink(path_.c_str());
    errno = error;
    return file_error(path_, "there is no room for it");
  }
  is_made_ = true;
  return {};
}

void ReserveFile::give_back() {
  ::unlink(path_.c_str());
  is_made_ = false;
}

bool has_no_room(const std::string& path) {
  struct statvfs room {};
  return ::statvfs(path.c_str(), &room) == 0 && room.f_bavail * room.f_frsize < kNext;
}

}  // namespace swarm::real
