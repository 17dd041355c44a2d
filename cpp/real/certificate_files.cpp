#include "real/certificate_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/result.hpp"
#include "ports/disk.hpp"
#include "real/files.hpp"
#include "real/stream/fd.hpp"

namespace swarm::real {
namespace {

namespace fs = std::filesystem;
using ports::DiskOp;

Result<void> write_file(const std::string& path, std::string_view content) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid()) return file_error(path, "cannot be made");
  if (auto written = write_all(fd.get(), content, path); !written) return written;
  if (::fsync(fd.get()) != 0) return file_error(path, "cannot be synced");
  return {};
}

Result<void> remove_folder(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return plain_error(Code::data_loss, path + ": cannot be removed: " + error.message());
  return {};
}

Result<void> rename_to(const std::string& from, const std::string& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) return file_error(from, "cannot be renamed");
  return {};
}

// Not one that an editor or a user has left there: its name begins with a letter or a digit.
bool is_own(const fs::directory_entry& entry) {
  std::error_code error;
  const std::string name = entry.path().filename();
  return entry.is_regular_file(error) && std::isalnum(static_cast<unsigned char>(name.front())) != 0 &&
         name.back() != '~';
}

}  // namespace

void apply_to_files(const DiskOp& op, std::map<std::string, std::string>& to) {
  SWARM_CHECK(op.key.find('/') == std::string::npos && !op.key.empty(), "no name of a file:", op.key);
  switch (op.type) {
    case DiskOp::Type::put:
      to[op.key] = op.value;
      break;
    case DiskOp::Type::erase:
      to.erase(op.key);
      break;
    case DiskOp::Type::erase_range:
      to.erase(to.lower_bound(op.key), to.lower_bound(op.value));
      break;
  }
}

std::string CertificateFiles::parent() const { return fs::path(folder_).parent_path(); }

Result<CertificateFiles> CertificateFiles::open(std::string folder) {
  CertificateFiles files(std::move(folder));
  if (!exists(files.parent())) return files;
  if (auto recovered = files.recover(); !recovered) return recovered.error();
  if (auto all = files.read(); !all) return all.error();
  return files;
}

// Whole is the new folder once the old one has gone: that was renamed after the new one was durable.
Result<void> CertificateFiles::recover() {
  if (!exists(folder_) && exists(beside()))
    if (auto renamed = rename_to(beside(), folder_); !renamed) return renamed;
  for (const std::string& left : {beside(), past()})
    if (auto removed = remove_folder(left); !removed) return removed;
  return sync_directory(parent());
}

Result<void> CertificateFiles::read() {
  if (!exists(folder_)) return {};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (!is_own(entry)) continue;
    auto text = read_file(entry.path());
    if (!text) return text.error();
    content_[entry.path().filename()] = std::move(*text);
  }
  if (error) return plain_error(Code::data_loss, folder_ + ": cannot be read: " + error.message());
  return {};
}

Result<void> CertificateFiles::write(const std::vector<DiskOp>& ops) {
  auto next = content_;
  for (const DiskOp& op : ops) apply_to_files(op, next);
  if (next.empty()) return wipe();
  if (auto written = write_beside(next); !written) return written;
  if (auto placed = put_in_place(); !placed) return placed;
  content_ = std::move(next);
  return {};
}

Result<void> CertificateFiles::write_beside(const std::map<std::string, std::string>& content) {
  if (auto removed = remove_folder(beside()); !removed) return removed;
  if (auto made = make_directories(beside()); !made) return made;
  for (const auto& [name, text] : content)
    if (auto written = write_file(beside() + "/" + name, text); !written) return written;
  if (auto synced = sync_directory(beside()); !synced) return synced;
  return sync_directory(parent());
}

Result<void> CertificateFiles::put_in_place() {
  if (exists(folder_))
    if (auto renamed = rename_to(folder_, past()); !renamed) return renamed;
  if (auto renamed = rename_to(beside(), folder_); !renamed) return renamed;
  if (auto synced = sync_directory(parent()); !synced) return synced;
  return remove_folder(past());
}

// A write that failed has left it half done. After a crash it must not take the place of the old folder.
Result<void> CertificateFiles::remove_beside() {
  if (!exists(beside())) return {};
  if (auto removed = remove_folder(beside()); !removed) return removed;
  return sync_directory(parent());
}

Result<void> CertificateFiles::wipe() {
  content_.clear();
  if (auto removed = remove_beside(); !removed) return removed;
  if (!exists(folder_)) return {};
  if (auto renamed = rename_to(folder_, past()); !renamed) return renamed;
  if (auto synced = sync_directory(parent()); !synced) return synced;
  return remove_folder(past());
}

}  // namespace swarm::real
