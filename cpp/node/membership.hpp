// Membership: the leader's side of joining, leaving and changing roles. Nodes join by tokens, managers by
// changes of the Raft group, one at a time, learner first (Raft dissertation section 4.2.1). NOT here: the
// joining node's side (lifecycle), when a role is to change (control/role_manager).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ca/join_guard.hpp"
#include "control/role_manager.hpp"
#include "node/core.hpp"
#include "node/replica.hpp"

namespace swarm::node {

class Membership {
 public:
  Membership(Core& core, Replica& replica) : core_(core), replica_(replica) {}

  // The certificate that a node of the swarm asks for.
  wire::CertificateReply certify(NodeId id, const wire::CertificateRequest& message);
  // Answers on the sender's link, now or when the log has it. The member that joins the group or leaves is
  // the sender, whatever node the message names.
  void on_message(const Speaker& from, const wire::Message& message);
  void on_link_opened(const Address& outbound);
  void on_link_gone(const LinkGone& event);
  // Takes the outcome of a proposal. Returns false if membership did not make it.
  bool settled(std::uint64_t request, const model::Outcome& outcome);
  void on_role_intents(const std::vector<control::RoleIntent>& intents);
  // Proposes the next change of the Raft group when none is under way. Returns true if it did.
  bool run();
  void on_deadline();
  Instant next_deadline() const { return wake_; }
  // Managers that are to leave the group and cannot yet, each in a sentence that says what it waits for.
  std::vector<std::string> waits() const;

 private:
  struct Joiner {  // a manager-to-be
    ports::LinkId link = 0;
    std::uint64_t request = 0;
    wire::ManagerPeer peer;
    bool reachable = false;
    Instant give_up;
  };
  struct Leaver {  // a manager that waits until the group is without it
    ports::LinkId link = 0;
    std::uint64_t request = 0;
    std::uint64_t raft_id = 0;
    Instant give_up;
  };
  void on_join(ports::LinkId link, const wire::JoinRequest& message);
  // Returns the role that the token is for; a wrong one counts against the host.
  Result<model::NodeRole> check_token(const std::string& host, const std::string& token);
  Result<std::string> issue(NodeId node, model::NodeRole role, const std::string& request_pem);
  void on_raft_join(ports::LinkId link, NodeId id, const wire::RaftJoinRequest& message);
  void on_leave(ports::LinkId link, NodeId id, const wire::LeaveRequest& message);
  void put_left(ports::LinkId link, std::uint64_t request, NodeId id);
  void see_leavers_off();
  Error cannot_leave(const Leaver& leaver) const;
  void answer_join(ports::LinkId link, std::uint64_t request, NodeId node, Result<std::string> certificate);
  void answer_raft_join(const Joiner& joiner, std::optional<Error> error);
  std::vector<wire::ManagerPeer> managers() const;
  bool propose(raft::ConfChangeType type, std::uint64_t raft_id, const wire::ManagerPeer& peer);
  bool change_joiners();
  bool raise_level();
  Result<void> may_manage(NodeId node) const;
  bool promote_learners();
  void take_out(std::uint64_t raft_id);
  bool ask_those_that_stay();
  bool remove_members();
  std::uint64_t raft_id_of(NodeId node) const;

  Core& core_;
  Replica& replica_;
  struct PendingJoin {
    ports::LinkId link = 0;
    std::uint64_t request = 0;
    NodeId node;
    std::string certificate_pem;
  };
  ca::JoinGuard guard_;
  std::map<std::uint64_t, PendingJoin> joins_;                                  // by proposal
  std::map<std::uint64_t, std::pair<ports::LinkId, wire::LeaveReply>> leaves_;  // by proposal
  std::map<NodeId, Joiner> joiners_;
  std::map<NodeId, Leaver> leavers_;
  std::map<std::uint64_t, Instant> removals_;  // Raft ids on their way out, and since when
  Instant asks_;                               // the voters then, whether they are there
  std::uint64_t raising_ = 0;                  // the proposal that raises the feature level
  Instant wake_ = Instant::never();
};

}  // namespace swarm::node
