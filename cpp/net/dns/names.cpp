#include "net/dns/names.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/number.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/lower_case.hpp"

namespace swarm::dns {
namespace {

constexpr std::string_view kReverseV4 = ".in-addr.arpa";
constexpr std::string_view kReverseV6 = ".ip6.arpa";

const AddressBag* find_on(const Names& names, std::string_view network, std::string_view name) {
  for (const auto& table : names.networks) {
    if (!same_without_case(table->network(), network)) continue;
    if (const AddressBag* bag = table->find(name)) return bag;
  }
  return nullptr;
}

std::optional<Ip> reverse_v4(std::string_view digits) {
  Ip ip = Address::v4(0, 0, 0, 0).ip;
  for (std::size_t at = 15; at >= 12; --at) {
    const std::size_t dot = std::min(digits.find('.'), digits.size());
    const auto octet = parse_whole<std::uint8_t>(digits.substr(0, dot));
    if (!octet || (dot == digits.size()) != (at == 12)) return std::nullopt;
    ip[at] = *octet;
    digits.remove_prefix(std::min(dot + 1, digits.size()));
  }
  return ip;
}

std::optional<std::uint8_t> nibble(char one) {
  if (one >= '0' && one <= '9') return static_cast<std::uint8_t>(one - '0');
  if (one >= 'a' && one <= 'f') return static_cast<std::uint8_t>(one - 'a' + 10);
  return std::nullopt;
}

std::optional<Ip> reverse_v6(std::string_view nibbles) {
  if (nibbles.size() != 63) return std::nullopt;
  Ip ip{};
  for (std::size_t i = 0; i < 32; ++i) {
    const auto value = nibble(nibbles[2 * i]);
    if (!value || (i < 31 && nibbles[2 * i + 1] != '.')) return std::nullopt;
    const std::size_t at = 15 - i / 2;
    ip[at] = static_cast<std::uint8_t>(ip[at] | *value << (i % 2 == 0 ? 0 : 4));
  }
  if (is_v4(ip)) return std::nullopt;  // mapped: no address that a task has
  return ip;
}

}  // namespace

const AddressBag* find(const Names& names, std::string_view name) {
  for (const auto& table : names.networks)
    if (const AddressBag* bag = table->find(name)) return bag;
  for (std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = name.rfind('.', dot - 1)) {
    if (const AddressBag* bag = find_on(names, name.substr(dot + 1), name.substr(0, dot))) return bag;
  }
  return nullptr;
}

std::string name_of(const Names& names, const Ip& ip) {
  for (const auto& table : names.networks)
    if (const auto name = table->name_of(ip); !name.empty())
      return std::string(name).append(".").append(table->network());
  return {};
}

std::optional<Ip> reverse_address(std::string_view name) {
  if (name.ends_with(kReverseV4)) return reverse_v4(name.substr(0, name.size() - kReverseV4.size()));
  if (name.ends_with(kReverseV6)) return reverse_v6(name.substr(0, name.size() - kReverseV6.size()));
  return std::nullopt;
}

}  // namespace swarm::dns
