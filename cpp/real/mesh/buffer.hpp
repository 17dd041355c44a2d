// Buffer: bytes on their way. Grows at the end, is eaten at the front, and never zeroes what is written next.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace swarm::real::relay {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  const char* data() const { return bytes_.get() + begin_; }
  std::string_view view() const { return {data(), size()}; }

  // Room for `count` bytes at the end; commit() says how many came.
  char* room(std::size_t count) {
    if (end_ + count > capacity_) make_room(count);
    return bytes_.get() + end_;
  }
  void commit(std::size_t count) { end_ += count; }
  void add(const char* from, std::size_t count) {
    if (count == 0) return;  // memcpy takes no null pointers, not even then
    std::memcpy(room(count), from, count);
    commit(count);
  }
  void eat(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  // An idle connection keeps no memory.
  void let_go() {
    if (empty()) drop();
  }
  void drop() {
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  void make_room(std::size_t count) {
    if (size() + count <= capacity_ && begin_ >= capacity_ / 2) {
      std::memmove(bytes_.get(), data(), size());
    } else {
      const std::size_t wanted = std::max<std::size_t>({4096, capacity_ * 2, size() + count});
      std::unique_ptr<char[]> bigger(new char[wanted]);
      if (!empty()) std::memcpy(bigger.get(), data(), size());
      bytes_ = std::move(bigger);
      capacity_ = wanted;
    }
    end_ -= begin_;
    begin_ = 0;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t begin_ = 0, end_ = 0, capacity_ = 0;
};

}  // namespace swarm::real::relay
