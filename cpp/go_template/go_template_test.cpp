#include <gtest/gtest.h>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "go_template/placeholders.hpp"
#include "go_template/print.hpp"
#include "go_template/test_go_results.hpp"
#include "model/annotations.hpp"
#include "model/container_spec.hpp"
#include "model/task.hpp"

namespace swarm::go_template {
namespace {

Facts test_facts() {
  return {"svc1", "web",      {{"com.docker.stack.namespace", "shop"}, {"a", "b"}},
          "n1",   "m1",       {"x86_64", "linux"},
          "t1",   "web.3.t1", "3"};
}

// Through a hostname: it may hold whatever a template may.
std::string result_of(const std::string& source, const Facts& facts = test_facts()) {
  model::ContainerSpec spec;
  spec.hostname = source;
  const auto expanded = expand(spec, facts);
  if (expanded) return expanded->hostname;
  const std::string text = expanded.error().message, prefix = "expanding hostname failed: ";
  return "! " + (text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

TEST(GoTemplate, GivesWhatGoGives) {
  for (const auto& [source, result] : kGoResults) EXPECT_EQ(result_of(source), result) << source;
}

TEST(GoTemplate, SaysWhatIsNotThere) {
  EXPECT_EQ(
      result_of("{{define \"x\"}}y{{end}}"),
      "! template: expansion:1: {{define}} is not there in a placeholder: write its text where it is used");
  EXPECT_EQ(result_of("{{1i}}"),
            "! template: expansion:1: complex numbers are not there in a placeholder: 1i");
  EXPECT_EQ(result_of("{{call .Task.Slot}}"),
            "! template: expansion:1:2: executing \"expansion\" at <call .Task.Slot>: error calling call: "
            "non-function of type string");
}

TEST(GoTemplate, BoundsItsWork) {
  const std::string endless = "{{range 1000000000}}{{range 1000000000}}{{end}}{{end}}";
  EXPECT_NE(result_of(endless).find("more work than a placeholder may make"), std::string::npos);
  std::string doubling = "{{$x := \"xxxxxxxx\"}}{{range 64}}{{$x = print $x $x}}{{end}}{{len $x}}";
  EXPECT_NE(result_of(doubling).find("the text becomes longer than"), std::string::npos);
  EXPECT_NE(result_of("{{range 1000000}}0123456789{{end}}").find("the text becomes longer than"),
            std::string::npos);
  EXPECT_NE(result_of("{{$x := printf \"%200000d\" 1}}{{range 1000000}}{{if eq $x $x}}{{end}}{{end}}")
                .find("more work"),
            std::string::npos);
  EXPECT_LE(result_of("{{printf \"%999999d%999999d\" 1 1}}").size(), kMaxText + 500);
  model::ContainerSpec many;
  many.env.assign(10, "A={{range 10000}}{{end}}");
  EXPECT_TRUE(expand(many, test_facts()).ok());
  many.env.assign(1'000, "A={{range 10000}}{{end}}");
  EXPECT_FALSE(expand(many, test_facts()).ok()) << "all of a spec together";
  std::string deep, ifs;
  for (int i = 0; i < 5'000; ++i) deep += "(", ifs += "{{if 1}}";
  EXPECT_EQ(result_of("{{" + deep + "1"), "! template: expansion:1: max expression depth exceeded");
  EXPECT_EQ(result_of(ifs), "! template: expansion:1: max expression depth exceeded");
}

TEST(GoTemplate, AnswersWhateverIsGivenToIt) {
  Rng rng(7);
  const std::string pieces[] = {
      "{{",   "}}",  " ",     "-",    ".Task", ".Slot", "(",  ")", "|",     "$x",    ":=",     "=",     "if",
      "else", "end", "range", "with", "\"a\"", "'",     "`",  "3", "0x",    ".",     "printf", "index", ",",
      "/*",   "*/",  "\n",    "\xC3", "nil",   "true",  "\\", "%", "break", "print", "eq"};
  for (int round = 0; round < 20'000; ++round) {
    std::string source = "{{";
    for (std::uint64_t left = rng.below(14); left > 0; --left) source += pieces[rng.below(std::size(pieces))];
    EXPECT_FALSE(result_of(source + "}}").starts_with("! ") && result_of(source + "}}").size() < 4) << source;
  }
}

TEST(Placeholders, StandInTheFieldsThatDockerExpandsAndInNoOther) {
  model::ContainerSpec spec;
  spec.hostname = "{{.Service.Name}}-{{.Task.Slot}}";
  spec.env = {"A={{.Node.Platform}}", "{{.Task.Slot}}=name", "B", "C={{ not }} one"};
  spec.dir = "{{.Task.Slot}}";
  spec.args = {"{{.Task.Slot}}"};
  model::Mount mount;
  mount.source = "v-{{.Task.Slot}}", mount.target = "/{{.Node.Hostname}}";
  mount.volume_options.emplace().labels = {{"{{k}}", "{{.Task.ID}}"}};
  mount.volume_options->driver_config = model::Driver{"d", {{"o", "{{.Node.ID}}"}}};
  spec.mounts = {mount};
  spec.env.pop_back();
  const auto expanded = expand(spec, test_facts());
  ASSERT_TRUE(expanded.ok()) << expanded.error().message;
  EXPECT_EQ(expanded->hostname, "web-3");
  EXPECT_EQ(expanded->env, (std::vector<std::string>{"A={x86_64 linux}", "{{.Task.Slot}}=name", "B"}));
  EXPECT_EQ(expanded->dir + expanded->args[0], "{{.Task.Slot}}{{.Task.Slot}}");
  EXPECT_EQ(expanded->mounts[0].source + expanded->mounts[0].target, "v-3/m1");
  EXPECT_EQ(expanded->mounts[0].volume_options->labels, (model::Labels{{"{{k}}", "t1"}}));
  EXPECT_EQ(expanded->mounts[0].volume_options->driver_config->options, (model::Labels{{"o", "n1"}}));
}

TEST(Placeholders, AreRefusedWithDockersTextsThatNameTheField) {
  const std::string why =
      ": template: expansion:1:2: executing \"expansion\" at <.X>: can't evaluate field X in type "
      "*template.Context";
  const auto refused = [](const auto& change) {
    model::ContainerSpec spec;
    change(spec);
    const auto expanded = try_expand(spec, {"web", {}});
    return expanded ? std::string() : expanded.error().message;
  };
  EXPECT_EQ(refused([](auto& spec) { spec.env = {"A={{.X}}"}; }),
            "expanding env failed: expanding env \"A={{.X}}\"" + why);
  EXPECT_EQ(refused([](auto& spec) { spec.mounts.resize(1), spec.mounts[0].source = "{{.X}}"; }),
            "expanding mounts failed: expanding mount source \"{{.X}}\"" + why);
  EXPECT_EQ(refused([](auto& spec) { spec.mounts.resize(1), spec.mounts[0].target = "{{.X}}"; }),
            "expanding mounts failed: expanding mount target \"{{.X}}\"" + why);
  EXPECT_EQ(refused([](auto& spec) {
              spec.mounts.resize(1), spec.mounts[0].volume_options.emplace().labels = {{"k", "{{.X}}"}};
            }),
            "expanding mounts failed: expanding volume labels: expanding map entry \"k\"=\"{{.X}}\"" + why);
  EXPECT_EQ(
      refused([](auto& spec) { spec.hostname = "{{.Service.Labels.a}}"; }),
      "expanding hostname failed: template: expansion:1:10: executing \"expansion\" at <.Service.Labels.a>: "
      "map has no entry for key \"a\"");
}

TEST(Placeholders, OfAGlobalServicesTaskHaveTheNodesIdForASlot) {
  model::Task task;
  task.id = TaskId(5), task.node_id = NodeId(9), task.service_id = ServiceId(3);
  task.templ =
      std::make_shared<const model::TaskTemplate>(model::TaskTemplate{{}, {"web", {{"a", "b"}}}, {}});
  EXPECT_EQ(facts_of(task, {}).slot, NodeId(9).str());
  task.slot = 7;
  const Facts facts = facts_of(task, {});
  EXPECT_EQ(facts.slot, "7");
  EXPECT_EQ(facts.service_labels.at("a"), "b");
  EXPECT_EQ(facts.task_name, "web.7." + TaskId(5).str());
}

}  // namespace
}  // namespace swarm::go_template
