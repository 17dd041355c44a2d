#include "real/runner/program.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

#include "base/result.hpp"
#include "real/files.hpp"

namespace swarm::real {
namespace {

constexpr const char* kUsualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

bool can_run(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string program_path() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : kUsualPath;
}

Result<void> check_program(const std::string& program) {
  const auto refused = [&program](const char* why, const char* hint) {
    Error error = plain_error(Code::invalid_argument, "exec: \"" + program + "\": " + why);
    error.hint = hint;
    return error;
  };
  if (program.find('/') != std::string::npos) {
    if (!program.starts_with('/')) return refused("a path that begins nowhere", "Give its full path.");
    if (!exists(program)) return refused("no such file or directory", "Give the path of a program.");
    return can_run(program) ? Result<void>() : refused("permission denied", "Make it executable: chmod +x.");
  }
  std::istringstream places(program_path());
  for (std::string place; std::getline(places, place, ':');)
    if (!place.empty() && can_run(place + "/" + program)) return {};
  return refused("executable file not found in $PATH", "Install it, or give its full path.");
}

}  // namespace swarm::real
