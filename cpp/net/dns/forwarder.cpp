#include "net/dns/forwarder.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/address.hpp"
#include "base/time.hpp"
#include "net/dns/answer_writer.hpp"
#include "net/dns/lower_case.hpp"
#include "net/dns/wire.hpp"

namespace swarm::dns {
namespace {

std::string with_id(std::string_view packet, std::uint16_t id) {
  std::string out(packet);
  out[0] = static_cast<char>(id >> 8);
  out[1] = static_cast<char>(id & 0xff);
  return out;
}

std::uint16_t code_of(std::string_view packet) { return get_u16(packet, 2) & 15U; }

bool passes_on(std::string_view packet) {
  return code_of(packet) == static_cast<unsigned>(Rcode::servfail) ||
         code_of(packet) == static_cast<unsigned>(Rcode::refused);
}

bool same_question(std::string_view a, std::string_view b) {
  const auto first = question_of(a), second = question_of(b);
  return first && second && same_without_case(*first, *second);
}

// A server may refuse a packet without saying which question it read (RFC 1035 asks for none).
bool refuses_all(std::string_view packet) { return get_u16(packet, 4) == 0 && code_of(packet) != 0; }

}  // namespace

void Forwarder::forward(ClientQuery query, std::string_view packet, Transport transport, Instant now,
                        Instant until) {
  Question question{query, std::string(packet), transport, until, 0, {}, 0};
  if (questions_.size() >= kMostUnderWay) return tell(question, Rcode::refused);
  ask(std::move(question), now);
}

void Forwarder::ask(Question question, Instant now) {
  if (question.server >= servers_.size() || now >= question.until) return tell(question, Rcode::servfail);
  const QuestionId id = fresh_id();
  question.deadline = std::min(question.until, now + kServerPatience);
  question.sequence = ++sequence_;
  deadlines_.emplace(question.deadline, question.sequence, id);
  effects_.emplace_back(Ask{id, servers_[question.server], question.transport, with_id(question.packet, id)});
  questions_.emplace(id, std::move(question));
}

bool Forwarder::heard(const Address& from, Transport transport, std::string_view packet, Instant now) {
  if (packet.size() < kHeaderBytes || packet.size() > kMostTcp) return false;
  const auto it = questions_.find(get_u16(packet, 0));
  if (it == questions_.end()) return false;
  const Question& question = it->second;
  if (question.transport != transport || servers_[question.server].address != from) return false;
  if ((get_u16(packet, 2) & (kResponse | kOpcode)) != kResponse) return false;
  if (!same_question(packet, question.packet) && !refuses_all(packet)) return false;
  if (passes_on(packet) || refuses_all(packet)) {
    ask_next(it, now);
    return true;
  }
  const Question done = take(it);
  effects_.emplace_back(Tell{done.query, with_id(packet, get_u16(done.packet, 0))});
  return true;
}

void Forwarder::failed(QuestionId question, Instant now) {
  const auto it = questions_.find(question);
  if (it != questions_.end()) ask_next(it, now);
}

void Forwarder::tick(Instant now) {
  while (!deadlines_.empty() && std::get<Instant>(*deadlines_.begin()) <= now)
    ask_next(questions_.find(std::get<QuestionId>(*deadlines_.begin())), now);
}

Instant Forwarder::next_deadline() const {
  return deadlines_.empty() ? Instant::never() : std::get<Instant>(*deadlines_.begin());
}

void Forwarder::ask_next(Questions::iterator it, Instant now) {
  Question question = take(it);
  ++question.server;
  ask(std::move(question), now);
}

Forwarder::Question Forwarder::take(Questions::iterator it) {
  Question question = std::move(it->second);
  deadlines_.erase({question.deadline, question.sequence, it->first});
  questions_.erase(it);
  return question;
}

// One that is in use is stepped over: there are far fewer questions than ids.
QuestionId Forwarder::fresh_id() {
  auto id = static_cast<QuestionId>(rng_.below(65'536));
  while (questions_.contains(id)) id = id == 65'535 ? 0 : static_cast<QuestionId>(id + 1);
  return id;
}

void Forwarder::tell(const Question& question, Rcode code) {
  const Read read = read_query(question.packet);
  if (const auto* query = std::get_if<Query>(&read))
    effects_.emplace_back(Tell{question.query, empty_answer(*query, code)});
}

}  // namespace swarm::dns
