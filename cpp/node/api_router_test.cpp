// The way of a request: clients, other managers, the log and time in; effects out.
#include "node/api_router.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/api_request.hpp"
#include "node/effects.hpp"
#include "node/leadership.hpp"
#include "node/once.hpp"
#include "node/test_effects.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

constexpr ports::LinkId kLeaderLink = 5, kFollowerLink = 6;
constexpr ports::ApiId kId = 1;
using Is = Leadership::Stage;

class ApiRouterTest : public testing::Test {
 protected:
  std::vector<Effect> took() { return take(router_); }
  void be(Is stage, std::optional<Address> leader = {}) {
    at_.leadership = {stage, 3, leader ? 9u : 0u, leader};
  }
  std::vector<Effect> arrive(const std::string& method, const std::string& target, ports::ApiId id = kId,
                             http::Headers headers = {}) {
    router_.arrived(id, {method, target, std::move(headers), ""}, at_);
    return took();
  }
  std::vector<Effect> hear(ports::LinkId link, wire::Message message) {
    router_.on_message({link, {}}, std::move(message), at_);
    return took();
  }
  std::vector<Effect> after(Duration time) {
    at_.now = at_.now + time;
    router_.on_deadline(at_);
    return took();
  }
  // Passed on to the leader; the number of it.
  std::uint64_t forward(const std::string& method = "GET") {
    return forward(method, method == "GET" ? "/services" : "/services/create");
  }
  std::uint64_t forward(const std::string& method, const std::string& target) {
    be(Is::following, at(9));
    EXPECT_TRUE((are<effect::Forward>(arrive(method, target))));
    router_.on_way(kId, kLeaderLink, at_);
    const auto sent = sent_on<wire::ApiForward>(took());
    EXPECT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent.front().first, kLeaderLink);
    EXPECT_EQ(sent.front().second.method, method);
    return sent.front().second.id;
  }
  wire::ApiReplyBody body(std::uint64_t id, std::string bytes, std::uint64_t number, bool end = false) {
    return {id, std::move(bytes), end, number, false};
  }
  template <class S>
  bool in(ports::ApiId id = kId) const {
    const ApiRequest* request = router_.find(id);
    return request != nullptr && std::holds_alternative<S>(request->stage);
  }
  static std::string header(const http::ResponseHead& head, const std::string& name) {
    for (const auto& [key, value] : head.headers)
      if (key == name) return value;
    return "";
  }

  Rng rng_{4};
  ApiRouter router_{rng_};
  Moment at_{Instant{1'000'000'000}, {}};
};

TEST_F(ApiRouterTest, LocalRequestsAndThoseOfNoManagerAreAnsweredHere) {
  EXPECT_TRUE((are<effect::Answer>(arrive("GET", "/info"))));
  EXPECT_TRUE((are<effect::Answer>(arrive("GET", "/services", 2)))) << "it is no manager: its own refusal";
  EXPECT_TRUE((are<effect::Answer>(arrive("GET", "/no/such/page", 3))));
  be(Is::following);
  EXPECT_TRUE((are<effect::Answer>(arrive("GET", "/services", 4, {{"swarmpy-consistency", "local"}}))));
}

TEST_F(ApiRouterTest, ALeaderAnswersWritesAtOnceAndReadsAfterACheck) {
  be(Is::leading);
  EXPECT_TRUE((are<effect::Answer>(arrive("POST", "/services/create"))));
  EXPECT_TRUE(arrive("GET", "/services", 2).empty());
  EXPECT_TRUE(arrive("GET", "/nodes", 3).empty());
  EXPECT_TRUE(router_.run(at_));
  const std::uint64_t first = only<effect::CheckRead>(took()).context;
  EXPECT_TRUE(arrive("GET", "/tasks", 4).empty());
  EXPECT_FALSE(router_.run(at_)) << "one check at a time";
  router_.on_read_ready(first + 1);
  EXPECT_TRUE(took().empty()) << "another check";
  router_.on_read_ready(first);
  const auto answered = all<effect::Answer>(took());
  ASSERT_EQ(answered.size(), 2u);
  EXPECT_EQ(answered[0].id, 2u);
  EXPECT_EQ(answered[1].id, 3u);
  EXPECT_TRUE(router_.run(at_)) << "the next one serves what came meanwhile";
}

// A leader that was stopped (SIGSTOP) and goes on may have a successor that it has not heard yet.
TEST_F(ApiRouterTest, ARefusalOfAWriteIsToldWhenItIsSureThatThisManagerLeads) {
  be(Is::leading);
  arrive("POST", "/services/create");
  const auto refuse = [this] {
    router_.begin(kId, {409, {}, false});
    router_.piece(kId, "taken");
    router_.end(kId);
  };
  refuse();
  EXPECT_TRUE(took().empty());
  EXPECT_TRUE(in<request::Reading>());
  ASSERT_TRUE(router_.run(at_));
  router_.on_read_ready(only<effect::CheckRead>(took()).context);
  EXPECT_TRUE((are<effect::Answer>(took()))) << "asked again: the state may be another by now";
  refuse();
  EXPECT_EQ(only<effect::BeginReply>(took()).head.status, 409u);
  EXPECT_EQ(router_.find(kId), nullptr);
}

TEST_F(ApiRouterTest, ARefusalThatWaitsIsTheNextLeadersBusinessWhenThisOneIsDeposed) {
  be(Is::leading);
  arrive("POST", "/services/create");
  router_.begin(kId, {409, {}, false});
  router_.end(kId);
  be(Is::following, at(9));
  router_.on_leader_changed(at_);
  EXPECT_EQ(only<effect::Forward>(took()).leader, at(9));
}

TEST_F(ApiRouterTest, AReadWhoseLeaderIsLostIsPassedOnToTheNext) {
  be(Is::leading);
  arrive("GET", "/services");
  router_.run(at_);
  const std::uint64_t check = only<effect::CheckRead>(took()).context;
  be(Is::following, at(9));
  router_.on_leader_changed(at_);
  EXPECT_EQ(only<effect::Forward>(took()).leader, at(9));
  router_.on_read_ready(check);
  EXPECT_TRUE(took().empty()) << "a check of a past term proves nothing";
}

TEST_F(ApiRouterTest, WithoutALeaderARequestWaitsTwoSecondsAndMayBeAskedElsewhere) {
  be(Is::following);
  EXPECT_TRUE(arrive("POST", "/services/create").empty());
  EXPECT_TRUE(in<request::Waiting>());
  EXPECT_EQ(router_.next_deadline(), at_.now + Duration::millis(20));
  EXPECT_TRUE(after(Duration::millis(1'999)).empty());
  const auto failed = only<effect::Fail>(after(Duration::millis(1)));
  EXPECT_EQ(failed.error.message, docker::kNoLeaderText);
  router_.begin(kId, {503, {}, false});
  EXPECT_EQ(header(only<effect::BeginReply>(took()).head, "Swarmpy-Nothing-Done"), "true");
  router_.end(kId);
  EXPECT_FALSE(only<effect::EndReply>(took()).cut);
  EXPECT_EQ(router_.open_requests(), 0u);
  EXPECT_EQ(router_.next_deadline(), at_.now + Duration::millis(19)) << "the last look for a leader";
}

TEST_F(ApiRouterTest, TheUnlockKeyIsToldWithoutALeaderByAManagerThatHasIt) {
  be(Is::following);
  EXPECT_TRUE(arrive("GET", "/swarm/unlockkey").empty()) << "a leader's answer is newer";
  EXPECT_EQ(only<effect::Answer>(after(Duration::seconds(2))).id, kId);
  router_.end(kId);
  took();
  const std::uint64_t number = forward("GET", "/swarm/unlockkey");
  EXPECT_TRUE(in<request::Forwarded>());
  const auto effects = after(Duration::seconds(2));
  EXPECT_EQ(only<effect::Answer>(effects).id, kId) << "the leader died";
  EXPECT_EQ(sent_on<wire::ApiCancel>(effects).front().second.id, number);
}

TEST_F(ApiRouterTest, ANewLeaderIsFoundWhileARequestWaits) {
  be(Is::following);
  arrive("POST", "/services/create");
  be(Is::following, at(9));
  EXPECT_TRUE((are<effect::Forward>(after(Duration::millis(20)))));
  router_.on_way(kId, 0, at_);
  EXPECT_TRUE(in<request::Waiting>()) << "it cannot be dialled now";
  be(Is::leading);
  router_.on_leader_changed(at_);
  EXPECT_TRUE((are<effect::Answer>(took()))) << "it is this node now";
}

TEST_F(ApiRouterTest, AWholeAnswerIsHeldUntilItsBodyIsHere) {
  const std::uint64_t number = forward();
  EXPECT_TRUE(hear(kLeaderLink, wire::ApiReplyHead{number, 200, {{"A", "b"}}, false}).empty());
  EXPECT_TRUE(hear(kLeaderLink, body(number, "[1", 1)).empty());
  EXPECT_EQ(router_.next_deadline(), at_.now + Duration::seconds(2)) << "its end is owed";
  const auto effects = hear(kLeaderLink, body(number, "]", 2, true));
  EXPECT_TRUE((are<effect::BeginReply, effect::PieceOfReply, effect::EndReply>(effects)));
  EXPECT_EQ(only<effect::BeginReply>(effects).head.headers.front().second, "b");
  EXPECT_EQ(only<effect::PieceOfReply>(effects).bytes, "[1]");
  EXPECT_EQ(router_.open_requests(), 0u);
}

TEST_F(ApiRouterTest, AWholeAnswerThatBreaksOffInItsMiddleIsAskedForAgain) {
  std::uint64_t number = forward();
  hear(kLeaderLink, wire::ApiReplyHead{number, 200, {}, false});
  hear(kLeaderLink, body(number, "[1", 1));
  router_.on_link_gone({kLeaderLink, {}, at_});
  EXPECT_TRUE(took().empty());
  EXPECT_TRUE(in<request::Waiting>());
  router_.aborted(kId);
  number = forward();
  hear(kLeaderLink, wire::ApiReplyHead{number, 200, {}, false});
  hear(kLeaderLink, body(number, "[1", 1));
  EXPECT_TRUE(hear(kLeaderLink, wire::ApiReplyBody{number, "", false, 2, true}).empty())
      << "the leader gave it up";
  EXPECT_TRUE(in<request::Waiting>());
}

TEST_F(ApiRouterTest, AStreamThatIsCutWithoutItsEndIsOver) {
  const std::uint64_t number = forward();
  hear(kLeaderLink, wire::ApiReplyHead{number, 200, {}, true});
  EXPECT_TRUE(only<effect::EndReply>(hear(kLeaderLink, wire::ApiReplyBody{number, "", false, 1, true})).cut);
  EXPECT_EQ(router_.open_requests(), 0u);
}

TEST_F(ApiRouterTest, PiecesThatOvertakeOneAnotherComeOutInTheirOrder) {
  const std::uint64_t number = forward();
  EXPECT_TRUE(hear(kLeaderLink, body(number, "1", 1)).empty()) << "before its head";
  EXPECT_TRUE(hear(kLeaderLink, body(number, "3", 3)).empty());
  auto effects = hear(kLeaderLink, wire::ApiReplyHead{number, 200, {}, true});
  EXPECT_TRUE((are<effect::BeginReply, effect::PieceOfReply>(effects)));
  effects = hear(kLeaderLink, body(number, "2", 2));
  const auto pieces = all<effect::PieceOfReply>(effects);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0].bytes + pieces[1].bytes, "23");
  EXPECT_TRUE(hear(kLeaderLink, body(number, "2", 2)).empty()) << "heard before";
  EXPECT_EQ(router_.next_deadline(), Instant::never()) << "a stream without a gap may be silent";
}

TEST_F(ApiRouterTest, AnotherManagerHasNoSayInAnAnswer) {
  const std::uint64_t number = forward();
  EXPECT_TRUE(hear(kFollowerLink, wire::ApiReplyHead{number, 200, {}, true}).empty());
  EXPECT_TRUE(in<request::Forwarded>());
}

TEST_F(ApiRouterTest, AManagerThatDoesNotLeadSaysSoAndTheRequestWaitsAgain) {
  const std::uint64_t number = forward("POST");
  EXPECT_TRUE(hear(kLeaderLink, wire::ApiReplyHead{number, 0, {}, false}).empty());
  EXPECT_TRUE(in<request::Waiting>());
  be(Is::following);
  const auto effects = after(Duration::seconds(2));
  EXPECT_TRUE(has<effect::Fail>(effects));
  router_.begin(kId, {503, {}, false});
  EXPECT_EQ(header(only<effect::BeginReply>(took()).head, "Swarmpy-Nothing-Done"), "true");
}

TEST_F(ApiRouterTest, AReadWhoseLinkIsLostIsAskedAgainAndAWriteIsNot) {
  forward("GET");
  router_.on_link_gone({kLeaderLink, {}, at_});
  EXPECT_TRUE(took().empty());
  EXPECT_TRUE(in<request::Waiting>());
  router_.aborted(kId);
  forward("POST");
  router_.on_link_gone({kLeaderLink, {}, at_});
  const auto failed = only<effect::Fail>(took());
  EXPECT_NE(failed.error.message.find("may or may not have been carried out"), std::string::npos);
  router_.begin(kId, {503, {}, false});
  EXPECT_EQ(header(only<effect::BeginReply>(took()).head, "Swarmpy-Nothing-Done"), "");
}

TEST_F(ApiRouterTest, AStreamWhoseLinkIsLostIsCut) {
  const std::uint64_t number = forward();
  hear(kLeaderLink, wire::ApiReplyHead{number, 200, {}, true});
  router_.on_link_gone({kLeaderLink, {}, at_});
  EXPECT_TRUE(only<effect::EndReply>(took()).cut);
}

TEST_F(ApiRouterTest, AnAnswerThatLostAFrameIsGivenUpAndTheLeaderHearsIt) {
  const std::uint64_t number = forward();
  hear(kLeaderLink, wire::ApiReplyHead{number, 200, {}, false});
  EXPECT_EQ(router_.next_deadline(), at_.now + Duration::seconds(2));
  const auto effects = after(Duration::seconds(2));
  EXPECT_EQ(sent_on<wire::ApiCancel>(effects).front().second.id, number);
  EXPECT_TRUE(in<request::Waiting>()) << "a read is asked again";
}

TEST_F(ApiRouterTest, PastLogsWhoseEndWasLostAreCutAndFollowedOnesMayBeSilent) {
  for (const std::string follow : {"", "&follow=1"}) {
    const std::uint64_t number = forward("GET", "/services/web/logs?stdout=1" + follow);
    hear(kLeaderLink, wire::ApiReplyHead{number, 200, {}, true});
    hear(kLeaderLink, body(number, "1", 1));
    if (!follow.empty()) {
      EXPECT_EQ(router_.next_deadline(), Instant::never());
    } else {
      EXPECT_TRUE(only<effect::EndReply>(after(Duration::seconds(10))).cut);
    }
  }
}

TEST_F(ApiRouterTest, AClientThatGoesIsForgottenAndWhoeverAnswersHearsIt) {
  const std::uint64_t number = forward();
  router_.aborted(kId);
  EXPECT_EQ(sent_on<wire::ApiCancel>(took()).front().second.id, number);
  arrive("GET", "/info", 2);
  router_.aborted(2);
  EXPECT_EQ(only<effect::Abort>(took()).id, 2u);
  router_.piece(2, "late");
  EXPECT_TRUE(took().empty());
  EXPECT_EQ(router_.open_requests(), 0u);
}

TEST_F(ApiRouterTest, AProposalIsAnsweredWhenItIsApplied) {
  be(Is::leading);
  arrive("POST", "/services/create");
  router_.on_proposed(kId, 99, at_.now);
  router_.on_applied(98, {});
  EXPECT_TRUE(took().empty());
  router_.on_applied(99, model::Outcome{true, 12, ""});
  EXPECT_EQ(only<effect::Settled>(took()).outcome.version, 12u);
  EXPECT_TRUE(in<request::Answering>());
}

TEST_F(ApiRouterTest, AProposalThatNoQuorumTakesIsRefusedAsPerhapsDone) {
  be(Is::leading);
  arrive("POST", "/services/create");
  router_.on_proposed(kId, 99, at_.now);
  EXPECT_TRUE(has<effect::Fail>(after(Duration::seconds(2))));
  router_.begin(kId, {503, {}, false});
  EXPECT_EQ(header(only<effect::BeginReply>(took()).head, "Swarmpy-Nothing-Done"), "");
  router_.on_applied(99, model::Outcome{true, 12, ""});
  EXPECT_TRUE(took().empty()) << "too late";
}

TEST_F(ApiRouterTest, ProposalsOfAPastTermFailWithTheLeader) {
  be(Is::leading);
  arrive("POST", "/services/create");
  router_.on_proposed(kId, 99, at_.now);
  be(Is::following);
  router_.on_leader_changed(at_);
  EXPECT_NE(only<effect::Fail>(took()).error.message.find("leader was lost"), std::string::npos);
}

TEST_F(ApiRouterTest, AProposalThatRaftRefusesFailsAtOnce) {
  be(Is::leading);
  arrive("POST", "/services/create");
  router_.on_proposed(kId, 0, at_.now);
  EXPECT_EQ(only<effect::Fail>(took()).error.message, docker::kNoLeaderText);
}

TEST_F(ApiRouterTest, ARequestIsDoneOnceAlsoWhenACopyOfItComesAfterItsAnswer) {
  be(Is::leading);
  const wire::ApiForward asked{31, "POST", "/services/create", {}, "{}"};
  const ports::ApiId id = only<effect::Answer>(hear(kFollowerLink, asked)).id;
  router_.begin(id, {201, {}, false});
  router_.end(id);
  took();
  EXPECT_TRUE(hear(kFollowerLink, asked).empty());
  auto later = asked;
  later.id = 30;
  EXPECT_TRUE((are<effect::Answer>(hear(kFollowerLink, later)))) << "another request, which was late";
  router_.on_link_gone({kFollowerLink, {}, at_});
  took();
  EXPECT_TRUE((are<effect::Answer>(hear(kFollowerLink, asked)))) << "of another link";
}

TEST(Once, RemembersTheHighestNumbersAndTakesNoneBelowThem) {
  Once once;
  for (std::uint64_t number = 1; number <= Once::kRemembered + 1; ++number) EXPECT_TRUE(once.take(number));
  EXPECT_FALSE(once.take(1)) << "forgotten, and below all that are remembered";
  EXPECT_FALSE(once.take(2));
  EXPECT_TRUE(once.take(Once::kRemembered + 9));
  EXPECT_TRUE(once.take(Once::kRemembered + 5));
}

TEST_F(ApiRouterTest, ARequestOfAnotherManagerIsAnsweredOnItsLinkInNumberedPieces) {
  be(Is::leading);
  const auto effects = hear(kFollowerLink, wire::ApiForward{31, "POST", "/services/create", {}, "{}"});
  const ports::ApiId id = only<effect::Answer>(effects).id;
  EXPECT_TRUE(hear(kFollowerLink, wire::ApiForward{31, "POST", "/services/create", {}, "{}"}).empty())
      << "the frame came twice";
  router_.begin(id, {201, {}, false});
  router_.piece(id, "{}");
  router_.end(id);
  const auto sent = took();
  EXPECT_EQ(sent_on<wire::ApiReplyHead>(sent).front().second.status, 201u);
  const auto bodies = sent_on<wire::ApiReplyBody>(sent);
  ASSERT_EQ(bodies.size(), 2u);
  EXPECT_EQ(bodies[0].first, kFollowerLink);
  EXPECT_EQ(bodies[0].second, body(31, "{}", 1));
  EXPECT_EQ(bodies[1].second, body(31, "", 2, true));
}

TEST_F(ApiRouterTest, AManagerThatDoesNotLeadPassesNothingOn) {
  be(Is::elected);
  const auto sent = hear(kFollowerLink, wire::ApiForward{31, "GET", "/services", {}, ""});
  EXPECT_EQ(sent_on<wire::ApiReplyHead>(sent).front().second.status, 0u) << "ask the leader";
  EXPECT_EQ(router_.open_requests(), 0u);
}

TEST_F(ApiRouterTest, AManagerThatCancelsOrGoesEndsItsRequestsOnly) {
  be(Is::leading);
  const auto first = only<effect::Answer>(hear(kFollowerLink, wire::ApiForward{31, "POST", "/x", {}, ""})).id;
  hear(kFollowerLink, wire::ApiForward{32, "POST", "/x", {}, ""});
  hear(kLeaderLink, wire::ApiForward{31, "POST", "/x", {}, ""});
  EXPECT_EQ(only<effect::Abort>(hear(kFollowerLink, wire::ApiCancel{31})).id, first);
  router_.on_link_gone({kFollowerLink, {}, at_});
  EXPECT_EQ(all<effect::Abort>(took()).size(), 1u);
  EXPECT_EQ(router_.open_requests(), 1u);
}

}  // namespace
}  // namespace swarm::node
