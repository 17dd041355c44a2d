// ApiRouter: where a request to the API is answered, and how it gets there.
//
// Local requests are answered here at once. What concerns the swarm is answered by the leader: here, after a
// linearizable read check (Raft section 6.4, ReadIndex; one check serves all reads that came before it), or
// passed on once to the leader's manager over the node-to-node link. With no leader a request waits at most
// kPatience and then gets Docker's text. The header `Swarmpy-Consistency: local` asks for this manager's own
// view. When no manager can have begun a request, its refusal carries `Swarmpy-Nothing-Done: true`: the
// client may safely ask another manager. A machine: events in, effects out. NOT here: what an answer says
// (docker/).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node/api_request.hpp"
#include "node/effects.hpp"
#include "node/leadership.hpp"
#include "node/links.hpp"
#include "node/once.hpp"

namespace swarm::node {

inline constexpr Duration kPatience = Duration::seconds(2);
inline constexpr Duration kPastLogPatience = Duration::seconds(10);  // between two pieces
// The status with which a manager that does not lead answers a forwarded request; the sender then looks for
// the leader again.
constexpr std::uint32_t kNotLeaderStatus = 0;

class ApiRouter {
 public:
  explicit ApiRouter(Rng& rng) : rng_(rng) {}

  // ---- clients of this node
  void arrived(ports::ApiId id, http::Request request, const Moment& at);
  void aborted(ports::ApiId id);
  // ---- other managers
  void on_message(const Speaker& from, wire::Message message, const Moment& at);
  void on_link_gone(const LinkGone& event);
  void on_way(ports::ApiId id, ports::LinkId link, const Moment& at);  // 0: the leader cannot be dialled now

  // ---- from this manager's replica
  void on_applied(std::uint64_t proposal, const model::Outcome& outcome);
  void on_read_ready(std::uint64_t check);
  void on_leader_changed(const Moment& at);  // or: this node is no manager any more

  // ---- from the API machine: what it wants of request `id`
  void begin(ports::ApiId id, http::ResponseHead head);
  void piece(ports::ApiId id, std::string bytes);
  void end(ports::ApiId id);
  void cut(ports::ApiId id);
  void on_proposed(ports::ApiId id, std::uint64_t proposal, Instant now);  // 0: this node does not lead
  void on_performing(ports::ApiId id);

  // Begins a check if reads wait for one. Returns true if it did.
  bool run(const Moment& at);
  // Reads wait, and no check is under way: run() may begin one.
  bool wants_check() const { return !requests_.unread().empty() && check_ == 0; }
  void on_deadline(const Moment& at);
  Instant next_deadline() const;
  std::optional<Effect> next_effect();

  const ApiRequest* find(ports::ApiId id) const { return requests_.find(id); }
  std::size_t open_requests() const { return requests_.size(); }

  static Error no_leader();
  // Marks a refusal: the client may ask again elsewhere.
  static void say_nothing_done(http::ResponseHead& head);

 private:
  static Error leader_lost();
  void on_message(ports::LinkId link, wire::ApiForward message, const Moment& at);
  void on_message(ports::LinkId link, const wire::ApiCancel& message);
  void on_message(ports::LinkId link, wire::ApiReplyHead message, const Moment& at);
  void on_message(ports::LinkId link, wire::ApiReplyBody message, const Moment& at);
  void route(ports::ApiId id, Instant give_up, const Moment& at);
  void route_waiting(const Moment& at);
  void wait(ports::ApiId id, Instant give_up, Instant now);
  void answer(ports::ApiId id);
  void fail(ports::ApiId id, Error error);
  void relay(ports::ApiId id, std::vector<wire::ApiReplyBody> bodies, Instant now);
  void expect_more(ports::ApiId id, Instant now);
  void go_without_leader(ports::ApiId id);
  void lose_answer(ports::ApiId id, Instant give_up, Instant now);
  void cancel(const WayOn& way);
  void send_back(ApiRequest::Origin& origin, wire::ApiReplyBody body);
  void finish(ports::ApiId id, bool cut);

  Rng& rng_;
  ApiRequests requests_;
  std::uint64_t check_ = 0;  // of reads, under way; 0: none
  std::vector<ports::ApiId> checking_;
  Instant retry_ = Instant::never();
  std::uint64_t last_forward_ = 0;
  std::map<ports::LinkId, Once> taken_;  // the requests that other managers passed on
  // Ids of requests that came from other managers: above every host's own.
  ports::ApiId next_remote_ = ports::ApiId{1} << 62;
  Outbox out_;
};

}  // namespace swarm::node
