#include "real/process/task_room.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

namespace swarm::real {
namespace {

// What did not succeed, times kStep, and errno.
constexpr int kStep = 10'000;
enum Failed { at_space = 1, at_mounts, at_files, at_data_root, at_rights };
int failed(Failed at) { return at * kStep + errno; }

// moby daemon/pkg/oci/caps, DefaultCapabilities.
constexpr std::array kRights{CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
                             CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
                             CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
                             CAP_KILL,    CAP_AUDIT_WRITE};

bool bind(const std::string& from, const std::string& to) {
  return ::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

// Those that are there already stay; one that cannot be made shows when it is used.
void make_folders(const std::string& path) {
  for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
    ::mkdir(path.substr(0, end).c_str(), 0755);
  ::mkdir(path.c_str(), 0755);
}

bool hide_folder(const std::string& path) {
  return ::mount("none", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "size=4k,mode=0755") == 0;
}

// A file or a folder; what is not there needs no hiding.
bool hide(const std::string& path) {
  if (bind("/dev/null", path) || errno == ENOENT) return true;
  return errno == ENOTDIR && hide_folder(path);
}

// An empty folder over it, with the task's own folder at its place inside.
bool hide_data_root(const std::string& root, const std::string& folder) {
  const int own = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return false;
  const char* options = "size=64k,mode=0755";
  if (::mount("none", root.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, options) != 0) return false;
  make_folders(folder);
  const bool is_there = bind("/proc/self/fd/" + std::to_string(own), folder);
  ::close(own);
  return is_there && ::mount(nullptr, root.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
}

// A daemon may have been given rights to hand down (CapInh): a program of root's would have them in any case.
bool hand_down_nothing() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> rights{};
  if (::syscall(SYS_capget, &header, rights.data()) != 0) return false;
  for (auto& word : rights) word.inheritable = 0;
  return ::syscall(SYS_capset, &header, rights.data()) == 0;
}

bool drop_rights() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int right = 0; ::prctl(PR_CAPBSET_READ, right) >= 0; ++right)
    if (std::ranges::find(kRights, right) == kRights.end() && ::prctl(PR_CAPBSET_DROP, right) != 0 &&
        ::prctl(PR_CAPBSET_READ, right) == 1)
      return false;
  return hand_down_nothing();
}

}  // namespace

// The sockets before the data root, where one may be.
int enter_room(const char* folder) {
  const std::string own = folder;
  if (::setns(kSpaceFd, CLONE_NEWNET) != 0) return failed(at_space);
  if (::unshare(CLONE_NEWNS) != 0) return failed(at_mounts);
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed(at_mounts);
  if (!bind(own + "/resolv.conf", "/etc/resolv.conf")) return failed(at_files);
  if (!bind(own + "/hosts", "/etc/hosts") && errno != ENOENT) return failed(at_files);
  std::ifstream hidden(own + "/hidden");
  std::string root, socket;
  std::getline(hidden, root);
  while (std::getline(hidden, socket))
    if (!hide(socket)) return failed(at_data_root);
  if (!hide_data_root(root, own)) return failed(at_data_root);
  if (!drop_rights()) return failed(at_rights);
  return 0;
}

std::string why_no_room(int number) {
  const char* what = nullptr;
  switch (number / kStep) {
    case at_space:
      what = "its network namespace cannot be entered: ";
      break;
    case at_mounts:
      what = "a mount namespace of its own cannot be made: ";
      break;
    case at_files:
      what = "its /etc/resolv.conf and /etc/hosts cannot be put in place: ";
      break;
    case at_data_root:
      what = "the daemon's files cannot be hidden from it: ";
      break;
    case at_rights:
      what = "rights cannot be taken from it: ";
      break;
    default:
      return {};
  }
  return what + std::string(std::strerror(number % kStep));
}

}  // namespace swarm::real
