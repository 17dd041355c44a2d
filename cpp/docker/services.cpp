// GET /services, GET/DELETE /services/{id}, POST /services/create, POST /services/{id}/update
#include "control/service.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "docker/api.hpp"
#include "docker/call.hpp"
#include "docker/filters.hpp"
#include "docker/handlers.hpp"
#include "docker/json.hpp"
#include "docker/listing.hpp"
#include "docker/lookup.hpp"
#include "docker/names.hpp"
#include "docker/objects.hpp"
#include "docker/specs.hpp"
#include "docker/waits.hpp"
#include "model/service.hpp"
#include "model/service_spec.hpp"
#include "model/transaction.hpp"
#include "store/store.hpp"
#include "store/table.hpp"

namespace swarm::docker {
namespace {

bool shown(const model::Service& service, const Filters& filters) {
  return filters.prefix("id", service.id.str()) && filters.prefix("name", service.spec.annotations.name) &&
         filters.labels("label", service.spec.annotations.labels) &&
         filters.exact("mode", service.spec.is_global() ? "global" : "replicated") &&
         filters.exact("runtime", "container");
}

// Networks are kept by id: a stack sends names, and must find its spec unchanged when it comes again.
Result<void> resolve_networks(const store::Store& store, std::vector<model::NetworkAttachment>& networks) {
  for (auto& attachment : networks) {
    const auto network = find_network(store, attachment.target);
    if (!network) return network.error();
    if ((*network)->ingress)
      return rpc_error(Code::invalid_argument,
                       "Service cannot be explicitly attached to the ingress network \"" +
                           (*network)->annotations.name + "\"");
    attachment.target = (*network)->id.str();
  }
  return {};
}

Result<model::ServiceSpec> read_spec(Call& call) {
  const auto body = call.body();
  if (!body) return body.error();
  auto spec = read_service_spec(*body);
  if (!spec) return spec;
  if (const auto fine = resolve_networks(call.store(), spec->task.networks); !fine) return fine.error();
  if (const auto fine = resolve_networks(call.store(), spec->networks); !fine) return fine.error();
  return spec;
}

void write_warnings(Json& json, const std::vector<std::string>& warnings) {
  if (warnings.empty()) {
    json.null("Warnings");
  } else {
    json.field("Warnings", warnings);
  }
}

// Of what is new in the spec that comes: that sent, or the one before.
std::vector<std::string> warnings_of(Call& call, const model::Service& service,
                                     const model::ServiceSpec& sent, bool back) {
  if (back && !service.previous_spec) return {};
  return call.context.runner.warnings(back ? *service.previous_spec : sent, &service.spec);
}

}  // namespace

void list_services(Call& call) {
  const auto filters = Filters::parse(call.target, {"id", "name", "label", "mode", "runtime"});
  if (!filters) return call.refuse(filters.error());
  const auto with_status = call.target.strict_flag("status");
  if (!with_status) return call.refuse(with_status.error());
  call.list(ServiceListing{call.store().view(), *filters, *with_status, &call.replies.services(), {}, {}});
}

// One service, unless the budget does not suffice for its tasks. Returns true when it is written, or not
// shown.
bool ServiceListing::write_one(Json& json, const store::Ref<model::Service>& service, Budget& budget) {
  if (!shown(*service, filters)) return true;
  std::optional<ServiceCounts> counts;
  if (with_status) {
    if (!counting) counting.emplace(service, view->tasks_of_service(service->id));
    if (!counting->count(*view, budget)) return false;
    counts = counting->counts();
    counting.reset();
  }
  texts->write(json, *service, counts);
  return true;
}

bool ServiceListing::write(Json& json, Budget& budget, const Context&) {
  bool more = false;
  view->visit_after<model::Service>(last ? &*last : nullptr, [&](const store::Ref<model::Service>& service) {
    more = budget.is_spent();
    if (more) return false;
    budget.spend_one();
    more = !write_one(json, service, budget);
    if (more) return false;
    last = service->id;
    return true;
  });
  return !more;
}

void show_service(Call& call) {
  const auto defaults = call.target.strict_flag("insertDefaults");
  if (!defaults) return call.refuse(defaults.error());
  const auto service = find_service(call.store(), call.name);
  if (!service) return call.refuse(service.error());
  Json json;
  write_service(json, **service, *defaults);
  call.reply(json.take());
}

void create_service(Call& call) {
  auto spec = read_spec(call);
  if (!spec) return call.refuse(spec.error());
  if (spec->annotations.name.empty()) spec->annotations.name = invent_name(call.store(), call.context.rng);
  const ServiceId service = ServiceId::random(call.context.rng);
  const std::vector<std::string> warnings = call.context.runner.warnings(*spec, nullptr);
  auto transaction = control::create_service(call.store(), service, std::move(*spec));
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), ServiceCreated{service, warnings});
}

void say(const ServiceCreated& then, Replies& replies, ApiId id, const model::Outcome&) {
  Json json;
  json.object([&] {
    json.field("ID", then.service.str());
    write_warnings(json, then.warnings);
  });
  replies.reply(id, 201, json.take());
}

void update_service(Call& call) {
  auto spec = read_spec(call);
  if (!spec) return call.refuse(spec.error());
  const auto version = call.object_version("service");
  if (!version) return call.refuse(version.error());
  const std::string rollback = call.target.text("rollback");
  if (!rollback.empty() && rollback != "none" && rollback != "previous")
    return call.refuse(plain_error(Code::invalid_argument, "unrecognized rollback option " + rollback));
  const auto service = find_service(call.store(), call.name);
  if (!service) return call.refuse(service.error());
  const std::vector<std::string> warnings = warnings_of(call, **service, *spec, rollback == "previous");
  auto transaction = control::update_service(
      call.store(), {(*service)->id, *version, std::move(*spec), rollback == "previous", call.context.wall});
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), ServiceUpdated{warnings});
}

void say(const ServiceUpdated& then, Replies& replies, ApiId id, const model::Outcome&) {
  Json json;
  json.object([&] { write_warnings(json, then.warnings); });
  replies.reply(id, 200, json.take());
}

void remove_service(Call& call) {
  const auto service = find_service(call.store(), call.name);
  if (!service) return call.refuse(service.error());
  auto transaction = control::remove_service(call.store(), (*service)->id);
  if (!transaction) return call.refuse(transaction.error());
  call.replies.propose(call.id, std::move(*transaction), EmptyAnswer{});
}

}  // namespace swarm::docker
