// Shared<T>: an optional value that copies share until one of them is edited. A copy costs a count, and a
// header that only holds or passes one on needs no more than `struct T;`.
//
// Reading is as with std::optional. There is no writing through `*` and `->`: `edit()` first makes the value
// this copy's own.
#pragma once

#include <memory>
#include <utility>

namespace swarm {

template <class T>
class Shared {
 public:
  Shared() = default;
  Shared(const Shared&) = default;
  Shared(Shared&&) noexcept = default;
  Shared& operator=(const Shared&) = default;
  Shared& operator=(Shared&&) noexcept = default;
  ~Shared() = default;
  Shared(T value) : value_(std::make_shared<T>(std::move(value))) {}

  bool has_value() const { return value_ != nullptr; }
  explicit operator bool() const { return has_value(); }
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

  // The value of this copy alone; a new one where there is none.
  T& edit() {
    if (!value_) return emplace();
    if (value_.use_count() > 1) value_ = std::make_shared<T>(*value_);
    return *value_;
  }
  T& emplace() {
    value_ = std::make_shared<T>();
    return *value_;
  }
  void reset() { value_.reset(); }

  // By value: two copies of one object need no look at it.
  friend bool operator==(const Shared& a, const Shared& b) {
    if (a.value_ == b.value_) return true;
    return a.value_ && b.value_ && *a.value_ == *b.value_;
  }

 private:
  std::shared_ptr<T> value_;
};

}  // namespace swarm
