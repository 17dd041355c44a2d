// Lifecycle: this node's own way in and out of a swarm, and from one role to the other: init, join, leave,
// promotion, demotion, removal. Each is a small story of steps with patience; nothing sits silent: `state()`
// and `error()` say what it waits for. NOT here: the leader's side of the same stories (membership).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/worker.hpp"
#include "control/join.hpp"
#include "node/core.hpp"
#include "node/replica.hpp"

namespace swarm::node {

class Lifecycle {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual Replica* replica() = 0;
    virtual bool leads() = 0;
    virtual std::optional<Address> leader_address() = 0;
    virtual agent::Worker* worker() = 0;
    virtual void start_agent() = 0;
    virtual void stop_agent() = 0;
    virtual void start_replica(std::unique_ptr<Replica> replica) = 0;
    virtual void stop_replica() = 0;
    virtual void close_links() = 0;  // all of them, and whoever used one learns so
    // The own object in the own store says a ready manager, and nothing is about to change it.
    virtual bool is_settled_in() = 0;
    virtual void answer(ports::ApiId id, const Result<docker::OperationResult>& result) = 0;
  };

  Lifecycle(Core& core, Host& host) : core_(core), host_(host) {}

  void init(ports::ApiId id, const docker::SwarmInit& wish);
  void join(ports::ApiId id, const docker::SwarmJoin& wish);
  void leave(ports::ApiId id, const docker::SwarmLeave& wish);

  // After a restart: listen again where a manager listened. The address may be taken meanwhile.
  Result<void> listen_again();

  void on_message(ports::LinkId link, const wire::Message& message);
  void on_link_closed(ports::LinkId link);
  void on_session_facts(const agent::SessionFacts& facts);
  void on_removed();

  void run();
  void on_deadline();
  Instant next_deadline() const;

  docker::SwarmState state() const;
  const std::string& error() const { return core_.outdated ? core_.outdated->why : error_; }

 private:
  enum class JoinStage : std::uint8_t { asking, session, raft };
  struct Joining {
    ports::ApiId id = 0;  // 0: answered already
    JoinStage stage = JoinStage::asking;
    control::JoinToken token;
    std::vector<Address> targets;
    std::size_t next_target = 0;
    Address listen, advertise;
    wire::JoinRequest request;
    ports::LinkId link = 0;
    Instant resend, give_up, lose_hope;
    std::optional<Instant> settle_by;  // it is in: answered then, ready or not
  };
  struct RaftJoining {
    std::uint64_t request = 0;
    Instant resend;
    std::optional<Address> leader;
  };
  struct Leaving {
    ports::ApiId id = 0;
    std::uint64_t request = 0;
    bool told = false;  // the leader knows, or nobody needs to
    bool draining = false;
    Instant resend, give_up;
  };
  struct Addresses {
    Address listen, advertise;
  };
  Result<Addresses> addresses(const std::string& listen, const std::string& advertise) const;
  Result<void> listen(const Address& address);
  void ask_to_join();
  void on_join_reply(const wire::JoinReply& reply);
  void fail_join(const Error& error);
  void become_member(const wire::JoinReply& reply);
  void on_session_facts_while_outdated(const agent::SessionFacts& facts);
  void start_raft_join();
  void ask_to_join_raft();
  void on_raft_join_reply(const wire::RaftJoinReply& reply);
  void demote();
  void join_raft_if_wanted();
  void give_up_coming();
  void finish_init();
  void finish_join();
  bool has_settled(bool settled, std::optional<Instant>& settle_by);
  void tell_leader_of_leaving();
  void finish_leaving();
  void forget_everything();

  Core& core_;
  Host& host_;
  std::optional<Joining> joining_;
  std::optional<RaftJoining> raft_joining_;
  std::optional<Leaving> leaving_;
  Instant raft_retry_ = Instant::never();  // after a refusal
  bool initialising_ = false;
  bool ready_ = false;  // the managers say so in the present session
  std::optional<Instant> init_settle_by_;
  bool wiping_ = false;  // a past manager's state is on its way out: no way back in until it is gone
  model::NodeRole role_wanted_ = model::NodeRole::worker;  // as the session last said
  ports::ApiId init_id_ = 0;
  std::string error_;
};

}  // namespace swarm::node
