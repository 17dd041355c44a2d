#include "real/node_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/files.hpp"
#include "real/seal/sealer.hpp"

namespace swarm::real {
namespace {

constexpr std::string_view kMagic = "swarmlog";
constexpr std::size_t kHeader = 12;
constexpr std::size_t kRewriteFrom = 256 * 1024;
constexpr std::size_t kOpOverhead = 43;  // of it, 33 are the seal's

void put_text(std::string& out, std::string_view text) {
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

std::string encode_body(const ports::DiskBatch& batch,
                        const std::function<std::string(const ports::DiskOp&)>& sealed) {
  std::string out;
  for (const ports::DiskOp& op : batch.ops) {
    out += static_cast<char>(op.type);
    out += static_cast<char>(op.family);
    put_text(out, op.key);
    put_text(out, sealed(op));
  }
  return out;
}

bool take_text(std::string_view& from, std::string& out) {
  if (from.size() < 4) return false;
  const std::size_t size = get_u32(from);
  if (from.size() - 4 < size) return false;
  out = std::string(from.substr(4, size));
  from.remove_prefix(4 + size);
  return true;
}

std::optional<ports::DiskBatch> decode_body(std::string_view body) {
  ports::DiskBatch batch;
  while (!body.empty()) {
    ports::DiskOp op;
    if (body.size() < 2) return std::nullopt;
    op.type = static_cast<ports::DiskOp::Type>(body[0]);
    op.family = static_cast<ports::Family>(body[1]);
    body.remove_prefix(2);
    if (op.type > ports::DiskOp::Type::erase_range || ports::is_manager_family(op.family))
      return std::nullopt;
    if (!take_text(body, op.key) || !take_text(body, op.value)) return std::nullopt;
    batch.ops.push_back(std::move(op));
  }
  return batch;
}

void apply(const ports::DiskBatch& batch, std::map<NodeLog::Key, std::string>& content) {
  for (const ports::DiskOp& op : batch.ops) {
    switch (op.type) {
      case ports::DiskOp::Type::put:
        content[{op.family, op.key}] = op.value;
        break;
      case ports::DiskOp::Type::erase:
        content.erase({op.family, op.key});
        break;
      case ports::DiskOp::Type::erase_range:
        if (op.key < op.value)
          content.erase(content.lower_bound({op.family, op.key}), content.lower_bound({op.family, op.value}));
        break;
    }
  }
}

}  // namespace

// As long as it is not open, its values are as they lie in the file.
std::string NodeLog::sealed(const ports::DiskOp& op) const {
  const bool seals = is_open_ && op.type == ports::DiskOp::Type::put && seal::is_sealed(op.family);
  return seals ? sealer_->seal(op.family, op.key, op.value) : op.value;
}

std::string NodeLog::encode_record(const ports::DiskBatch& batch) const {
  const std::string body = encode_body(batch, [this](const ports::DiskOp& op) { return sealed(op); });
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(body.size()));
  put_u32(out, crc32c(body));
  put_u32(out, crc32c(out));
  return out += body;
}

Error NodeLog::corrupt(std::size_t at, const char* what) const {
  return plain_error(Code::data_loss,
                     path_ + " is corrupt at byte " + std::to_string(at) + ": " + what +
                         "; restore the data root from a copy, or start with an empty one and join again");
}

Result<NodeLog> NodeLog::open(const std::string& path, std::shared_ptr<seal::Sealer> sealer) {
  NodeLog log(path, std::move(sealer));
  auto opened = exists(path) ? log.load() : log.create();
  if (!opened) return opened.error();
  return log;
}

Result<void> NodeLog::create() {
  if (auto made = replace_file(path_, kMagic); !made) return made;
  size_ = kMagic.size();
  return reopen();
}

Result<void> NodeLog::reopen() {
  fd_.reset(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!fd_.valid()) return file_error(path_, "cannot be opened for writing");
  return {};
}

Result<void> NodeLog::load() {
  auto read = read_file(path_);
  if (!read) return read.error();
  const std::string_view bytes = *read;
  if (!bytes.starts_with(kMagic)) return corrupt(0, "this is not a node's log");
  std::size_t at = kMagic.size();
  while (bytes.size() - at >= kHeader) {
    const std::string_view header = bytes.substr(at, kHeader);
    if (crc32c(header.substr(0, 8)) != get_u32(header, 8))
      return corrupt(at, "a record's head does not fit its checksum");
    const std::size_t length = get_u32(header);
    if (bytes.size() - at - kHeader < length) break;  // torn
    const std::string_view body = bytes.substr(at + kHeader, length);
    if (crc32c(body) != get_u32(header, 4)) return corrupt(at, "a record does not fit its checksum");
    const auto batch = decode_body(body);
    if (!batch) return corrupt(at, "a record cannot be decoded");
    apply(*batch, content_);
    at += kHeader + length;
  }
  if (at < bytes.size() && ::truncate(path_.c_str(), static_cast<off_t>(at)) != 0)
    return file_error(path_, "its torn end cannot be cut off");
  size_ = at;
  return reopen();
}

Result<void> NodeLog::open_values() {
  for (auto& [key, value] : content_) {
    if (!seal::is_sealed(key.first)) continue;
    auto opened = sealer_->open(key.first, key.second, value);
    if (!opened) return plain_error(Code::data_loss, path_ + ": " + opened.error().message);
    value = std::move(*opened);
  }
  is_open_ = true;
  return size_ > kRewriteFrom ? rewrite() : Result<void>();
}

Result<void> NodeLog::append(const ports::DiskBatch& batch) {
  const std::string record = encode_record(batch);
  if (auto written = write_all(fd_.get(), record, path_); !written) return written;
  apply(batch, content_);
  size_ += record.size();
  if (is_open_ && size_ > kRewriteFrom && size_ > 4 * live_size_) return rewrite();
  return {};
}

Result<void> NodeLog::sync() {
  if (::fdatasync(fd_.get()) != 0) return file_error(path_, "cannot be synced");
  return {};
}

Result<void> NodeLog::write_anew(const ports::DiskBatch& batch) {
  auto content = content_;
  apply(batch, content);
  if (auto replaced = replace_by(content); !replaced) return replaced;
  content_ = std::move(content);
  return {};
}

Result<void> NodeLog::rewrite() { return replace_by(content_); }

Result<void> NodeLog::replace_by(const std::map<Key, std::string>& content) {
  ports::DiskBatch all;
  std::size_t live = 0;
  for (const auto& [key, value] : content) {
    all.put(key.first, key.second, value);
    live += key.second.size() + value.size() + kOpOverhead;
  }
  const std::string bytes = std::string(kMagic) + encode_record(all);
  if (auto replaced = replace_file(path_, bytes); !replaced) return replaced;
  size_ = bytes.size();
  live_size_ = live;
  return reopen();
}

}  // namespace swarm::real
