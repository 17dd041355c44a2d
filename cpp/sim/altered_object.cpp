#include "sim/altered_object.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "model/key_value.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "node/replica_disk.hpp"
#include "ports/disk.hpp"
#include "store/store.hpp"

namespace swarm::sim {
namespace {

using node::decode_record;
using ports::Family;

// Returns the name of what it changed; "" where it changed nothing.
struct Alter {
  std::string operator()(model::KeyValue& object) const {
    object.value += "?";
    return "key " + object.key;
  }
  std::string operator()(model::Service& object) const { return change(object, "service "); }
  std::string operator()(model::Node& object) const { return change(object, "node "); }
  // Of the others each has a meaning that makes more of a change than another value.
  template <class Other>
  std::string operator()(Other&) const {
    return {};
  }

  template <class Object>
  static std::string change(Object& object, const std::string& word) {
    object.spec.annotations.labels["altered"] = "yes";
    return word + object.id.str();
  }
};

}  // namespace

std::string alter_object(ports::Disk& disk, Rng& rng) {
  std::vector<std::pair<std::string, store::Store::Record>> found;
  disk.scan(Family::objects, "", [&](std::string_view key, std::string_view value) {
    auto record = key == node::kAppliedKey ? plain_error(Code::not_found, "") : decode_record(key, value);
    if (!record) return true;
    store::Store::Record tried = *record;
    if (!std::visit(Alter{}, tried).empty()) found.emplace_back(std::string(key), std::move(*record));
    return true;
  });
  if (found.empty()) return {};
  auto& [key, record] = found[rng.below(found.size())];
  std::string what = std::visit(Alter{}, record);
  ports::DiskBatch batch;
  batch.sync = true;
  batch.put(Family::objects, key, node::encode_record(record));
  disk.commit(std::move(batch), 0);
  return what;
}

}  // namespace swarm::sim
