#include "real/local_doors.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "base/number.hpp"
#include "base/result.hpp"
#include "real/files.hpp"

namespace swarm::real {
namespace {

constexpr mode_t kOthers = 07077;  // of group and others, and bits that make a program somebody else's
constexpr int kDeepest = 8;        // of what a daemon makes

struct CloseDir {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// What lies in tasks/ID/work belongs to the task.
bool is_of_tasks(std::string_view name, int depth) { return depth == 2 && name == "work"; }

// A file of another user that has a second name is not the daemon's: it was put here to have its modes
// changed.
bool is_foreign(const struct stat& found) {
  return S_ISREG(found.st_mode) && found.st_nlink > 1 && found.st_uid != ::geteuid();
}

// By descriptors, so that no link leads out of the root. Takes `directory`.
Result<void> close_all_in(int directory, const std::string& path, int depth) {
  const std::unique_ptr<DIR, CloseDir> listing(::fdopendir(directory));
  if (!listing) return file_error(path, "cannot be listed");
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == ".." || is_of_tasks(name, depth)) continue;
    const std::string place = path + "/" + entry->d_name;
    struct stat found {};
    if (::fstatat(directory, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) continue;  // it has just gone
    if (S_ISLNK(found.st_mode) || is_foreign(found)) continue;
    if ((found.st_mode & kOthers) != 0 &&
        ::fchmodat(directory, entry->d_name, found.st_mode & 0700, AT_SYMLINK_NOFOLLOW) != 0)
      return file_error(place, "cannot be closed to other users");
    if (!S_ISDIR(found.st_mode) || depth == kDeepest) continue;
    const int inner = ::openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0) return file_error(place, "cannot be opened");
    if (auto closed = close_all_in(inner, place, depth + 1); !closed) return closed;
  }
  return {};
}

}  // namespace

void make_private_files() { ::umask(0077); }

// By its name: it may be a link, which is its user's word.
Result<void> close_root(const std::string& root) {
  struct stat found {};
  const bool was_there = ::stat(root.c_str(), &found) == 0;
  if (auto made = make_directories(root); !made) return made;
  if (::stat(root.c_str(), &found) != 0) return file_error(root, "cannot be looked at");
  if (found.st_uid != ::geteuid() && ::chown(root.c_str(), ::geteuid(), ::getegid()) != 0)
    return plain_error(Code::failed_precondition,
                       "the data root " + root + " belongs to another user (uid " +
                           std::to_string(found.st_uid) +
                           "), who could read and change all of it; choose another --data-root, or give it "
                           "to this user: chown " +
                           std::to_string(::geteuid()) + " " + root);
  // A new one may lack its owner's rights by the umask; of one that was there they are its owner's word.
  const mode_t wanted = was_there ? found.st_mode & 0700 : 0700;
  if ((found.st_mode & 07777) != wanted && ::chmod(root.c_str(), wanted) != 0)
    return file_error(root, "cannot be closed to other users");
  return {};
}

Result<void> close_inside(const std::string& data_root) {
  const int directory = ::open(data_root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return file_error(data_root, "cannot be opened");
  return close_all_in(directory, data_root, 0);
}

Result<gid_t> group_named(const std::string& name) {
  if (const group* found = ::getgrnam(name.c_str())) return found->gr_gid;
  if (const auto number = parse_whole<gid_t>(name)) return *number;
  return plain_error(Code::invalid_argument, "there is no group \"" + name +
                                                 "\" on this machine; make it (groupadd " + name +
                                                 "), or name another one with --group");
}

}  // namespace swarm::real
