// NodeLog: the small families of a node's disk (format, identity, agent) as one checksummed log: what a
// worker has in place of RocksDB. A few hundred keys at most; all of them in memory.
//
// File: magic, then records. A record is a header (length of the body, CRC-32C of the body, CRC-32C of the
// header's first eight bytes) and a body (one batch). A crash may leave a piece of a record at the end: it is
// cut off, since it was never reported as durable. Everything else that does not fit its checksum is
// corruption and refused: the header has a checksum of its own, so that a damaged length cannot pass for a
// torn end. Rewritten, beside and renamed, once it is mostly history. Used by one thread at a time.
//
// Values are sealed, all but those of family `format`. What was erased or replaced is never opened: the key
// that it was sealed with may have gone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/files.hpp"
#include "real/seal/sealer.hpp"

namespace swarm::real {

class NodeLog {
 public:
  using Key = std::pair<ports::Family, std::string>;

  // Its values are not open yet.
  static Result<NodeLog> open(const std::string& path, std::shared_ptr<seal::Sealer> sealer);
  // Once the sealer has its keys; until then nothing but `format` can be read, and no other value be written.
  Result<void> open_values();
  bool is_open() const { return is_open_; }

  // The batch is in the file in the order of calls; durable with sync().
  Result<void> append(const ports::DiskBatch& batch);
  Result<void> sync();
  // Writes all that is there, and the batch, to a new file, durably: after one that failed, no sync of the
  // old file says what of it is on the device.
  Result<void> write_anew(const ports::DiskBatch& batch);
  // Writes all of it to a new file, sealed with the newest key; durable when it returns.
  Result<void> rewrite();
  const std::map<Key, std::string>& content() const { return content_; }

 private:
  NodeLog(std::string path, std::shared_ptr<seal::Sealer> sealer)
      : path_(std::move(path)), sealer_(std::move(sealer)) {}
  Result<void> load();
  Result<void> create();
  Result<void> reopen();
  Result<void> replace_by(const std::map<Key, std::string>& content);
  std::string sealed(const ports::DiskOp& op) const;
  std::string encode_record(const ports::DiskBatch& batch) const;
  Error corrupt(std::size_t at, const char* what) const;

  std::string path_;
  std::shared_ptr<seal::Sealer> sealer_;
  bool is_open_ = false;
  Fd fd_;
  std::map<Key, std::string> content_;
  std::size_t size_ = 0;       // of the file
  std::size_t live_size_ = 0;  // of what a rewritten file would hold, about
};

}  // namespace swarm::real
