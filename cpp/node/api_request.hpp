// ApiRequest: one request to the API, from its arrival to the last byte of its answer, and the table of those
// that are open. Parsed and routed once, when it arrives. What the answer itself waits for (an outcome,
// lines, the end of a container) is docker/replies.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "docker/api.hpp"
#include "model/wire.hpp"
#include "node/in_order.hpp"
#include "ports/ports.hpp"

namespace swarm::node {

// The stages of a request. `give_up`: when the node stops waiting.
namespace request {
struct Waiting {  // for a leader
  Instant give_up;
};
struct Reading {  // waits until this manager has made sure that it leads
  Instant give_up;
  std::uint64_t check = 0;  // 0: the next one will serve it
};
struct Forwarded {  // to the leader, which has not begun to answer
  Instant give_up;
  ports::LinkId link = 0;
  std::uint64_t number = 0;               // of the ApiForward
  std::vector<wire::ApiReplyBody> early;  // came before its head
};
struct Relaying {  // the leader's answer
  ports::LinkId link = 0;
  std::uint64_t number = 0;
  std::optional<http::ResponseHead>
      held;  // until its last piece is here: half an answer can be asked for again, and must not look whole
  std::string gathered;  // of the body of a held one
  InOrder<wire::ApiReplyBody> pieces;
  std::optional<Instant> give_up;  // while a piece is missing, or the body
};
struct Answering {};  // by this node's own API
struct Proposed {     // likewise: the answer waits for the log
  Instant give_up;
  std::uint64_t proposal = 0;
};
}  // namespace request
using RequestStage = std::variant<request::Waiting, request::Reading, request::Forwarded, request::Relaying,
                                  request::Answering, request::Proposed>;

struct ApiRequest {
  struct Origin {  // the manager that passed it on to this one
    ports::LinkId link = 0;
    std::uint64_t number = 0;
    std::uint64_t pieces = 0;  // sent back
  };
  docker::Routed what;
  std::optional<Origin> origin;
  RequestStage stage;
  bool head_sent = false;
  bool may_be_done = false;  // another node may carry it out, or it was proposed
  // A refusal of this write is not told before this manager has made sure that it leads; until then it waits.
  std::optional<Instant> doubted = std::nullopt;
  bool withheld = false;  // such a refusal is being given
};

// When the node stops waiting in this stage, and the number under which it was passed on.
std::optional<Instant> deadline_of(const RequestStage& stage);
struct WayOn {
  ports::LinkId link = 0;
  std::uint64_t number = 0;
};
std::optional<WayOn> way_on(const RequestStage& stage);

// The open requests. The indexes are derived from the requests: `enter` is the only way to another stage.
class ApiRequests {
 public:
  ApiRequest& add(ports::ApiId id, ApiRequest&& request);
  ApiRequest* find(ports::ApiId id);
  const ApiRequest* find(ports::ApiId id) const;
  void enter(ports::ApiId id, RequestStage stage);
  void expect(ports::ApiId id, std::optional<Instant> give_up);  // more of a relayed answer
  void erase(ports::ApiId id);
  std::size_t size() const { return requests_.size(); }

  // 0: no such request.
  ports::ApiId from(ports::LinkId link, std::uint64_t number) const;
  ports::ApiId passed_on(ports::LinkId link, std::uint64_t number) const;
  ports::ApiId proposed(std::uint64_t proposal) const;
  // In the order of their ids.
  template <class Stage>
  std::vector<ports::ApiId> in() const {
    std::vector<ports::ApiId> out;
    for (const auto& [id, request] : requests_)
      if (std::holds_alternative<Stage>(request.stage)) out.push_back(id);
    return out;
  }
  std::size_t waiting() const { return waiting_; }  // how many wait for a leader
  const std::set<ports::ApiId>& unread() const { return unread_; }
  struct OfLink {
    std::vector<ports::ApiId> from, passed_on;
  };
  OfLink of(ports::LinkId link) const;

  ports::ApiId due(Instant now) const;  // the one whose patience ended first; 0: none
  Instant next_deadline() const;

 private:
  void note(ports::ApiId id, const ApiRequest& request);
  void unnote(ports::ApiId id, const ApiRequest& request);

  std::map<ports::ApiId, ApiRequest> requests_;
  std::map<std::pair<ports::LinkId, std::uint64_t>, ports::ApiId> by_origin_;
  enum class Of : std::uint8_t { passing_on, proposal };
  std::map<std::pair<Of, std::uint64_t>, ports::ApiId> by_number_;
  std::set<std::pair<Instant, ports::ApiId>> deadlines_;
  std::set<ports::ApiId> unread_;
  std::size_t waiting_ = 0;
};

}  // namespace swarm::node
