#include "docker/listing.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "docker/answer.hpp"
#include "docker/api.hpp"
#include "docker/fixture_test.hpp"
#include "docker/json.hpp"
#include "docker/objects.hpp"
#include "model/task.hpp"
#include "model/transaction.hpp"
#include "ports/http.hpp"

namespace swarm::docker {
namespace {

constexpr std::uint64_t kTasks = 2'600;

class ListingTest : public ApiTest {
 protected:
  ListingTest() {
    init();
    web_ = create(R"({"Name":"web","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})");
    model::Transaction all{0, wall_, {}};
    const auto of = store_->service(*ServiceId::parse(web_));
    for (std::uint64_t slot = 1; slot <= kTasks; ++slot) {
      model::Task task;
      task.id = TaskId::random(rng_);
      task.service_id = of->id;
      task.slot = slot;
      task.node_id = local_.node;
      task.spec_version = of->spec_version;
      task.desired_state = model::TaskState::running;
      task.status.state = slot % 2 == 0 ? model::TaskState::running : model::TaskState::starting;
      all.actions.push_back(model::Put{task});
    }
    apply(std::move(all));
  }

  static std::size_t objects_in(const std::string& body) {
    std::size_t count = 0;
    for (auto at = body.find("{\"ID\":"); at != std::string::npos; at = body.find("{\"ID\":", at + 1))
      ++count;
    return count;
  }
  // One turn of the node; how many objects it wrote of all answers.
  std::size_t turn() {
    std::size_t before = 0, after = 0;
    for (const auto& [id, reply] : replies_) before += objects_in(reply.body);
    now_ = now_ + Duration::millis(1);
    EXPECT_LE(api_.next_deadline(), now_) << "it does not go on by itself";
    api_.begin_turn(now_);
    api_.on_deadline(context());
    drive();
    for (const auto& [id, reply] : replies_) after += objects_in(reply.body);
    return after - before;
  }
  // What a request is answered in one piece.
  std::string whole(const std::string& target) {
    http::Request request{"GET", target, {}, {}};
    const Looked seen = api_.look(request, context());
    const auto* answer = std::get_if<Answer>(&seen);
    return answer == nullptr ? "" : answer->body;
  }

  std::string web_;
};

TEST_F(ListingTest, ALongListIsWrittenInTurnsOfSoManyObjects) {
  const ApiId id = send("GET", "/tasks");
  std::vector<std::size_t> turns{objects_in(replies_[id].body)};
  while (!replies_[id].ended) turns.push_back(turn());
  EXPECT_EQ(turns, (std::vector<std::size_t>{1'000, 1'000, 600}));
  EXPECT_EQ(api_.next_deadline(), Instant::never());
  EXPECT_EQ(replies_[id].status, 200u);
  EXPECT_EQ(replies_[id].header("Content-Type"), "application/json");
  EXPECT_FALSE(replies_[id].streaming) << "its length goes before it, as ever";
}

TEST_F(ListingTest, ThePiecesAreTheBytesOfOneArray) {
  Json expected;
  TaskWriter writer;
  expected.array([&] {
    for (const auto& [task_id, task] : store_->tasks())
      writer.write(expected, *task, [this](NetworkId network) { return store_->network(network); });
  });
  const ApiId id = send("GET", "/tasks");
  while (!replies_[id].ended) turn();
  EXPECT_EQ(replies_[id].body, expected.str() + "\n");
  EXPECT_EQ(whole("/tasks"), expected.str() + "\n");
}

TEST_F(ListingTest, AShortListIsAnsweredAtOnce) {
  EXPECT_TRUE(get("/services").ended);
  EXPECT_TRUE(get("/nodes").ended);
  const Reply none = get("/tasks?filters={\"service\":[\"web\"],\"id\":[\"-\"]}");
  EXPECT_FALSE(none.ended) << "what the filters leave out was looked at, too";
  EXPECT_EQ(get("/networks").status, 200u);
}

TEST_F(ListingTest, AListShowsOneVersionOfTheStore) {
  for (const std::string target : {"/tasks", "/tasks?filters={\"service\":[\"web\"]}"}) {
    const std::string expected = whole(target);
    const ApiId id = send("GET", target);
    const auto first = store_->tasks().begin()->second, last = store_->tasks().rbegin()->second;
    model::TaskStep step;
    step.id = last->id;
    step.status.emplace().state = model::TaskState::failed;
    apply({0, wall_, {model::Remove::of<model::Task>(first->id), step}});
    while (!replies_[id].ended) {
      apply({0, wall_, {model::Remove::of<model::Task>(store_->tasks().rbegin()->first)}});
      turn();
    }
    EXPECT_EQ(replies_[id].body, expected);
    EXPECT_NE(whole(target), expected);
  }
}

TEST_F(ListingTest, AnotherRequestIsAnsweredWhileAListIsWritten) {
  const ApiId id = send("GET", "/tasks");
  ASSERT_FALSE(replies_[id].ended);
  EXPECT_TRUE(get("/services/web").ended);
  EXPECT_EQ(get("/_ping").status, 200u);
  EXPECT_FALSE(create(R"({"Name":"api","TaskTemplate":{"ContainerSpec":{"Image":"nginx"}}})").empty());
  EXPECT_FALSE(replies_[id].ended);
}

TEST_F(ListingTest, ListsShareATurnAndAShortOneDoesNotWaitForALongOne) {
  const ApiId first = send("GET", "/tasks"), second = send("GET", "/tasks");
  const ApiId small = send("GET", "/services");
  EXPECT_EQ(objects_in(replies_[second].body), 0u) << "the turn's objects were gone";
  EXPECT_EQ(turn(), kObjectsPerTurn);
  EXPECT_TRUE(replies_[small].ended);
  EXPECT_GT(objects_in(replies_[second].body), 0u);
  while (!replies_[first].ended || !replies_[second].ended) EXPECT_LE(turn(), kObjectsPerTurn);
  EXPECT_EQ(replies_[first].body, replies_[second].body);
}

TEST_F(ListingTest, AClientThatGoesEndsTheWork) {
  const ApiId id = send("GET", "/tasks");
  ASSERT_EQ(api_.open_requests(), 1u);
  api_.abort(id);
  EXPECT_EQ(api_.open_requests(), 0u);
  EXPECT_EQ(api_.next_deadline(), Instant::never());
  const std::string body = replies_[id].body;
  api_.on_deadline(context());
  drive();
  EXPECT_EQ(replies_[id].body, body);
}

TEST_F(ListingTest, AServicesTasksAreCountedInTurnsToo) {
  const std::string target = "/services?status=true";
  const std::string expected = whole(target);
  const ApiId id = send("GET", target);
  int turns = 1;
  for (; !replies_[id].ended; ++turns) {
    apply({0, wall_, {model::Remove::of<model::Task>(store_->tasks().begin()->first)}});
    turn();
  }
  EXPECT_GE(turns, 3);
  EXPECT_EQ(replies_[id].body, expected);
  EXPECT_EQ(at(replies_[id].json(), "0.ServiceStatus.RunningTasks"), std::to_string(kTasks / 2));
  EXPECT_EQ(at(replies_[id].json(), "0.ServiceStatus.DesiredTasks"), "1");
}

TEST_F(ListingTest, AListOutlivesTheStoreThatItIsOf) {
  const std::string expected = whole("/tasks");
  const ApiId id = send("GET", "/tasks");
  store_ = std::make_unique<store::Store>();
  while (!replies_[id].ended) turn();
  EXPECT_EQ(replies_[id].body, expected);
}

}  // namespace
}  // namespace swarm::docker
