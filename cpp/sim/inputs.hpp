// Inputs: what comes to a world from outside, as values: one struct for each method of `sim::World` that
// changes its run. `fields` names the fields of a struct once, for both writing and reading a journal. NOT
// here: when an input came (journal.hpp), what it does (world.cpp).
//
// A new method of World that changes the run needs one of these, a line in `Input`, and an overload in
// player.cpp; tests/python/test_journal_is_whole.py finds the one that has none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/number.hpp"
#include "model/feature_level.hpp"
#include "sim/world.hpp"

namespace swarm::sim::inputs {

struct AddMachine {
  static constexpr std::string_view kVerb = "machine";
  MachineOptions options;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("name", options.name);
    visit("address", options.address);
    visit("labels", options.engine_labels);
    visit("nano_cpus", options.resources.nano_cpus);
    visit("memory_bytes", options.resources.memory_bytes);
  }
};

// What is done to one machine, without further parameters.
enum class Deed : std::uint8_t {
  crash,
  power_off,
  start,
  pause,
  resume,
  shut_down,
  keep_copy,
  put_back,
  clone,
  disk_by_hand,
  wire_by_hand
};
constexpr std::string_view kDeeds[] = {"crash",  "power_off",    "start",       "pause",
                                       "resume", "shut_down",    "keep_copy",   "put_back",
                                       "clone",  "disk_by_hand", "wire_by_hand"};
template <Deed kDeed>
struct OnMachine {
  static constexpr std::string_view kVerb = kDeeds[static_cast<std::size_t>(kDeed)];
  std::string machine;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("machine", machine);
  }
};
using Crash = OnMachine<Deed::crash>;
using PowerOff = OnMachine<Deed::power_off>;
using Start = OnMachine<Deed::start>;
using Pause = OnMachine<Deed::pause>;
using Resume = OnMachine<Deed::resume>;
using ShutDown = OnMachine<Deed::shut_down>;
using KeepCopy = OnMachine<Deed::keep_copy>;
using PutBack = OnMachine<Deed::put_back>;
using Clone = OnMachine<Deed::clone>;
using DiskByHand = OnMachine<Deed::disk_by_hand>;  // what is written there is not in the journal
using WireByHand = OnMachine<Deed::wire_by_hand>;  // nor what is sent there

struct SetBuild {
  static constexpr std::string_view kVerb = "build";
  std::string machine;
  std::uint64_t feature_level = model::kFeatureLevel;
  std::vector<std::vector<std::string>> since;  // {number of the kind, level}
  template <class Visit>
  void fields(Visit&& visit) {
    visit("machine", machine);
    visit("feature_level", feature_level);
    visit("since", since);
  }
  static SetBuild of(std::string_view machine, const model::Build& build) {
    SetBuild out{std::string(machine), build.feature_level, {}};
    for (const auto& [kind, level] : build.since)
      out.since.push_back({std::to_string(static_cast<int>(kind)), std::to_string(level)});
    return out;
  }
  model::Build build() const {
    model::Build out{static_cast<model::FeatureLevel>(feature_level), {}};
    for (const auto& pair : since)
      if (pair.size() == 2)
        out.since[static_cast<model::Kind>(parse_whole<std::uint8_t>(pair[0]).value_or(0))] =
            parse_whole<model::FeatureLevel>(pair[1]).value_or(model::kFirstLevel);
    return out;
  }
};
struct Cut {
  static constexpr std::string_view kVerb = "cut";
  std::string from, to;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("from", from);
    visit("to", to);
  }
};
struct Mend {
  static constexpr std::string_view kVerb = "mend";
  std::string from, to;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("from", from);
    visit("to", to);
  }
};
struct Partition {
  static constexpr std::string_view kVerb = "partition";
  std::vector<std::vector<std::string>> groups;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("groups", groups);
  }
};
struct Heal {
  static constexpr std::string_view kVerb = "heal";
  template <class Visit>
  void fields(Visit&&) {}
};
struct SetNetwork {
  static constexpr std::string_view kVerb = "network";
  NetworkOptions options;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("latency_min", options.latency_min);
    visit("latency_max", options.latency_max);
    visit("loss_per_mille", options.loss_per_mille);
    visit("duplicate_per_mille", options.duplicate_per_mille);
    visit("reorder_per_mille", options.reorder_per_mille);
  }
};
struct SetDiskLatency {
  static constexpr std::string_view kVerb = "disk_latency";
  std::string machine;
  Duration min, max;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("machine", machine);
    visit("min", min);
    visit("max", max);
  }
};
struct KillTask {
  static constexpr std::string_view kVerb = "kill_task";
  TaskId task;
  int signal = 9;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("task", task);
    visit("signal", signal);
  }
};
struct SetImage {
  static constexpr std::string_view kVerb = "image";
  std::string reference;
  ImageScript script;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("reference", reference);
    visit("exists", script.exists);
    visit("prepare_min", script.prepare_min);
    visit("prepare_max", script.prepare_max);
    visit("start_min", script.start_min);
    visit("start_max", script.start_max);
    visit("stop_min", script.stop_min);
    visit("stop_max", script.stop_max);
    visit("ignores_term", script.ignores_term);
    visit("lives", script.lives);
    visit("exit_code", script.exit_code);
  }
};
struct CallMachine {
  static constexpr std::string_view kVerb = "call";
  std::string machine;
  http::Request request;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("machine", machine);
    visit("method", request.method);
    visit("target", request.target);
    visit("headers", request.headers);
    visit("body", request.body);
  }
};
struct HangUp {
  static constexpr std::string_view kVerb = "hang_up";
  CallId call = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("call", call);
  }
};
struct HttpGet {
  static constexpr std::string_view kVerb = "http_get";
  std::string machine;
  std::uint32_t port = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("machine", machine);
    visit("port", port);
  }
};
struct HttpForget {
  static constexpr std::string_view kVerb = "http_forget";
  RequestId request = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("request", request);
  }
};
struct OccupyPort {
  static constexpr std::string_view kVerb = "port";
  std::string machine;
  std::uint32_t port = 0;
  bool taken = false;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("machine", machine);
    visit("port", port);
    visit("taken", taken);
  }
};
struct BeginLoad {
  static constexpr std::string_view kVerb = "load";
  std::uint64_t port = 0, per_1000_seconds = 0;
  std::vector<std::vector<std::string>> machines;  // one list
  std::optional<Duration> span;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("port", port);
    visit("per_1000_seconds", per_1000_seconds);
    visit("machines", machines);
    visit("span", span);
  }
};
struct EndLoad {
  static constexpr std::string_view kVerb = "end_load";
  std::uint64_t load = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("load", load);
  }
};
struct GiveUpRequests {
  static constexpr std::string_view kVerb = "give_up_requests";
  template <class Visit>
  void fields(Visit&&) {}
};
struct Note {
  static constexpr std::string_view kVerb = "note";
  std::string kind, text;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("kind", kind);
    visit("text", text);
  }
};
struct BeginFault {
  static constexpr std::string_view kVerb = "fault";
  faults::Fault fault;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("fault", fault);
  }
};
struct EndFault {
  static constexpr std::string_view kVerb = "end_fault";
  FaultId fault = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("fault", fault);
  }
};
struct RunPlan {
  static constexpr std::string_view kVerb = "plan";
  faults::Plan plan;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("faults", plan.faults);
    visit("since", plan.since);
  }
};
struct Quiet {
  static constexpr std::string_view kVerb = "quiet";
  bool on = false;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("on", on);
  }
};
// A rule that is checked from now on. It changes no trace; it is an input so that a replay checks it again,
// at the same place among the others.
struct AddRule {
  static constexpr std::string_view kVerb = "check";
  std::string name, kind, service;
  std::uint64_t number = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("name", name);
    visit("kind", kind);
    visit("service", service);
    visit("number", number);
  }
};
struct LeaveOut {
  static constexpr std::string_view kVerb = "leave_out";
  std::uint64_t fault = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("fault", fault);
  }
};
struct Reseed {
  static constexpr std::string_view kVerb = "reseed";
  std::uint64_t seed = 0;
  template <class Visit>
  void fields(Visit&& visit) {
    visit("seed", seed);
  }
};

}  // namespace swarm::sim::inputs

namespace swarm::sim {

using Input =
    std::variant<inputs::AddMachine, inputs::Crash, inputs::PowerOff, inputs::Start, inputs::Pause,
                 inputs::Resume, inputs::ShutDown, inputs::KeepCopy, inputs::PutBack, inputs::Clone,
                 inputs::DiskByHand, inputs::Cut, inputs::Mend, inputs::Partition, inputs::Heal,
                 inputs::SetNetwork, inputs::SetDiskLatency, inputs::KillTask, inputs::SetImage,
                 inputs::CallMachine, inputs::HangUp, inputs::HttpGet, inputs::HttpForget, inputs::OccupyPort,
                 inputs::Note, inputs::BeginFault, inputs::EndFault, inputs::RunPlan, inputs::Quiet,
                 inputs::LeaveOut, inputs::Reseed, inputs::BeginLoad, inputs::EndLoad, inputs::GiveUpRequests,
                 inputs::AddRule, inputs::WireByHand, inputs::SetBuild>;

}  // namespace swarm::sim
