#include "node/replica_disk.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/id.hpp"
#include "codec/codec.hpp"
#include "model/cluster.hpp"
#include "model/container_spec.hpp"
#include "model/feature_level.hpp"
#include "model/key_value.hpp"
#include "model/node.hpp"
#include "model/service.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/identity.hpp"
#include "node/test_disk.hpp"
#include "ports/disk.hpp"
#include "raft/message.hpp"
#include "raft/promise.hpp"
#include "store/store.hpp"

namespace swarm::node {
namespace {

using ports::Family;

model::Transaction two_objects() {
  model::Transaction transaction;
  model::Cluster cluster;
  cluster.id = ClusterId(7);
  model::Service service;
  service.id = ServiceId(9);
  service.spec.annotations.name = "web";
  service.spec.task.container.emplace().image = "nginx:1.10";
  transaction.actions.push_back(model::Put{cluster});
  transaction.actions.push_back(model::Put{service});
  transaction.actions.push_back(model::WriteKey{"k", "1", {}, {}});  // the shortest key
  return transaction;
}

void put_self(TestDisk& disk) {
  ports::DiskBatch batch;
  batch.put(Family::raft_state, "self", eight(42));
  batch.put(Family::raft_state, "hard", codec::encode(raft::HardState{3, 42, 2}));
  disk.commit(std::move(batch), 0);
}

// A member's disk after `writes` synced writes, and what its mark then was.
struct Kept {
  explicit Kept(std::uint64_t writes) {
    put_self(disk);
    for (std::uint64_t i = 1; i <= writes; ++i) {
      const raft::HardState hard{3, 42, i};
      promise = raft::next_promise(promise, promise, hard, i, 3);
      ports::DiskBatch batch;
      batch.put(Family::raft_log, log_key(i), codec::encode(raft::Entry{3, i, raft::EntryType::normal, ""}));
      put_hard_state(hard, promise, batch);
      batch.mark = mark_of(promise);
      disk.commit(std::move(batch), 0);
    }
  }
  std::string forgotten(std::string_view mark) {
    const auto state = load_replica(disk);
    EXPECT_TRUE(state.ok());
    return what_is_forgotten(*state, mark);
  }
  TestDisk disk;
  raft::Promise promise = raft::no_promise(42);
};

TEST(ManagerDisk, ALostTailOrAnotherLogDoesNotFitItsMark) {
  Kept five(5);
  EXPECT_EQ(five.forgotten(five.disk.mark()), "");
  EXPECT_EQ(Kept(6).forgotten(five.disk.mark()), "") << "a write that was never acknowledged";
  EXPECT_EQ(Kept(3).forgotten(five.disk.mark()), "its last 2 of 5 durable writes are gone");
  EXPECT_EQ(Kept(7).forgotten(five.disk.mark()), "its log is not the one that its mark is of");
  EXPECT_EQ(five.forgotten(""), "the mark of its 5 durable writes is gone");
  EXPECT_EQ(five.forgotten("torn"), "the mark of its 5 durable writes is gone");
  EXPECT_EQ(five.forgotten(mark_of(raft::next_promise(raft::no_promise(7), raft::no_promise(7), {}, 5, 3))),
            "its log is not the one that its mark is of");
}

// Written by a build that has no marks.
TEST(ManagerDisk, ALogThatEndsBeforeWhatWasCommittedHasLostIt) {
  Kept none(0);
  EXPECT_EQ(none.forgotten(""), "the log ends at entry 0, and 2 was committed");
  ports::DiskBatch batch;
  batch.put(Family::raft_log, log_key(3), codec::encode(raft::Entry{3, 3, raft::EntryType::normal, ""}));
  none.disk.commit(std::move(batch), 0);
  EXPECT_EQ(none.forgotten(""), "the log begins at entry 3, not at 1");
}

TEST(ManagerDisk, WhatIsWrittenComesBack) {
  TestDisk disk;
  put_self(disk);
  store::Store store;
  ASSERT_TRUE(store.apply(two_objects(), 2).outcome.applied);
  ports::DiskBatch batch;
  put_dirty(store, batch);
  const wire::ManagerPeer peer{NodeId(5), 42, Address::v4(127, 0, 1, 1, 2377)};
  batch.put(Family::raft_state, member_key(42), codec::encode(peer));
  disk.commit(std::move(batch), 0);

  auto state = load_replica(disk);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(state->raft_id, 42U);
  EXPECT_EQ(state->hard.term, 3U);
  EXPECT_EQ(state->applied, 2U);
  EXPECT_EQ(state->members.at(42), peer);
  store::Store again;
  ASSERT_TRUE(again.restore(std::move(state->records), state->applied).ok());
  EXPECT_EQ(*again.service(ServiceId(9)), *store.service(ServiceId(9)));
  EXPECT_EQ(*again.cluster(), *store.cluster());
  EXPECT_EQ(*again.key("k"), *store.key("k"));
  const auto unpacked = unpack_snapshot(pack_snapshot(store, {}, {}));
  ASSERT_TRUE(unpacked.ok());
  ASSERT_TRUE(again.restore(unpacked->records, 2).ok());
  EXPECT_EQ(*again.key("k"), *store.key("k"));
}

TEST(ManagerDisk, TheLevelIsReadWhereNothingElseCanBe) {
  TestDisk disk;
  EXPECT_EQ(stored_level(disk), model::kFirstLevel) << "nothing is stored";
  put_self(disk);
  store::Store store;
  model::Transaction first = two_objects();
  std::get<model::Cluster>(std::get<model::Put>(first.actions[0]).object).feature_level = 5;
  ASSERT_TRUE(store.apply(first, 2).outcome.applied);
  ports::DiskBatch batch;
  put_dirty(store, batch);
  batch.put(Family::objects, "\x63 of a kind to come", "not readable");
  batch.put(Family::raft_state, "a key to come", "not readable");
  disk.commit(std::move(batch), 0);
  EXPECT_EQ(stored_level(disk), 5U);
  EXPECT_EQ(stored_version(disk), 2U);
  EXPECT_FALSE(load_replica(disk).ok()) << "else it proves nothing";

  const std::map<std::uint64_t, wire::ManagerPeer> members{
      {42, {NodeId(5), 42, Address::v4(127, 0, 1, 1, 1)}}};
  const std::string snapshot = pack_snapshot(store, members, {7});
  EXPECT_EQ(snapshot_level(snapshot), 5U);
  EXPECT_EQ(snapshot_level(snapshot + "rubbish"), 5U);
  EXPECT_EQ(snapshot_level("rubbish"), model::kFirstLevel);
  EXPECT_EQ(snapshot_level(""), model::kFirstLevel);
}

TEST(ManagerDisk, WhatIsCorruptIsNamed) {
  TestDisk disk;
  put_self(disk);
  ports::DiskBatch batch;
  batch.put(Family::raft_log, log_key(1), "rubbish");
  disk.commit(std::move(batch), 0);
  const auto state = load_replica(disk);
  ASSERT_FALSE(state.ok());
  EXPECT_NE(state.error().message.find("raft log key 0000000000000001"), std::string::npos)
      << state.error().message;
}

TEST(ManagerDisk, AGapInTheLogIsRefused) {
  TestDisk disk;
  put_self(disk);
  ports::DiskBatch batch;
  for (const std::uint64_t index : {2U, 4U}) {
    raft::Entry entry;
    entry.term = 1;
    entry.index = index;
    batch.put(Family::raft_log, log_key(index), codec::encode(entry));
  }
  disk.commit(std::move(batch), 0);
  EXPECT_FALSE(load_replica(disk).ok());
}

TEST(ManagerDisk, AnEntryThatShouldHaveBeenWrittenOverIsRefused) {
  TestDisk disk;
  put_self(disk);
  ports::DiskBatch batch;
  for (const auto& [index, term] : {std::pair(2U, 1U), std::pair(3U, 3U), std::pair(4U, 2U)}) {
    raft::Entry entry;
    entry.term = term;
    entry.index = index;
    batch.put(Family::raft_log, log_key(index), codec::encode(entry));
  }
  disk.commit(std::move(batch), 0);
  EXPECT_FALSE(load_replica(disk).ok());
}

TEST(ManagerDisk, ASnapshotCarriesAllAndACutOneIsRefused) {
  store::Store store;
  ASSERT_TRUE(store.apply(two_objects(), 2).outcome.applied);
  const wire::ManagerPeer peer{NodeId(5), 42, Address::v4(127, 0, 1, 1, 2377)};
  const std::string data = pack_snapshot(store, {{42, peer}}, {41});
  const auto unpacked = unpack_snapshot(data);
  ASSERT_TRUE(unpacked.ok());
  EXPECT_EQ(unpacked->members.at(42), peer);
  EXPECT_TRUE(unpacked->removed.contains(41));
  EXPECT_EQ(unpacked->records.size(), store.all_keys().size());
  EXPECT_FALSE(unpack_snapshot(std::string_view(data).substr(0, data.size() - 1)).ok());
}

TEST(ManagerDisk, ASnapshotTakesThePlaceOfAllThatWasThere) {
  TestDisk disk;
  put_self(disk);
  const wire::ManagerPeer gone{NodeId(4), 41, Address::v4(127, 0, 1, 2, 2377)};
  const wire::ManagerPeer peer{NodeId(5), 42, Address::v4(127, 0, 1, 1, 2377)};
  store::Store old;
  model::Transaction other = two_objects();
  std::get<model::Service>(std::get<model::Put>(other.actions[1]).object).id = ServiceId(8);
  ASSERT_TRUE(old.apply(other, 2).outcome.applied);
  raft::Entry entry;
  entry.term = 1;
  entry.index = 2;
  ports::DiskBatch before;
  put_dirty(old, before);
  before.put(Family::raft_log, log_key(2), codec::encode(entry));
  for (const auto& member : {gone, peer})
    before.put(Family::raft_state, member_key(member.raft_id), codec::encode(member));
  disk.commit(std::move(before), 0);

  store::Store store;
  ASSERT_TRUE(store.apply(two_objects(), 9).outcome.applied);
  raft::Snapshot snapshot;
  snapshot.index = 9;
  snapshot.term = 3;
  snapshot.conf_state.voters = {42};
  ports::DiskBatch batch;
  put_snapshot(snapshot, store, {{42, peer}}, {41}, batch);
  put_dirty(store, batch);
  disk.commit(std::move(batch), 0);

  const auto state = load_replica(disk);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(state->raft_id, 42U) << "who this is does not come with a snapshot";
  EXPECT_EQ(state->hard.term, 3U);
  EXPECT_TRUE(state->entries.empty());
  EXPECT_EQ(state->members, (std::map<std::uint64_t, wire::ManagerPeer>{{42, peer}}));
  EXPECT_EQ(state->removed, (std::set<std::uint64_t>{41}));
  EXPECT_EQ(state->records.size(), store.all_keys().size());
  EXPECT_EQ(state->snapshot.index, 9U);
  EXPECT_EQ(state->conf.voters, (std::vector<raft::PeerId>{42}));
}

TEST(IdentityDisk, OfAVersionWithoutCertificatesTheRootIsRead) {
  TestDisk disk;
  Identity identity;
  identity.node = NodeId(1);
  identity.cluster = ClusterId(2);
  identity.listen = identity.advertise = Address::v4(127, 0, 1, 1, 2377);
  disk.commit(save_identity(identity), 0);
  ports::DiskBatch batch;
  batch.put(Family::identity, "root_cert", "pem");
  disk.commit(std::move(batch), 0);
  const auto read = load_identity(disk);
  ASSERT_TRUE(read.ok() && *read);
  EXPECT_EQ((*read)->root_cert_pem, "pem");
  EXPECT_EQ((*read)->certificate_pem, "");
}

TEST(IdentityDisk, RoundTripAndTheBadKeyIsNamed) {
  TestDisk disk;
  EXPECT_FALSE((*load_identity(disk)).has_value());
  Identity identity;
  identity.node = NodeId(1);
  identity.cluster = ClusterId(2);
  identity.role = model::NodeRole::manager;
  identity.raft_id = 3;
  identity.listen = identity.advertise = Address::v4(127, 0, 1, 1, 2377);
  identity.root_cert_pem = "pem";
  identity.certificate_pem = "certificate";
  identity.key_pem = "key";
  identity.managers = {{NodeId(1), 3, identity.advertise}};
  disk.commit(save_certificates(identity), 0);
  disk.commit(save_identity(identity), 0);
  EXPECT_EQ(**load_identity(disk), identity);

  ports::DiskBatch batch;
  batch.put(Family::identity, "raft_id", "short");
  disk.commit(std::move(batch), 0);
  const auto broken = load_identity(disk);
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.error().message.find("'raft_id'"), std::string::npos);
}

}  // namespace
}  // namespace swarm::node
