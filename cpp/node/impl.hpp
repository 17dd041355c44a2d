// Node::Impl: the parts of a node and the wires between them. Each part knows its own story; here they meet.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "node/agent_part.hpp"
#include "node/api_router.hpp"
#include "node/core.hpp"
#include "node/leader_loops.hpp"
#include "node/lifecycle.hpp"
#include "node/log_hub.hpp"
#include "node/membership.hpp"
#include "node/node.hpp"
#include "node/permissions.hpp"
#include "node/refusals.hpp"
#include "node/replica.hpp"

namespace swarm::node {

class Node::Impl final : public ApiRouter::Host,
                         public AgentPart::Host,
                         public LogHub::Host,
                         public Lifecycle::Host {
 public:
  Impl(NodeOptions options, ports::Ports ports);

  Result<void> start(Instant now);
  void handle(ports::Event event) { queue_.push_back(std::move(event)); }
  void turn(Instant now);
  Instant next_deadline() const;
  void shut_down(Instant now);
  bool stopped() const;
  Inspection inspect() const;
  std::optional<docker::Answer> look(const http::Request& request, Instant now, bool leaderless,
                                     const docker::LogSource& source) const;
  Visible visible() const;
  void reseed(std::uint64_t seed);

  // ---- ApiRouter::Host
  docker::Context api_context() override;
  Replica* replica() override { return replica_.get(); }
  bool leads() override { return loops_ != nullptr; }
  std::optional<Address> leader_address() override;
  void perform(ports::ApiId id, docker::Operation operation) override;
  // ---- AgentPart::Host
  void to_dispatcher(const wire::Message& message) override { to_dispatcher_.push_back(message); }
  void on_session_facts(const agent::SessionFacts& facts) override { lifecycle_.on_session_facts(facts); }
  void on_removed() override { lifecycle_.on_removed(); }
  void on_container_event(const agent::ContainerEvent& event) override;
  // ---- LogHub::Host
  std::optional<ports::LinkId> agent_link(NodeId node) override;
  NodeId node_of(TaskId task) override;
  std::string name_of_node(NodeId node) override;
  void log_news(ports::ApiId id, const docker::LogNews& news) override;
  // ---- Lifecycle::Host
  agent::Worker* worker() override { return agent_ ? &agent_->worker() : nullptr; }
  void start_agent() override;
  void stop_agent() override;
  void start_replica(std::unique_ptr<Replica> replica) override;
  void stop_replica() override;
  void close_links() override;
  void answer(ports::ApiId id, const Result<docker::OperationResult>& result) override;
  bool is_settled_in() override;

 private:
  // One overload per event: what came in, to the part that it concerns.
  void on(ports::LinkOpened event);
  void on(ports::LinkClosed event);
  void on(ports::FrameArrived event);
  void on(ports::DiskDone event) { core_.on_disk_done(event.token); }
  void on(const ports::TaskPrepared& event);
  void on(const ports::TaskStarted& event);
  void on(const ports::TaskExited& event);
  void on(const ports::TaskLog& event) { logs_.on_log(event); }
  void on(ports::ApiArrived event) { router_.arrived(event.id, std::move(event.request)); }
  void on(ports::ApiAborted event);
  void on(const ports::MeshProblems& event);
  Result<docker::OperationResult> hand_over(NodeId to);
  void link_gone(ports::LinkId link, const Links::Gone& gone);
  Hearer hearer() const;
  void refuse(ports::LinkId link, const model::Principal& who, const ports::Frame& frame, Denial denial);
  void on_wire(ports::LinkId link, const model::Principal& who, wire::Message message);
  void on_leader_wire(ports::LinkId link, const model::Principal& who, Part part,
                      const wire::Message& message);
  void on_api_wire(ports::LinkId link, wire::Message message);
  void refuse_as_follower(ports::LinkId link, const wire::Message& message);

  Result<void> open_replica();
  void take_events();
  void run_deadlines();
  bool run_parts();
  bool run_manager();
  void stop_outdated(model::FeatureLevel level, std::uint64_t version);
  bool run_leader();
  void note_leader_change();
  void note_members();
  void deliver_applied(AppliedEntry entry);
  void step_down();
  void refresh_local_view();
  void show(docker::LocalNode& local, docker::RaftView& raft) const;
  docker::Inside make_inside() const;
  std::vector<docker::Metric> metrics() const;

  Core core_;
  Refusals refusals_;
  ApiRouter router_;
  LogHub logs_;
  Lifecycle lifecycle_;
  std::unique_ptr<AgentPart> agent_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<LeaderLoops> loops_;
  std::unique_ptr<Membership> membership_;
  std::deque<ports::Event> queue_;
  std::deque<wire::Message> to_dispatcher_;
  std::set<ports::LinkId> sessions_;  // links that agents registered on, while this node leads
  docker::LocalNode local_;
  docker::RaftView raft_view_;
  docker::Inside inside_;
  bool view_is_fresh_ = false;  // nothing was done since they were made that could change them
  std::uint64_t container_events_ = 0;
  bool shutting_down_ = false;
  bool replica_retired_ = false;
};

}  // namespace swarm::node
