#include "base/address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/number.hpp"

namespace swarm {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// One group of an IPv6 address: four hexadecimal digits at most.
std::optional<std::uint16_t> parse_group(std::string_view text) {
  std::uint16_t value{};
  if (text.empty() || text.size() > 4) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::array<std::uint8_t, 4>> parse_v4(std::string_view text) {
  std::array<std::uint8_t, 4> octets{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto octet = parse_whole<std::uint8_t>(text.substr(0, dot));
    if (!octet) return std::nullopt;
    octets[i] = *octet;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return octets;
}

// The 16-bit groups of one side of "::".
std::optional<std::vector<std::uint16_t>> parse_groups(std::string_view text) {
  std::vector<std::uint16_t> groups;
  while (!text.empty()) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto group = parse_group(text.substr(0, colon));
    if (!group || groups.size() == 8 || colon + 1 == text.size()) return std::nullopt;
    groups.push_back(*group);
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  return groups;
}

std::optional<std::array<std::uint8_t, 16>> parse_v6(std::string_view text) {
  const std::size_t gap = text.find("::");
  const auto head = parse_groups(text.substr(0, gap));
  const auto tail = parse_groups(gap == std::string_view::npos ? std::string_view() : text.substr(gap + 2));
  if (!head || !tail) return std::nullopt;
  const std::size_t count = head->size() + tail->size();
  if (gap == std::string_view::npos ? count != 8 : count > 7) return std::nullopt;
  std::vector<std::uint16_t> groups = *head;
  groups.resize(8 - tail->size());
  groups.insert(groups.end(), tail->begin(), tail->end());
  std::array<std::uint8_t, 16> ip{};
  for (std::size_t i = 0; i < 8; ++i) {
    ip[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    ip[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 255);
  }
  return ip;
}

}  // namespace

Address Address::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d, std::uint16_t port) {
  Address address;
  std::copy(kMapped.begin(), kMapped.end(), address.ip.begin());
  address.ip[12] = a;
  address.ip[13] = b;
  address.ip[14] = c;
  address.ip[15] = d;
  address.port = port;
  return address;
}

std::optional<Address> Address::parse(std::string_view text, std::uint16_t default_port) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && port[0] != ':') return std::nullopt;
    if (!port.empty()) port.remove_prefix(1);
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && colon == text.rfind(':')) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  Address address;
  if (const auto octets = parse_v4(host)) {
    address = v4((*octets)[0], (*octets)[1], (*octets)[2], (*octets)[3]);
  } else if (const auto ip = parse_v6(host); ip && host.find(':') != std::string_view::npos) {
    address.ip = *ip;
  } else {
    return std::nullopt;
  }
  const auto given = port.empty() ? std::optional(default_port) : parse_whole<std::uint16_t>(port);
  if (!given) return std::nullopt;
  address.port = *given;
  return address;
}

std::optional<AddressBlock> AddressBlock::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, slash);
  const auto address = Address::parse(host);
  const auto bits = parse_whole<std::uint8_t>(text.substr(slash + 1));
  const bool has_port = host.starts_with('[') || (host.find('.') != host.npos && host.find(':') != host.npos);
  if (!address || has_port || !bits || *bits > (address->is_v4() ? 32 : 128)) return std::nullopt;
  AddressBlock block{*address, *bits};
  for (std::size_t bit = block.fixed_bits(); bit < 128; ++bit)
    block.first.ip[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> bit % 8));
  return block;
}

bool AddressBlock::contains(const Address& address) const {
  const std::size_t fixed = fixed_bits();
  for (std::size_t bit = 0; bit < fixed; ++bit)
    if (((first.ip[bit / 8] ^ address.ip[bit / 8]) & (0x80U >> bit % 8)) != 0) return false;
  return true;
}

bool AddressBlock::overlaps(const AddressBlock& other) const {
  return contains(other.first) || other.contains(first);
}

bool Address::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), ip.begin()); }

bool Address::is_unspecified() const {
  return std::all_of(is_v4() ? ip.begin() + 12 : ip.begin(), ip.end(), [](std::uint8_t b) { return b == 0; });
}

bool Address::is_loopback() const {
  if (is_v4()) return ip[12] == 127;
  return std::all_of(ip.begin(), ip.end() - 1, [](std::uint8_t b) { return b == 0; }) && ip[15] == 1;
}

std::string Address::host() const {
  if (is_v4())
    return std::to_string(ip[12]) + '.' + std::to_string(ip[13]) + '.' + std::to_string(ip[14]) + '.' +
           std::to_string(ip[15]);
  char text[48];
  // The longest run of zero groups becomes "::" (RFC 5952 section 4.2).
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(ip[2 * i] << 8 | ip[2 * i + 1]);
  std::size_t best = 8, best_length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t length = 0;
    while (i + length < 8 && groups[i + length] == 0) ++length;
    if (length > best_length) best = i, best_length = length;
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      out += "::";
      i += best_length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    std::snprintf(text, sizeof text, "%x", groups[i]);
    out += text;
  }
  return out;
}

std::string Address::str() const {
  return (is_v4() ? host() : "[" + host() + "]") + ":" + std::to_string(port);
}

}  // namespace swarm
