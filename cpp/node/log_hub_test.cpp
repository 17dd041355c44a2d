// Lines of tasks from all nodes: requests, chunks and time in; effects out.
#include "node/log_hub.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/time.hpp"
#include "docker/api.hpp"
#include "model/wire.hpp"
#include "node/effects.hpp"
#include "node/test_effects.hpp"
#include "ports/ports.hpp"
#include "ports/transport.hpp"

namespace swarm::node {
namespace {

constexpr ports::ApiId kRequest = 7;
constexpr ports::LinkId kFirst = 11, kSecond = 12;
const TaskId kTask(1), kOther(2);

class LogHubTest : public testing::Test {
 protected:
  std::vector<Effect> took() { return take(hub_); }
  static PlaceOfTask place(TaskId task, std::optional<ports::LinkId> way, std::uint64_t node = 3) {
    return {task, NodeId(node), "w" + std::to_string(node), way};
  }
  std::vector<Effect> open(const std::vector<PlaceOfTask>& places, bool follow = false, bool leads = true) {
    wire::LogOptions options;
    options.follow = follow;
    hub_.open_swarm(kRequest, places, leads, options, now_);
    auto effects = took();
    const auto asked = sent_on<wire::LogSubscribe>(effects);
    if (!asked.empty()) stream_ = asked.front().second.stream;
    return effects;
  }
  std::vector<Effect> chunk(ports::LinkId link, std::uint64_t number, const std::vector<TaskId>& of,
                            std::vector<TaskId> finished = {}) {
    wire::LogChunk chunk{stream_, {}, std::move(finished), {}, number};
    for (const TaskId task : of) chunk.lines.push_back({task, false, {}, "line"});
    hub_.on_message({link, {}}, chunk, now_);
    return took();
  }
  std::vector<Effect> after(Duration time, const std::map<NodeId, ports::LinkId>& ways) {
    now_ = now_ + time;
    hub_.on_deadline(now_, ways);
    return took();
  }
  static docker::LogNews news(const std::vector<Effect>& effects) {
    const auto one = only<effect::NewsOfLogs>(effects);
    EXPECT_EQ(one.id, kRequest);
    return one.news;
  }
  static std::string missing(const std::vector<Effect>& effects) {
    const docker::LogNews found = news(effects);
    EXPECT_EQ(found.missing.size(), 1u);
    return found.missing.empty() ? "" : found.missing.front().reason;
  }

  LogHub hub_;
  Instant now_{1'000'000'000};
  std::uint64_t stream_ = 0;
};

TEST_F(LogHubTest, ARequestOnThisNodeReadsItsRunner) {
  hub_.open_local(kRequest, kTask, {});
  EXPECT_EQ(only<effect::OpenLogs>(took()).task, kTask);
  hub_.on_opened(90);
  hub_.on_log({90, {{kTask, false, {}, "hello"}}, false, ""});
  EXPECT_EQ(news(took()).lines.front().text, "hello");
  hub_.on_log({90, {}, true, ports::kNoOutput});
  const auto last = news(took());
  EXPECT_TRUE(last.end);
  EXPECT_NE(last.missing.front().reason.find(ports::kNoOutput), std::string::npos);
  hub_.on_log({90, {{kTask, false, {}, "late"}}, false, ""});
  EXPECT_TRUE(took().empty()) << "the stream has ended";
}

TEST_F(LogHubTest, EachNodeIsAskedOnceForItsTasks) {
  const auto asked = sent_on<wire::LogSubscribe>(
      open({place(kTask, kFirst), place(kOther, kFirst), place(TaskId(3), kSecond, 4)}));
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].first, kFirst);
  EXPECT_EQ(asked[0].second.tasks, (std::vector<TaskId>{kTask, kOther}));
  EXPECT_EQ(asked[1].second.stream, asked[0].second.stream);
}

TEST_F(LogHubTest, TheStreamEndsWithItsLastTask) {
  open({place(kTask, kFirst), place(kOther, kSecond, 4)});
  EXPECT_FALSE(news(chunk(kFirst, 1, {kTask}, {kTask})).end);
  EXPECT_TRUE(news(chunk(kSecond, 1, {kOther}, {kOther})).end);
  EXPECT_TRUE(chunk(kSecond, 2, {kOther}).empty());
  EXPECT_EQ(hub_.next_deadline(), Instant::never());
}

TEST_F(LogHubTest, ANodeSpeaksForItsOwnTasksOnly) {
  open({place(kTask, kFirst), place(kOther, kSecond, 4)});
  const auto forged = news(chunk(kFirst, 1, {kOther, kTask}, {kOther}));
  ASSERT_EQ(forged.lines.size(), 1u);
  EXPECT_EQ(forged.lines.front().task, kTask);
  EXPECT_FALSE(news(chunk(kFirst, 2, {}, {kTask})).end) << "the other node's task is still open";
  EXPECT_TRUE(chunk(99, 1, {kTask}).empty()) << "a node that was not asked";
}

TEST_F(LogHubTest, ChunksComeOutInTheirOrder) {
  open({place(kTask, kFirst)});
  EXPECT_TRUE(chunk(kFirst, 2, {kTask}, {kTask}).empty());
  EXPECT_EQ(all<effect::NewsOfLogs>(chunk(kFirst, 1, {kTask})).size(), 2u);
}

TEST_F(LogHubTest, WhatCannotBeHadIsNamed) {
  EXPECT_EQ(missing(open({{kTask, NodeId(), "", {}}})), "task " + kTask.str() + " has not been scheduled");
  EXPECT_EQ(missing(open({place(kTask, {})})), "node w3 is not available");
  const auto told = open({place(kTask, {})}, false, false);
  EXPECT_NE(missing(told).find("this manager does not lead"), std::string::npos);
  EXPECT_TRUE(news(told).end);
}

TEST_F(LogHubTest, ANodeWhoseLinkClosesIsGivenUp) {
  open({place(kTask, kFirst), place(kOther, kSecond, 4)});
  hub_.on_link_gone({kFirst, {}, {now_, {}}});
  auto effects = took();
  EXPECT_EQ(missing(effects), "node w3 disconnected unexpectedly");
  EXPECT_FALSE(news(effects).end);
  effects = after(Duration::millis(500), {{NodeId(4), 99}});
  EXPECT_EQ(missing(effects), "node w4 disconnected unexpectedly") << "its session is on another link";
  EXPECT_TRUE(news(effects).end);
  EXPECT_EQ(sent_on<wire::LogUnsubscribe>(effects).front().first, kSecond);
}

TEST_F(LogHubTest, ASilentNodeIsGivenUpUnlessItIsFollowed) {
  const std::map<NodeId, ports::LinkId> ways{{NodeId(3), kFirst}};
  open({place(kTask, kFirst)});
  EXPECT_EQ(hub_.watched(), std::set<NodeId>{NodeId(3)});
  EXPECT_TRUE(after(Duration::millis(4'999), ways).empty());
  EXPECT_EQ(missing(after(Duration::millis(501), ways)), "node w3 did not answer in time");
  open({place(kTask, kFirst)}, true);
  EXPECT_TRUE(after(Duration::seconds(60), ways).empty());
  chunk(kFirst, 2, {kTask});
  EXPECT_EQ(missing(after(Duration::seconds(60), ways)), "node w3 did not answer in time")
      << "a chunk is missing";
}

TEST_F(LogHubTest, ALeaderThatStepsDownEndsItsStreams) {
  open({place(kTask, kFirst)}, true);
  hub_.on_step_down();
  const auto effects = took();
  EXPECT_NE(missing(effects).find("the leader has changed"), std::string::npos);
  EXPECT_TRUE(news(effects).end);
}

TEST_F(LogHubTest, ClosingARequestLetsGoOfAllThatItOpened) {
  hub_.open_local(kRequest, kTask, {});
  hub_.on_opened(90);
  open({place(kOther, kSecond)}, true);
  took();
  hub_.close(kRequest);
  const auto effects = took();
  EXPECT_EQ(only<effect::CloseLogs>(effects).stream, 90u);
  EXPECT_EQ(sent_on<wire::LogUnsubscribe>(effects).size(), 1u);
  EXPECT_TRUE(chunk(kSecond, 1, {kOther}).empty());
}

// ---- as an agent

TEST_F(LogHubTest, AManagerGetsNumberedChunksUntilTheLastTaskEnds) {
  hub_.on_message({kFirst, {}}, wire::LogSubscribe{5, {kTask, kOther}, {}}, now_);
  EXPECT_EQ(all<effect::OpenLogs>(took()).size(), 2u);
  hub_.on_opened(90);
  hub_.on_opened(91);
  hub_.on_message({kFirst, {}}, wire::LogSubscribe{5, {kTask, kOther}, {}}, now_);
  EXPECT_TRUE(took().empty()) << "the frame came twice";
  hub_.on_log({90, {{kTask, false, {}, "a"}}, true, ""});
  auto sent = sent_on<wire::LogChunk>(took());
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent.front().first, kFirst);
  EXPECT_EQ(sent.front().second.number, 1u);
  EXPECT_EQ(sent.front().second.finished, std::vector<TaskId>{kTask});
  hub_.on_log({91, {{kOther, false, {}, "b"}}, false, ""});
  EXPECT_EQ(sent_on<wire::LogChunk>(took()).front().second.number, 2u);
  hub_.on_message({kFirst, {}}, wire::LogUnsubscribe{5}, now_);
  EXPECT_EQ(only<effect::CloseLogs>(took()).stream, 91u);
}

TEST_F(LogHubTest, AManagersLinkThatClosesEndsWhatItAskedFor) {
  hub_.on_message({kFirst, {}}, wire::LogSubscribe{5, {kTask}, {}}, now_);
  hub_.on_message({kSecond, {}}, wire::LogSubscribe{5, {kOther}, {}}, now_);
  took();
  hub_.on_opened(90);
  hub_.on_opened(91);
  hub_.on_link_gone({kFirst, {}, {now_, {}}});
  EXPECT_EQ(only<effect::CloseLogs>(took()).stream, 90u);
}

}  // namespace
}  // namespace swarm::node
