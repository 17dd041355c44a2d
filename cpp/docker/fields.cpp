#include "docker/fields.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/number.hpp"
#include "base/result.hpp"
#include "docker/json.hpp"
#include "model/annotations.hpp"

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

// Go's encoding/json, UnmarshalTypeError.
void Fields::wrong(const Value& value, std::string_view path, std::string_view wanted) const {
  std::string what = value.kind();
  if (what == "number") what += value.digits();
  const std::string where =
      path.find('.') == std::string_view::npos
          ? " into Go value of type " + std::string(path)
          : " into Go struct field " + std::string(path) + " of type " + std::string(wanted);
  issues_->add(plain_error(Code::invalid_argument, "invalid JSON: json: cannot unmarshal " + what + where));
}

const Value* Fields::find(std::string_view name) const {
  return value_ == nullptr ? nullptr : value_->find(name);
}

const Value* Fields::find(std::string_view name, std::string_view kind, std::string_view type) const {
  const Value* value = find(name);
  if (value == nullptr || value->kind() == kind) return value;
  wrong(*value, path_to(name), type);
  return nullptr;
}

std::string Fields::text(std::string_view name) const {
  const Value* value = find(name, "string", "string");
  return value == nullptr ? std::string() : *value->text();
}

bool Fields::flag(std::string_view name) const {
  const Value* value = find(name, "bool", "bool");
  return value != nullptr && std::get<bool>(value->data);
}

template <class Number>
Number Fields::whole(std::string_view name, Number fallback, std::string_view type) const {
  const Value* value = find(name);
  if (value == nullptr) return fallback;
  if (const auto number = value->whole()) {
    const auto fitting = saturate<Number>(*number);
    if (fitting == *number) return fitting;
  }
  wrong(*value, path_to(name), type);
  return fallback;
}

std::int64_t Fields::integer(std::string_view name, std::int64_t fallback) const {
  return whole<std::int64_t>(name, fallback, "int64");
}

std::uint64_t Fields::count(std::string_view name, std::uint64_t fallback) const {
  return whole<std::uint64_t>(name, fallback, "uint64");
}

std::uint32_t Fields::count32(std::string_view name, std::uint32_t fallback) const {
  return whole<std::uint32_t>(name, fallback, "uint32");
}

double Fields::number(std::string_view name) const {
  const Value* value = find(name);
  if (value == nullptr) return 0;
  if (const auto* exact = std::get_if<double>(&value->data); exact != nullptr && std::isfinite(*exact))
    return *exact;
  if (const auto number = value->whole()) return static_cast<double>(*number);
  wrong(*value, path_to(name), "float64");
  return 0;
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
  const Value* value = find(name, "array", "[]string");
  return value == nullptr ? std::vector<std::string>() : texts_of(*value, path_to(name));
}

std::vector<std::vector<std::string>> Fields::text_lists(std::string_view name) const {
  std::vector<std::vector<std::string>> out;
  const Value* value = find(name, "array", "[][]string");
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
  const Value* value = find(name, "object", "map[string]string");
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
  const Value* value = find(name, "array", "[]object");
  if (value == nullptr) return out;
  for (const Value& item : *value->items()) out.emplace_back(&item, *issues_, path_to(name));
  return out;
}

}  // namespace swarm::docker
