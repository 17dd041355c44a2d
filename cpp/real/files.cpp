#include "real/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

Error file_error(const std::string& path, std::string_view what) {
  return plain_error(Code::data_loss, path + ": " + std::string(what) + ": " + std::strerror(errno));
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<std::string> read_file(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return file_error(path, "cannot be opened");
  std::string out;
  char chunk[64 * 1024];
  while (true) {
    const ssize_t count = ::read(fd.get(), chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(path, "cannot be read");
    if (count == 0) return out;
    out.append(chunk, static_cast<std::size_t>(count));
  }
}

Result<void> write_all(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(path, "cannot be written");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> sync_directory(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return file_error(path, "cannot be synced");
  return {};
}

Result<void> replace_file(const std::string& path, std::string_view content) {
  const std::string beside = path + ".new";
  {
    const Fd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.valid()) return file_error(beside, "cannot be made");
    if (auto written = write_all(fd.get(), content, beside); !written) return written;
    if (::fsync(fd.get()) != 0) return file_error(beside, "cannot be synced");
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) return file_error(path, "cannot be replaced");
  return sync_directory(std::filesystem::path(path).parent_path());
}

Result<void> make_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    const int failed = ::mkdir(part.c_str(), 0700) == 0 ? 0 : errno;
    if (failed != 0 && failed != EEXIST && !exists(part))
      return plain_error(Code::failed_precondition, part + ": cannot be made: " + std::strerror(failed));
    if (end == std::string::npos) break;
  }
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return {};
  return plain_error(Code::failed_precondition, path + ": cannot be made: a file is in its place");
}

Result<Fd> lock_file(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return file_error(path, "cannot be opened");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return Fd();
  return file_error(path, "cannot be locked");
}

}  // namespace swarm::real
