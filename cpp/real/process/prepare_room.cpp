#include "real/process/prepare_room.hpp"

#include <fstream>
#include <ios>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "real/files.hpp"

namespace swarm::real {
namespace {

Result<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) return file_error(path, "cannot be written");
  return {};
}

}  // namespace

std::string hosts_of(const std::string& address, const std::string& hostname) {
  return "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\n"
         "ff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n" +
         address + "\t" + hostname + "\n";
}

Result<void> prepare_room(const Room& room) {
  std::string hidden = room.data_root + "\n";
  for (const std::string& socket : room.sockets) hidden += socket + "\n";
  for (const auto& [name, text] : {std::pair{"resolv.conf", &room.resolv_conf},
                                   {"hosts", &room.hosts},
                                   {"hidden", static_cast<const std::string*>(&hidden)}})
    if (auto written = write_file(room.folder + "/" + name, *text); !written) return written;
  return {};
}

}  // namespace swarm::real
