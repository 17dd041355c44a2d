// NodeLog: the small families of a node's disk (format, identity, agent) as one checksummed log: what a
// worker has in place of RocksDB. A few hundred keys at most; all of them in memory.
//
// File: magic, then records. A record is a header (length of the body, CRC-32C of the body, CRC-32C of the
// header's first eight bytes) and a body (one batch). A crash may leave a piece of a record at the end: it is
// cut off, since it was never reported as durable. Everything else that does not fit its checksum is
// corruption and refused: the header has a checksum of its own, so that a damaged length cannot pass for a
// torn end. Rewritten, beside and renamed, once it is mostly history. Used by one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/files.hpp"

namespace swarm::real {

class NodeLog {
 public:
  using Key = std::pair<ports::Family, std::string>;

  static Result<NodeLog> open(const std::string& path);

  // The batch is in the file in the order of calls; durable with sync().
  Result<void> append(const ports::DiskBatch& batch);
  Result<void> sync();
  // Writes all that is there, and the batch, to a new file, durably: after one that failed, no sync of the
  // old file says what of it is on the device.
  Result<void> write_anew(const ports::DiskBatch& batch);
  const std::map<Key, std::string>& content() const { return content_; }

 private:
  explicit NodeLog(std::string path) : path_(std::move(path)) {}
  Result<void> load();
  Result<void> create();
  Result<void> reopen();
  Result<void> rewrite();
  Result<void> replace_by(const std::map<Key, std::string>& content);
  Error corrupt(std::size_t at, const char* what) const;

  std::string path_;
  Fd fd_;
  std::map<Key, std::string> content_;
  std::size_t size_ = 0;       // of the file
  std::size_t live_size_ = 0;  // of what a rewritten file would hold, about
};

}  // namespace swarm::real
