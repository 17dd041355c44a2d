// ApiRouter: where a request to the API is answered, and how it gets there.
//
// Local requests are answered here at once. What concerns the swarm is answered by the leader: here, after a
// linearizable read check (Raft section 6.4, ReadIndex; one check serves all reads that came before it), or
// passed on once to the leader's manager over the node-to-node link. With no leader a request waits at most
// kPatience and then gets Docker's text. The header `Swarmpy-Consistency: local` asks for this manager's own
// view. A refusal of what nobody can have begun carries `Swarmpy-Nothing-Done: true`: it may be asked again
// elsewhere. NOT here: what an answer says (docker/).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "node/core.hpp"
#include "node/in_order.hpp"
#include "node/replica.hpp"

namespace swarm::node {

inline constexpr Duration kPatience = Duration::seconds(2);

class ApiRouter {
 public:
  // What the door needs of its node.
  class Host {
   public:
    virtual ~Host() = default;
    virtual docker::Context api_context() = 0;
    virtual Replica* replica() = 0;                       // null unless this node is a manager
    virtual bool leads() = 0;                             // this node is the leader and ready to be one
    virtual std::optional<Address> leader_address() = 0;  // of another node
    virtual void perform(ports::ApiId id, docker::Operation operation) = 0;
  };

  ApiRouter(Core& core, Host& host) : core_(core), host_(host) {}

  // ---- clients of this node
  void arrived(ports::ApiId id, http::Request request);
  void aborted(ports::ApiId id);
  // ---- other managers
  void on_forward(ports::LinkId link, wire::ApiForward message);
  void on_cancel(ports::LinkId link, const wire::ApiCancel& message);
  void on_reply(ports::LinkId link, wire::ApiReplyHead message);
  void on_reply(ports::LinkId link, wire::ApiReplyBody message);
  void on_link_closed(ports::LinkId link);

  // ---- from the manager's machines
  void on_applied(std::uint64_t request, const model::Outcome& outcome);
  void on_read_ready(std::uint64_t context);
  void on_changes(const store::ChangeSet& changes);
  void on_changes_skipped();  // a snapshot took their place
  void on_leader_changed();
  // No manager any more: what waited for one is refused.
  void on_replica_gone();

  docker::Api& api() { return api_; }
  // What a client would be told at once, out of what this node knows. See Node::look.
  std::optional<docker::Answer> look(const http::Request& request, const docker::Context& context,
                                     const docker::LogSource& source) const;
  static docker::Answer without_leader();
  // Carries out what the API machine wants; true when there was something.
  bool run();
  void on_deadline();
  Instant next_deadline() const;
  std::size_t open_requests() const { return calls_.size(); }

 private:
  enum class Stage : std::uint8_t { waiting, reading, forwarded, handled };
  struct Call {
    http::Request request;
    Stage stage = Stage::waiting;
    Instant give_up;                                                // until it is handled
    std::optional<std::pair<ports::LinkId, std::uint64_t>> origin;  // another manager's
    std::optional<std::pair<ports::LinkId, std::uint64_t>> target;  // where it was passed on
    std::uint64_t read = 0;
    std::optional<http::ResponseHead> held;  // the leader's, until its body is here
    bool head_sent = false;
    bool may_be_done = false;               // somebody else may carry it out, or it was proposed
    std::uint64_t pieces = 0;               // sent to another manager
    InOrder<wire::ApiReplyBody> answer;     // of another manager
    std::vector<wire::ApiReplyBody> early;  // came before its head
  };

  void route(ports::ApiId id, Call& call);
  void route_waiting();
  bool answered_here(const Call& call, docker::Scope scope);
  void start_read(Call& call);
  void forward(ports::ApiId id, Call& call);
  void handle(ports::ApiId id, Call& call);
  void refuse_no_leader(ports::ApiId id);
  void propose(ports::ApiId id, model::Transaction transaction);
  void carry_out(docker::Effect effect);
  void begin(ports::ApiId id, http::ResponseHead head);
  void piece(ports::ApiId id, std::string bytes);
  void end(ports::ApiId id);
  void cut(ports::ApiId id);
  void send_back(Call& call, wire::ApiReplyBody body);
  void pass_on(ports::ApiId id, wire::ApiReplyBody body);
  void lose_answer(ports::ApiId id);
  void abandon_answer(ports::ApiId id);
  void expect_answer(ports::ApiId id, Call& call);
  void set_stage(ports::ApiId id, Call& call, Stage stage);
  void forget(ports::ApiId id);

  Core& core_;
  Host& host_;
  docker::Api api_;
  std::map<ports::ApiId, Call> calls_;
  std::set<std::pair<Instant, ports::ApiId>>
      deadlines_;  // of calls that are not handled yet, and of proposals
  std::map<std::pair<ports::LinkId, std::uint64_t>, ports::ApiId> by_origin_;
  std::map<std::uint64_t, ports::ApiId> by_forward_;
  std::map<std::uint64_t, ports::ApiId> by_proposal_;
  std::set<ports::ApiId> waiting_;
  std::set<ports::ApiId> unread_;                             // reads that wait for the next check
  std::map<std::uint64_t, std::vector<ports::ApiId>> reads_;  // check under way -> its reads
  Instant retry_ = Instant::never();
  std::uint64_t last_forward_ = 0;
  // Ids of requests that came from other managers: above every host's own.
  ports::ApiId next_remote_ = ports::ApiId{1} << 62;
};

}  // namespace swarm::node
