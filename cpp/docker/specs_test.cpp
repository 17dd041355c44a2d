// Specs keep every field: JSON to model to JSON is the same JSON.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "codec/test_full_values.hpp"
#include "docker/fields.hpp"
#include "docker/json.hpp"
#include "docker/specs.hpp"
#include "model/cluster.hpp"
#include "model/container_spec.hpp"
#include "model/kept_fields.hpp"
#include "model/node.hpp"
#include "model/service_spec.hpp"

namespace swarm::docker {
namespace {

std::string written(const std::string& json, bool defaults = false) {
  const auto value = parse_json(json);
  EXPECT_TRUE(value.ok());
  const auto spec = read_service_spec(*value);
  if (!spec) return spec.error().message;
  Json out;
  write_service_spec(out, *spec, defaults);
  return out.take();
}

// Every field of docker-api 3.3, in the order in which it is written.
const char* const kFull =
    R"({"Name":"web","Labels":{"a":"b"},"TaskTemplate":{"ContainerSpec":{"Image":"nginx:1","Labels":{"l":"1"},)"
    R"("Command":["c"],"Args":["x","y"],"Hostname":"h","Env":["A=1"],"Dir":"/d","User":"u","Groups":["g"],)"
    R"("Privileges":{"CredentialSpec":{"Config":"c","File":"f","Registry":"r"},"SELinuxContext":{"Disable":true,)"
    R"("User":"u","Role":"r","Type":"t","Level":"l"},"Seccomp":{"Mode":"custom","Profile":"e30="},)"
    R"("AppArmor":{"Mode":"disabled"},"NoNewPrivileges":true},"Init":false,"StopSignal":"SIGINT","TTY":true,)"
    R"("OpenStdin":true,"ReadOnly":true,"Mounts":[{"Type":"bind","Source":"/s","Target":"/t","ReadOnly":true,)"
    R"("Consistency":"cached","BindOptions":{"Propagation":"rshared","NonRecursive":true,"CreateMountpoint":true,)"
    R"("ReadOnlyNonRecursive":true,"ReadOnlyForceRecursive":true}},{"Type":"volume","Target":"/v","VolumeOptions":)"
    R"({"NoCopy":true,"Labels":{"x":"y"},"Subpath":"p","DriverConfig":{"Name":"n","Options":{"o":"1"}}}},)"
    R"({"Type":"tmpfs","Target":"/m","TmpfsOptions":{"SizeBytes":1024,"Mode":511,"Options":[["exec"],["a","b"]]}},)"
    R"({"Type":"image","Target":"/i","ImageOptions":{"Subpath":"q"}}],"StopGracePeriod":3000000000,)"
    R"("Healthcheck":{"Test":["CMD","true"],"Interval":1000000,"Timeout":2000000,"StartPeriod":3000000,)"
    R"("StartInterval":4000000,"Retries":3},"Hosts":["1.2.3.4 h"],"DNSConfig":{"Nameservers":["1.1.1.1"],)"
    R"("Search":["s"],"Options":["o"]},"Secrets":[{"File":{"Name":"s1","UID":"0","GID":"0","Mode":292},)"
    R"("SecretID":"i","SecretName":"s1"}],"Configs":[{"Runtime":{},"ConfigID":"j","ConfigName":"c1"}],)"
    R"("Isolation":"hyperv","Sysctls":{"k":"v"},"CapabilityAdd":["CAP_A"],"CapabilityDrop":["CAP_B"],)"
    R"("Ulimits":[{"Name":"nofile","Soft":1,"Hard":2}],"OomScoreAdj":-5},"Resources":{"Limits":{"NanoCPUs":500000000,)"
    R"("MemoryBytes":67108864,"Pids":9},"Reservations":{"NanoCPUs":1,"MemoryBytes":2,"GenericResources":)"
    R"([{"NamedResourceSpec":{"Kind":"gpu","Value":"u1"}},{"DiscreteResourceSpec":{"Kind":"ssd","Value":3}}]}},)"
    R"("RestartPolicy":{"Condition":"on-failure","Delay":5,"MaxAttempts":3,"Window":7},"Placement":{"Constraints":)"
    R"(["node.role==manager"],"Preferences":[{"Spread":{"SpreadDescriptor":"node.labels.z"}}],"MaxReplicas":2,)"
    R"("Platforms":[{"Architecture":"amd64","OS":"linux"}]},"Networks":[{"Target":"net","Aliases":["w"],)"
    R"("DriverOpts":{"d":"1"}}],"LogDriver":{"Name":"json-file","Options":{"max-size":"1m"}},"ForceUpdate":4,)"
    R"("Runtime":"container"},"Mode":{"Replicated":{"Replicas":3}},"UpdateConfig":{"Parallelism":2,"Delay":5,)"
    R"("FailureAction":"rollback","Monitor":6,"MaxFailureRatio":0.1,"Order":"start-first"},"RollbackConfig":)"
    R"({"Parallelism":0,"FailureAction":"continue","MaxFailureRatio":0,"Order":"stop-first"},"Networks":)"
    R"([{"Target":"old"}],"EndpointSpec":{"Mode":"dnsrr","Ports":[{"Name":"p","Protocol":"sctp","TargetPort":80,)"
    R"("PublishedPort":8080,"PublishMode":"host"}]}})";

TEST(Specs, EveryFieldOfAServiceComesBackAsItWasGiven) { EXPECT_EQ(written(kFull), kFull); }

TEST(Specs, WhatAsksForNothingIsNoWish) {
  const char* const kNothing[] = {
      R"("Privileges":{"CredentialSpec":null,"SELinuxContext":null,"NoNewPrivileges":false})",
      R"("Privileges":{"CredentialSpec":{},"SELinuxContext":{"Disable":false},"Seccomp":{},"AppArmor":{}})",
      R"("Privileges":{"Seccomp":{"Mode":"default"},"AppArmor":{"Mode":"default"}})",
      R"("Privileges":null,"Healthcheck":null,"DNSConfig":null,"Mounts":null,"Init":false)",
      R"("DNSConfig":{},"Healthcheck":{},"Mounts":[],"Hosts":[],"Groups":[],"User":"","Ulimits":[],"Sysctls":{})",
      R"("DNSConfig":{"Nameservers":[]},"Healthcheck":{"Test":["NONE"]},"TTY":false,"OomScoreAdj":0)",
      R"("Isolation":"default","CapabilityAdd":[],"CapabilityDrop":null,"ReadOnly":false,"OpenStdin":false)",
      R"("Isolation":"bogus","StopSignal":"","Unknown":{"x":[1]})"};
  for (const char* fields : kNothing) {
    const auto spec = read_service_spec(*parse_json(
        std::string(R"({"Name":"w","TaskTemplate":{"ContainerSpec":{"Image":"n",)") + fields +
        R"(},"Resources":{"Limits":{"MemoryBytes":0},"Reservations":{"NanoCPUs":1000000000}},"LogDriver":{}},)"
        R"("EndpointSpec":{"Mode":"vip"}})"));
    ASSERT_TRUE(spec.ok()) << fields;
    EXPECT_EQ(model::newly_kept(*spec, nullptr), std::vector<std::string>()) << fields;
  }
}

TEST(Specs, WhatComesBackReadsAsTheSameSpec) {
  for (const char* sent : {R"({"Name":"w","TaskTemplate":{"ContainerSpec":{"Image":"n"}}})", kFull}) {
    const auto first = read_service_spec(*parse_json(sent));
    ASSERT_TRUE(first.ok());
    Json json;
    write_service_spec(json, *first);
    EXPECT_EQ(*read_service_spec(*parse_json(json.str())), *first)
        << "or an update that changes nothing restarts tasks";
  }
}

// Words that JSON takes only some of.
void keep_to_dockers_words(model::ServiceSpec& spec) {
  spec.task.runtime = "container";
  if (!spec.task.container) return;
  spec.task.container.edit().isolation = "hyperv";
  for (auto& mount : spec.task.container.edit().mounts) mount.type = "bind";
}

// JSON holds text only: what is not UTF-8 comes back as U+FFFD, so it is written once more.
TEST(Specs, WhateverIsSetComesBack) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    for (auto fill : {codec::full::Filler(seed), codec::full::Filler::sparse(seed)}) {
      auto spec = fill.of<model::ServiceSpec>();
      keep_to_dockers_words(spec);
      Json first, second;
      write_service_spec(first, spec);
      const auto read = read_service_spec(*parse_json(first.str()));
      ASSERT_TRUE(read.ok()) << read.error().message;
      write_service_spec(second, *read);
      EXPECT_EQ(second.str(), first.str());
    }
}

TEST(Specs, WhateverIsSetOfANodeAndOfTheSwarmComesBack) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    codec::full::Filler fill(seed);
    auto node = fill.of<model::NodeSpec>();
    auto swarm = fill.of<model::ClusterSpec>();
    node.annotations = {"node", {{"zone", "a"}}};
    swarm.annotations.name = "default";
    Json json, first, second;
    write_node_spec(json, node);
    EXPECT_EQ(*read_node_spec(*parse_json(json.str())), node);
    write_cluster_spec(first, swarm);
    const Value value = *parse_json(first.str());
    Issues issues;
    write_cluster_spec(second, read_cluster_spec(Fields(&value, issues, "Spec")));
    EXPECT_FALSE(issues.any());
    EXPECT_EQ(second.str(), first.str());
  }
}

TEST(Specs, ModeRuntimeAndIsolationAreAlwaysSaid) {
  EXPECT_EQ(
      written(R"({"TaskTemplate":{"ContainerSpec":{"Image":"n"}}})"),
      R"({"Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"n","Isolation":"default"},"ForceUpdate":0,)"
      R"("Runtime":"container"},"Mode":{"Replicated":{"Replicas":1}}})");
}

TEST(Specs, DockerPysSpellingOfKeysIsTaken) {
  const std::string out =
      written(R"({"name":"w","Mode":{"replicated":{"replicas":5}},"updateconfig":{"order":"start-first"},)"
              R"("taskTemplate":{"containerSpec":{"image":"n"}},"Unknown":[1],"Labels":null})");
  EXPECT_NE(out.find(R"("Replicas":5)"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("Order":"start-first")"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("Name":"w","Labels":{})"), std::string::npos) << out;
}

TEST(Specs, InsertedDefaultsAreDockers) {
  const std::string out =
      written(R"({"TaskTemplate":{"ContainerSpec":{"Image":"n"}},"Mode":{"Global":{}}})", true);
  for (
      const char* part :
      {R"("StopGracePeriod":10000000000)", R"("DNSConfig":{})", R"("Resources":{})", R"("Placement":{})",
       R"("RestartPolicy":{"Condition":"any","Delay":5000000000,"MaxAttempts":0})", R"("Mode":{"Global":{}})",
       R"("UpdateConfig":{"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"})",
       R"("RollbackConfig":{"Parallelism":1)"})
    EXPECT_NE(out.find(part), std::string::npos) << part << "\n" << out;
}

TEST(Specs, WrongWordsGetDockersSentences) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"Mode":{"Replicated":{},"Global":{}}})", "must specify only one service mode"},
      {R"({"UpdateConfig":{"FailureAction":"x"}})", "unrecognized update failure action x"},
      {R"({"UpdateConfig":{"Order":"x"}})", "unrecognized update order x"},
      {R"({"TaskTemplate":{"RestartPolicy":{"Condition":"x"}}})", "invalid RestartCondition: \"x\""},
      {R"({"Name":5})",
       "invalid JSON: json: cannot unmarshal number 5 into Go struct field ServiceSpec.Name of type string"},
      {R"({"TaskTemplate":{"ContainerSpec":{"Args":"x"}}})",
       "invalid JSON: json: cannot unmarshal string into Go struct field "
       "ServiceSpec.TaskTemplate.ContainerSpec.Args of type []string"},
      {R"({"Mode":{"Replicated":{"Replicas":-1}}})",
       "invalid JSON: json: cannot unmarshal number -1 into Go struct field "
       "ServiceSpec.Mode.Replicated.Replicas of type uint64"}};
  for (const auto& [json, text] : cases) EXPECT_EQ(written(json), text) << json;
}

// Go's encoding/json: a number that its field cannot hold, a fraction for a whole, another kind of value.
TEST(Specs, NumbersThatTheirFieldCannotHoldAreRefusedAsGoDoes) {
  const auto cannot = [](const std::string& what, const std::string& type) {
    return "invalid JSON: json: cannot unmarshal " + what +
           " into Go struct field ServiceSpec.TaskTemplate.RestartPolicy." + type;
  };
  const std::pair<const char*, std::string> cases[] = {
      {R"("Delay":9223372036854775808)", cannot("number 9223372036854775808", "Delay of type int64")},
      {R"("Delay":-9223372036854775809)", cannot("number -9223372036854775808", "Delay of type int64")},
      {R"("Delay":0.5)", cannot("number 0.5", "Delay of type int64")},
      {R"("Delay":true)", cannot("bool", "Delay of type int64")},
      {R"("Delay":"5s")", cannot("string", "Delay of type int64")},
      {R"("Delay":[])", cannot("array", "Delay of type int64")},
      {R"("MaxAttempts":-1)", cannot("number -1", "MaxAttempts of type uint64")},
      {R"("MaxAttempts":18446744073709551616)",
       cannot("number 18446744073709551616", "MaxAttempts of type uint64")},
      {R"("MaxAttempts":1e400)", cannot("number", "MaxAttempts of type uint64")}};
  for (const auto& [field, text] : cases) {
    const std::string json = R"({"TaskTemplate":{"RestartPolicy":{)" + std::string(field) + "}}}";
    EXPECT_EQ(written(json), text) << json;
  }
  EXPECT_EQ(written(R"({"UpdateConfig":{"MaxFailureRatio":1e400}})"),
            "invalid JSON: json: cannot unmarshal number into Go struct field "
            "ServiceSpec.UpdateConfig.MaxFailureRatio of type float64");
  EXPECT_EQ(written("[]"), "invalid JSON: json: cannot unmarshal array into Go value of type ServiceSpec");
  // Scripts that count in floats: taken where they are exact.
  EXPECT_NE(written(R"({"TaskTemplate":{"RestartPolicy":{"Delay":5e9}}})").find(R"("Delay":5000000000)"),
            std::string::npos);
}

TEST(Specs, ClusterSettingsKeepDefaultsWhereNothingIsSaid) {
  Issues issues;
  const Value nothing;
  const auto spec = read_cluster_spec(Fields(&nothing, issues, "Spec"));
  EXPECT_EQ(spec, model::ClusterSpec{});
  Json json;
  write_cluster_spec(json, spec);
  const Value value = *parse_json(json.str());
  EXPECT_EQ(read_cluster_spec(Fields(&value, issues, "Spec")), spec);
  EXPECT_FALSE(issues.any());
}

TEST(Json, TextIsEscapedAndBrokenUtf8Replaced) {
  Json json;
  json.value(std::string("a\"\\\n\x01\xff\xc3\xa9"));
  EXPECT_EQ(json.str(), "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"");
  EXPECT_EQ(parse_json("{} x").error().message, "unexpected content after JSON");
  EXPECT_TRUE(parse_json("{").error().message.starts_with("invalid JSON: "));
  EXPECT_FALSE(parse_json(std::string(1000, '[')).ok());
}

}  // namespace
}  // namespace swarm::docker
