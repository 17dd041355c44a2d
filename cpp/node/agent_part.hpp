// AgentPart: the node's worker machine, its way to the leader's dispatcher, and its hands (disk and runner).
//
// Beside it, the packet path's facts: the table that the leader sends, and which tasks of this node may
// serve. A task that is to stop is taken from the mesh in the turn that decides so, before its process is
// told.
//
// The link: to this node itself when it leads, else to the leader when it is known, else to one manager after
// the other. Records are on disk before what follows them is done (SaveTask).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "agent/worker.hpp"
#include "net/mesh/table_keeper.hpp"
#include "node/core.hpp"

namespace swarm::node {

// Stands for "this very node" wherever a link is named.
inline constexpr ports::LinkId kLocalLink = ~ports::LinkId{0};

class AgentPart {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual bool leads() = 0;
    virtual std::optional<Address> leader_address() = 0;
    virtual void to_dispatcher(const wire::Message& message) = 0;  // of this node, while it leads
    virtual void on_session_facts(const agent::SessionFacts& facts) = 0;
    virtual void on_removed() = 0;
    virtual void on_container_event(const agent::ContainerEvent& event) = 0;
  };

  AgentPart(Core& core, Host& host);
  ~AgentPart();
  AgentPart(const AgentPart&) = delete;
  AgentPart& operator=(const AgentPart&) = delete;

  Result<void> start();  // resumes what the disk remembers
  void on_link_opened(ports::LinkId link);
  void on_link_closed(ports::LinkId link);
  void on_message(ports::LinkId link, const wire::Message& message);
  void on_event(const ports::TaskPrepared& event);
  void on_event(const ports::TaskStarted& event);
  void on_event(const ports::TaskExited& event);
  void on_event(const ports::MeshProblems& event);
  void on_leader_changed();

  // Finds a manager when there is none, and carries out what the worker wants; true when there was something.
  bool run();
  void on_deadline();
  Instant next_deadline() const;

  void drain() { worker_.drain(core_.now, core_.wall()); }
  const agent::Worker& worker() const { return worker_; }
  agent::Worker& worker() { return worker_; }
  const std::vector<std::string>& mesh_problems() const { return mesh_problems_; }

 private:
  bool connect();
  std::optional<Address> pick_manager();
  bool take_effects();
  void perform(std::vector<agent::Effect> effects);
  void perform_one(agent::Effect effect);
  void lost_link();
  void send_to_manager(wire::Message message);
  void on_mesh_update(const wire::MeshUpdate& update);

  Core& core_;
  Host& host_;
  agent::Worker worker_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  ports::LinkId link_ = 0;  // 0: none; kLocalLink: this node's own dispatcher
  bool connected_ = false;  // the link is open and the worker knows
  Instant not_before_{};
  std::optional<Address> hint_;  // where the leader was said to be
  std::size_t next_manager_ = 0;
  std::deque<std::vector<agent::Effect>> held_;  // behind a batch on its way to the disk
  bool saving_ = false;
  mesh::TableKeeper table_;
  std::vector<std::string> mesh_problems_;
};

}  // namespace swarm::node
