// The journal as text, both ways. inputs.hpp names the fields of each input once.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "base/address.hpp"
#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "docker/json.hpp"
#include "faults/fault.hpp"
#include "model/annotations.hpp"
#include "ports/http.hpp"
#include "sim/inputs.hpp"
#include "sim/journal.hpp"
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using docker::Json;
using docker::Value;
using Groups = std::vector<std::vector<std::string>>;

constexpr std::int64_t kSecond = 1'000'000'000;

// ---- out

// JSON is text: bytes that are none go out as base64 under another name.
bool is_text(const std::string& bytes) {
  if (std::none_of(bytes.begin(), bytes.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return true;
  Json json;
  json.value(bytes);
  const auto back = docker::parse_json(json.str());
  return back.ok() && back->text() != nullptr && *back->text() == bytes;
}

struct Writer {
  Json& json;
  void operator()(std::string_view name, const std::string& text) {
    if (is_text(text)) {
      json.field(name, text);
    } else {
      json.field(std::string(name) + "64", to_base64(text));
    }
  }
  void operator()(std::string_view name, const Address& address) { json.field(name, address.str()); }
  void operator()(std::string_view name, TaskId id) { json.field(name, id.str()); }
  void operator()(std::string_view name, Duration span) { json.field(name, to_string(span)); }
  void operator()(std::string_view name, const std::optional<Duration>& span) {
    if (span) (*this)(name, *span);
  }
  void operator()(std::string_view name, const http::Headers& headers) {
    json.array(name, [&] {
      for (const auto& [key, value] : headers) json.value(std::vector<std::string>{key, value});
    });
  }
  void operator()(std::string_view name, const Groups& groups) {
    json.array(name, [&] {
      for (const auto& group : groups) json.value(group);
    });
  }
  void operator()(std::string_view name, const faults::Fault& fault) { json.key(name).raw(to_json(fault)); }
  void operator()(std::string_view name, const std::vector<faults::Fault>& all) {
    json.array(name, [&] {
      for (const auto& fault : all) json.raw(to_json(fault));
    });
  }
  template <class Plain>
  void operator()(std::string_view name, const Plain& value) {
    json.field(name, value);
  }
};

std::string stamp(Moment when) {
  std::string fraction = std::to_string(when.at.ns % kSecond);
  fraction.insert(0, 9 - fraction.size(), '0');
  return std::to_string(when.steps) + " " + std::to_string(when.at.ns / kSecond) + "." + fraction;
}

void put_line(std::string& out, Moment when, std::string_view verb, const std::string& json) {
  out += stamp(when);
  out += ' ';
  out += verb;
  out += ' ';
  out += json;
  out += '\n';
}

template <class Fielded>
std::string json_of(Fielded& what) {
  Json json;
  json.object([&] { what.fields(Writer{json}); });
  return json.take();
}

// ---- in

struct Reader {
  const Value& from;
  std::string wrong;  // the first field that is not what it should be

  const Value* find(std::string_view name) const { return from.find(name); }
  void fail(std::string_view name) {
    if (wrong.empty()) wrong = name;
  }
  template <class Take>
  void text(std::string_view name, Take&& take) {
    const Value* value = find(name);
    if (value == nullptr || value->text() == nullptr || !take(*value->text())) fail(name);
  }
  void operator()(std::string_view name, std::string& out) {
    if (const Value* coded = find(std::string(name) + "64"); coded != nullptr && coded->text() != nullptr) {
      const auto bytes = from_base64(*coded->text());
      return bytes ? static_cast<void>(out = *bytes) : fail(name);
    }
    text(name, [&](const std::string& found) { return out = found, true; });
  }
  void operator()(std::string_view name, Address& out) {
    text(name, [&](const std::string& found) {
      const auto address = Address::parse(found);
      if (address) out = *address;
      return address.has_value();
    });
  }
  void operator()(std::string_view name, TaskId& out) {
    text(name, [&](const std::string& found) {
      const auto id = TaskId::parse(found);
      if (id) out = *id;
      return id.has_value();
    });
  }
  void operator()(std::string_view name, Duration& out) {
    text(name, [&](const std::string& found) {
      const auto span = parse_duration(found);
      if (span) out = *span;
      return span.has_value();
    });
  }
  void operator()(std::string_view name, std::optional<Duration>& out) {
    if (find(name) == nullptr) return;
    (*this)(name, out.emplace());
  }
  void operator()(std::string_view name, bool& out) {
    const Value* value = find(name);
    const bool* flag = value == nullptr ? nullptr : std::get_if<bool>(&value->data);
    return flag != nullptr ? static_cast<void>(out = *flag) : fail(name);
  }
  void operator()(std::string_view name, model::Labels& out) {
    const Value* value = find(name);
    if (value == nullptr || value->members() == nullptr) return fail(name);
    for (const auto& [key, label] : *value->members())
      label.text() != nullptr ? static_cast<void>(out[key] = *label.text()) : fail(name);
  }
  void operator()(std::string_view name, http::Headers& out) {
    Groups pairs;
    (*this)(name, pairs);
    for (auto& pair : pairs)
      pair.size() == 2 ? static_cast<void>(out.emplace_back(pair[0], pair[1])) : fail(name);
  }
  void operator()(std::string_view name, Groups& out) {
    const Value* value = find(name);
    if (value == nullptr || value->items() == nullptr) return fail(name);
    for (const Value& group : *value->items()) {
      out.emplace_back();
      if (group.items() == nullptr) return fail(name);
      for (const Value& one : *group.items())
        one.text() != nullptr ? out.back().push_back(*one.text()) : fail(name);
    }
  }
  bool take(const Value& value, faults::Fault& out) {
    auto fault = faults::from_json(value);
    if (fault) out = std::move(*fault);
    return fault.ok();
  }
  void operator()(std::string_view name, faults::Fault& out) {
    const Value* value = find(name);
    if (value == nullptr || !take(*value, out)) fail(name);
  }
  void operator()(std::string_view name, std::vector<faults::Fault>& out) {
    const Value* value = find(name);
    if (value == nullptr || value->items() == nullptr) return fail(name);
    for (const Value& one : *value->items())
      if (!take(one, out.emplace_back())) return fail(name);
  }
  template <class Number>
  void operator()(std::string_view name, Number& out) {
    const Value* value = find(name);
    const auto whole = value == nullptr ? std::nullopt : value->whole();
    if (!whole || *whole < std::numeric_limits<Number>::min() || *whole > std::numeric_limits<Number>::max())
      return fail(name);
    out = static_cast<Number>(*whole);
  }
};

template <class Number>
bool take_number(std::string_view& text, Number& out, char after) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end == text.data() + text.size() || *end != after) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return true;
}

bool take_moment(std::string_view& text, Moment& out) {
  std::int64_t seconds = 0, fraction = 0;
  if (!take_number(text, out.steps, ' ') || !take_number(text, seconds, '.')) return false;
  if (text.size() < 10 || text[9] != ' ' || !take_number(text, fraction, ' ')) return false;
  if (seconds < 0 || fraction < 0 || seconds > Instant::never().ns / kSecond - 1) return false;
  out.at = Instant{seconds * kSecond + fraction};
  return true;
}

// An input by its verb: each kind is asked in turn.
template <std::size_t kAt = 0>
std::optional<Input> blank(std::string_view verb) {
  if constexpr (kAt < std::variant_size_v<Input>) {
    using One = std::variant_alternative_t<kAt, Input>;
    return One::kVerb == verb ? std::optional<Input>(One{}) : blank<kAt + 1>(verb);
  } else {
    return std::nullopt;
  }
}

struct WorldLine {
  WorldOptions& options;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("seed", options.seed);
    visit("epoch_ns", options.epoch.ns);
    visit("check", options.check);
    visit("codec", options.codec);
    inputs::SetNetwork network{options.network};
    network.fields(visit);
    options.network = network.options;
  }
};

class Parser {
 public:
  Result<RecordedRun> read(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const std::size_t length = std::min(text.find('\n'), text.size());
      if (auto done = take(text.substr(0, length)); !done) return done.error();
      text.remove_prefix(std::min(length + 1, text.size()));
    }
    if (!begun_) return wrong("it has no line for the world");
    if (!ended_) return wrong("its last line is not the end of the run");
    return std::move(run_);
  }

 private:
  Error wrong(const std::string& why) const {
    return plain_error(Code::data_loss, "line " + std::to_string(line_) + " of the run: " + why);
  }
  Result<void> take(std::string_view line) {
    Moment when;
    const std::string_view whole = line;
    const std::size_t blank_at = take_moment(line, when) ? line.find(' ') : std::string_view::npos;
    if (blank_at == std::string_view::npos)
      return wrong("it is no \"STEPS SECONDS VERB {...}\": " + std::string(whole.substr(0, 60)));
    if (ended_) return wrong("it stands behind the end");
    if (when.steps < last_.steps || when.at < last_.at) return wrong("it is earlier than the one before");
    last_ = when;
    auto value = docker::parse_json(line.substr(blank_at + 1));
    if (!value) return wrong(value.error().message);
    return put(when, line.substr(0, blank_at), *value);
  }
  Result<void> put(Moment when, std::string_view verb, const Value& value) {
    if (begun_ != (verb != "world")) return wrong("the line for the world is the first one");
    if (verb == "world") {
      begun_ = true;
      return fill(WorldLine{run_.options}, value);
    }
    if (verb == "end") return end(when, value);
    auto input = blank(verb);
    if (!input) return wrong("there is no input called " + std::string(verb));
    JournalEntry entry{when, std::move(*input), 0};
    auto filled = std::visit([&](auto& what) { return fill(what, value); }, entry.input);
    if (!filled) return filled;
    if (value.find("gave") != nullptr) Reader{value, {}}("gave", entry.gave);
    run_.entries.push_back(std::move(entry));
    return {};
  }
  template <class Fielded>
  Result<void> fill(Fielded&& what, const Value& value) {
    Reader reader{value, {}};
    what.fields(reader);
    if (reader.wrong.empty()) return {};
    return wrong("\"" + reader.wrong + "\" is missing or not what it should be");
  }
  Result<void> end(Moment when, const Value& value) {
    run_.end = when;
    ended_ = true;
    const Value* hash = value.find("trace_hash");
    if (hash == nullptr || hash->text() == nullptr || hash->text()->size() != 16)
      return wrong("no trace_hash");
    const std::string& hex = *hash->text();
    const auto read = std::from_chars(hex.data(), hex.data() + hex.size(), run_.trace_hash, 16);
    if (read.ptr != hex.data() + hex.size()) return wrong("no trace_hash");
    return {};
  }

  RecordedRun run_;
  Moment last_;
  std::size_t line_ = 0;
  bool begun_ = false, ended_ = false;
};

std::string json_of(const JournalEntry& entry) {
  Json json;
  Input input = entry.input;
  json.object([&] {
    std::visit([&](auto& what) { what.fields(Writer{json}); }, input);
    if (entry.gave != 0) json.field("gave", entry.gave);
  });
  return json.take();
}

std::string hex_of(std::uint64_t hash) {
  std::string bytes;
  put_u64(bytes, hash);
  return to_hex(bytes);
}

}  // namespace

std::string_view verb_of(const Input& input) {
  return std::visit([](const auto& what) { return what.kVerb; }, input);
}

std::string in_words(const Input& input) {
  if (const auto* call = std::get_if<inputs::CallMachine>(&input))
    return "call " + call->machine + ": " + call->request.method + " " + call->request.target;
  if (const auto* begin = std::get_if<inputs::BeginFault>(&input)) return "fault " + to_text(begin->fault);
  if (const auto* plan = std::get_if<inputs::RunPlan>(&input))
    return "plan of " + std::to_string(plan->plan.faults.size()) + " faults";
  Json json;
  Input copy = input;
  json.object([&] { std::visit([&](auto& what) { what.fields(Writer{json}); }, copy); });
  return std::string(verb_of(input)) + " " + json.str();
}

std::string to_text(const WorldOptions& options, const std::deque<JournalEntry>& entries, Moment end,
                    std::uint64_t trace_hash) {
  std::string out;
  WorldOptions copy = options;
  WorldLine world{copy};
  put_line(out, {}, "world", json_of(world));
  for (const JournalEntry& entry : entries) put_line(out, entry.when, verb_of(entry.input), json_of(entry));
  Json last;
  last.object([&] { last.field("trace_hash", hex_of(trace_hash)); });
  put_line(out, end, "end", last.str());
  return out;
}

Result<RecordedRun> read_run(std::string_view text) { return Parser().read(text); }

}  // namespace swarm::sim
