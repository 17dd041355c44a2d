#include "go_template/placeholders.hpp"
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "go_template/executor.hpp"
#include "go_template/text_literal.hpp"
#include "go_template/value.hpp"
#include "model/annotations.hpp"
#include "model/container_spec.hpp"
#include "model/node.hpp"
#include "model/task.hpp"

namespace swarm::go_template {
namespace {

StructRef structure(std::string type, std::vector<Field> fields, bool pointer = false) {
  return std::make_shared<const Struct>(Struct{std::move(type), pointer, std::move(fields)});
}

Value context(const Facts& facts) {
  const auto labels = std::make_shared<const model::Labels>(facts.service_labels);
  const auto service =
      structure("", {{"ID", text(facts.service_id)}, {"Name", text(facts.service_name)}, {"Labels", labels}});
  const auto platform = structure("template.Platform", {{"Architecture", text(facts.platform.architecture)},
                                                        {"OS", text(facts.platform.os)}});
  const auto node = structure(
      "", {{"ID", text(facts.node_id)}, {"Hostname", text(facts.node_hostname)}, {"Platform", platform}});
  const auto task = structure(
      "", {{"ID", text(facts.task_id)}, {"Name", text(facts.task_name)}, {"Slot", text(facts.slot)}});
  return structure("template.Context", {{"Service", service}, {"Node", node}, {"Task", task}}, true);
}

Error within(const std::string& what, const Error& error) {
  return rpc_error(Code::invalid_argument, what + ": " + error.message);
}

class Expansion {
 public:
  explicit Expansion(const Facts& facts) : facts_(facts) {}

  Result<void> in_place(std::string& value) {
    if (!has_placeholder(value)) return {};
    auto expanded = execute(value, data(), work_);
    if (!expanded) return expanded.error();
    value = std::move(*expanded);
    return {};
  }
  Result<void> env(std::vector<std::string>& settings) {
    for (std::string& setting : settings) {
      const auto equals = setting.find('=');
      if (equals == std::string::npos || !has_placeholder(setting)) continue;
      auto value = execute(std::string_view(setting).substr(equals + 1), data(), work_);
      if (!value) return within("expanding env failed: expanding env " + quoted(setting), value.error());
      setting = setting.substr(0, equals + 1) + *value;
    }
    return {};
  }
  Result<void> map(model::Labels& entries, const std::string& what) {
    for (auto& [key, value] : entries) {
      const std::string entry = quoted(key) + "=" + quoted(value);
      if (auto done = in_place(value); !done)
        return within("expanding mounts failed: " + what + ": expanding map entry " + entry, done.error());
    }
    return {};
  }
  Result<void> mount(model::Mount& mount) {
    const std::string failed = "expanding mounts failed: expanding mount ";
    if (auto done = in_place(mount.source); !done)
      return within(failed + "source " + quoted(mount.source), done.error());
    if (auto done = in_place(mount.target); !done)
      return within(failed + "target " + quoted(mount.target), done.error());
    if (!mount.volume_options) return {};
    if (auto done = map(mount.volume_options->labels, "expanding volume labels"); !done) return done;
    auto& driver = mount.volume_options->driver_config;
    return driver ? map(driver->options, "expanding volume driver config") : Result<void>();
  }

 private:
  static bool has_placeholder(std::string_view text) { return text.find("{{") != std::string_view::npos; }
  // Most specs have no placeholder, and every service that is created or changed comes through here.
  const Value& data() {
    if (!data_) data_ = context(facts_);
    return *data_;
  }

  const Facts& facts_;
  std::optional<Value> data_;
  std::size_t work_ = 0;
};

}  // namespace

Facts facts_of(const model::Task& task, const model::NodeDescription& node) {
  return {task.service_id.str(),
          task.templ->service.name,
          task.templ->service.labels,
          task.node_id.str(),
          node.hostname,
          node.platform,
          task.id.str(),
          model::task_name(task),
          task.slot != 0 ? std::to_string(task.slot) : task.node_id.str()};
}

Result<model::ContainerSpec> expand(model::ContainerSpec spec, const Facts& facts) {
  Expansion expansion(facts);
  if (auto done = expansion.env(spec.env); !done) return done.error();
  for (model::Mount& mount : spec.mounts)
    if (auto done = expansion.mount(mount); !done) return done.error();
  if (auto done = expansion.in_place(spec.hostname); !done)
    return within("expanding hostname failed", done.error());
  return spec;
}

Result<model::ContainerSpec> try_expand(const model::ContainerSpec& spec, const model::Annotations& service) {
  Facts facts{"serviceid", service.name,   service.labels,
              "nodeid",    "nodeHostname", {"architecture", "os"},
              "taskid",    "taskname",     "1"};
  return expand(spec, facts);
}

}  // namespace swarm::go_template
