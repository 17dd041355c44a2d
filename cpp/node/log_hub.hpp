// LogHub: brings the output of tasks to the requests that ask for it (`docker logs`, `docker service logs`).
//
// A request on this node reads its runner directly. A request on the leader subscribes at the agents that run
// the tasks, over the links of their sessions (swarmkit manager/logbroker). Output that cannot be had is
// reported, task by task with its reason, and the task counts as finished: the stream neither hangs nor hides
// the gap.
//
// The open streams give up a node whose link closes, whose session moves, or which is silent for
// kAnswerPatience; in a followed stream it may be silent for any time. They do not take it up again when it
// comes back: a client that wants its later lines asks again. A machine: events in, effects out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/effects.hpp"
#include "node/in_order.hpp"
#include "node/links.hpp"

namespace swarm::node {

// Where to get the output of a task.
struct PlaceOfTask {
  TaskId task;
  NodeId node;                       // empty: not placed, or gone
  std::string node_name;             // its id when the store does not know it any more
  std::optional<ports::LinkId> way;  // the link of its agent's session; kLocalLink: this node; nothing: none
};

class LogHub {
 public:
  // ---- for requests
  void open_local(ports::ApiId id, TaskId task, const wire::LogOptions& options);
  // `leads`: this manager is the leader, and so in touch with the agents.
  void open_swarm(ports::ApiId id, const std::vector<PlaceOfTask>& places, bool leads,
                  const wire::LogOptions& options, Instant now);
  void close(ports::ApiId id);
  // ---- as an agent
  void on_message(const Speaker& from, const wire::Message& message, Instant now);
  void on_opened(ports::LogStreamId stream);  // the oldest OpenLogs that had no answer
  void on_log(const ports::TaskLog& event);
  void on_link_gone(const LinkGone& event);
  // ---- as a manager
  void on_step_down();
  bool is_due(Instant now) const { return !collections_.empty() && next_look_ <= now; }
  std::set<NodeId> watched() const;  // the nodes of open streams
  // `ways`: the link of each watched node's session now; none: it has no session.
  void on_deadline(Instant now, const std::map<NodeId, ports::LinkId>& ways);
  Instant next_deadline() const { return collections_.empty() ? Instant::never() : next_look_; }

  std::optional<Effect> next_effect();

 private:
  struct Source {  // one stream of the runner: for a request here, or for a manager
    ports::ApiId request = 0;
    ports::LinkId link = 0;
    std::uint64_t stream = 0;
    TaskId task;
  };
  struct Outlet {  // what a manager asked this node for
    std::uint64_t chunks = 0;
    std::size_t open = 0;  // tasks
  };
  struct Feed {  // what one node sends
    NodeId node;
    std::string name;  // "node m2"
    InOrder<wire::LogChunk> chunks;
    Instant heard;  // or, of one that is followed, since when a chunk is missing
  };
  struct Collection {  // one swarm-wide request
    ports::ApiId request = 0;
    bool follow = false;
    std::map<TaskId, ports::LinkId> open;
    std::map<ports::LinkId, Feed> feeds;
  };
  struct Lost {
    std::uint64_t stream = 0;
    ports::LinkId link = 0;
    std::string reason;
  };
  void open(Source source, const wire::LogOptions& options);
  template <class Condition>
  void close_sources(Condition condition);
  void subscribe_here(ports::LinkId link, const wire::LogSubscribe& message);
  void unsubscribe_here(ports::LinkId link, std::uint64_t stream);
  void on_chunk(ports::LinkId link, const wire::LogChunk& chunk, Instant now);
  void deliver(std::uint64_t stream, docker::LogNews news, const std::vector<TaskId>& finished);
  void give_up(const Lost& lost);
  void send(ports::LinkId link, wire::Message message) { out_.add(effect::SendOn{link, std::move(message)}); }

  std::deque<Source> opening_;  // the runner is about to name their streams
  std::map<ports::LogStreamId, Source> sources_;
  std::map<std::uint64_t, Collection> collections_;
  std::map<std::pair<ports::LinkId, std::uint64_t>, Outlet> outlets_;  // by a manager's link and stream
  std::uint64_t last_stream_ = 0;
  Instant next_look_ = Instant::never();
  Outbox out_;
};

}  // namespace swarm::node
