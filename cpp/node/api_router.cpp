#include "node/api_router.hpp"

#include <utility>

#include "control/feature_level.hpp"

namespace swarm::node {
namespace {

constexpr Duration kRetry = Duration::millis(20);
// A manager that is asked although it does not lead says so with this, and the asker looks for the leader
// again.
constexpr std::uint32_t kNotLeaderStatus = 0;

bool wants_local(const http::Request& request) { return request.header("swarmpy-consistency") == "local"; }

// On a refusal: nothing came of the request, so that another manager may be asked the same.
constexpr const char* kNothingDone = "Swarmpy-Nothing-Done";
constexpr std::uint32_t kServerError = 500;

Error no_leader() { return rpc_error(Code::unknown, docker::kNoLeaderText); }

void say_nothing_done(http::ResponseHead& head) {
  if (head.status >= kServerError) head.headers.emplace_back(kNothingDone, "true");
}

Error leader_lost() {
  return rpc_error(
      Code::unavailable,
      "the leader was lost while the request was under way: it may or may not have been carried out. "
      "Look at the present state, then try again");
}

}  // namespace

void ApiRouter::arrived(ports::ApiId id, http::Request request) {
  Call& call = calls_[id];
  call.request = std::move(request);
  call.give_up = core_.now + kPatience;
  route(id, call);
}

void ApiRouter::on_forward(ports::LinkId link, wire::ApiForward message) {
  const auto origin = std::pair(link, message.id);
  if (by_origin_.contains(origin)) return;  // the frame came twice
  const ports::ApiId id = next_remote_++;
  by_origin_[origin] = id;
  Call& call = calls_[id];
  call.origin = origin;
  call.request = {std::move(message.method), std::move(message.target), std::move(message.headers),
                  std::move(message.body)};
  call.give_up = core_.now + kPatience;
  route(id, call);
}

bool ApiRouter::answered_here(const Call& call, docker::Scope scope) {
  if (scope == docker::Scope::local || host_.replica() == nullptr) return true;
  if (scope == docker::Scope::swarm_read && wants_local(call.request)) return true;
  return scope == docker::Scope::swarm_write && host_.leads();
}

void ApiRouter::route(ports::ApiId id, Call& call) {
  const docker::Scope scope = docker::Api::scope(call.request);
  if (answered_here(call, scope)) return handle(id, call);
  if (host_.leads()) {
    set_stage(id, call, Stage::reading);
    unread_.insert(id);
    return;
  }
  if (call.origin) {
    begin(id, {kNotLeaderStatus, {}, false});
    return end(id);
  }
  forward(id, call);
}

void ApiRouter::forward(ports::ApiId id, Call& call) {
  const auto address = host_.leader_address();
  const ports::LinkId link = address ? core_.links.to(*address, core_.now) : 0;
  if (link == 0) return set_stage(id, call, Stage::waiting);
  const std::uint64_t forward_id = ++last_forward_;
  call.target = std::pair(link, forward_id);
  call.may_be_done = true;
  by_forward_[forward_id] = id;
  set_stage(id, call, Stage::forwarded);
  core_.links.send(link, wire::Message(wire::ApiForward{forward_id, call.request.method, call.request.target,
                                                        call.request.headers, call.request.body}));
}

void ApiRouter::handle(ports::ApiId id, Call& call) {
  set_stage(id, call, Stage::handled);
  api_.request(id, call.request, host_.api_context());
}

void ApiRouter::set_stage(ports::ApiId id, Call& call, Stage stage) {
  call.stage = stage;
  deadlines_.erase({call.give_up, id});
  waiting_.erase(id);
  if (stage != Stage::handled) deadlines_.insert({call.give_up, id});
  if (stage == Stage::waiting) {
    waiting_.insert(id);
    if (retry_ == Instant::never()) retry_ = core_.now + kRetry;
  }
}

void ApiRouter::route_waiting() {
  const std::set<ports::ApiId> waiting = std::exchange(waiting_, {});
  for (const ports::ApiId id : waiting)
    if (const auto it = calls_.find(id); it != calls_.end()) route(id, it->second);
}

void ApiRouter::refuse_no_leader(ports::ApiId id) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  set_stage(id, it->second, Stage::handled);
  if (it->second.target) {
    core_.links.send(it->second.target->first, wire::Message(wire::ApiCancel{it->second.target->second}));
    by_forward_.erase(it->second.target->second);
    it->second.target.reset();
  }
  api_.fail(id, no_leader());
}

// ---- answers of the leader to what was passed on

void ApiRouter::on_reply(ports::LinkId link, wire::ApiReplyHead message) {
  const auto it = by_forward_.find(message.id);
  if (it == by_forward_.end()) return;
  const ports::ApiId id = it->second;
  Call& call = calls_.at(id);
  if (call.target->first != link) return;    // of a manager that was not asked this
  if (call.stage == Stage::handled) return;  // the frame came twice
  if (message.status == kNotLeaderStatus) {
    by_forward_.erase(it);
    call.target.reset();
    call.may_be_done = false;
    return set_stage(id, call, Stage::waiting);
  }
  set_stage(id, call, Stage::handled);
  http::ResponseHead head{message.status, std::move(message.headers), message.streaming};
  if (head.streaming) {
    begin(id, std::move(head));
  } else {
    // Should the leader be lost now, half an answer must not look like a whole one.
    call.held = std::move(head);
    expect_answer(id, call);
  }
  for (auto& body : std::exchange(call.early, {})) on_reply(link, std::move(body));
}

void ApiRouter::on_reply(ports::LinkId link, wire::ApiReplyBody message) {
  const auto it = by_forward_.find(message.id);
  if (it == by_forward_.end()) return;
  const ports::ApiId id = it->second;
  Call& call = calls_.at(id);
  if (call.target->first != link) return;
  if (!call.held && !call.head_sent) return call.early.push_back(std::move(message));
  std::vector<wire::ApiReplyBody> ready = call.answer.add(std::move(message));
  const bool over = !ready.empty() && ready.back().end;
  for (auto& body : ready) pass_on(id, std::move(body));
  if (!over) expect_answer(id, call);
}

void ApiRouter::pass_on(ports::ApiId id, wire::ApiReplyBody body) {
  Call& call = calls_.at(id);
  if (auto head = std::exchange(call.held, std::nullopt)) begin(id, std::move(*head));
  if (!body.bytes.empty()) piece(id, std::move(body.bytes));
  if (body.cut) return cut(id);
  if (body.end) end(id);
}

// What has begun and shall be whole, or has a gap, comes soon or not at all: a frame of it was lost.
void ApiRouter::expect_answer(ports::ApiId id, Call& call) {
  deadlines_.erase({call.give_up, id});
  if (!call.held && !call.answer.has_gap()) return;
  call.give_up = core_.now + kPatience;
  deadlines_.insert({call.give_up, id});
}

void ApiRouter::on_cancel(ports::LinkId link, const wire::ApiCancel& message) {
  if (const auto it = by_origin_.find({link, message.id}); it != by_origin_.end()) aborted(it->second);
}

void ApiRouter::on_link_closed(ports::LinkId link) {
  std::vector<ports::ApiId> gone, orphaned;
  for (const auto& [id, call] : calls_) {
    if (call.origin && call.origin->first == link) gone.push_back(id);
    if (call.target && call.target->first == link) orphaned.push_back(id);
  }
  for (const ports::ApiId id : gone) aborted(id);
  for (const ports::ApiId id : orphaned) lose_answer(id);
}

// A frame of it was lost on a link that lives.
void ApiRouter::abandon_answer(ports::ApiId id) {
  Call& call = calls_.at(id);
  core_.links.send(call.target->first, wire::Message(wire::ApiCancel{call.target->second}));
  call.give_up = core_.now + kPatience;
  lose_answer(id);
}

// Nothing more will come of what was passed on.
void ApiRouter::lose_answer(ports::ApiId id) {
  Call& call = calls_.at(id);
  by_forward_.erase(call.target->second);
  call.target.reset();
  call.held.reset();
  call.answer = {};
  call.early.clear();
  deadlines_.erase({call.give_up, id});
  if (call.head_sent) {
    cut(id);
  } else if (call.request.method == "GET") {
    set_stage(id, call, Stage::waiting);
  } else {
    set_stage(id, call, Stage::handled);
    api_.fail(id, leader_lost());
  }
}

void ApiRouter::aborted(ports::ApiId id) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  if (it->second.target)
    core_.links.send(it->second.target->first, wire::Message(wire::ApiCancel{it->second.target->second}));
  if (it->second.stage == Stage::handled && !it->second.target) api_.abort(id);
  forget(id);
}

void ApiRouter::forget(ports::ApiId id) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  const Call& call = it->second;
  deadlines_.erase({call.give_up, id});
  waiting_.erase(id);
  unread_.erase(id);
  if (call.origin) by_origin_.erase(*call.origin);
  if (call.target) by_forward_.erase(call.target->second);
  calls_.erase(it);
}

// ---- reads

void ApiRouter::on_read_ready(std::uint64_t context) {
  const auto it = reads_.find(context);
  if (it == reads_.end()) return;
  const std::vector<ports::ApiId> ids = std::move(it->second);
  reads_.erase(it);
  for (const ports::ApiId id : ids)
    if (const auto call = calls_.find(id); call != calls_.end() && call->second.stage == Stage::reading)
      handle(id, call->second);
}

void ApiRouter::on_leader_changed() {
  reads_.clear();
  unread_.clear();
  std::vector<ports::ApiId> again;
  for (const auto& [id, call] : calls_)
    if (call.stage == Stage::reading) again.push_back(id);
  for (const ports::ApiId id : again) set_stage(id, calls_.at(id), Stage::waiting);
  if (!host_.leads()) {
    // Proposals of a past term: nobody here will learn what became of them.
    const auto proposals = std::exchange(by_proposal_, {});
    for (const auto& [request, id] : proposals)
      if (calls_.contains(id)) api_.fail(id, leader_lost());
  }
  route_waiting();
}

void ApiRouter::on_replica_gone() { on_leader_changed(); }

std::optional<docker::Answer> ApiRouter::look(const http::Request& request, const docker::Context& context,
                                              const docker::LogSource& source) const {
  auto answer = api_.look(request, context, source);
  if (answer) say_nothing_done(answer->head);
  return answer;
}

docker::Answer ApiRouter::without_leader() {
  docker::Answer answer = docker::Api::refusal(no_leader());
  say_nothing_done(answer.head);
  return answer;
}

// ---- writes

void ApiRouter::propose(ports::ApiId id, model::Transaction transaction) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  Replica* replica = host_.replica();
  if (replica != nullptr && host_.leads()) {
    const auto needed = needed_level(core_.options.build, transaction);
    const auto may = control::may_propose(replica->store(), needed, replica->member_nodes());
    if (!may) return api_.fail(id, may.error());
  }
  const std::uint64_t request =
      replica != nullptr && host_.leads() ? replica->propose(std::move(transaction)) : 0;
  if (request == 0) return api_.fail(id, no_leader());
  by_proposal_[request] = id;
  it->second.may_be_done = true;
  it->second.give_up = core_.now + kPatience;
  deadlines_.insert({it->second.give_up, id});
}

void ApiRouter::on_applied(std::uint64_t request, const model::Outcome& outcome) {
  const auto it = by_proposal_.find(request);
  if (it == by_proposal_.end()) return;
  const ports::ApiId id = it->second;
  by_proposal_.erase(it);
  const auto call = calls_.find(id);
  if (call == calls_.end()) return;
  deadlines_.erase({call->second.give_up, id});
  api_.settled(id, outcome, host_.api_context());
}

void ApiRouter::on_changes(const store::ChangeSet& changes) { api_.observe(changes, host_.api_context()); }

void ApiRouter::on_changes_skipped() { api_.changes_skipped(); }

// ---- out

bool ApiRouter::run() {
  bool did = false;
  if (!unread_.empty() && reads_.empty() && host_.leads()) {
    // One check at a time: reads that come meanwhile wait for the next, which then serves all of them.
    // Followers pass a read on to their leader: its name must be nobody else's, too.
    const std::uint64_t context = core_.rng.next();
    reads_[context].assign(unread_.begin(), unread_.end());
    unread_.clear();
    host_.replica()->read_index(context);
    did = true;
  }
  for (auto& effect : api_.take_effects()) {
    carry_out(std::move(effect));
    did = true;
  }
  return did;
}

void ApiRouter::carry_out(docker::Effect effect) {
  if (auto* reply = std::get_if<docker::BeginReply>(&effect)) {
    begin(reply->id, std::move(reply->head));
  } else if (auto* bytes = std::get_if<docker::ReplyPiece>(&effect)) {
    piece(bytes->id, std::move(bytes->bytes));
  } else if (auto* over = std::get_if<docker::EndReply>(&effect)) {
    end(over->id);
  } else if (auto* broken = std::get_if<docker::CutReply>(&effect)) {
    cut(broken->id);
  } else if (auto* proposal = std::get_if<docker::Propose>(&effect)) {
    propose(proposal->id, std::move(proposal->transaction));
  } else if (auto* wish = std::get_if<docker::Perform>(&effect)) {
    if (const auto it = calls_.find(wish->id); it != calls_.end()) it->second.may_be_done = true;
    host_.perform(wish->id, std::move(wish->operation));
  }
}

void ApiRouter::begin(ports::ApiId id, http::ResponseHead head) {
  const auto it = calls_.find(id);
  if (it == calls_.end() || it->second.head_sent) return;
  it->second.head_sent = true;
  if (!it->second.origin && head.status >= 100 && head.status < 600)
    ++core_.meters.answers[head.status / 100 - 1];
  if (!it->second.may_be_done) say_nothing_done(head);
  if (!it->second.origin) return core_.ports.api.begin(id, std::move(head));
  core_.links.send(it->second.origin->first,
                   wire::Message(wire::ApiReplyHead{it->second.origin->second, head.status, head.headers,
                                                    head.streaming}));
}

void ApiRouter::piece(ports::ApiId id, std::string bytes) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  if (!it->second.origin) return core_.ports.api.piece(id, std::move(bytes));
  send_back(it->second, {0, std::move(bytes), false, 0, false});
}

void ApiRouter::send_back(Call& call, wire::ApiReplyBody body) {
  body.id = call.origin->second;
  body.number = ++call.pieces;
  core_.links.send(call.origin->first, wire::Message(std::move(body)));
}

void ApiRouter::end(ports::ApiId id) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  if (it->second.origin) {
    send_back(it->second, {0, {}, true, 0, false});
  } else {
    core_.ports.api.end(id);
  }
  forget(id);
}

void ApiRouter::cut(ports::ApiId id) {
  const auto it = calls_.find(id);
  if (it == calls_.end()) return;
  if (it->second.origin) {
    send_back(it->second, {0, {}, true, 0, true});
  } else {
    core_.ports.api.cut(id);
  }
  forget(id);
}

void ApiRouter::on_deadline() {
  if (retry_ <= core_.now) {
    retry_ = Instant::never();
    route_waiting();
    if (!waiting_.empty()) retry_ = core_.now + kRetry;
  }
  while (!deadlines_.empty() && deadlines_.begin()->first <= core_.now) {
    const ports::ApiId id = deadlines_.begin()->second;
    deadlines_.erase(deadlines_.begin());
    const auto call = calls_.find(id);
    if (call != calls_.end() && call->second.stage == Stage::handled && call->second.target) {
      abandon_answer(id);
    } else {
      refuse_no_leader(id);
    }
  }
  if (api_.next_deadline() <= core_.now) api_.on_deadline(host_.api_context());
}

Instant ApiRouter::next_deadline() const {
  Instant next = std::min(retry_, api_.next_deadline());
  if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
  return next;
}

}  // namespace swarm::node
