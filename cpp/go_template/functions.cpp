#include "go_template/functions.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "go_template/escape.hpp"
#include "go_template/print.hpp"
#include "go_template/value.hpp"

namespace swarm::go_template {
namespace {

using Arguments = std::vector<Value>;
constexpr std::size_t kAll = ~std::size_t{0};

Error complaint(std::string sentence) { return plain_error(Code::invalid_argument, std::move(sentence)); }
std::string number(std::int64_t value) { return std::to_string(value); }

// ---- texts

Result<Value> join(const Arguments& arguments) {
  if (arguments.empty()) return complaint("runtime error: slice bounds out of range [1:0]");
  const std::string& between = *as_text(arguments.front());
  std::string out;
  for (std::size_t i = 1; i < arguments.size() && out.size() <= kMaxText; ++i)
    out += (i > 1 ? between : "") + *as_text(arguments[i]);
  return text(std::move(out));
}

Result<Value> call_print(const Arguments& arguments) { return text(print(arguments)); }
Result<Value> call_println(const Arguments& arguments) { return text(println(arguments)); }
Result<Value> call_printf(const Arguments& arguments) {
  return text(printf(*as_text(arguments.front()), {arguments.begin() + 1, arguments.end()}));
}
// A pointer is followed first, as when it is written.
std::string shown(const Arguments& arguments) {
  if (arguments.size() == 1) return is_nil(arguments.front()) ? "<no value>" : printed(arguments.front());
  return print(arguments);
}
Result<Value> html(const Arguments& arguments) { return text(html_escaped(shown(arguments))); }
Result<Value> js(const Arguments& arguments) { return text(js_escaped(shown(arguments))); }
Result<Value> urlquery(const Arguments& arguments) { return text(query_escaped(shown(arguments))); }

// ---- parts

Result<std::size_t> position(const Value& index, std::size_t size) {
  if (is_nil(index)) return complaint("cannot index slice/array with nil");
  const auto* at = std::get_if<std::int64_t>(&index);
  if (at == nullptr) return complaint("cannot index slice/array with type " + type_name(index));
  if (*at < 0 || static_cast<std::uint64_t>(*at) > size)
    return complaint("index out of range: " + number(*at));
  return static_cast<std::size_t>(*at);
}

Result<Value> byte_of(const std::string& of, const Value& index) {
  const auto at = position(index, of.size());
  if (!at) return at.error();
  if (*at == of.size()) return complaint("reflect: string index out of range");
  return Value(static_cast<std::int64_t>(static_cast<unsigned char>(of[*at])));
}

Result<Value> entry_of(const std::map<std::string, std::string>& map, const Value& index) {
  if (is_nil(index)) return complaint("value is nil; should be of type string");
  const std::string* key = as_text(index);
  if (key == nullptr) return complaint("value has type " + type_name(index) + "; should be string");
  const auto found = map.find(*key);
  return text(found == map.end() ? std::string() : found->second);
}

Result<Value> index(const Arguments& arguments) {
  Value item = arguments.front();
  if (is_nil(item)) return complaint("index of untyped nil");
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const Value from = item;
    Result<Value> part = complaint("can't index item of type " + type_name(from));
    if (const std::string* of = as_text(from)) part = byte_of(*of, arguments[i]);
    if (const auto* map = std::get_if<Map>(&from)) part = entry_of(**map, arguments[i]);
    if (!part) return part;
    item = *part;
  }
  return item;
}

Result<Value> slice(const Arguments& arguments) {
  const Value& item = arguments.front();
  if (is_nil(item)) return complaint("slice of untyped nil");
  if (arguments.size() > 4)
    return complaint("too many slice indexes: " + number(static_cast<std::int64_t>(arguments.size()) - 1));
  const std::string* of = as_text(item);
  if (of == nullptr) return complaint("can't slice item of type " + type_name(item));
  if (arguments.size() == 4) return complaint("cannot 3-index slice a string");
  std::size_t ends[] = {0, of->size()};
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const auto at = position(arguments[i], of->size());
    if (!at) return at.error();
    ends[i - 1] = *at;
  }
  if (ends[0] > ends[1])
    return complaint("invalid slice index: " + std::to_string(ends[0]) + " > " + std::to_string(ends[1]));
  return text(of->substr(ends[0], ends[1] - ends[0]));
}

Result<Value> len(const Arguments& arguments) {
  const Value& item = arguments.front();
  if (is_nil(item)) return complaint("len of nil pointer");
  if (const std::string* of = as_text(item)) return Value(static_cast<std::int64_t>(of->size()));
  if (const auto* map = std::get_if<Map>(&item)) return Value(static_cast<std::int64_t>((*map)->size()));
  return complaint("len of type " + type_name(item));
}

Result<Value> call(const Arguments& arguments) {
  if (is_nil(arguments.front())) return complaint("call of nil");
  return complaint("non-function of type " + type_name(arguments.front()));
}

// ---- truth

Result<Value> logical_not(const Arguments& arguments) { return Value(!is_true(arguments.front())); }

bool is_basic(const Value& value) { return value.index() >= 1 && value.index() <= 4; }

bool same_struct(const Struct& a, const Struct& b);
bool same(const Value& a, const Value& b) {
  if (as_text(a) != nullptr && as_text(b) != nullptr) return *as_text(a) == *as_text(b);
  if (std::holds_alternative<StructRef>(a) && std::holds_alternative<StructRef>(b))
    return same_struct(*std::get<StructRef>(a), *std::get<StructRef>(b));
  return a == b;
}
bool same_struct(const Struct& a, const Struct& b) {
  return a.fields.size() == b.fields.size() &&
         type_name(std::make_shared<const Struct>(a)) == type_name(std::make_shared<const Struct>(b)) &&
         std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(),
                    [](const Field& x, const Field& y) { return same(x.value, y.value); });
}

bool holds_map(const Value& value) {
  if (std::holds_alternative<Map>(value)) return true;
  const auto* of = std::get_if<StructRef>(&value);
  return of != nullptr && !(*of)->pointer &&
         std::any_of((*of)->fields.begin(), (*of)->fields.end(),
                     [](const Field& field) { return holds_map(field.value); });
}

Result<bool> equal(const Value& a, const Value& b) {
  if (is_nil(a) || is_nil(b)) return is_nil(a) && is_nil(b);
  if ((is_basic(a) || is_basic(b)) && a.index() != b.index())
    return complaint("incompatible types for comparison: " + type_name(a) + " and " + type_name(b));
  if (!is_basic(a) && holds_map(b))
    return complaint("non-comparable type " + print({b}) + ": " + type_name(b));
  return same(a, b);
}

Result<Value> eq(const Arguments& arguments) {
  if (arguments.size() == 1) return complaint("missing argument for comparison");
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const auto fits = equal(arguments.front(), arguments[i]);
    if (!fits) return fits.error();
    if (*fits) return Value(true);
  }
  return Value(false);
}

Result<bool> less(const Value& a, const Value& b) {
  if (!is_basic(a) || !is_basic(b)) return complaint("invalid type for comparison");
  if (a.index() != b.index())
    return complaint("incompatible types for comparison: " + type_name(a) + " and " + type_name(b));
  if (std::holds_alternative<bool>(a)) return complaint("invalid type for comparison");
  if (as_text(a) != nullptr) return *as_text(a) < *as_text(b);
  return a < b;
}

// `order(less, equal)`
Result<Value> compare(const Arguments& arguments, bool (*order)(bool, bool)) {
  const auto smaller = less(arguments[0], arguments[1]);
  if (!smaller) return smaller.error();
  const auto fits = equal(arguments[0], arguments[1]);
  return fits ? Result<Value>(Value(order(*smaller, *fits))) : fits.error();
}

Result<Value> ne(const Arguments& arguments) {
  const auto fits = equal(arguments[0], arguments[1]);
  return fits ? Result<Value>(Value(!*fits)) : fits.error();
}
Result<Value> lt(const Arguments& arguments) {
  return compare(arguments, [](bool smaller, bool) { return smaller; });
}
Result<Value> le(const Arguments& arguments) {
  return compare(arguments, [](bool smaller, bool same_size) { return smaller || same_size; });
}
Result<Value> gt(const Arguments& arguments) {
  return compare(arguments, [](bool smaller, bool same_size) { return !smaller && !same_size; });
}
Result<Value> ge(const Arguments& arguments) {
  return compare(arguments, [](bool smaller, bool) { return !smaller; });
}

constexpr Function kFunctions[] = {
    {"and", 1, true, 0, nullptr},
    {"call", 1, true, 0, call},
    {"eq", 1, true, 0, eq},
    {"ge", 2, false, 0, ge},
    {"gt", 2, false, 0, gt},
    {"html", 0, true, 0, html},
    {"index", 1, true, 0, index},
    {"join", 0, true, kAll, join},
    {"js", 0, true, 0, js},
    {"le", 2, false, 0, le},
    {"len", 1, false, 0, len},
    {"lt", 2, false, 0, lt},
    {"ne", 2, false, 0, ne},
    {"not", 1, false, 0, logical_not},
    {"or", 1, true, 0, nullptr},
    {"print", 0, true, 0, call_print},
    {"printf", 1, true, 1, call_printf},
    {"println", 0, true, 0, call_println},
    {"slice", 1, true, 0, slice},
    {"urlquery", 0, true, 0, urlquery},
};

}  // namespace

const Function* find_function(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [name](const Function& one) { return one.name == name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace swarm::go_template
