// What each kind of fault does to the world when it begins, and what is put right when it is over.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/number.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/fault.hpp"
#include "sim/injector.hpp"
#include "sim/link_rules.hpp"
#include "sim/machine.hpp"
#include "sim/sim_disk.hpp"
#include "sim/virtual_clock.hpp"
#include "sim/world.hpp"

namespace swarm::sim {

using faults::Fault;
using faults::Groups;
using faults::Kind;
using faults::Names;

namespace {

constexpr Duration kTurn = Duration::micros(50);  // about what a turn takes on a real machine

bool takes_down(Kind kind) { return kind == Kind::kill || kind == Kind::power_off || kind == Kind::stop; }

bool is_of_links(Kind kind) {
  return kind == Kind::partition || kind == Kind::cut || kind == Kind::net || kind == Kind::hold;
}

LinkSettings settings_of(const Fault& fault) {
  const auto ppm = [&](std::string_view key) -> std::optional<std::uint32_t> {
    const auto* ratio = fault.find<faults::Ratio>(key);
    if (ratio == nullptr) return std::nullopt;
    return static_cast<std::uint32_t>(ratio->millionths);
  };
  return {fault.span("latency"), fault.span("jitter"), ppm("loss"), ppm("duplicate"), ppm("reorder")};
}

ImageScript script_of(const Fault& fault, ImageScript script) {
  script.exists = fault.flag("exists", true);
  script.exit_code = fault.number("exit_code");
  script.ignores_term = fault.flag("ignores_term");
  script.lives = fault.span("after");
  if (!script.lives && fault.find<std::int64_t>("exit_code") != nullptr) script.lives = Duration{};
  if (const auto start = fault.span("start")) script.start_min = script.start_max = *start;
  return script;
}

}  // namespace

// ---- at once

Result<void> Injector::strike(const Fault& fault) {
  if (fault.kind == Kind::kill_task) {
    const auto task = hands_.task(fault.text("task"));
    if (!task) return task.error();
    if (!hands_.kill_task(*task))
      return plain_error(Code::failed_precondition,
                         "task " + fault.text("task") + " has no process that runs");
  }
  const auto port = static_cast<std::uint32_t>(fault.number("port"));
  if (fault.kind == Kind::port && hands_.listens(machine(fault.text("node")), port))
    return Error{Code::already_exists,
                 "port " + std::to_string(port) + " of " + fault.text("node") + " is in use already",
                 "Who has it keeps it; begin the fault before the port is published."};
  if (fault.kind == Kind::transfer) {
    const auto leader = resolved("leader");
    if (!leader) return leader.error();
    hands_.transfer(*leader);
  }
  return {};
}

// ---- as long as it lasts

bool Injector::holds(Kind kind, std::string_view node) const {
  return std::any_of(active_.begin(), active_.end(), [&](const Active& active) {
    return active.fault.kind == kind && active.fault.text("node") == node;
  });
}

bool Injector::is_down(std::string_view node) const {
  return holds(Kind::kill, node) || holds(Kind::power_off, node) || holds(Kind::stop, node);
}

void Injector::apply(const Active& active) {
  const Fault& fault = active.fault;
  if (is_of_links(fault.kind)) return set_links();
  if (fault.kind == Kind::image) return set_image(fault.text("reference"));
  Machine& at = machine(fault.text("node"));
  switch (fault.kind) {
    case Kind::freeze:
      return hands_.freeze(at);
    case Kind::kill:
      return hands_.kill(at);
    case Kind::power_off:
      return hands_.power_off(at);
    case Kind::stop:
      return hands_.stop(at);
    case Kind::port:
      return hands_.occupy(at, static_cast<std::uint32_t>(fault.number("port")), true);
    case Kind::disk:
      if (fault.flag("old_copy")) at.disk.keep_copy();
      if (fault.flag("altered")) at.disk.want_altered();
      return set_disk(at);
    case Kind::clock:
      return set_clock(at, fault.span("jump").value_or(Duration{}));
    case Kind::throttle:
      return set_pace(at);
    case Kind::partition:
    case Kind::cut:
    case Kind::net:
    case Kind::hold:
    case Kind::kill_task:
    case Kind::image:
    case Kind::transfer:
    default:
      return;
  }
}

void Injector::revert(const Fault& over) {
  if (is_of_links(over.kind)) return set_links();
  if (over.kind == Kind::image) return set_image(over.text("reference"));
  const std::string node = over.text("node");
  Machine& at = machine(node);
  if (takes_down(over.kind)) return raise_again(at);
  if (over.kind == Kind::freeze && !holds(Kind::freeze, node)) {
    hands_.resume(at);
    if (holds(Kind::stop, node)) hands_.stop(at);  // it hears the SIGTERM now
    return;
  }
  if (over.kind == Kind::throttle) return set_pace(at);
  if (over.kind == Kind::clock) return set_clock(at, Duration{});
  if (over.kind == Kind::disk) {
    if (over.flag("old_copy")) at.disk.drop_copy();
    if (over.find<std::int64_t>("flip") != nullptr) at.disk.unflip();
    set_disk(at);
    if (at.disk_failed) raise_again(at);
    return;
  }
  if (over.kind == Kind::port) {
    const std::int64_t port = over.number("port");
    const bool still = std::any_of(active_.begin(), active_.end(), [&](const Active& active) {
      return active.fault.kind == Kind::port && active.fault.text("node") == node &&
             active.fault.number("port") == port;
    });
    if (!still) hands_.occupy(at, static_cast<std::uint32_t>(port), false);
  }
}

// A daemon that is still on its way down goes down first.
void Injector::raise_again(Machine& at) {
  if (is_down(at.options.name)) return;
  if (at.alive() && at.stopping) {
    to_start_.insert(at.index);
  } else {
    hands_.start(at);
  }
}

// ---- disk, clock, pace

std::int64_t Injector::slower(std::string_view node) const {
  std::int64_t factor = faults::Factor{}.billionths;
  for (const Active& active : active_)
    if (active.fault.kind == Kind::throttle && active.fault.text("node") == node)
      factor = active.fault.find<faults::Factor>("factor")->billionths;
  return factor;
}

void Injector::set_disk(Machine& at) {
  DiskTrouble trouble;
  trouble.slower = slower(at.options.name);
  for (const Active& active : active_) {
    const Fault& fault = active.fault;
    if (fault.kind != Kind::disk || fault.text("node") != at.options.name) continue;
    trouble.fsync_delay = fault.span("fsync_delay").value_or(trouble.fsync_delay);
    trouble.full = trouble.full || fault.flag("full");
    if (const auto* errors = fault.find<faults::Errnos>("errors"))
      trouble.failing.push_back({active.order, *errors, fault.number("after", 1)});
    trouble.at_crash.push_back(
        {active.order, fault.number("lost_tail"), fault.number("flip"), fault.flag("torn")});
  }
  at.disk.set_trouble(std::move(trouble));
}

void Injector::set_clock(Machine& at, Duration jump) {
  Duration skew, jumped;
  std::int64_t rate = VirtualClock::kTrueRate;
  for (const Active& active : active_) {
    const Fault& fault = active.fault;
    if (fault.kind != Kind::clock || fault.text("node") != at.options.name) continue;
    skew = fault.span("skew").value_or(skew);
    jumped = jumped + fault.span("jump").value_or(Duration{});
    if (const auto* drift = fault.find<faults::Factor>("drift")) rate = drift->billionths;
  }
  at.clock.set(skew + jumped, rate, jump);
  at.replan();
}

void Injector::set_pace(Machine& at) {
  const std::int64_t factor = slower(at.options.name);
  at.set_turn(
      factor == faults::Factor{}.billionths
          ? Duration{}
          : Duration{saturate<std::int64_t>(static_cast<__int128>(kTurn.ns) * factor / 1'000'000'000)});
  set_disk(at);
}

// ---- links

LinkEnd Injector::end_of(const Names& names, const Names& opposite) const {
  LinkEnd end;
  end.others = names == Names{"*"};
  const bool all = end.others && opposite == Names{"*"};
  const Names& said = end.others ? opposite : names;
  const std::set<std::string_view> listed(said.begin(), said.end());
  for (const auto& machine : machines_)
    end.in.push_back(all || listed.contains(machine->options.name) != end.others ? 1 : 0);
  return end;
}

void Injector::add_rules(const Fault& fault, std::vector<LinkRule>& rules) const {
  const auto add = [&](LinkRule::What what, const Names& from, const Names& to, bool both) {
    rules.push_back({what, end_of(from, to), end_of(to, from), both, settings_of(fault)});
  };
  if (fault.kind == Kind::partition) {
    const auto* given = fault.find<Groups>("groups");
    Groups groups = given != nullptr ? *given : Groups{{fault.text("of")}};
    if (groups.size() == 1) groups.push_back({"*"});
    for (std::size_t i = 0; i < groups.size(); ++i)
      for (std::size_t j = i + 1; j < groups.size(); ++j)
        add(LinkRule::What::cut, groups[i], groups[j], !fault.flag("one_way"));
    return;
  }
  const auto what = fault.kind == Kind::cut    ? LinkRule::What::cut
                    : fault.kind == Kind::hold ? LinkRule::What::hold
                                               : LinkRule::What::net;
  add(what, fault.names("from"), fault.names("to"), fault.flag("both", true));
}

void Injector::set_links() {
  std::vector<LinkRule> rules;
  for (const Active& active : active_)
    if (is_of_links(active.fault.kind)) add_rules(active.fault, rules);
  network_.set_rules(std::move(rules));
}

// ---- images

// As the latest fault says, on top of what was said without one.
void Injector::set_image(const std::string& reference) {
  auto& scripts = shared_.scripts;
  const auto said = scripts.find(reference);
  const auto [before, first] =
      images_.try_emplace(reference, said == scripts.end() ? std::nullopt : std::optional(said->second));
  const Fault* latest = nullptr;
  for (const Active& active : active_)
    if (active.fault.kind == Kind::image && active.fault.text("reference") == reference)
      latest = &active.fault;
  if (latest != nullptr) {
    scripts[reference] = script_of(*latest, before->second.value_or(ImageScript{}));
    return;
  }
  if (const auto& script = before->second) {
    scripts[reference] = *script;
  } else {
    scripts.erase(reference);
  }
  images_.erase(before);
}

}  // namespace swarm::sim
