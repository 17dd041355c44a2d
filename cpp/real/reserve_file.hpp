// ReserveFile: room that a daemon keeps on its disk, so that it can write its identity, its tasks and its
// marks when the disk is full. A file of a megabyte, which is removed when there is no room.
#pragma once

#include <string>

#include "base/result.hpp"

namespace swarm::real {

class ReserveFile {
 public:
  explicit ReserveFile(std::string path) : path_(std::move(path)) {}
  // Takes the room, if it is not taken yet.
  Result<void> make();
  void give_back();
  bool is_made() const { return is_made_; }

 private:
  std::string path_;
  bool is_made_ = false;
};

// Returns true if the disk of this path has no room to speak of.
bool has_no_room(const std::string& path);

}  // namespace swarm::real
