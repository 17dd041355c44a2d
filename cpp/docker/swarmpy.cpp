// /swarmpy/v1/: what Docker's API has no word for
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "control/reference.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/fields.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/lookup.hpp"
#include "docker/specs.hpp"
#include "docker/waits.hpp"
#include "model/builtin_images.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "store/store.hpp"

namespace swarm::docker {
namespace {

// Of the others only tasks still tell: their template is what is left.
bool known_whole(const model::Service& service, std::uint64_t version) {
  return version == service.spec_version ||
         (service.previous_spec && version == service.previous_spec_version);
}

// What is not in a template is the service's of now.
std::map<std::uint64_t, model::ServiceSpec> versions_of(const store::Store& store,
                                                        const model::Service& service) {
  std::map<std::uint64_t, model::ServiceSpec> out;
  for (const auto& [slot, id] : store.tasks_of_service(service.id)) {
    const auto task = store.task(id);
    if (out.contains(task->spec_version)) continue;
    model::ServiceSpec spec;
    spec.annotations = task->templ->service;
    spec.task = task->templ->spec;
    spec.mode = service.spec.mode;
    spec.endpoint = task->templ->endpoint;
    out[task->spec_version] = std::move(spec);
  }
  if (service.previous_spec) out[service.previous_spec_version] = *service.previous_spec;
  out[service.spec_version] = service.spec;
  return out;
}

}  // namespace

void list_catalogue(Call& call) {
  Json json;
  json.array([&] {
    for (const auto& image : call.context.runner.images())
      json.object([&] {
        const std::string name = model::repository_of(image.reference);
        const auto* builtin = image.builtin ? model::find_builtin_image(name + ":latest") : nullptr;
        json.field("Reference", image.reference)
            .field("Command", image.command)
            .field("Builtin", image.builtin)
            .field("Tags", builtin != nullptr ? std::string(builtin->tags_shown) : std::string());
      });
  });
  call.reply(json.take());
}

void add_to_catalogue(Call& call) {
  const auto body = call.body();
  if (!body) return call.refuse(body.error());
  Issues issues;
  const Fields from(&*body, issues, "Image");
  ports::Image image{from.text("Reference"), from.texts("Command"), false};
  if (issues.any()) return call.refuse(issues.first());
  if (image.reference.empty())
    return call.refuse(plain_error(Code::invalid_argument, "Reference must be given"));
  const std::string name =
      image.reference.ends_with(":*") ? model::repository_of(image.reference) : image.reference;
  if (!control::is_image_reference(name))  // no service could name it
    return call.refuse(
        plain_error(Code::invalid_argument, "\"" + image.reference + "\" is not a valid repository/tag"));
  if (!model::has_tag(name) && name.find('@') == std::string::npos) image.reference = model::any_tag_of(name);
  if (image.command.empty()) return call.refuse(plain_error(Code::invalid_argument, "Command must be given"));
  call.replies.perform(call.id, AddImage{std::move(image)}, ImageAdded{});
}

void say(const ImageAdded&, Replies& replies, ApiId id, const OperationResult&, const Context&) {
  replies.reply(id, 201, "{}");
}

void service_history(Call& call) {
  const auto service = find_service(call.store(), call.name);
  if (!service) return call.refuse(service.error());
  Json json;
  json.array([&] {
    for (const auto& [version, spec] : versions_of(call.store(), **service))
      json.object([&] {
        json.field("SpecVersion", version).key("Spec");
        write_service_spec(json, spec);
        json.field("Current", version == (*service)->spec_version)
            .field("Whole", known_whole(**service, version));
      });
  });
  call.reply(json.take());
}

}  // namespace swarm::docker
