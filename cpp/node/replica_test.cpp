// The Raft half of a manager among ports that write down what it did: what is durable before it is said, who
// leads, and what a snapshot and a restart bring.
#include "node/replica.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/id.hpp"
#include "base/time.hpp"
#include "codec/codec.hpp"
#include "model/cluster.hpp"
#include "model/defaults.hpp"
#include "model/node.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/judge.hpp"
#include "node/leadership.hpp"
#include "node/replica_disk.hpp"
#include "node/replica_recovery.hpp"
#include "node/test_effects.hpp"
#include "node/test_leader.hpp"
#include "node/waits.hpp"
#include "ports/disk.hpp"
#include "raft/conf_change.hpp"
#include "raft/message.hpp"
#include "raft/raft.hpp"

namespace swarm::node {
namespace {

using raft::MessageType;
using Is = Leadership::Stage;

class ReplicaTest : public testing::Test {
 protected:
  // A member-to-be that knows the leader, member 1 at 127.0.1.1.
  ReplicaTest() : replica_(Replica::join(world_.core, 2, {{NodeId(1), 1, at(1)}})) { stored(); }

  void stored() {
    for (const std::uint64_t token : world_.disk.take_tokens())
      if (std::holds_alternative<ReplicaStored>(world_.core.take_done(token))) replica_->on_stored();
  }
  void hear_append(std::uint64_t index, raft::Term term = 5) {
    raft::Message message;
    message.type = MessageType::app;
    message.from = 1;
    message.to = 2;
    message.term = term;
    message.index = index - 1;
    message.log_term = index == 1 ? 0 : term;
    message.entries = {{term, index, raft::EntryType::normal, ""}};
    replica_->step(std::move(message));
  }
  // A heartbeat of a leader that this log does not know yet.
  void hear_newcomer(std::uint64_t raft_id, NodeId node, raft::Term term = 6) {
    raft::Message message;
    message.type = MessageType::heartbeat;
    message.from = raft_id;
    message.to = 2;
    message.term = term;
    replica_->note_speaker(raft_id, node);
    EXPECT_FALSE(replica_->step(std::move(message)));
    while (replica_->run()) stored();
  }
  std::vector<raft::Message> said() {
    std::vector<raft::Message> out;
    for (const auto& [link, frame] : world_.transport.sent)
      if (const auto* message = std::get_if<raft::Message>(&frame)) out.push_back(*message);
    world_.transport.sent.clear();
    return out;
  }
  // How many pieces of a snapshot it said last that it has.
  std::optional<std::uint32_t> acknowledged() {
    std::optional<std::uint32_t> out;
    for (const auto& [link, frame] : world_.transport.sent)
      if (const auto* message = std::get_if<wire::Message>(&frame))
        if (const auto* ack = std::get_if<wire::SnapshotAck>(message)) out = ack->received;
    return out;
  }
  // Whole: a leader packs the data as it is sent.
  static raft::Snapshot snapshot_of(Replica& leader) {
    raft::Snapshot snapshot = leader.make_snapshot();
    snapshot.data = pack_snapshot(leader.store(), leader.members(), {});
    return snapshot;
  }
  std::vector<wire::SnapshotChunk> pieces_of(const raft::Snapshot& snapshot, std::size_t count) {
    raft::Message message;
    message.type = MessageType::snap;
    message.from = 1;
    message.to = 2;
    message.term = snapshot.term;
    message.snapshot = std::make_shared<raft::Snapshot>(snapshot);
    message.snapshot->data.clear();
    message.snapshot->conf_state.learners = {2};
    std::vector<wire::SnapshotChunk> out;
    const std::size_t size = snapshot.data.size() / count + 1;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string data = snapshot.data.substr(i * size, size);
      out.push_back({snapshot.index, static_cast<std::uint32_t>(i), i + 1 == count,
                     i == 0 ? codec::encode(message) : "", data, fnv1a(data)});
    }
    return out;
  }

  TestWorld world_;
  std::unique_ptr<Replica> replica_;
};

TEST_F(ReplicaTest, AMemberToBeTakesNoPartBeforeItsIdentityIsOnDisk) {
  hear_append(1);
  EXPECT_FALSE(replica_->run());
  replica_->begin();
  EXPECT_TRUE(replica_->run());
}

TEST_F(ReplicaTest, AnAppendIsAcknowledgedWhenItIsOnDisk) {
  replica_->begin();
  hear_append(1);
  replica_->run();
  EXPECT_TRUE(said().empty()) << "nothing that speaks for the entry before the disk has it";
  EXPECT_TRUE(world_.disk.get(ports::Family::raft_log, log_key(1)));
  hear_append(2);
  EXPECT_FALSE(replica_->run()) << "one batch is under way at a time";
  stored();
  const auto answers = said();
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers.back().type, MessageType::app_resp);
  EXPECT_EQ(answers.back().index, 1u);
}

// The group took it in, or its node became another member, while this one was away.
TEST_F(ReplicaTest, AMemberThatThisLogDoesNotKnowYetIsAnsweredAtItsNode) {
  replica_->begin();
  hear_newcomer(77, NodeId(5));
  EXPECT_TRUE(said().empty()) << "nobody knows where it is";
  hear_newcomer(77, NodeId(1));
  ASSERT_EQ(said().size(), 1u) << "where its node was as another member";
  world_.core.identity.emplace().managers = {{NodeId(6), 78, at(6)}};
  hear_newcomer(78, NodeId(6), 7);
  ASSERT_EQ(said().size(), 1u) << "where this node's session says that it is";
  EXPECT_EQ(replica_->address_of(78), at(6));
}

TEST_F(ReplicaTest, WhoLeadsIsOneValueWithItsTerm) {
  replica_->begin();
  EXPECT_EQ(replica_->leadership().stage, Is::following);
  EXPECT_EQ(replica_->leader(), 0u);
  hear_append(1, 7);
  replica_->run();
  EXPECT_TRUE(replica_->take_leader_changed());
  EXPECT_FALSE(replica_->take_leader_changed()) << "once for each change";
  EXPECT_EQ(replica_->leadership(), (Leadership{Is::following, 7, 1, {}}));
}

TEST_F(ReplicaTest, AFollowerProposesNothing) {
  replica_->begin();
  EXPECT_EQ(replica_->propose({}), 0u);
  EXPECT_FALSE(replica_->propose_membership({}));
}

TEST_F(ReplicaTest, ASnapshotComesInPiecesAndTakesTheStoresPlace) {
  TestLeader leader;
  replica_->begin();
  for (const auto& piece : pieces_of(snapshot_of(*leader.replica), 3)) {
    EXPECT_EQ(replica_->store().cluster(), nullptr);
    replica_->on_chunk(3, piece);
    replica_->run();
  }
  stored();
  ASSERT_NE(replica_->store().cluster(), nullptr);
  EXPECT_EQ(replica_->store().version(), leader.replica->store().version());
  EXPECT_EQ(replica_->members().size(), 1u);
  EXPECT_FALSE(replica_->take_skipped()) << "an empty store has missed nothing";
}

TEST_F(ReplicaTest, APieceOfASnapshotThatComesTooEarlyIsNotKept) {
  TestLeader leader;
  replica_->begin();
  auto pieces = pieces_of(snapshot_of(*leader.replica), 3);
  replica_->on_chunk(3, pieces[0]);
  replica_->on_chunk(3, pieces[2]);
  EXPECT_EQ(acknowledged(), 1u);
  replica_->on_chunk(3, pieces[1]);
  EXPECT_EQ(acknowledged(), 2u);
  EXPECT_FALSE(replica_->run());
  replica_->on_chunk(3, pieces[0]);
  replica_->on_link_gone({3, {}, {}});
  replica_->on_chunk(3, pieces[1]);
  replica_->on_chunk(3, pieces[2]);
  EXPECT_FALSE(replica_->run()) << "the link that brought its beginning is gone";
}

TEST_F(ReplicaTest, ASnapshotGoesOnOverAnotherLinkWhereItWas) {
  TestLeader leader;
  replica_->begin();
  auto pieces = pieces_of(snapshot_of(*leader.replica), 4);
  replica_->on_chunk(3, pieces[0]);
  replica_->on_chunk(3, pieces[1]);
  replica_->on_link_gone({3, {}, {}});
  pieces[1].message = pieces[0].message;  // its acknowledgement was lost
  world_.transport.sent.clear();
  replica_->on_chunk(4, pieces[1]);
  EXPECT_EQ(acknowledged(), 2u);
  replica_->on_chunk(4, pieces[2]);
  replica_->on_chunk(4, pieces[3]);
  EXPECT_EQ(acknowledged(), 4u);
  EXPECT_TRUE(replica_->run());
}

TEST_F(ReplicaTest, ASnapshotWhoseBeginningIsNotKnownIsAskedForFromTheBeginning) {
  TestLeader leader;
  replica_->begin();
  auto pieces = pieces_of(snapshot_of(*leader.replica), 4);
  pieces[2].message = pieces[0].message;
  EXPECT_FALSE(replica_->on_chunk(4, pieces[2]));
  EXPECT_EQ(acknowledged(), 0u);
}

TEST_F(ReplicaTest, APieceThatIsNotWhatWasSentIsRefused) {
  TestLeader leader;
  replica_->begin();
  auto pieces = pieces_of(snapshot_of(*leader.replica), 2);
  EXPECT_FALSE(replica_->on_chunk(3, pieces[0]));
  pieces[1].data.back() = static_cast<char>(pieces[1].data.back() ^ 1);
  EXPECT_EQ(replica_->on_chunk(3, pieces[1]), Rule::snapshot);
  EXPECT_FALSE(replica_->run());
}

TEST_F(ReplicaTest, ASnapshotThatCannotBeReadIsRefusedBeforeRaftTakesIt) {
  TestLeader leader;
  replica_->begin();
  raft::Snapshot broken = snapshot_of(*leader.replica);
  broken.data.resize(broken.data.size() / 2);
  auto pieces = pieces_of(broken, 2);
  EXPECT_FALSE(replica_->on_chunk(3, pieces[0]));
  EXPECT_EQ(replica_->on_chunk(3, pieces[1]), Rule::snapshot);
  replica_->run();
  EXPECT_EQ(replica_->raft().last_index(), 0u);
  EXPECT_EQ(replica_->store().cluster(), nullptr);
}

TEST_F(ReplicaTest, ASnapshotThatCanBeReadAndIsNoWholeStoreIsRefusedToo) {
  TestLeader leader;
  replica_->begin();
  raft::Snapshot empty = snapshot_of(*leader.replica);
  empty.data = pack_snapshot(store::Store(), leader.replica->members(), {});
  EXPECT_EQ(replica_->on_chunk(3, pieces_of(empty, 1)[0]), Rule::snapshot);
  EXPECT_EQ(world_.trace.of("warning.snapshot"),
            std::vector<std::string>{"it is not installed: it is no whole store"});
}

// The swarm is raised to a level when all its managers have said that they know it.
TEST_F(ReplicaTest, ASnapshotOfALevelThatThisManagerNeverAnnouncedIsRefusedAndItGoesOn) {
  TestLeader leader;
  model::Cluster cluster = *leader.replica->store().cluster();
  cluster.meta = {};
  cluster.feature_level = 99;
  model::Transaction raise;
  raise.actions.push_back(model::Put{cluster});
  store::Store raised;
  ASSERT_TRUE(raised.apply(raise, 7).outcome.applied);
  replica_->begin();
  raft::Snapshot newer = snapshot_of(*leader.replica);
  newer.data = pack_snapshot(raised, leader.replica->members(), {});
  EXPECT_EQ(replica_->on_chunk(3, pieces_of(newer, 1)[0]), Rule::snapshot);
  replica_->run();
  EXPECT_EQ(replica_->too_new(), 0u);
  const auto said = world_.trace.of("warning.snapshot");
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("it comes from a newer version (feature level 99)"), std::string::npos) << said[0];
  EXPECT_FALSE(replica_->on_chunk(3, pieces_of(snapshot_of(*leader.replica), 1)[0]));
  EXPECT_TRUE(replica_->run()) << "it takes what it knows";
}

TEST_F(ReplicaTest, OfASnapshotThatIsTooLargeNothingIsHeld) {
  TestLeader leader;
  replica_->begin();
  const raft::Snapshot snapshot = snapshot_of(*leader.replica);
  world_.core.options.max_snapshot_bytes = snapshot.data.size() - 1;
  auto pieces = pieces_of(snapshot, 3);
  EXPECT_FALSE(replica_->on_chunk(3, pieces[0]));
  EXPECT_FALSE(replica_->on_chunk(3, pieces[1]));
  EXPECT_EQ(replica_->on_chunk(3, pieces[2]), Rule::size);
  world_.core.options.max_snapshot_bytes = snapshot.data.size();
  EXPECT_FALSE(replica_->on_chunk(3, pieces[2])) << "its beginning is forgotten";
  EXPECT_FALSE(replica_->run());
}

TEST_F(ReplicaTest, OneSnapshotIsHeldAtATimeAndItsHeadIsJudgedFirst) {
  TestLeader leader;
  replica_->begin();
  auto pieces = pieces_of(snapshot_of(*leader.replica), 2);
  EXPECT_FALSE(replica_->on_chunk(3, pieces[0]));
  EXPECT_FALSE(replica_->on_chunk(4, pieces[0])) << "sent again on another link";
  EXPECT_FALSE(replica_->on_chunk(3, pieces[1]));
  EXPECT_FALSE(replica_->run());
  EXPECT_FALSE(replica_->on_chunk(4, pieces[1]));
  EXPECT_TRUE(replica_->run());

  raft::Snapshot nowhere = snapshot_of(*leader.replica);
  nowhere.index = 0;
  EXPECT_EQ(replica_->on_chunk(3, pieces_of(nowhere, 2)[0]), Rule::snapshot_place);
  pieces[0].message = "garbage";
  EXPECT_EQ(replica_->on_chunk(3, pieces[0]), Rule::snapshot);
}

TEST_F(ReplicaTest, AnEntryThatCannotBeReadIsNeitherWrittenNorAcknowledged) {
  replica_->begin();
  raft::Message message;
  message.type = MessageType::app;
  message.from = 1;
  message.to = 2;
  message.term = message.commit = 5;
  message.entries = {{5, 1, raft::EntryType::normal, "\x07garbage"}};
  EXPECT_EQ(replica_->step(message), Rule::entry);
  EXPECT_FALSE(replica_->run());
  EXPECT_EQ(replica_->raft().term(), 0u) << "the core has not seen it";
}

// Only a broken leader commits one. Every member passes over it alike.
TEST_F(ReplicaTest, AChangeOfTheMembersThatCannotBeAppliedChangesNothing) {
  replica_->begin();
  using Change = raft::ConfChangeType;
  raft::Message message;
  message.type = MessageType::app;
  message.from = 1;
  message.to = 2;
  message.term = 5;
  message.commit = 2;
  for (const auto type : {Change::add_node, Change::remove_node})
    message.entries.push_back(raft::encode_conf_change({raft::Transition::automatic, {{type, 1, {}}}}));
  message.entries[0].term = message.entries[1].term = 5;
  message.entries[0].index = 1;
  message.entries[1].index = 2;
  EXPECT_FALSE(replica_->step(std::move(message)));
  while (replica_->run()) stored();
  EXPECT_EQ(replica_->store().version(), 2u);
  EXPECT_EQ(replica_->voters(), std::set<std::uint64_t>{1});
  EXPECT_EQ(world_.trace.of("warning.entry").size(), 1u);
}

TEST_F(ReplicaTest, WhatOnlyALeaderAnswersIsNotPassedOn) {
  replica_->begin();
  hear_append(1);
  while (replica_->run()) stored();
  said();
  raft::Message read;
  read.type = MessageType::read_index;
  read.from = 3;
  read.to = 2;
  read.entries.resize(1);
  EXPECT_FALSE(replica_->step(std::move(read)));
  replica_->run();
  EXPECT_TRUE(said().empty()) << "it would speak in member 3's name";
}

TEST(ReplicaOfOne, LeadsWhenItHasAppliedAnEntryOfItsTerm) {
  TestLeader leader;
  const Leadership seen = leader.replica->leadership();
  EXPECT_TRUE(seen.leads());
  EXPECT_EQ(seen.leader, 1u);
  EXPECT_EQ(seen.term, leader.replica->raft().term());
  EXPECT_TRUE(leader.replica->take_leader_changed());
}

TEST(ReplicaOfOne, WhatItProposesComesBackWithItsNumber) {
  TestLeader leader;
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{leader.node(7, model::NodeRole::worker)});
  const std::uint64_t proposal = leader.replica->propose(std::move(transaction));
  EXPECT_NE(proposal, 0u);
  const auto applied = leader.go_on();
  ASSERT_EQ(applied.size(), 1u);
  EXPECT_EQ(applied.front().request, proposal);
  EXPECT_TRUE(applied.front().outcome.applied);
  EXPECT_EQ(applied.front().changes.changes.size(), 1u);
}

// A new member's first answer: it has nothing, so that a snapshot must come.
// Member 2.
void add_learner(TestLeader& leader) {
  raft::ConfChangeV2 change;
  change.changes.push_back(
      {raft::ConfChangeType::add_learner_node, 2, codec::encode(wire::ManagerPeer{NodeId(2), 2, at(2)})});
  ASSERT_TRUE(leader.replica->propose_membership(change));
  leader.go_on();
}

raft::Message has_nothing(const Replica& leader, std::uint64_t from) {
  raft::Message message;
  message.type = MessageType::app_resp;
  message.from = from;
  message.to = leader.raft_id();
  message.term = leader.raft().term();
  message.index = leader.raft().progress().at(from).next - 1;
  message.reject = true;
  return message;
}

TEST(ReplicaOfOne, ASnapshotThatIsAskedForWhileTheDiskIsAtWorkIsSent) {
  TestLeader leader;
  add_learner(leader);
  model::Transaction transaction;
  transaction.actions.push_back(model::Put{leader.node(7, model::NodeRole::worker)});
  leader.replica->propose(std::move(transaction));
  leader.replica->run();  // its batch is on its way
  leader.replica->step(has_nothing(*leader.replica, 2));
  leader.go_on();
  leader.replica->on_deadline();
  const auto chunks = std::ranges::count_if(leader.world.transport.sent, [](const auto& sent) {
    const auto* message = std::get_if<wire::Message>(&sent.second);
    return message != nullptr && std::holds_alternative<wire::SnapshotChunk>(*message);
  });
  EXPECT_GT(chunks, 0);
}

TEST(ReplicaOfOne, AReadIsReadyWhenALeaderHasMadeSureOfItself) {
  TestLeader leader;
  leader.replica->read_index(77);
  leader.go_on();
  EXPECT_EQ(leader.replica->take_reads(), std::vector<std::uint64_t>{77});
  EXPECT_TRUE(leader.replica->take_reads().empty());
}

TEST(ReplicaOfOne, IsAfterARestartWhatItsDiskSays) {
  TestLeader leader;
  leader.put(leader.node(7, model::NodeRole::worker));
  Core again(NodeOptions{}, leader.core.ports);
  auto state = load_replica(leader.core.ports.disk);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(what_is_forgotten(*state, leader.core.ports.disk.mark()), "");
  const auto loaded = Replica::load(again, std::move(*state));
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ((*loaded)->store().version(), leader.replica->store().version());
  EXPECT_EQ((*loaded)->voters(), std::set<std::uint64_t>{1});
  EXPECT_EQ((*loaded)->leadership().stage, Is::following) << "it stands for election again";
  EXPECT_NE((*loaded)->life(), 0u);
}

TEST(ReplicaOfOne, MadeOfALargerGroupCountsTheOthersAsRemoved) {
  TestLeader leader;
  add_learner(leader);
  auto state = load_replica(leader.world.disk);
  ASSERT_TRUE(state.ok() && state->members.contains(2));
  auto batch = group_of_one(std::move(*state), leader.world.disk.mark(), {NodeId(1), 1, at(1)},
                            leader.core.options.build, leader.core.wall());
  ASSERT_TRUE(batch.ok());
  leader.world.disk.commit(std::move(*batch), 0);
  state = load_replica(leader.world.disk);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->removed, std::set<std::uint64_t>{2});
  EXPECT_FALSE(state->members.contains(2));
}

// As a crash may leave its disk: the entry that gave member 2 a vote is there, and no word that it is
// committed.
ManagerState before_it_knew_its_second_voter(TestLeader& leader) {
  add_learner(leader);
  auto before = load_replica(leader.world.disk);
  raft::ConfChangeV2 change;
  change.changes.push_back(
      {raft::ConfChangeType::add_node, 2, codec::encode(wire::ManagerPeer{NodeId(2), 2, at(2)})});
  EXPECT_TRUE(leader.replica->propose_membership(change));
  leader.go_on();
  EXPECT_EQ(leader.replica->voters(), (std::set<std::uint64_t>{1, 2}));
  auto after = load_replica(leader.world.disk);
  before->entries = std::move(after->entries);
  ports::DiskBatch batch;
  put_hard_state(before->hard, before->promise, batch);
  leader.world.disk.commit(std::move(batch), 0);
  leader.world.disk.take_tokens();
  return std::move(*before);
}

// Seed 3169: a copy of such a disk, beside the original, was elected as the only voter, as the original was.
TEST(ReplicaOfOne, IsNotElectedAloneOnceItsLogHasASecondVoter) {
  TestLeader leader;
  const auto crashed = before_it_knew_its_second_voter(leader);
  ASSERT_EQ(crashed.conf.voters, std::vector<std::uint64_t>{1});
  leader.core.now = leader.core.now + Duration::seconds(1);
  auto loaded = Replica::load(leader.core, crashed);
  ASSERT_TRUE(loaded.ok());
  leader.replica = std::move(*loaded);
  leader.replica->campaign();
  leader.go_on();
  EXPECT_EQ(load_replica(leader.world.disk)->hard.commit, leader.replica->raft().commit());
  for (int i = 0; i < 100; ++i) {
    leader.core.now = leader.core.now + model::kRaftTick;
    leader.replica->on_deadline();
    leader.go_on();
  }
  EXPECT_EQ(leader.replica->voters(), (std::set<std::uint64_t>{1, 2}));
  EXPECT_EQ(leader.replica->raft().role(), raft::Role::pre_candidate) << "member 2 has not answered";
  EXPECT_EQ(leader.replica->raft().term(), crashed.hard.term) << "it has led";
}

// The clock of these tests stands still.
TEST(LogTime, OfTwoObjectsTheLaterOneIsTheYoungerOneWhateverTheClockSays) {
  TestLeader leader;
  for (const std::uint64_t id : {2U, 3U}) leader.put(leader.node(id, model::NodeRole::worker));
  const auto made = [&](std::uint64_t id) {
    return leader.replica->store().node(NodeId(id))->meta.created_at;
  };
  EXPECT_LT(made(1), made(2));
  EXPECT_LT(made(2), made(3));
}

}  // namespace
}  // namespace swarm::node
