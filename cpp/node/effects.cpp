#include "node/effects.hpp"

#include <optional>
#include <tuple>
#include <utility>
#include <variant>

namespace swarm::node {

Outbox::Outbox() = default;
Outbox::~Outbox() = default;
Outbox::Outbox(Outbox&&) noexcept = default;
Outbox& Outbox::operator=(Outbox&&) noexcept = default;

template <class Kind>
void Outbox::add(Kind effect) {
  effects_.emplace_back(std::move(effect));
}

std::optional<Effect> Outbox::next() {
  if (effects_.empty()) return std::nullopt;
  std::optional<Effect> first(std::move(effects_.front()));
  effects_.pop_front();
  return first;
}

bool Outbox::empty() const { return effects_.empty(); }

namespace {

template <class... Kind>
constexpr auto adders(const std::variant<Kind...>* /*names the kinds*/) {
  return std::tuple{&Outbox::add<Kind>...};
}
// Makes the linker find add() for each kind that Effect lists.
[[gnu::used]] constinit auto kAdders = adders(static_cast<const Effect*>(nullptr));

}  // namespace

}  // namespace swarm::node
