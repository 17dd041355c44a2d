// MarkFile: the mark of a data root (ports/disk.hpp), in a file of its own: outside of the database, its log
// and its directory, so that what happens to them does not happen to it.
//
// Two places, written in turn, each of one sector with its number and its CRC-32C: a crash can tear the one
// that is being written, and the other holds. Both are made before the first mark, so that writing one
// changes no length: one write and one fdatasync. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {

class MarkFile {
 public:
  // Reads what is there. One that cannot be read at all has no mark.
  static Result<MarkFile> open(const std::string& path);
  // Of a file that cannot be read: whatever it holds is not looked at.
  static MarkFile none(const std::string& path) { return MarkFile(path); }

  const std::string& mark() const { return mark_; }  // empty: none
  Result<void> write(std::string_view mark);         // durable when it returns; 400 bytes at most
  Result<void> renew();                              // the same mark, durably, in a file of its own
  Result<void> remove();                             // the file, durably

 private:
  explicit MarkFile(std::string path) : path_(std::move(path)) {}
  Result<void> make();
  void read_places(std::string_view content);

  std::string path_;
  Fd fd_;
  std::string mark_;
  std::uint64_t number_ = 0;  // of the newest mark; it lies at place number_ % 2
};

}  // namespace swarm::real
