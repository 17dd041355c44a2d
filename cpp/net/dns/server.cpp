#include "net/dns/server.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "net/dns/address_bag.hpp"
#include "net/dns/answer_writer.hpp"
#include "net/dns/names.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {
namespace {

// Which addresses are said, and in what order: the first steps of a shuffle (Fisher and Yates), as many as
// records fit.
std::vector<std::uint32_t> drawn(std::size_t count, std::size_t wanted, Rng& rng) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = 0; i < wanted && i + 1 < count; ++i)
    std::swap(order[i], order[i + rng.below(count - i)]);
  order.resize(wanted);
  return order;
}

Reply addresses(const Query& query, Transport transport, const AddressBag& bag, Rng& rng) {
  AnswerWriter writer(query, transport);
  const bool v4 = query.type == kTypeA;
  const auto& list = v4 ? bag.v4() : bag.v6();
  const std::size_t fit = std::min(list.size(), writer.room_for(v4));
  writer.reserve(fit, v4);
  for (const std::uint32_t at : drawn(list.size(), fit, rng)) writer.add_address(list[at], v4);
  if (fit < list.size()) writer.truncate();
  return {writer.finish(Rcode::noerror)};
}

// A name that no message can carry is SERVFAIL, as where moby cannot pack its answer.
Reply pointer(const Query& query, Transport transport, std::string_view name) {
  const std::string target = encoded(name);
  if (target.empty()) return {empty_answer(query, Rcode::servfail)};
  AnswerWriter writer(query, transport);
  writer.add_ptr(target);
  return {writer.finish(Rcode::noerror)};
}

bool stays_here(const Query& query, const Names& names) {
  return names.ndots_set && (query.type == kTypeA || query.type == kTypeAaaa) &&
         query.name.text().find('.') == std::string_view::npos;
}

Verdict unknown(const Query& query, const Names& names) {
  if (query.klass == kClassIn && stays_here(query, names)) return Reply{empty_answer(query, Rcode::noerror)};
  if (!names.may_forward) return Reply{empty_answer(query, Rcode::servfail)};
  return Forward{};
}

Verdict answer_query(const Query& query, Transport transport, const Names& names, Rng& rng) {
  if (query.edns && query.edns->version != 0) return Reply{empty_answer(query, Rcode::badvers)};
  if (query.klass != kClassIn || !query.name.plain()) return unknown(query, names);
  if (const AddressBag* bag = find(names, query.name.text())) {
    if (query.type == kTypeA || query.type == kTypeAaaa) return addresses(query, transport, *bag, rng);
    return Reply{empty_answer(query, Rcode::noerror)};
  }
  if (const auto ip = reverse_address(query.name.text())) {
    const std::string name = name_of(names, *ip);
    if (name.empty()) return unknown(query, names);
    if (query.type == kTypePtr) return pointer(query, transport, name);
    return Reply{empty_answer(query, Rcode::noerror)};
  }
  return unknown(query, names);
}

}  // namespace

Verdict answer(std::string_view packet, Transport transport, const Names& names, Rng& rng) {
  const Read read = read_query(packet);
  if (const auto* query = std::get_if<Query>(&read)) return answer_query(*query, transport, names, rng);
  if (const auto* broken = std::get_if<Broken>(&read)) return Reply{error_answer(*broken)};
  return Drop{};
}

}  // namespace swarm::dns
