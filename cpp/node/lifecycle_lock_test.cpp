// A locked manager: keys in, Docker's answers and the node's start out; and the lock that follows the store.
// A whole node among ports that write down what it did.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "control/unlock_key.hpp"
#include "docker/api.hpp"
#include "node/effects.hpp"
#include "node/lifecycle.hpp"
#include "node/node.hpp"
#include "node/test_effects.hpp"
#include "node/test_ports.hpp"
#include "node/waits.hpp"
#include "ports/disk.hpp"
#include "ports/http.hpp"
#include "ports/ports.hpp"
#include "ports/test_ports.hpp"

namespace swarm::node {
namespace {

using docker::SwarmState;

constexpr ports::ApiId kRequest = 7;
const std::string kKey(32, 'k'), kOther(32, 'o');

class LockTest : public testing::Test {
 protected:
  LockTest() { at_.now = Instant{1'000'000'000}; }

  std::vector<Effect> took() { return take(lifecycle_); }
  std::string answer() {
    const auto done = only<effect::OperationDone>(took());
    EXPECT_EQ(done.id, kRequest);
    return done.result ? "done" : done.result.error().message;
  }
  std::string wrong_key() {
    lifecycle_.unlock(kRequest, kOther, at_);
    const auto effects = took();
    if (has<effect::OperationDone>(effects))
      return only<effect::OperationDone>(effects).result.error().message;
    EXPECT_EQ(only<effect::Unlock>(effects).key, kOther);
    lifecycle_.on_wrong_key(kRequest, at_);
    return answer();
  }
  void be_member(std::uint64_t raft_id, ports::DiskLock lock) {
    identity_.emplace();
    identity_->raft_id = raft_id;
    identity_->certificate_pem = "CERT";
    lifecycle_.resume(std::move(lock), at_.now, at_.wall);
  }
  static std::optional<ports::DiskLock> lock_in(const std::vector<Effect>& effects) {
    const auto stores = all<effect::Store>(effects);
    return stores.empty() ? std::nullopt : stores.front().batch.lock;
  }

  NodeOptions options_;
  std::optional<Identity> identity_;
  Rng rng_{3};
  ports::TestCrypto crypto_;
  Lifecycle lifecycle_{options_, identity_, rng_, crypto_};
  Surroundings at_;
};

TEST_F(LockTest, ALockedNodeWaitsForItsKeyAndSaysSo) {
  lifecycle_.on_locked();
  EXPECT_EQ(lifecycle_.state(), SwarmState::locked);
  EXPECT_NE(lifecycle_.error().find("docker swarm unlock"), std::string::npos);
  EXPECT_TRUE(lifecycle_.is_at_rest());
  EXPECT_EQ(lifecycle_.next_deadline(), Instant::never());
  lifecycle_.init(kRequest, {});
  EXPECT_NE(answer().find("needs to be unlocked"), std::string::npos);
}

TEST_F(LockTest, TenWrongKeysAtOnceThenOneASecond) {
  lifecycle_.on_locked();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(wrong_key(), "swarm could not be unlocked: invalid key provided");
  EXPECT_EQ(wrong_key(), "too many wrong unlock keys were tried");
  at_.now = at_.now + Duration::seconds(1);
  EXPECT_EQ(wrong_key(), "swarm could not be unlocked: invalid key provided");
  EXPECT_EQ(wrong_key(), "too many wrong unlock keys were tried");
  EXPECT_EQ(lifecycle_.state(), SwarmState::locked);
}

TEST_F(LockTest, ANodeThatIsNotLockedSaysSo) {
  lifecycle_.unlock(kRequest, kKey, at_);
  EXPECT_EQ(answer(), "swarm is not locked");
}

TEST_F(LockTest, TheRightKeyIsAnsweredWhenTheNodeHasStarted) {
  lifecycle_.on_locked();
  lifecycle_.unlock(kRequest, kKey, at_);
  EXPECT_TRUE((are<effect::Unlock>(took())));
  be_member(33, {2, kKey});
  took();
  lifecycle_.on_unlocked(kRequest, {});
  EXPECT_EQ(answer(), "done");
  EXPECT_EQ(lifecycle_.state(), SwarmState::active);
  EXPECT_EQ(lifecycle_.error(), "");
}

TEST_F(LockTest, AStartThatFailedCanBeTriedAgain) {
  lifecycle_.on_locked();
  be_member(33, {2, kKey});
  took();
  identity_.reset();
  lifecycle_.on_unlocked(kRequest, plain_error(Code::unavailable, "the address is in use"));
  EXPECT_EQ(answer(), "swarm component could not be started: the address is in use");
  EXPECT_EQ(lifecycle_.state(), SwarmState::locked);
  lifecycle_.unlock(kRequest, kKey, at_);
  EXPECT_TRUE((are<effect::Unlock>(took())));
}

TEST_F(LockTest, TheDiskFollowsTheKeyOfTheStore) {
  be_member(33, {2, kKey});
  took();
  lifecycle_.on_unlock_key({1, kOther});
  EXPECT_TRUE(took().empty()) << "older than its own";
  lifecycle_.on_unlock_key({3, kOther});
  EXPECT_EQ(lock_in(took()), (ports::DiskLock{3, kOther}));
  lifecycle_.on_unlock_key({4, ""});
  EXPECT_EQ(lock_in(took()), (ports::DiskLock{4, ""}));
  lifecycle_.on_unlock_key({4, ""});
  EXPECT_TRUE(took().empty());
}

TEST_F(LockTest, ALockCountsWhenTheDiskHasTheNewestOne) {
  be_member(33, {2, kKey});
  EXPECT_EQ(lifecycle_.stored_lock(), 2u);
  lifecycle_.on_unlock_key({3, kOther});
  const auto first = all<effect::Store>(took()).front().waits;
  lifecycle_.on_unlock_key({4, kKey});
  const auto second = all<effect::Store>(took()).front().waits;
  EXPECT_EQ(lifecycle_.stored_lock(), 2u) << "both are on their way";
  lifecycle_.on_stored(std::get<IdentityStored>(first), at_);
  EXPECT_EQ(lifecycle_.stored_lock(), 2u) << "another one is on its way";
  lifecycle_.on_stored(std::get<IdentityStored>(second), at_);
  EXPECT_EQ(lifecycle_.stored_lock(), 4u);
}

TEST_F(LockTest, ALockThatDidNotReachAFailingDiskIsStoredAgain) {
  be_member(33, {2, kKey});
  lifecycle_.on_unlock_key({3, kOther});
  took();
  lifecycle_.on_sidelined({Sidelined::Because::failing, "no room", 1});
  lifecycle_.on_disk_back();
  lifecycle_.on_unlock_key({3, kOther});
  EXPECT_EQ(lock_in(took()), (ports::DiskLock{3, kOther}));
}

TEST_F(LockTest, ADemotedManagersDiskIsOpenedWhenItsReplicaGoes) {
  be_member(33, {2, kKey});
  at_.is_manager = true;
  took();
  at_.was_removed = true;
  lifecycle_.run(at_);
  took();
  at_.is_manager = false;
  lifecycle_.on_stored({IdentityStored::Then::wipe_replica, 0}, at_);
  const auto effects = took();
  EXPECT_TRUE((are<effect::WipeReplica, effect::Store>(effects)));
  EXPECT_EQ(lock_in(effects), ports::DiskLock{});
}

TEST_F(LockTest, AWorkerWhoseDiskIsStillLockedOpensItWhenItStarts) {
  be_member(0, {2, kKey});
  EXPECT_EQ(lock_in(took()), ports::DiskLock{});
  be_member(33, {2, kKey});
  EXPECT_EQ(lock_in(took()), std::nullopt) << "a manager's stays";
}

// ---- the whole node

class LockedNodeTest : public testing::Test {
 protected:
  class Replies final : public ports::ApiSink {
   public:
    void begin(ports::ApiId id, http::ResponseHead head) override { status[id] = head.status; }
    void piece(ports::ApiId id, std::string bytes) override { body[id] += bytes; }
    void end(ports::ApiId) override {}
    void cut(ports::ApiId) override {}
    std::map<ports::ApiId, std::uint32_t> status;
    std::map<ports::ApiId, std::string> body;
  };

  LockedNodeTest() { begin(); }
  void begin() {
    NodeOptions options;
    options.address = at(1);
    options.description.hostname = "m1";
    options.seed = 3;
    node_ = std::make_unique<Node>(
        std::move(options), ports::Ports{world_.clock, world_.transport, world_.disk, world_.runner,
                                         world_.mesh, world_.overlay, world_.crypto, replies_, world_.trace});
    ASSERT_TRUE(node_->start(now_).ok());
  }
  void restart() {
    node_.reset();
    world_.disk.restart();
    begin();
  }
  // Answers requests, while the disk finishes nothing but what comes before a lock.
  void pass_but_locks(Duration time) {
    for (const Instant end = now_ + time; now_ < end; now_ = now_ + Duration::millis(20)) {
      node_->turn(now_);
      for (const std::uint64_t token : world_.disk.take_tokens())
        if (world_.disk.brought_lock(token)) {
          held_.push_back(token);
        } else {
          node_->handle(ports::DiskDone{token});
        }
      node_->turn(now_);
    }
  }
  void pass(Duration time) {
    for (const Instant end = now_ + time; now_ < end; now_ = now_ + Duration::millis(20)) {
      node_->turn(now_);
      for (const std::uint64_t token : world_.disk.take_tokens()) node_->handle(ports::DiskDone{token});
      node_->turn(now_);
    }
  }
  std::string ask(const std::string& method, const std::string& target, const std::string& body = "") {
    http::Headers headers;
    if (!body.empty()) headers.emplace_back("content-type", "application/json");
    node_->handle(ports::ApiArrived{++last_, {method, target, headers, body}});
    pass(Duration::seconds(3));
    return std::to_string(replies_.status[last_]) + " " + replies_.body[last_];
  }
  std::string unlock(const std::string& key) {
    return ask("POST", "/swarm/unlock", R"({"UnlockKey":")" + control::unlock_key_text(key) + R"("})");
  }
  std::string key() { return node_->inspect().store->cluster()->unlock_key; }
  bool says(const std::string& answer, const std::string& words) const {
    return answer.find(words) != std::string::npos;
  }

  TestWorld world_;
  Replies replies_;
  std::unique_ptr<Node> node_;
  Instant now_{1'000'000'000};
  ports::ApiId last_ = 0;
  std::vector<std::uint64_t> held_;
};

TEST_F(LockedNodeTest, ASwarmThatBeginsWithAutolockIsLockedFromItsFirstCertificateOn) {
  const std::string init = R"({"ListenAddr":"127.0.1.1:2377","AutoLockManagers":true})";
  ASSERT_TRUE(ask("POST", "/swarm/init", init).starts_with("200"));
  const std::string own = key();
  EXPECT_EQ(world_.disk.lock(), (ports::DiskLock{1, own}));
  restart();
  EXPECT_EQ(node_->inspect().state, SwarmState::locked);
  EXPECT_TRUE(says(ask("GET", "/info"), R"("LocalNodeState":"locked")"));
  EXPECT_TRUE(says(ask("GET", "/nodes"), "needs to be unlocked before it can be used"));
  EXPECT_TRUE(says(unlock(std::string(32, '?')), "401 "));
  EXPECT_TRUE(says(unlock("short"), "400 "));
  EXPECT_TRUE(unlock(own).starts_with("200"));
  EXPECT_TRUE(node_->inspect().is_leader);
  EXPECT_TRUE(says(unlock(own), "409 "));
}

TEST_F(LockedNodeTest, AutolockGoesOnAndOffAndItsKeyIsRotated) {
  ASSERT_TRUE(ask("POST", "/swarm/init", R"({"ListenAddr":"127.0.1.1:2377"})").starts_with("200"));
  const auto update = [&](const std::string& query, bool on) {
    const std::uint64_t version = node_->inspect().store->cluster()->meta.version;
    return ask("POST", "/swarm/update?version=" + std::to_string(version) + query,
               std::string(R"({"Name":"default","EncryptionConfig":{"AutoLockManagers":)") +
                   (on ? "true" : "false") + "}}");
  };
  EXPECT_TRUE(says(update("&rotateManagerUnlockKey=true", false), "autolock is not turned on"));
  EXPECT_TRUE(update("", true).starts_with("200"));
  const std::string first = key();
  EXPECT_EQ(world_.disk.lock(), (ports::DiskLock{1, first}));
  EXPECT_TRUE(says(ask("GET", "/swarm/unlockkey"), control::unlock_key_text(first)));
  EXPECT_TRUE(update("", true).starts_with("200"));
  EXPECT_EQ(key(), first) << "nothing changed";
  EXPECT_TRUE(update("&rotateManagerUnlockKey=true", true).starts_with("200"));
  EXPECT_NE(key(), first);
  EXPECT_EQ(world_.disk.lock(), (ports::DiskLock{2, key()}));
  EXPECT_TRUE(update("", false).starts_with("200"));
  EXPECT_EQ(world_.disk.lock(), (ports::DiskLock{3, ""}));
  EXPECT_TRUE(says(ask("GET", "/swarm/unlockkey"), R"("UnlockKey":"")"));
  restart();
  EXPECT_EQ(node_->inspect().state, SwarmState::active);
}

TEST_F(LockedNodeTest, AnotherKeyIsAnsweredWhenThisDiskHasIt) {
  ASSERT_TRUE(ask("POST", "/swarm/init", R"({"ListenAddr":"127.0.1.1:2377","AutoLockManagers":true})")
                  .starts_with("200"));
  const std::uint64_t version = node_->inspect().store->cluster()->meta.version;
  const std::string former = key();
  node_->handle(
      ports::ApiArrived{++last_,
                        {"POST",
                         "/swarm/update?rotateManagerUnlockKey=true&version=" + std::to_string(version),
                         {{"content-type", "application/json"}},
                         R"({"Name":"default","EncryptionConfig":{"AutoLockManagers":true}})"}});
  pass_but_locks(Duration::seconds(1));
  EXPECT_NE(key(), former) << "it is committed";
  ASSERT_EQ(held_.size(), 1u);
  EXPECT_EQ(replies_.status.count(last_), 0u)
      << "a crash now would bring back a disk that wants the former key";
  node_->handle(ports::DiskDone{held_.front()});
  pass(Duration::millis(100));
  EXPECT_EQ(replies_.status[last_], 200u);
}

TEST_F(LockedNodeTest, ALockedManagerLeavesByForceOnly) {
  ASSERT_TRUE(ask("POST", "/swarm/init", R"({"ListenAddr":"127.0.1.1:2377","AutoLockManagers":true})")
                  .starts_with("200"));
  restart();
  EXPECT_TRUE(says(ask("POST", "/swarm/leave"), "Swarm is encrypted and locked. Please unlock it first"));
  EXPECT_TRUE(ask("POST", "/swarm/leave?force=true").starts_with("200"));
  EXPECT_EQ(node_->inspect().state, SwarmState::inactive);
  EXPECT_FALSE(world_.disk.locked());
}

}  // namespace
}  // namespace swarm::node
