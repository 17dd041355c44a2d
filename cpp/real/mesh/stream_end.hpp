// StreamEnd: this node's end of one stream on a link to another node, and how many bytes each end may still
// send (kWindow, link.hpp). The link must outlive it: a link is let go after its streams are detached.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "real/mesh/link.hpp"

namespace swarm::real::relay {

class StreamEnd {
 public:
  bool attached() const { return link_ != nullptr; }
  void attach(Link& link, std::uint32_t number) {
    link_ = &link;
    number_ = number;
    credit_ = kWindow;
    owed_ = 0;
  }
  // Says nothing to the other end.
  void detach() {
    if (Link* link = std::exchange(link_, nullptr)) link->unbind(number_);
  }
  void say(FrameType type) {
    if (attached()) link_->send(type, number_);
  }

  // ---- out: how many bytes it takes now
  std::size_t room() const { return attached() && link_->has_room() ? std::min(credit_, kMaxData) : 0; }
  // Asks the link to say when it takes more. New credit needs no asking: it comes as a frame.
  void await_room() {
    if (attached() && credit_ > 0 && !link_->has_room()) link_->await_room(number_);
  }
  // Bytes that were read into space() go; there must be room() for them.
  char* space() { return link_->data_space(kMaxData); }
  void put(std::size_t count) {
    link_->put_data(number_, count);
    credit_ -= count;
  }
  std::size_t send(std::string_view bytes) {
    const std::size_t count = std::min(bytes.size(), room());
    if (count == 0) return 0;
    link_->send_data(number_, bytes.substr(0, count));
    credit_ -= count;
    return count;
  }
  void add_credit(std::size_t count) { credit_ += count; }

  // ---- in: the other end may send as many more as were passed on here, a good part of a window at a time
  void pay_back(std::size_t count) {
    owed_ += count;
    if (owed_ < kWindow / 4 || !attached()) return;
    link_->send_credit(number_, std::exchange(owed_, 0));
  }

 private:
  Link* link_ = nullptr;
  std::uint32_t number_ = 0;
  std::size_t credit_ = kWindow, owed_ = 0;
};

}  // namespace swarm::real::relay
