// /swarmpy/v1/kv: the replicated register
//
//   GET    /swarmpy/v1/kv          all keys with their versions
//   GET    /swarmpy/v1/kv/KEY      {"Key", "Value", "Version": {"Index"}, "CreatedAt", "UpdatedAt"}; or 404
//   PUT    /swarmpy/v1/kv/KEY      the body is the value, whatever its type: UTF-8 text
//   DELETE /swarmpy/v1/kv/KEY      404 when it is not there
//   POST   /swarmpy/v1/kv/KEY/cas  {"Old": text, "New": text}; null: not there
//
// PUT and DELETE take a condition: the version, as ?version=N or If-Match: "N" (0: only if it is not there),
// or the value, as ?old=TEXT. If it does not hold, the answer is a 409 with the present version and value.
#include "control/key_value.hpp"

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/replies.hpp"
#include "docker/waits.hpp"
#include "model/key_value.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"

namespace swarm::docker {
namespace {

Error wrong(std::string text, std::string hint) {
  return {Code::invalid_argument, std::move(text), std::move(hint), false, 0};
}

void write_version(Json& json, std::uint64_t index) {
  json.object("Version", [&] { json.field("Index", index); });
}

Error no_such_key(std::string_view key) {
  Error error = plain_error(Code::not_found, "no such key: " + std::string(key));
  error.hint = "GET /swarmpy/v1/kv tells which keys there are.";
  return error;
}

std::string conflict_text(const model::WriteKey& write, const model::KeyValue* there) {
  const std::string key = "the key " + write.key;
  if (there == nullptr) return key + " is not there";
  const std::string version = std::to_string(there->meta.version);
  if (write.if_value) return key + " has another value (its version is " + version + ")";
  const std::uint64_t wanted = write.if_version.value_or(0);
  if (wanted == 0) return key + " is there already, with version " + version;
  return key + " has version " + version + ", not " + std::to_string(wanted);
}

// The condition did not hold when the entry was applied. The answer has what holds now.
void tell_conflict(Replies& replies, ApiId id, const model::WriteKey& write, const store::Store& store) {
  const auto there = store.key(write.key);
  Error error{Code::aborted, conflict_text(write, there.get()),
              "read the key again and compare with what it has now", false, 409};
  replies.refuse(id, error, [&](Json& json) {
    json.field("Key", write.key);
    write_version(json, there ? there->meta.version : 0);
    if (there) {
      json.field("Value", there->value);
    } else {
      json.null("Value");
    }
  });
}

void propose_write(Call& call, const model::WriteKey& write) {
  auto transaction = control::write_key(write);
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), KeyWritten{write});
}

Result<std::uint64_t> version_in(std::string_view text) {
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error == std::errc{} && end == text.data() + text.size()) return version;
  return wrong("\"" + std::string(text) + "\" is not a version: a whole number is wanted",
               "Take Version.Index of an answer, or 0 for a key that is not there.");
}

// Of a PUT or DELETE: at most one.
Result<void> read_condition(const Call& call, model::WriteKey& write) {
  std::string_view match = call.request.header("if-match");
  const bool by_query = call.target.has("version"), by_value = call.target.has("old");
  if (by_query + by_value + (match.empty() ? 0 : 1) > 1)
    return wrong("more than one condition is given", "Say one of ?version=, ?old= and If-Match.");
  if (by_value) write.if_value = call.target.text("old");
  if (!by_query && match.empty()) return {};
  if (match.size() > 1 && match.front() == '"' && match.back() == '"')
    match = match.substr(1, match.size() - 2);
  const auto version = version_in(by_query ? call.target.text("version") : match);
  if (!version) return version.error();
  write.if_version = *version;
  return {};
}

// "Old" or "New": text, or null; both must be said.
Result<std::optional<std::string>> text_or_null(const Value& body, std::string_view name) {
  if (body.members() != nullptr)
    for (const auto& member : *body.members()) {
      if (member.key != name) continue;
      if (member.value.is_null()) return std::optional<std::string>();
      if (const auto* text = member.value.text()) return std::optional(*text);
    }
  return wrong(std::string(name) + " must be given, as text or null",
               "Send {\"Old\": \"1\", \"New\": \"2\"}; null stands for a key that is not there.");
}

}  // namespace

void say(const KeyWritten& then, Replies& replies, ApiId id, const model::Outcome& outcome) {
  Json json;
  json.object([&] {
    json.field("Key", then.write.key);
    write_version(json, then.write.value ? outcome.version : 0);
  });
  replies.reply(id, 200, json.take());
}

void say_refused(const KeyWritten& then, Replies& replies, ApiId id, const model::Outcome& outcome,
                 const Context& context) {
  if (outcome.error == "object does not exist") return replies.refuse(id, no_such_key(then.write.key));
  if (outcome.error == "update out of sequence")
    return tell_conflict(replies, id, then.write, *context.store);
  replies.refuse(id,
                 {Code::resource_exhausted,
                  "there are " + std::to_string(model::kMaxKeys) + " keys already, and no more are allowed",
                  "Delete keys that are no longer needed.", false, 400});
}

void list_keys(Call& call) {
  Json json;
  json.array([&] {
    for (const auto& [key, entry] : call.store().keys())
      json.object([&] {
        json.field("Key", key);
        write_version(json, entry->meta.version);
        json.field("Bytes", static_cast<std::uint64_t>(entry->value.size()));
      });
  });
  call.reply(json.take());
}

void show_key(Call& call) {
  if (const auto fine = control::check_key(call.name); !fine) return call.refuse(fine.error());
  const auto entry = call.store().key(call.name);
  if (!entry) return call.refuse(no_such_key(call.name));
  Json json;
  json.object([&] {
    json.field("Key", entry->key).field("Value", entry->value);
    write_version(json, entry->meta.version);
    json.field("CreatedAt", entry->meta.created_at).field("UpdatedAt", entry->meta.updated_at);
  });
  call.reply(json.take());
}

void put_key(Call& call) {
  model::WriteKey write{call.name, call.request.body, {}, {}};
  if (const auto fine = read_condition(call, write); !fine) return call.refuse(fine.error());
  propose_write(call, write);
}

void delete_key(Call& call) {
  model::WriteKey write{call.name, {}, {}, {}};
  if (const auto fine = read_condition(call, write); !fine) return call.refuse(fine.error());
  propose_write(call, write);
}

void swap_key(Call& call) {
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  const auto before = text_or_null(*body, "Old");
  if (!before) return call.refuse(before.error());
  const auto after = text_or_null(*body, "New");
  if (!after) return call.refuse(after.error());
  model::WriteKey write{call.name, *after, {}, *before};
  if (!*before) write.if_version = 0;
  propose_write(call, write);
}

}  // namespace swarm::docker
