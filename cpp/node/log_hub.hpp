// LogHub: brings the output of tasks to the requests that ask for it (`docker logs`, `docker service logs`).
//
// A request on this node reads its runner directly. A request on the leader subscribes at the agents that run
// the tasks, over the links of their sessions (swarmkit manager/logbroker). What cannot be had is named, task
// by task with its reason, and counts as finished: the stream neither hangs on it nor hides it.
//
// A node whose link closes, whose session moves, or which is silent for kAnswerPatience is given up for the
// streams that are open. A followed one is silent as long as it likes. Nothing is taken up again when the
// node comes back: whoever wants its later lines asks again.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/core.hpp"
#include "node/in_order.hpp"

namespace swarm::node {

class LogHub {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual bool leads() = 0;
    virtual std::optional<ports::LinkId> agent_link(NodeId node) = 0;
    virtual NodeId node_of(TaskId task) = 0;            // empty: not placed, or gone
    virtual std::string name_of_node(NodeId node) = 0;  // its id when it is known no more
    virtual void log_news(ports::ApiId id, const docker::LogNews& news) = 0;
  };

  LogHub(Core& core, Host& host) : core_(core), host_(host) {}

  // ---- for requests
  void open_local(ports::ApiId id, TaskId task, const wire::LogOptions& options);
  void open_swarm(ports::ApiId id, const std::vector<TaskId>& tasks, const wire::LogOptions& options);
  void close(ports::ApiId id);
  // ---- as an agent
  void on_message(ports::LinkId link, const wire::Message& message);
  void on_log(const ports::TaskLog& event);
  void on_link_closed(ports::LinkId link);
  // ---- as a manager
  void on_step_down();
  void on_deadline();
  Instant next_deadline() const { return collections_.empty() ? Instant::never() : next_look_; }

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
  struct Feed {  // what comes of one node
    NodeId node;
    InOrder<wire::LogChunk> chunks;
    Instant heard;  // or, of one that is followed, since when a chunk is missing
  };
  struct Collection {  // one swarm-wide request
    ports::ApiId request = 0;
    bool follow = false;
    std::map<TaskId, ports::LinkId> open;
    std::map<ports::LinkId, Feed> feeds;
  };
  std::optional<ports::LinkId> way_to(NodeId node);
  std::string why_not(TaskId task, NodeId node);
  void subscribe_here(ports::LinkId link, const wire::LogSubscribe& message);
  void unsubscribe_here(ports::LinkId link, std::uint64_t stream);
  void on_chunk(ports::LinkId link, const wire::LogChunk& chunk);
  void deliver(std::uint64_t stream, docker::LogNews news, const std::vector<TaskId>& finished);
  void give_up(std::uint64_t stream, ports::LinkId link, const std::string& reason);
  std::optional<std::string> trouble(const Collection& collection, ports::LinkId link, const Feed& feed);
  void send(ports::LinkId link, wire::Message message);

  Core& core_;
  Host& host_;
  std::map<ports::LogStreamId, Source> sources_;
  std::map<std::uint64_t, Collection> collections_;
  std::map<std::pair<ports::LinkId, std::uint64_t>, Outlet> outlets_;  // by a manager's link and stream
  std::uint64_t last_stream_ = 0;
  Instant next_look_ = Instant::never();
};

}  // namespace swarm::node
