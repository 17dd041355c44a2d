// spec, filters, token, template: texts of the clients of the API.
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "control/join.hpp"
#include "control/service.hpp"
#include "docker/filters.hpp"
#include "docker/json.hpp"
#include "docker/specs.hpp"
#include "docker/url.hpp"
#include "go_template/placeholders.hpp"
#include "model/container_spec.hpp"
#include "model/service_spec.hpp"
#include "tools/swarm_fuzz/targets.hpp"

namespace swarm::fuzz {
namespace {

// ---- JSON to specs

std::string written(const model::ServiceSpec& spec) {
  docker::Json json;
  docker::write_service_spec(json, spec);
  return json.take();
}

// What is accepted is kept: it reads the same from what is shown of it.
void run_spec(std::string_view input) {
  const auto value = docker::parse_json(input);
  if (!value) return;
  static_cast<void>(docker::read_node_spec(*value));
  const auto spec = docker::read_service_spec(*value);
  if (!spec || !control::validate_service_spec(*spec)) return;
  const std::string shown = written(*spec);
  const auto again = docker::parse_json(shown);
  SWARM_CHECK(again.ok(), shown);
  const auto back = docker::read_service_spec(*again);
  SWARM_CHECK(back.ok(), back.error().message, shown);
  SWARM_CHECK(written(*back) == shown, shown, "became", written(*back));
}

std::vector<std::string> spec_seeds() {
  return {
      R"({"Name":"web","Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{"Image":"nginx:1.10",)"
      R"("Env":["A=1"],"Mounts":[{"Type":"bind","Source":"/a","Target":"/b"}]},)"
      R"("RestartPolicy":{"Condition":"any","Delay":5000000000,"MaxAttempts":3}},)"
      R"("Mode":{"Replicated":{"Replicas":3}},"UpdateConfig":{"Parallelism":2,"FailureAction":"rollback",)"
      R"("MaxFailureRatio":0.25,"Order":"start-first"},)"
      R"("EndpointSpec":{"Mode":"vip","Ports":[{"TargetPort":80,"PublishedPort":8080}]}})",
      R"({"Name":"w","Role":"manager","Availability":"drain"})"};
}

// ---- filters

void run_filters(std::string_view input) {
  static_cast<void>(docker::Target::parse(input));
  const auto target = docker::Target::parse("/v1.50/tasks?filters=" + docker::query_escape(input));
  const auto filters = docker::Filters::parse(target, {});
  if (!filters) return;
  for (const char* key : {"label", "name", "id", "desired-state"}) {
    static_cast<void>(filters->prefix(key, "web") || filters->exact(key, "web"));
    static_cast<void>(filters->part(key, "web") || filters->labels(key, {{"a", "b"}}));
    static_cast<void>(filters->truth(key));
  }
}

std::vector<std::string> filters_seeds() {
  return {R"({"label":["a=b"],"name":["^web$"]})",
          R"({"desired-state":{"running":true},"is-task":{"1":true}})",
          "/v1.50/services/web/logs?follow=1&since=1700000000.5&tail=10"};
}

// ---- tokens

void run_token(std::string_view input) {
  const auto token = control::parse_join_token(input);
  if (!token) return;
  SWARM_CHECK(token->root_digest.size() == 50 && token->secret.size() == 25, token->secret.size());
  static_cast<void>(control::check_root_digest(*token, std::string(32, 'd')));
}

std::vector<std::string> token_seeds() {
  return {control::make_join_token(std::string(32, 'd'), std::string(16, 's'))};
}

// ---- placeholders

void run_template(std::string_view input) {
  model::ContainerSpec spec;
  spec.image = "nginx";
  spec.hostname = std::string(input);
  spec.env = {"A=" + std::string(input)};
  go_template::Facts facts;
  facts.service_name = "web";
  facts.service_labels = {{"a", "b"}};
  facts.slot = "3";
  static_cast<void>(go_template::expand(spec, facts));
  static_cast<void>(go_template::try_expand(spec, {}));
}

std::vector<std::string> template_seeds() {
  return {"{{.Service.Name}}-{{.Task.Slot}}", R"({{index .Service.Labels "a"}})",
          R"({{if eq .Task.Slot "3"}}x{{else}}{{printf "%05d|%q" 7 .Node.ID}}{{end}})",
          "{{range $i, $c := .Service.Labels}}{{$i}}={{$c | len}}{{end}}"};
}

}  // namespace

const Target kSpec{"spec", "JSON of services and nodes", run_spec, spec_seeds};
const Target kFilters{"filters", "paths, queries and filters", run_filters, filters_seeds};
const Target kToken{"token", "join tokens", run_token, token_seeds};
const Target kTemplate{"template", "placeholders in a service", run_template, template_seeds};

}  // namespace swarm::fuzz
