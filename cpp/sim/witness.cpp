#include "sim/witness.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "node/node.hpp"
#include "sim/machine.hpp"
#include "sim/network.hpp"

namespace swarm::sim {

bool reach(const Network& network, const Machine& one, const Machine& other) {
  return &one == &other ||
         (!network.is_blocked(one.index, other.index) && !network.is_blocked(other.index, one.index));
}

namespace {

struct Voice {
  const Machine* machine;
  node::Inspection now;
};

std::vector<Voice> managers_of(const Machines& machines) {
  std::vector<Voice> voices;
  voices.reserve(7);  // more managers are rare
  for (const auto& machine : machines) {
    if (!machine->alive() || machine->paused || machine->is_clone()) continue;
    node::Inspection now = machine->node->inspect();
    if (now.is_manager) voices.push_back({machine.get(), now});
  }
  return voices;
}

bool has_quorum(const std::vector<Voice>& voices, const Network& network, const Voice& self) {
  const auto& voters = self.now.group->voters;
  const auto heard = std::count_if(voices.begin(), voices.end(), [&](const Voice& other) {
    return other.now.cluster == self.now.cluster && reach(network, *self.machine, *other.machine) &&
           std::find(voters.begin(), voters.end(), other.now.raft_id) != voters.end();
  });
  return static_cast<std::size_t>(heard) * 2 > voters.size();
}

Standing standing_of(const std::vector<Voice>& voices, const Network& network, const Voice& voice) {
  if (!has_quorum(voices, network, voice)) return Standing::no_quorum;
  return voice.now.is_leader ? Standing::leads : Standing::last_known;
}

// Of two that lead, the newer term is right.
std::uint64_t knowledge(const Voice& voice, Standing standing) {
  return standing == Standing::leads ? voice.now.raft->term() : voice.now.store->version();
}

const Machine* first_that_runs(const Machines& machines) {
  const Machine* stopped = nullptr;
  for (const auto& machine : machines) {
    if (machine->is_clone()) continue;
    if (machine->alive() && !machine->paused) return machine.get();
    if (machine->alive() && stopped == nullptr) stopped = machine.get();
  }
  return stopped;
}

}  // namespace

Witness find_witness(const Machines& machines, const Network& network, const Machine* asked) {
  const auto voices = managers_of(machines);
  Witness best;
  std::uint64_t most = 0;
  for (const Voice& voice : voices) {
    if (asked != nullptr && !reach(network, *asked, *voice.machine)) continue;
    if (asked != nullptr && asked->node->inspect().cluster != voice.now.cluster) continue;
    const Standing standing = standing_of(voices, network, voice);
    const std::uint64_t knows = knowledge(voice, standing);
    if (standing > best.standing || (standing == best.standing && knows <= most)) continue;
    best = {standing, voice.machine};
    most = knows;
  }
  if (best.machine != nullptr) return best;
  best.machine = first_that_runs(machines);
  best.standing = best.machine == nullptr ? Standing::nobody : Standing::no_manager;
  return best;
}

}  // namespace swarm::sim
