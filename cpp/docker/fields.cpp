#include "docker/fields.hpp"

#include <limits>

namespace swarm::docker {

Fields::Fields(const Value* value, Issues& issues, std::string path)
    : value_(value), issues_(&issues), path_(std::move(path)) {
  if (value_ != nullptr && value_->is_null()) value_ = nullptr;
  if (value_ != nullptr && value_->members() == nullptr) {
    wrong(*value_, path_, "object");
    value_ = nullptr;
  }
}

std::string Fields::path_to(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void Fields::wrong(const Value& value, std::string_view path, std::string_view wanted) const {
  issues_->add(plain_error(Code::invalid_argument,
                           "invalid JSON: json: cannot unmarshal " + std::string(value.kind()) +
                               " into field " + std::string(path) + " of type " + std::string(wanted)));
}

const Value* Fields::find(std::string_view name) const {
  return value_ == nullptr ? nullptr : value_->find(name);
}

const Value* Fields::find(std::string_view name, std::string_view kind) const {
  const Value* value = find(name);
  if (value == nullptr || value->kind() == kind) return value;
  wrong(*value, path_to(name), kind);
  return nullptr;
}

std::string Fields::text(std::string_view name) const {
  const Value* value = find(name, "string");
  return value == nullptr ? std::string() : *value->text();
}

bool Fields::flag(std::string_view name) const {
  const Value* value = find(name, "bool");
  return value != nullptr && std::get<bool>(value->data);
}

std::int64_t Fields::integer(std::string_view name, std::int64_t fallback) const {
  const Value* value = find(name, "number");
  if (value == nullptr) return fallback;
  if (const auto* number = std::get_if<std::int64_t>(&value->data)) return *number;
  // Scripts send whole numbers as floats ("Delay": 5e9): taken where they are exact.
  if (const auto* number = std::get_if<double>(&value->data)) {
    constexpr double kExact = 9007199254740992.0;  // 2^53
    if (*number >= -kExact && *number <= kExact) {
      const auto whole = static_cast<std::int64_t>(*number);
      if (static_cast<double>(whole) == *number) return whole;
    }
  }
  wrong(*value, path_to(name), "int64");
  return fallback;
}

std::uint64_t Fields::count(std::string_view name, std::uint64_t fallback) const {
  const Value* value = find(name, "number");
  if (value == nullptr) return fallback;
  if (const auto* number = std::get_if<std::uint64_t>(&value->data)) return *number;
  const std::int64_t number = integer(name, -1);
  if (number >= 0) return static_cast<std::uint64_t>(number);
  wrong(*value, path_to(name), "uint64");
  return fallback;
}

std::uint32_t Fields::count32(std::string_view name) const {
  const std::uint64_t number = count(name);
  if (number <= std::numeric_limits<std::uint32_t>::max()) return static_cast<std::uint32_t>(number);
  wrong(*find(name), path_to(name), "uint32");
  return 0;
}

double Fields::number(std::string_view name) const {
  const Value* value = find(name, "number");
  if (value == nullptr) return 0;
  if (const auto* exact = std::get_if<double>(&value->data)) return *exact;
  if (const auto* large = std::get_if<std::uint64_t>(&value->data)) return static_cast<double>(*large);
  return static_cast<double>(std::get<std::int64_t>(value->data));
}

std::optional<Duration> Fields::optional_duration(std::string_view name) const {
  return has(name) ? std::optional(duration(name)) : std::nullopt;
}

std::vector<std::string> Fields::texts_of(const Value& value, const std::string& path) const {
  std::vector<std::string> out;
  for (const Value& item : *value.items()) {
    if (item.text() == nullptr) {
      wrong(item, path, "string");
      return {};
    }
    out.push_back(*item.text());
  }
  return out;
}

std::vector<std::string> Fields::texts(std::string_view name) const {
  const Value* value = find(name, "array");
  return value == nullptr ? std::vector<std::string>() : texts_of(*value, path_to(name));
}

std::vector<std::vector<std::string>> Fields::text_lists(std::string_view name) const {
  std::vector<std::vector<std::string>> out;
  const Value* value = find(name, "array");
  if (value == nullptr) return out;
  for (const Value& item : *value->items()) {
    if (item.items() == nullptr) {
      wrong(item, path_to(name), "array");
      return {};
    }
    out.push_back(texts_of(item, path_to(name)));
  }
  return out;
}

model::Labels Fields::pairs(std::string_view name) const {
  model::Labels out;
  const Value* value = find(name, "object");
  if (value == nullptr) return out;
  for (const auto& [key, item] : *value->members()) {
    if (item.text() == nullptr && !item.is_null()) {
      wrong(item, path_to(name) + "." + key, "string");
      return {};
    }
    out[key] = item.is_null() ? std::string() : *item.text();
  }
  return out;
}

Fields Fields::object(std::string_view name) const { return {find(name), *issues_, path_to(name)}; }

std::vector<Fields> Fields::objects(std::string_view name) const {
  std::vector<Fields> out;
  const Value* value = find(name, "array");
  if (value == nullptr) return out;
  for (const Value& item : *value->items()) out.emplace_back(&item, *issues_, path_to(name));
  return out;
}

}  // namespace swarm::docker
