// Lifecycle: this node's own way in and out of a swarm, and from one role to the other: init, join, leave,
// promotion, demotion, removal; and its certificate. NOT here: the leader's side of the same stories
// (membership).
//
// Two values say where the node is: its `Stage` (outside, locked, initialising, joining, member, leaving),
// and its way into the Raft group. Each stage has its own deadline and patience: every wait has an end, and
// `state()` and `error()` say what the node waits for. The caller passes what the lifecycle must know of the
// rest of the node (Surroundings).
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/check.hpp"
#include "ca/join_guard.hpp"
#include "control/join.hpp"
#include "node/effects.hpp"
#include "node/identity.hpp"
#include "node/links.hpp"
#include "node/node.hpp"
#include "ports/refusal.hpp"

namespace swarm::node {

// The rest of the node, as it is now.
struct Surroundings {
  Instant now;
  WallTime wall;
  bool leads = false;
  std::optional<Address> leader;  // another node's
  // Its replica, if it is a manager.
  bool is_manager = false;
  std::uint64_t raft_id = 0;
  std::uint64_t version = 0;  // of its store
  std::size_t voters = 0;
  bool votes = false;         // it is one of the voters
  bool knows_leader = false;  // it may be the leader itself
  bool was_removed = false;   // its own log says that its identity's Raft id has left the group
  // Its agent.
  bool in_session = false;
  bool idle = true;  // no task's process runs
  // Its own store shows this node as a ready manager, and no change of that is under way.
  bool is_settled = false;
};

// This node is a manager whose replica does not take part. Its tasks go on, and its Raft state stays on the
// disk, as it was at `version`:
//   failing     its disk refuses to write, or has no room. It goes on when the disk can be opened again
//   outdated    its swarm is at a feature level that this build does not know. It waits for an upgraded build
//   forgetful   its disk has lost some of what it had promised. It neither votes nor acknowledges, and asks
//               to be a new member in its own place; what its disk still has goes when it is one
//   outvoted    its store is not that of the majority (node/state_check). It goes the same way
struct Sidelined {
  enum class Because : std::uint8_t { outdated, forgetful, outvoted, failing };
  Because because = Because::outdated;
  std::string why;
  std::uint64_t version = 0;
};

// Where the node is: in a swarm, or on its way in or out.
namespace stage {
struct Outside {};
// Its disk is locked: what it was is not known before a client gives the key.
struct Locked {
  ca::JoinGuard guard;
};
struct Initialising {
  ports::ApiId id = 0;
  docker::SwarmInit wish;
  Address listen, advertise;
  std::optional<Instant> settle_by;  // it leads, its agent is in session: answers by then, ready or not
};
struct Joining {
  struct Asking {  // a manager: for the swarm's root, and when that is the token's, for this node's place
    control::JoinToken token;
    std::string root_cert_pem;  // empty: not known yet
    std::string key_pem;        // of this node, for the certificate that it asks for
    std::vector<Address> targets;
    std::size_t next_target = 0;
    Address listen;
    wire::JoinRequest request;
    ports::LinkId link = 0;
    Instant resend, lose_hope;
  };
  struct Entering {  // it is in the swarm, and not at rest yet
    bool as_manager = false;
    bool ready = false;  // the managers say so in the present session
    std::optional<Instant> settle_by;
  };
  ports::ApiId id = 0;  // 0: answered already
  Address advertise;
  Instant give_up;
  std::variant<Asking, Entering> step;
};
struct Member {};
struct Leaving {
  ports::ApiId id = 0;
  std::uint64_t request = 0;
  bool known = false;  // the leader knows, or does not need to
  bool draining = false;
  Instant resend, give_up;
  std::optional<Error> why = {};  // the client's answer: of a join that was refused
};
}  // namespace stage
using Stage = std::variant<stage::Outside, stage::Locked, stage::Initialising, stage::Joining, stage::Member,
                           stage::Leaving>;

// Its way into the Raft group. A worker takes it when the session says that it is to be a manager.
namespace way {
struct AtRest {};     // the role is as it should be
struct Listening {};  // first it must listen at its own address
struct Asked {
  std::uint64_t request = 0;
  Instant resend;
  std::optional<Address> leader;
};
struct Refused {
  Instant retry;
};
struct Wiping {};  // an old replica's state is being wiped: no way back in before that is done
}  // namespace way
using WayIn = std::variant<way::AtRest, way::Listening, way::Asked, way::Refused, way::Wiping>;

// The certificate that this node has, and the next one.
struct Certified {
  std::optional<model::NodeRole> role;  // that it says; nothing: there is none
  std::string issuer;                   // that signed it
  std::string wanted_issuer;            // that is to sign it, as the session last said; empty: any
  WallTime valid_from, renew_at, not_after;
  bool was_unfit = false;           // the last answer held no certificate that it can use: `error_` says so
  Instant look = Instant::never();  // when to see whether it is time
  Instant not_before{};             // a refused wish is not repeated at once
  struct Asked {
    wire::CertificateRequest request;
    std::string key_pem;
    Instant resend;
    std::optional<Address> leader;
  };
  std::optional<Asked> asked;
  bool is_valid(WallTime wall) const { return valid_from <= wall && wall < not_after; }
};

class Lifecycle {
 public:
  // `identity` is the node's; only the lifecycle changes it.
  Lifecycle(const NodeOptions& options, std::optional<Identity>& identity, Rng& rng, ports::Crypto& crypto)
      : options_(options), identity_(identity), rng_(rng), crypto_(crypto) {}

  // After a restart as a member, with the lock that its disk has.
  void resume(ports::DiskLock lock, Instant now, WallTime wall);
  // After a restart with a locked disk. on_unlocked follows resume.
  void on_locked();
  // Its replica has stopped, or was not started.
  void on_sidelined(Sidelined sidelined);
  bool is_failing() const { return sidelined_ && sidelined_->because == Sidelined::Because::failing; }
  // It goes back into the group as a new member only.
  bool is_to_be_another() const {
    return sidelined_ && (sidelined_->because == Sidelined::Because::forgetful ||
                          sidelined_->because == Sidelined::Because::outvoted);
  }
  // Its disk was opened again.
  void on_disk_back();

  // ---- a client's wishes
  void init(ports::ApiId id, const docker::SwarmInit& wish);
  // Of a manager: a new Raft group of it alone, with the swarm that its disk has.
  void force_new_cluster(ports::ApiId id, const docker::SwarmInit& wish, const Surroundings& at);
  void join(ports::ApiId id, const docker::SwarmJoin& wish, const Surroundings& at);
  void leave(ports::ApiId id, const Surroundings& at);
  void unlock(ports::ApiId id, const std::string& key, const Surroundings& at);

  // ---- events
  void on_wrong_key(ports::ApiId id, const Surroundings& at);
  void on_unlocked(ports::ApiId id, const Result<void>& started);
  // This manager's store has it.
  void on_unlock_key(ports::DiskLock lock);
  void on_message(const Speaker& from, const wire::Message& message, const Surroundings& at);
  void on_asked(ports::LinkId link);  // 0: the address cannot be dialled now
  void on_listening(const Result<void>& result, const Surroundings& at);
  void on_recovered(const Result<void>& result);
  void on_link_gone(const LinkGone& event);
  void on_session_facts(const agent::SessionFacts& facts, const Surroundings& at);
  void on_refused(const std::string& why);  // a manager said so
  // A manager that this node dialled refuses its certificate, or the other way round.
  void on_link_refused(const ports::Refusal& refusal, const Surroundings& at);
  void on_removed(const Surroundings& at);  // a manager said so
  // The swarm's root is another one now. The node believes it as soon as its own certificate is of it.
  void on_root(const std::string& root_cert_pem);
  void on_stored(const IdentityStored& stored, const Surroundings& at);
  void on_deadline(const Surroundings& at);
  // Takes every step that the surroundings allow.
  void run(const Surroundings& at);

  std::optional<Effect> next_effect();
  Instant next_deadline() const;
  docker::SwarmState state() const;
  const std::string& error() const { return sidelined_ ? sidelined_->why : error_; }
  const Stage& stage() const { return stage_; }
  // It is in a swarm or outside, not on its way: run() takes no step unless the node was removed.
  bool is_at_rest() const {
    return !forcing_ &&
           (std::holds_alternative<stage::Member>(stage_) || std::holds_alternative<stage::Outside>(stage_) ||
            std::holds_alternative<stage::Locked>(stage_));
  }
  std::uint64_t lock_number() const { return lock_.number; }
  // Of the lock that the disk has for certain.
  std::uint64_t stored_lock() const { return stored_lock_; }
  const WayIn& way() const { return way_; }
  const Certified& certified() const { return certified_; }

 private:
  // A client wants a new cluster of this manager alone. It begins when no leader is known any more.
  struct Forcing {
    ports::ApiId id = 0;
    docker::SwarmInit wish;
    Instant give_up;
    std::optional<Address> tried;  // another address, while this node sees whether it can listen there
  };
  // init
  void begin_swarm(stage::Initialising& init, const Surroundings& at);
  void run(stage::Initialising& init, const Surroundings& at);
  // join
  stage::Joining::Asking* asking();  // null unless it asks for a place
  void ask_to_join(stage::Joining::Asking& asking, Instant now);
  void on_message(const wire::RootReply& reply, const Surroundings& at);
  void on_message(const wire::JoinReply& reply, const Surroundings& at);
  void fail_join(const Error& error);
  void become_member(const wire::JoinReply& reply, const Surroundings& at);
  void run(stage::Joining& joining, const Surroundings& at);
  void on_deadline(stage::Joining& joining, const Surroundings& at);
  // certificates
  void take_certificate(std::string certificate_pem, std::string key_pem, Instant now, WallTime wall);
  void want_certificate(const Surroundings& at);
  void ask_for_certificate(const Surroundings& at);
  void on_message(const wire::CertificateReply& reply, const Surroundings& at);
  void on_certificate(Certified::Asked asked, const std::string& certificate_pem, const Surroundings& at);
  void look_at_certificate(const Surroundings& at);
  // Why the leader's answer is of no use to this node; nothing if it is.
  std::optional<std::string> why_unfit(const wire::CertificateReply& reply, WallTime wall) const;
  void note_wanted_issuer(const agent::SessionFacts& facts, Instant now);
  void store_certificate();
  bool is_of_another_root() const;
  // the way into the group, and out of it
  void on_facts_as_manager(const agent::SessionFacts& facts, const Surroundings& at);
  void on_facts_while_sidelined(const agent::SessionFacts& facts, const Surroundings& at);
  void start_raft_join(const Surroundings& at);
  void on_raft_listening(const Result<void>& result, const Surroundings& at);
  void ask_to_join_raft(way::Asked& asked, Instant now);
  void on_message(const wire::RaftJoinReply& reply, const Surroundings& at);
  void refuse_raft_join(const Error& error, Instant now);
  void enter_group(const wire::RaftJoinReply& reply);
  void demote();
  // autolock
  void open_own_lock();
  void store_certificates_and_lock();
  // leave
  void tell_leader(stage::Leaving& leaving, const Surroundings& at);
  void on_message(const wire::LeaveReply& reply, const Surroundings& at);
  void stay(const stage::Leaving& leaving, const Error& why);
  void run(stage::Leaving& leaving, const Surroundings& at);
  void on_deadline(stage::Leaving& leaving, const Surroundings& at);
  void give_up_coming();
  void forget_everything();
  // stages without such a step
  template <class Other>
  void run(Other&, const Surroundings&) {}
  template <class Other>
  void on_deadline(Other&, const Surroundings&) {}

  Error busy() const;  // why neither init nor join can begin
  // --force-new-cluster
  Result<void> may_force() const;
  void go_on_forcing(const Surroundings& at);
  void begin_new_cluster(const Forcing& forcing);
  void try_address(const Forcing& forcing, const Address& address);
  void on_tried(const Result<void>& result);
  void send_to_managers(const wire::Message& message);
  void save_identity_and(IdentityStored then);
  // Returns the identity of a node that is known to be in a swarm.
  Identity& own_identity() const {
    SWARM_CHECK(identity_, "the node is in no swarm");
    return *identity_;
  }
  void done(ports::ApiId id, Result<docker::OperationResult> result);

  const NodeOptions& options_;
  std::optional<Identity>& identity_;
  Rng& rng_;
  ports::Crypto& crypto_;
  Stage stage_;
  WayIn way_;
  Certified certified_;
  ports::DiskLock lock_;                                   // of its disk, or on its way there
  std::uint64_t stored_lock_ = 0;                          // the number of the one that is there
  model::NodeRole role_wanted_ = model::NodeRole::worker;  // as the session last said
  std::string error_;
  bool is_refused_ = false;  // `error_` says why it gets no session
  std::optional<Sidelined> sidelined_;
  std::optional<Forcing> forcing_;
  Outbox out_;
};

}  // namespace swarm::node
