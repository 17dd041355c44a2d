#include "sim/player.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "sim/inputs.hpp"
#include "sim/journal.hpp"
#include "sim/references.hpp"
#include "sim/watch_rules.hpp"  // IWYU pragma: keep: RuleSpec, which is made without its name
#include "sim/world.hpp"

namespace swarm::sim {
namespace {

using Numbers = std::map<std::uint64_t, std::uint64_t>;

std::uint64_t now_called(const Numbers& numbers, std::uint64_t recorded) {
  const auto it = numbers.find(recorded);
  return it == numbers.end() ? recorded : it->second;
}

// One overload per input: the method of World that it was.
struct Tell {
  World& world;
  std::uint64_t gave;  // as recorded
  Numbers &calls, &requests, &faults;

  void operator()(const inputs::AddMachine& it) const { world.add_machine(it.options); }
  void operator()(const inputs::Crash& it) const { world.crash(it.machine); }
  void operator()(const inputs::PowerOff& it) const { world.power_off(it.machine); }
  void operator()(const inputs::Start& it) const { world.start(it.machine); }
  void operator()(const inputs::Pause& it) const { world.pause(it.machine); }
  void operator()(const inputs::Resume& it) const { world.resume(it.machine); }
  void operator()(const inputs::ShutDown& it) const { world.shut_down(it.machine); }
  void operator()(const inputs::KeepCopy& it) const { world.keep_copy(it.machine); }
  void operator()(const inputs::PutBack& it) const { world.put_back(it.machine); }
  void operator()(const inputs::Clone& it) const { world.clone(it.machine); }
  void operator()(const inputs::DiskByHand& it) const { static_cast<void>(world.disk_of_dead(it.machine)); }
  void operator()(const inputs::WireByHand& it) const { static_cast<void>(world.wire_by_hand(it.machine)); }
  void operator()(const inputs::SetBuild& it) const { world.set_build(it.machine, it.build()); }
  void operator()(const inputs::Cut& it) const { world.cut(it.from, it.to); }
  void operator()(const inputs::Mend& it) const { world.mend(it.from, it.to); }
  void operator()(const inputs::Partition& it) const { world.partition(it.groups); }
  void operator()(const inputs::Heal&) const { world.heal(); }
  void operator()(const inputs::SetNetwork& it) const { world.set_network(it.options); }
  void operator()(const inputs::SetDiskLatency& it) const {
    world.set_disk_latency(it.machine, it.min, it.max);
  }
  void operator()(const inputs::KillTask& it) const { world.kill_task(it.task, it.signal); }
  void operator()(const inputs::SetImage& it) const { world.set_image(it.reference, it.script); }
  void operator()(const inputs::CallMachine& it) const { calls[gave] = world.call(it.machine, it.request); }
  void operator()(const inputs::HangUp& it) const { world.hang_up(now_called(calls, it.call)); }
  void operator()(const inputs::HttpGet& it) const { requests[gave] = world.http_get(it.machine, it.port); }
  void operator()(const inputs::HttpForget& it) const { world.http_forget(now_called(requests, it.request)); }
  void operator()(const inputs::OccupyPort& it) const { world.occupy_port(it.machine, it.port, it.taken); }
  void operator()(const inputs::BeginLoad& it) const {
    world.begin_load({static_cast<std::uint32_t>(it.port),
                      it.machines.empty() ? std::vector<std::string>() : it.machines.front(),
                      it.per_1000_seconds, it.span});
  }
  void operator()(const inputs::EndLoad& it) const { world.end_load(it.load); }
  void operator()(const inputs::GiveUpRequests&) const { world.give_up_requests(); }
  void operator()(const inputs::Note& it) const { world.note(it.kind, it.text); }
  void operator()(const inputs::BeginFault& it) const {
    const auto begun = world.begin_fault(it.fault);
    faults[gave] = begun ? *begun : 0;
  }
  void operator()(const inputs::EndFault& it) const {
    static_cast<void>(world.end_fault(now_called(faults, it.fault)));
  }
  void operator()(const inputs::RunPlan& it) const {
    const auto ids = world.run_plan(it.plan);
    for (std::uint64_t i = 0; ids && i < ids->size(); ++i) faults[gave + i] = (*ids)[i];
  }
  void operator()(const inputs::Quiet& it) const { world.quiet(it.on); }
  void operator()(const inputs::AddRule& it) const {
    static_cast<void>(world.add_rule(it.name, {it.kind, it.service, it.number}));
  }
  void operator()(const inputs::LeaveOut& it) const { world.leave_out(it.fault); }
  void operator()(const inputs::Reseed& it) const { world.reseed(it.seed); }
};

}  // namespace

void Player::play(std::shared_ptr<const RecordedRun> run) {
  run_ = std::move(run);
  next_ = 0;
  last_ = run_->entries.size();
  exact_ = true;
}

void Player::let_go(std::size_t inputs, std::shared_ptr<const References> references) {
  let_go_ = true;
  references_ = std::move(references);
  last_ = std::max(next_, std::min(last_, inputs));
}

const JournalEntry* Player::due(std::uint64_t steps, Instant next_event) const {
  if (!has_more()) return nullptr;
  const bool comes = exact_ ? entry().when.steps <= steps : entry().when.at < next_event;
  return comes ? &entry() : nullptr;
}

Instant Player::next(std::uint64_t steps, Instant next_event) const {
  if (const JournalEntry* told = due(steps, next_event)) return told->when.at;
  return is_over(steps) ? Instant::never() : next_event;
}

void Player::tell_next(World& world) {
  const JournalEntry& told = entry();
  const std::size_t index = next_++;
  const Tell tell{world, told.gave, calls_, requests_, faults_};
  telling_ = true;
  if (exact_ || !references_) {
    std::visit(tell, told.input);
  } else {
    std::visit(tell, references_->said_in(world, index, told.input));
  }
  telling_ = false;
}

}  // namespace swarm::sim
