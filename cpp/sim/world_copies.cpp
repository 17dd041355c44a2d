// A World's calls for copies of disks: a copy is put back under its machine, as when a backup is restored; or
// a second machine begins with it, as when a virtual machine is copied.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "sim/check/remembered.hpp"
#include "sim/inputs.hpp"
#include "sim/machine.hpp"
#include "sim/machine_index.hpp"
#include "sim/sim_disk.hpp"
#include "sim/world.hpp"
#include "sim/world_impl.hpp"

namespace swarm::sim {
namespace {

constexpr const char* kCloned = "-clone";

}  // namespace

void World::keep_copy(std::string_view name) {
  const auto written = impl_->deed<inputs::KeepCopy>(name);
  Machine& at = impl_->machine(name);
  impl_->copies.insert_or_assign(at.index, at.disk.copied());
}

bool World::put_back(std::string_view name) {
  const auto written = impl_->deed<inputs::PutBack>(name);
  Machine& at = impl_->machine(name);
  const auto kept = impl_->copies.find(at.index);
  if (kept == impl_->copies.end() || !at.alive() || at.paused || at.stopping) return false;
  const bool promises = at.disk.has_manager_state() || kept->second.has_manager_state();
  if (promises && !others_remember(impl_->machines, at)) return false;
  impl_->put_back(at, impl_->copies.extract(kept).mapped());
  return true;
}

void World::clone(std::string_view name) {
  const auto written = impl_->deed<inputs::Clone>(name);
  const Machine& original = impl_->machine(name);
  Machine& clone = impl_->clone_of(original);
  if (clone.alive()) return;
  clone.build = original.build;
  clone.disk.become(original.disk.copied());
  impl_->start(clone);
}

bool World::has_clone(std::string_view name) const {
  const auto found = impl_->names.find(std::string(name) + kCloned);
  return found != impl_->names.end() && impl_->machines[found->second]->alive();
}

std::uint32_t World::lives_of_clone(std::string_view name) const {
  const auto found = impl_->names.find(std::string(name) + kCloned);
  return found == impl_->names.end() ? 0 : impl_->machines[found->second]->life;
}

Machine& World::Impl::clone_of(const Machine& original) {
  const std::string name = original.options.name + kCloned;
  if (const auto found = names.find(name); found != names.end()) return *machines[found->second];
  MachineOptions options = original.options;
  options.name = name;
  options.address = {};
  shared.clones[static_cast<MachineIndex>(machines.size())] = original.index;
  Machine& made = make_machine(std::move(options));
  made.hostname = original.options.name;
  return made;
}

void World::Impl::put_back(Machine& at, SimDisk::Copy copy) {
  kill(at, false);
  if (at.disk.become(std::move(copy))) {
    shared.recorder.record(shared.now, at.options.name, "sim.disk",
                           "came back as an older copy; no member counts on more");
    shared.older.insert(at.index);
    checker.forgive(at.index);
  }
  start(at);
}

}  // namespace swarm::sim
