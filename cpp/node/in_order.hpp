// InOrder: puts numbered pieces (1, 2, 3, ...) back into their order. A link loses, doubles and swaps frames;
// the text that is made of the pieces must not suffer from that. A piece with the number 0 comes from a peer
// that does not count: it passes as it comes.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace swarm::node {

template <class Piece>
class InOrder {
 public:
  // Takes a piece and returns the pieces whose turn it is now.
  std::vector<Piece> add(Piece piece) {
    std::vector<Piece> out;
    if (piece.number == 0) {
      out.push_back(std::move(piece));
      return out;
    }
    if (piece.number < next_) return out;  // a copy
    const std::uint64_t number = piece.number;
    held_.try_emplace(number, std::move(piece));
    for (auto it = held_.begin(); it != held_.end() && it->first == next_; it = held_.erase(it), ++next_)
      out.push_back(std::move(it->second));
    return out;
  }
  // Returns true if a piece is missing before one that is here.
  bool has_gap() const { return !held_.empty(); }

 private:
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Piece> held_;
};

}  // namespace swarm::node
