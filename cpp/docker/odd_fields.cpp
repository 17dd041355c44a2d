#include "docker/odd_fields.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "docker/fields.hpp"
#include "docker/json.hpp"
#include "model/resources.hpp"
#include "model/service_spec.hpp"

namespace swarm::docker {
namespace {

void refuse(const Fields& from, std::string text) {
  from.issues().add(plain_error(Code::invalid_argument, std::move(text)));
}

}  // namespace

void OddField<model::Base64Way>::write(Json& json, std::string_view name, const std::string& value) {
  json.field_if(name, to_base64(value));
}
void OddField<model::Base64Way>::read(const Fields& from, std::string_view name, std::string& to) {
  const auto bytes = from_base64(from.text(name));
  if (!bytes) refuse(from, "invalid JSON: illegal base64 data in Seccomp.Profile");
  to = bytes.value_or("");
}

// A number of them, or one that has a name of its own.
void OddField<model::GenericResourcesWay>::write(Json& json, std::string_view name,
                                                 const std::vector<model::GenericResource>& value) {
  if (value.empty()) return;
  json.array(name, [&] {
    for (const auto& resource : value)
      json.object([&] {
        if (!resource.name.empty()) {
          json.object("NamedResourceSpec",
                      [&] { json.field("Kind", resource.kind).field("Value", resource.name); });
        } else {
          json.object("DiscreteResourceSpec",
                      [&] { json.field("Kind", resource.kind).field("Value", resource.value); });
        }
      });
  });
}
void OddField<model::GenericResourcesWay>::read(const Fields& from, std::string_view name,
                                                std::vector<model::GenericResource>& to) {
  for (const Fields& resource : from.objects(name)) {
    if (const Fields named = resource.object("NamedResourceSpec"); named.present())
      to.push_back({named.text("Kind"), named.text("Value"), 0});
    if (const Fields discrete = resource.object("DiscreteResourceSpec"); discrete.present())
      to.push_back({discrete.text("Kind"), {}, discrete.integer("Value")});
  }
}

// Docker reads another word as no word.
void OddField<model::IsolationWay>::write(Json& json, std::string_view name, const std::string& value) {
  json.field(name, value.empty() ? std::string("default") : value);
}
void OddField<model::IsolationWay>::read(const Fields& from, std::string_view name, std::string& to) {
  to = from.text(name);
  if (to != "process" && to != "hyperv") to.clear();
}

// Exactly one mode, or none for one replica.
void OddField<model::ModeWay>::write(Json& json, std::string_view name, const model::ServiceMode& value) {
  json.object(name, [&] {
    if (const auto* replicated = std::get_if<model::ReplicatedMode>(&value)) {
      json.object("Replicated", [&] { json.field("Replicas", replicated->replicas); });
    } else {
      json.object("Global", [] {});
    }
  });
}
void OddField<model::ModeWay>::read(const Fields& of, std::string_view name, model::ServiceMode& to) {
  const Fields from = of.object(name), replicated = from.object("Replicated"), global = from.object("Global");
  const bool job = from.object("ReplicatedJob").present() || from.object("GlobalJob").present();
  if (job + replicated.present() + global.present() > 1) refuse(from, "must specify only one service mode");
  if (job)
    from.issues().add(plain_error(
        Code::unimplemented, "job modes are not there yet: this engine runs replicated and global services"));
  if (global.present()) {
    to = model::GlobalMode{};
  } else {
    to = model::ReplicatedMode{replicated.count("Replicas", 1)};
  }
}

void OddField<model::MountTypeWay>::write(Json& json, std::string_view name, const std::string& value) {
  json.field_if(name, value);
}
void OddField<model::MountTypeWay>::read(const Fields& from, std::string_view name, std::string& to) {
  constexpr const char* kTypes[] = {"", "bind", "volume", "tmpfs", "npipe", "cluster", "image"};
  to = from.text(name);
  if (std::find(std::begin(kTypes), std::end(kTypes), to) == std::end(kTypes))
    refuse(from, "invalid MountType: \"" + to + "\"");
}

void OddField<model::PresenceWay>::write(Json& json, std::string_view name, const bool& value) {
  if (value) json.object(name, [] {});
}
void OddField<model::PresenceWay>::read(const Fields& from, std::string_view name, bool& to) {
  to = from.object(name).present();
}

// Always written back, so always stored: a spec that comes back unchanged must not look changed.
void OddField<model::RuntimeWay>::write(Json& json, std::string_view name, const std::string& value) {
  json.field_if(name, value);
}
void OddField<model::RuntimeWay>::read(const Fields& from, std::string_view name, std::string& to) {
  to = from.text(name);
  if (to.empty()) to = "container";
  if (to == "container" && !from.has("PluginSpec") && !from.has("NetworkAttachmentSpec")) return;
  from.issues().add(
      plain_error(Code::unimplemented, "this engine runs services of containers only, not of runtime \"" +
                                           (to == "container" ? "plugin" : to) + "\""));
}

void OddField<model::SpreadWay>::write(Json& json, std::string_view name,
                                       const std::vector<std::string>& value) {
  if (value.empty()) return;
  json.array(name, [&] {
    for (const auto& descriptor : value)
      json.object([&] { json.object("Spread", [&] { json.field("SpreadDescriptor", descriptor); }); });
  });
}
void OddField<model::SpreadWay>::read(const Fields& from, std::string_view name,
                                      std::vector<std::string>& to) {
  for (const Fields& preference : from.objects(name))
    if (const Fields spread = preference.object("Spread"); spread.present())
      to.push_back(spread.text("SpreadDescriptor"));
}

}  // namespace swarm::docker
