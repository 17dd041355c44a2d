#include "real/mark_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.hpp"
#include "base/check.hpp"
#include "base/result.hpp"
#include "real/files.hpp"

namespace swarm::real {
namespace {

// A place: magic, CRC-32C of what follows, number, length, the mark, and zeros.
constexpr std::string_view kMagic = "SWMARK01";
constexpr std::size_t kPlace = 4096;  // of no device is a sector larger
constexpr std::size_t kSector = 512;
constexpr std::size_t kHead = 24;  // before the mark

std::string place_of(std::uint64_t number, std::string_view mark) {
  std::string body;
  put_u64(body, number);
  put_u32(body, static_cast<std::uint32_t>(mark.size()));
  body += mark;
  std::string place(kMagic);
  put_u32(place, crc32c(body));
  place += body;
  place.resize(kSector);
  return place;
}

struct Place {
  std::uint64_t number = 0;
  std::string mark;
};

std::optional<Place> read_place(std::string_view place) {
  if (place.size() < kSector || !place.starts_with(kMagic)) return std::nullopt;
  const std::uint32_t length = get_u32(place, 20);
  if (length > kSector - kHead) return std::nullopt;
  if (get_u32(place, 8) != crc32c(place.substr(12, 12 + length))) return std::nullopt;
  return Place{get_u64(place, 12), std::string(place.substr(kHead, length))};
}

}  // namespace

Result<MarkFile> MarkFile::open(const std::string& path) {
  MarkFile file(path);
  if (!exists(path)) return file;
  const auto content = read_file(path);
  if (!content) return content.error();
  file.read_places(*content);
  if (content->size() != 2 * kPlace) return file;  // it is made anew by the next mark
  file.fd_ = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.fd_.valid()) return file_error(path, "cannot be opened");
  return file;
}

void MarkFile::read_places(std::string_view content) {
  for (std::size_t i = 0; i < 2 && content.size() >= i * kPlace; ++i) {
    auto place = read_place(content.substr(i * kPlace, kSector));
    if (!place || place->number <= number_) continue;
    number_ = place->number;
    mark_ = std::move(place->mark);
  }
}

// With its blocks written, so that a mark needs no new one.
Result<void> MarkFile::make() {
  if (auto made = replace_file(path_, std::string(2 * kPlace, '\0')); !made) return made;
  fd_ = Fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  return fd_.valid() ? Result<void>() : file_error(path_, "cannot be opened");
}

Result<void> MarkFile::write(std::string_view mark) {
  SWARM_CHECK(mark.size() <= kSector - kHead, "a mark of", mark.size(), "bytes");
  if (!fd_.valid())
    if (auto made = make(); !made) return made;
  const std::uint64_t number = number_ + 1;
  const std::string place = place_of(number, mark);
  const auto at = static_cast<off_t>(number % 2 * kPlace);
  const ssize_t written = ::pwrite(fd_.get(), place.data(), place.size(), at);
  if (written != static_cast<ssize_t>(place.size())) {
    if (written >= 0) errno = ENOSPC;
    return file_error(path_, "cannot be written");
  }
  if (::fdatasync(fd_.get()) != 0) return file_error(path_, "cannot be made durable");
  number_ = number;
  mark_ = mark;
  return {};
}

// Of a file whose sync has failed no later sync says whether it is durable.
Result<void> MarkFile::renew() {
  if (mark_.empty()) return {};
  std::string both(2 * kPlace, '\0');
  const std::uint64_t number = number_ + 1;
  const std::string place = place_of(number, mark_);
  both.replace(number % 2 * kPlace, place.size(), place);
  if (auto made = replace_file(path_, both); !made) return made;
  fd_ = Fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd_.valid()) return file_error(path_, "cannot be opened");
  number_ = number;
  return {};
}

Result<void> MarkFile::remove() {
  fd_.reset();
  mark_.clear();
  number_ = 0;
  if (!exists(path_)) return {};
  if (::unlink(path_.c_str()) != 0) return file_error(path_, "cannot be removed");
  return sync_directory(std::filesystem::path(path_).parent_path());
}

}  // namespace swarm::real
