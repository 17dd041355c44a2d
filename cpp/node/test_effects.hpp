// What the unit tests of the node's parts say of effects: events in, effects out.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/address.hpp"
#include "node/effects.hpp"
#include "node/leadership.hpp"

namespace swarm::node {

// All that the part wants since it was asked last, in its order.
template <class Part>
std::vector<Effect> take(Part& part) {
  std::vector<Effect> out;
  while (auto effect = part.next_effect()) out.push_back(std::move(*effect));
  return out;
}

template <class Kind>
std::vector<Kind> all(const std::vector<Effect>& effects) {
  std::vector<Kind> out;
  for (const Effect& effect : effects)
    if (const auto* one = std::get_if<Kind>(&effect)) out.push_back(*one);
  return out;
}

template <class Kind>
bool has(const std::vector<Effect>& effects) {
  return !all<Kind>(effects).empty();
}

// The one effect of its kind.
template <class Kind>
Kind only(const std::vector<Effect>& effects) {
  const auto found = all<Kind>(effects);
  EXPECT_EQ(found.size(), 1u);
  return found.empty() ? Kind{} : found.front();
}

// Exactly these kinds, in this order.
template <class... Kinds>
testing::AssertionResult are(const std::vector<Effect>& effects) {
  const std::vector<std::size_t> wanted{Effect(Kinds{}).index()...};
  std::vector<std::size_t> found;
  for (const Effect& effect : effects) found.push_back(effect.index());
  if (found == wanted) return testing::AssertionSuccess();
  auto failure = testing::AssertionFailure() << "found the kinds";
  for (const std::size_t kind : found) failure << " " << kind;
  failure << " and not";
  for (const std::size_t kind : wanted) failure << " " << kind;
  return failure;
}

// Messages of one type, with the link or the address that they go to.
template <class Message>
std::vector<std::pair<ports::LinkId, Message>> sent_on(const std::vector<Effect>& effects) {
  std::vector<std::pair<ports::LinkId, Message>> out;
  for (const auto& send : all<effect::SendOn>(effects))
    if (const auto* message = std::get_if<Message>(&send.message)) out.emplace_back(send.link, *message);
  return out;
}

template <class Message>
std::vector<std::pair<Address, Message>> sent_to(const std::vector<Effect>& effects) {
  std::vector<std::pair<Address, Message>> out;
  for (const auto& send : all<effect::SendTo>(effects))
    if (const auto* message = std::get_if<Message>(&send.message)) out.emplace_back(send.address, *message);
  return out;
}

inline Address at(std::uint8_t host, std::uint16_t port = 2377) { return Address::v4(127, 0, 1, host, port); }

}  // namespace swarm::node
