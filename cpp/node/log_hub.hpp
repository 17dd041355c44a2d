// LogHub: brings the output of tasks to the requests that ask for it (`docker logs`, `docker service logs`).
//
// A request on this node reads its runner directly. A request on the leader subscribes at the agents that run
// the tasks, over the links of their sessions (swarmkit manager/logbroker). A task whose node cannot be
// reached counts as finished: the stream never hangs on it.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "node/core.hpp"

namespace swarm::node {

class LogHub {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    virtual std::optional<ports::LinkId> agent_link(NodeId node) = 0;  // kLocalLink for this node
    virtual NodeId node_of(TaskId task) = 0;                           // empty: not placed, or gone
    virtual void log_lines(ports::ApiId id, const std::vector<wire::LogLine>& lines, bool end) = 0;
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

 private:
  struct Source {  // one stream of the runner: for a request here, or for a manager
    ports::ApiId request = 0;
    ports::LinkId link = 0;
    std::uint64_t stream = 0;
    TaskId task;
  };
  struct Collection {  // one swarm-wide request
    ports::ApiId request = 0;
    std::map<TaskId, ports::LinkId> open;
  };
  void subscribe_here(ports::LinkId link, const wire::LogSubscribe& message);
  void unsubscribe_here(ports::LinkId link, std::uint64_t stream);
  void on_chunk(const wire::LogChunk& chunk);
  void deliver(std::uint64_t stream, const std::vector<wire::LogLine>& lines,
               const std::vector<TaskId>& finished);
  void send(ports::LinkId link, wire::Message message);

  Core& core_;
  Host& host_;
  std::map<ports::LogStreamId, Source> sources_;
  std::map<std::uint64_t, Collection> collections_;
  std::uint64_t last_stream_ = 0;
};

}  // namespace swarm::node
