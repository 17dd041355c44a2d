// AgentPart: the node's worker machine, its link to the leader's dispatcher, and what it wants of disk and
// runner.
//
// It also gives the packet path its facts: the table that the leader sends, and which tasks of this node may
// serve. A task that is to stop leaves the mesh in the turn that decides so, before its process gets the
// signal.
//
// The link goes to this node itself when it leads, else to the leader when it is known, else to one manager
// after the other. A record is on disk before anything that relies on it is done (SaveTask). A machine:
// events in, effects out.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/worker.hpp"
#include "net/mesh/table_keeper.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/links.hpp"

namespace swarm::node {

// Where an agent may find a dispatcher.
struct Leads {
  bool here = false;              // this node leads
  std::optional<Address> leader;  // another node leads, by this node's replica
};
struct Times {
  Instant now;
  WallTime wall;
};

class AgentPart {
 public:
  AgentPart(Life life, const Identity& identity, const model::NodeDescription& description, Rng rng)
      : life_(life),
        node_(identity.node),
        description_(description),
        worker_(identity.node, description, rng) {}

  Life life() const { return life_; }
  // Goes on from the records on the disk; an Error names the key that cannot be read.
  Result<void> start(ports::Disk& disk, ClusterId cluster, Times at);

  void on_dialled(ports::LinkId link, bool is_open, Instant now);  // 0: the address cannot be dialled now
  void on_link_opened(ports::LinkId link, Instant now);
  void on_link_gone(const LinkGone& event);
  void on_message(const Speaker& from, const wire::Message& message, Times at);
  void on_event(const ports::TaskPrepared& event, Times at);
  void on_event(const ports::TaskStarted& event, Times at);
  void on_event(const ports::TaskExited& event, Times at);
  void on_event(const ports::MeshProblems& event, Instant now);
  void on_event(ports::OverlayChanged event, Instant now) { worker_.on_overlay(event.number, now); }
  void on_event(const ports::OverlayProblems& event, Instant now);
  void on_leader_changed(bool leads_here, Instant now);
  void on_stored(Times at);  // the records that effects wait for are on disk
  void on_deadline(Times at);

  // Looks for a manager when there is no link to one.
  void connect(const Leads& leads, const std::vector<wire::ManagerPeer>& managers, Instant now);
  bool has_link() const { return link_ != 0; }
  ports::LinkId link() const { return link_; }
  // Carries out what the worker wants. Returns true if there was something.
  bool run(Times at);
  std::optional<Effect> next_effect();
  Instant next_deadline(Instant now) const;

  void drain(Times at) { worker_.drain(at.now, at.wall); }
  const agent::Worker& worker() const { return worker_; }
  agent::Worker& worker() { return worker_; }
  const std::vector<std::string>& mesh_problems() const { return mesh_problems_; }
  void set_tls(const model::TlsInfo& tls, Instant now) { worker_.set_tls(tls, now); }
  // Those that were removed from the swarm, as the feed says.
  const std::set<NodeId>& removed_nodes() const { return *table_.table()->removed_nodes; }

 private:
  std::optional<Address> pick_manager(const Leads& leads, const std::vector<wire::ManagerPeer>& managers);
  void perform(std::vector<agent::Effect> effects, Times at);
  void perform_one(agent::Effect effect, Times at);
  void prepare(const model::Task& task, Times at);
  void lost_link(Instant now);
  void send_to_manager(wire::Message message);
  void change_table(const wire::MeshChange& change);
  void tell_problems(Instant now);

  Life life_;
  NodeId node_;
  model::NodeDescription description_;
  agent::Worker worker_;
  ports::LinkId link_ = 0;  // 0: none; kLocalLink: this node's own dispatcher
  bool connected_ = false;  // the link is open and the worker knows
  Instant not_before_{};
  std::optional<Address> hint_;  // the leader, as a manager named it
  std::size_t next_manager_ = 0;
  std::vector<agent::Effect> after_save_;        // wait for records on their way to the disk
  std::deque<std::vector<agent::Effect>> held_;  // what the worker wanted since
  wire::StoreMoment obeyed_on_disk_;
  bool saving_ = false;
  mesh::TableKeeper table_;
  std::vector<std::string> mesh_problems_, overlay_problems_;
  Outbox out_;
};

}  // namespace swarm::node
