// For tests: values of every described type, with every field set to something of its own, so that a field
// that is forgotten somewhere, or mixed up with another, is seen. Which fields there are is said by the
// descriptions: a new one is filled without a word here.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "codec/raft_fields.hpp"
#include "model/describe/transaction.hpp"
#include "model/describe/wire.hpp"

namespace swarm::codec::full {

// ---- how many members a struct has: with how many values it can be initialised

struct Anything {
  std::size_t number;
  template <class T>
  operator T&() const& noexcept;
  template <class T>
  operator T&() const&& noexcept;
  template <class T>
  operator T&&() const&& noexcept;
};
template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{Anything{I}...}; };
}
template <class T, std::size_t kAtMost = 40>
constexpr std::size_t members() {
  if constexpr (takes<T>(std::make_index_sequence<kAtMost>())) return kAtMost;
  if constexpr (kAtMost > 0) return members<T, kAtMost - 1>();
  return 0;
}
// Those that are neither stored nor sent.
template <class T>
inline constexpr std::size_t kLeftOut = 0;
template <>
inline constexpr std::size_t kLeftOut<model::Task> = 1;  // its template
template <>
inline constexpr std::size_t kLeftOut<raft::Message> = 1;  // what follows once it is stored

// ---- values

class Filler {
 public:
  explicit Filler(std::uint64_t seed = 1) : rng_(seed) {}
  // Each optional and each list is left empty as often as it is filled.
  static Filler sparse(std::uint64_t seed) {
    Filler out(seed);
    out.sparse_ = true;
    return out;
  }

  template <class T>
  T of() {
    T value{};
    fill(value);
    return value;
  }
  // One of each alternative, in the order of the variant.
  template <class... T>
  void each_of(std::vector<std::variant<T...>>& out) {
    (out.emplace_back(of<T>()), ...);
  }

  // Not UTF-8 on purpose: what users and processes write need not be.
  std::string text() { return "text\xff " + std::to_string(number()); }

  // ---- what is set differs from what stands there at first
  void fill(bool& value) { value = !value; }
  void fill(std::string& value) { value = text(); }
  void fill(raft::Data& value) { value = text(); }
  void fill(double& value) { value = static_cast<double>(1 + rng_.below(1000)) / 1024; }
  void fill(Duration& value) { fill(value.ns); }
  void fill(WallTime& value) { fill(value.ns); }
  void fill(Uint128& value) {
    const auto high = static_cast<Uint128>(number()) << 64;
    value = high | number();
  }
  void fill(model::Kind& value) { value = model::Network::kKind; }
  void fill(Address& value) {
    for (auto& byte : value.ip) byte = static_cast<std::uint8_t>(rng_.below(256));
    value.port = static_cast<std::uint16_t>(1 + rng_.below(0xffff));
  }
  void fill(model::MeshPort& value) {
    fill(value.published.protocol);
    value.published.port = static_cast<std::uint32_t>(1 + rng_.below(0xffff));
    value.target = static_cast<std::uint32_t>(1 + rng_.below(0xffff));
  }
  void fill(model::ReplicatedMode& value) { value.replicas = 2 + rng_.below(model::kMaxReplicas - 2); }
  void fill(model::GlobalMode&) {}
  // One of each kind; a task has its template.
  void fill(std::vector<wire::FeedItem>& value) {
    value.clear();
    if (!there()) return;
    each_of(value);
    std::get<model::Task>(value.front()).templ =
        std::make_shared<model::TaskTemplate>(of<model::TaskTemplate>());
  }
  void fill(raft::Message& value) {
    fill_rows(value);
    value.type = raft::MessageType::app;
    for (std::size_t i = 0; i < value.entries.size(); ++i) value.entries[i].index = value.index + 1 + i;
  }

  template <class T>
  requires std::is_integral_v<T>
  void fill(T& value) { value = static_cast<T>(number()); }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void fill(Enum& value) {
    const Enum before = value;
    while (value == before) value = any<Enum>();
  }
  template <class Tag>
  void fill(Id<Tag>& value) {
    value = Id<Tag>::random(rng_);
  }
  template <class T>
  void fill(std::optional<T>& value) {
    if (there()) fill(value.emplace());
  }
  template <class T>
  void fill(Shared<T>& value) {
    if (there()) fill(value.emplace());
  }
  template <class T>
  void fill(std::shared_ptr<T>& value) {
    if (there()) value = std::make_shared<T>(of<std::remove_const_t<T>>());
  }
  template <class T>
  void fill(std::vector<T>& value) {
    value.clear();
    if (there())
      for (int i = 0; i < 2; ++i) fill(value.emplace_back());
  }
  void fill(std::vector<std::string>& value) {
    value.clear();
    if (there()) value = {text(), "", text()};
  }
  void fill(model::Labels& value) {
    value.clear();
    if (there()) value = {{text(), text()}, {text(), ""}};
  }
  template <class A, class B>
  void fill(std::pair<A, B>& value) {
    fill(value.first);
    fill(value.second);
  }
  template <class... T>
  void fill(std::variant<T...>& value) {
    const std::size_t chosen = rng_.below(sizeof...(T));
    std::size_t at = 0;
    (void)((at++ == chosen && (fill(value.template emplace<T>()), true)) || ...);
  }
  template <model::Described T>
  void fill(T& value) {
    fill_rows(value);
  }

 private:
  template <class T>
  void fill_rows(T& value) {
    std::size_t rows = 0;
    const auto row = [&](auto& member, auto, const char*, auto) { this->fill(member), ++rows; };
    model::Description<T>::each(value, row);
    SWARM_CHECK(rows + kLeftOut<T> == members<T>(), "a member has no row in its description", rows,
                members<T>(), __PRETTY_FUNCTION__);
  }
  // Each is another, and none has a zero among its bytes.
  std::uint64_t number() { return rng_.next() | 0x0101010101010101; }
  bool there() { return !sparse_ || rng_.below(2) == 0; }
  template <class Enum>
  Enum any() {
    if constexpr (requires { model::Words<Enum>::kLast; }) {
      return static_cast<Enum>(rng_.below(static_cast<std::uint64_t>(model::Words<Enum>::kLast) + 1));
    } else {
      return model::Words<Enum>::kAll[rng_.below(std::size(model::Words<Enum>::kAll))].value;
    }
  }

  Rng rng_;
  bool sparse_ = false;
};

}  // namespace swarm::codec::full
