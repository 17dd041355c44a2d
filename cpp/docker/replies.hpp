// Replies: where calls are answered. It writes replies, and remembers what each open request waits for: an
// outcome, an operation, log lines, events, the end of a container. NOT here: what an answer says (the
// resource files).
//
// Invariant: every request gets exactly one BeginReply and, unless its client goes away, exactly one
// EndReply or CutReply.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "docker/api.hpp"
#include "docker/errors.hpp"
#include "docker/events.hpp"
#include "docker/json.hpp"
#include "docker/listing.hpp"
#include "docker/logs.hpp"
#include "docker/objects.hpp"
#include "docker/url.hpp"
#include "docker/waits.hpp"

namespace swarm::docker {

class Replies {
 public:
  Replies() = default;
  // For one look: it shows the past events of `of`; what it remembers itself ends with it.
  explicit Replies(Replies& of) : past_(of.past_), writer_(of.writer_) {}

  // ---- whole replies
  void reply(ApiId id, std::uint32_t status, std::string json);
  void reply_empty(ApiId id, std::uint32_t status);
  void reply_text(ApiId id, std::uint32_t status, std::string text, http::Headers more = {});
  void reply_as(ApiId id, std::string content_type, std::string text);
  void refuse(ApiId id, const Error& error);
  // With members of its own beside the message.
  void refuse(ApiId id, const Error& error, const std::function<void(Json&)>& more);

  // ---- replies in pieces
  void begin_stream(ApiId id, std::string content_type);
  void piece(ApiId id, std::string bytes);
  void end(ApiId id);
  // A long list goes on in later turns.
  void begin_turn(Instant now);  // of the node: it may write kObjectsPerTurn objects again
  void open_list(ApiId id, Listing listing, const Context& context);
  // Writes all that is left of a list at once: for a look.
  void finish_list(ApiId id, const Context& context);  // in this turn, however long it is
  void cut(ApiId id);  // what was sent is not all, and the client must see that

  // ---- what takes time
  void propose(ApiId id, model::Transaction transaction, OnApplied then);
  void perform(ApiId id, Operation operation, OnDone then);
  void ask(ApiId id, Question question, OnTold then);
  void await_end(ApiId id, AwaitsEnd end);
  void open_logs(ApiId id, LogStream stream, Operation operation);
  void open_events(ApiId id, EventFilter filter, std::optional<Instant> until);
  void open_beat(ApiId id, Beat beat, Instant first);

  // ---- what comes back
  void settled(ApiId id, const model::Outcome& outcome, const Context& context);
  void operation_done(ApiId id, const Result<OperationResult>& result, const Context& context);
  void log_news(ApiId id, const LogNews& news, const Context& context);
  void told(ApiId id, const Told& told, const Context& context);
  void abort(ApiId id);
  void fail(ApiId id, const Error& error);
  void observe(const store::ChangeSet& changes, const Context& context);
  void observe(const agent::ContainerEvent& event, const Context& context);
  void changes_skipped();
  void on_deadline(const Context& context);
  Instant next_deadline() const;

  const EventLog& past() const { return *past_; }
  ServiceWriter& services() { return *writer_; }
  std::vector<Effect> take_effects() { return std::exchange(effects_, {}); }
  std::size_t open_requests() const;
  std::size_t effects() const { return effects_.size(); }  // so far
  bool is_open(ApiId id) const { return open_.contains(id) || lists_.contains(id); }

 private:
  void wait(ApiId id, Wait what);
  template <class Kind>
  Kind* waiting(ApiId id);  // null unless the request waits for such a thing
  LogStream& logs(ApiId id);
  void write_list(ApiId id, Budget& budget, const Context& context);
  void write_lists(const Context& context);
  void tick(ApiId id, const Context& context);
  void head(ApiId id, std::uint32_t status, http::Headers headers, bool streaming);
  void send_event(const Event& event);
  void close(ApiId id);  // forgets what the request waited for
  void follow(const store::Change<model::Task>& change, const Context& context);
  bool has_more_to_come(const LogStream& stream, const Context& context) const;
  std::set<ApiId> followers_of(const store::ChangeSet& changes) const;
  void finish_logs(ApiId id);
  void forsake_followers();

  std::vector<Effect> effects_;
  std::map<ApiId, ListingUnderWay> lists_;
  ApiId last_list_ = 0;             // the list that wrote last
  Budget budget_{kObjectsPerTurn};  // of this turn
  Instant turn_;
  std::map<ApiId, Wait> open_;
  // Of those: by deadline, streams of events, and log streams that take in new tasks of a service.
  std::set<std::pair<Instant, ApiId>> deadlines_;
  std::set<ApiId> event_streams_;
  std::map<ServiceId, std::set<ApiId>> followers_;
  EventLog events_;
  ServiceWriter texts_;
  const EventLog* past_ = &events_;
  ServiceWriter* writer_ = &texts_;
};

}  // namespace swarm::docker
