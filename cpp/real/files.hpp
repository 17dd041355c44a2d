// Files, the few ways in which the real world touches them: every failure is one sentence that names the
// file.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

Error file_error(const std::string& path, std::string_view what);  // "PATH: what: errno's words"
bool exists(const std::string& path);
Result<std::string> read_file(const std::string& path);
Result<void> write_all(int fd, std::string_view bytes, const std::string& path);
Result<void> sync_directory(const std::string& path);
// Writes a file beside it, syncs and renames it: there is the old file or the new one, never half of it.
Result<void> replace_file(const std::string& path, std::string_view content);
Result<void> make_directories(const std::string& path);  // what is made is its owner's alone (0700)
// A lock of this process on `path`, made if need be; -1 in the descriptor when another process holds it. It
// ends with the last descriptor that was opened here: a child that inherits it holds it too.
Result<Fd> lock_file(const std::string& path);

}  // namespace swarm::real
