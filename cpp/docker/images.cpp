// GET /images/json, GET /images/{name}/json, GET /distribution/{name}/json
#include "docker/images.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/containers.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "model/builtin_images.hpp"
#include "model/container_spec.hpp"
#include "ports/runner.hpp"

namespace swarm::docker {
namespace {

// What stands for several tags is shown with Docker's usual one.
std::string shown_reference(const ports::Image& image) {
  if (!image.reference.ends_with(":*")) return normal_reference(image.reference);
  return image.reference.substr(0, image.reference.size() - 1) + "latest";
}

std::string id_of(const Context& context, const std::string& catalogue_reference) {
  return "sha256:" + to_hex(context.crypto.sha256("image " + catalogue_reference));
}

// By id, whole or a prefix of at least four digits, with or without "sha256:".
std::optional<ports::Image> find_by_id(const Context& context, std::string_view name) {
  if (name.starts_with("sha256:")) name.remove_prefix(7);
  if (name.size() < 4) return std::nullopt;
  for (auto& image : context.runner.images())
    if (std::string_view(id_of(context, image.reference)).substr(7).starts_with(name)) return image;
  return std::nullopt;
}

Error no_such_image(std::string_view name) {
  return plain_error(Code::not_found, "No such image: " + normal_reference(name));
}

bool shown(const std::string& reference, const Filters& filters) {
  const std::string repository = reference.substr(0, reference.rfind(':'));
  return filters.any("reference",
                     [&](const std::string& wanted) {
                       return wanted == reference || wanted == repository || wanted == repository + ":*" ||
                              wanted == "*";
                     }) &&
         filters.any("dangling", [](const std::string& on) { return on == "0" || on == "false"; }) &&
         !filters.has("label") && !filters.has("before") && !filters.has("since");
}

void write_image(Json& json, const Context& context, const std::string& reference, int containers) {
  json.object([&] {
    json.field("Id", image_id(context, reference))
        .field("ParentId", "")
        .field("RepoTags", std::vector<std::string>{reference})
        .array("RepoDigests", [] {})
        .field("Created", context.local.started_at.ns / 1'000'000'000)
        .field("Size", 0)
        .field("SharedSize", containers < 0 ? -1 : 0)
        .object("Labels", [] {})
        .field("Containers", containers);
  });
}

}  // namespace

std::optional<ports::Image> find_image(const Context& context, std::string_view reference) {
  const std::string wanted = normal_reference(reference), any_tag = model::any_tag_of(wanted);
  std::optional<ports::Image> loose;
  for (auto& image : context.runner.images()) {
    if (image.reference == wanted || normal_reference(image.reference) == wanted) return image;
    // Users' own are listed later, and win.
    if (image.reference == any_tag && (!image.builtin || model::find_builtin_image(wanted) != nullptr))
      loose = image;
  }
  return loose;
}

// One id for all tags that a stand-in answers to: what has an id is found by it.
std::string image_id(const Context& context, std::string_view reference) {
  const auto image = find_image(context, reference);
  return id_of(context, image ? image->reference : normal_reference(reference));
}

void write_all_images(Json& json, const Context& context) {
  std::map<std::string, int> containers;  // by image id
  if (context.worker != nullptr)
    for (const auto& [id, local] : context.worker->tasks())
      if (is_container(local)) ++containers[image_id(context, container_spec(local).image)];
  json.array("Images", [&] {
    for (const auto& image : context.runner.images()) {
      const std::string reference = shown_reference(image);
      const auto of_it = containers.find(image_id(context, reference));
      write_image(json, context, reference, of_it == containers.end() ? 0 : of_it->second);
    }
  });
}

void list_images(Call& call) {
  const auto filters =
      Filters::parse(call.target, {"dangling", "label", "before", "since", "reference", "until"});
  if (!filters) return call.refuse(filters.error());
  Json json;
  json.array([&] {
    for (const auto& image : call.context.runner.images()) {
      const std::string reference = shown_reference(image);
      if (!shown(reference, *filters)) continue;
      write_image(json, call.context, reference, -1);
    }
  });
  call.reply(json.take());
}

void show_image(Call& call) {
  auto image = find_image(call.context, call.name);
  std::string reference = normal_reference(call.name);
  if (!image) {
    image = find_by_id(call.context, call.name);
    if (!image) return call.refuse(no_such_image(call.name));
    reference = shown_reference(*image);
  }
  Json json;
  json.object([&] {
    json.field("Id", image_id(call.context, reference))
        .field("RepoTags", std::vector<std::string>{reference})
        .array("RepoDigests", [] {})
        .field("Created", call.context.local.started_at)
        .field("Architecture", "amd64")
        .field("Os", "linux")
        .field("Size", 0);
    json.object("Config",
                [&] { json.field("Cmd", image->command).null("Entrypoint").null("Env").null("Labels"); });
    json.object("RootFS", [&] { json.field("Type", "layers"); });
  });
  call.reply(json.take());
}

// Asked by the CLI before a service is made, to pin the image by digest. A named command has none: with an
// empty digest the CLI keeps the reference as it is and warns of nothing. What the catalogue does not know
// gets the registry's 404, and the CLI its warning.
void show_distribution(Call& call) {
  if (!find_image(call.context, call.name))
    return call.refuse(plain_error(
        Code::not_found, "manifest unknown: " + call.name + " is not in this node's catalogue of images"));
  call.reply(R"({"Descriptor":{"mediaType":"","digest":"","size":0},"Platforms":[]})");
}

void prune_images(Call& call) { call.reply(R"({"ImagesDeleted":[],"SpaceReclaimed":0})"); }

}  // namespace swarm::docker
