#include "node/snapshot_packer.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/address.hpp"
#include "base/id.hpp"
#include "model/key_value.hpp"
#include "model/service.hpp"
#include "model/transaction.hpp"
#include "model/wire.hpp"
#include "node/replica_disk.hpp"

namespace swarm::node {
namespace {

constexpr std::uint64_t kServices = 300;

class SnapshotPackerTest : public testing::Test {
 protected:
  SnapshotPackerTest() {
    model::Transaction all;
    all.actions.push_back(model::WriteKey{"a key", "of a name as long as it likes", {}, {}});
    for (std::uint64_t id = 1; id <= kServices; ++id) {
      model::Service service;
      service.id = ServiceId(id);
      service.spec.annotations.name = "s" + std::to_string(id);
      all.actions.push_back(model::Put{service});
    }
    EXPECT_TRUE(store_.apply(all, 2).outcome.applied);
  }
  SnapshotPacker packer() {
    return SnapshotPacker(std::make_shared<SnapshotSource>(SnapshotSource{store_.view(), members_, {41}}));
  }

  store::Store store_;
  std::map<std::uint64_t, wire::ManagerPeer> members_{
      {42, wire::ManagerPeer{NodeId(5), 42, Address::v4(127, 0, 1, 1, 2377)}}};
};

TEST_F(SnapshotPackerTest, ThePiecesAreTheWholeAndEachIsBounded) {
  const std::string whole = pack_snapshot(store_, members_, {41});
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{1'000}, whole.size(), whole.size() + 1}) {
    SnapshotPacker packer = this->packer();
    std::string data;
    while (!packer.done()) {
      const std::string piece = packer.next(bytes, 1'000'000);
      EXPECT_LE(piece.size(), bytes + 200) << "it ends with the object that fills it";
      data += piece;
    }
    EXPECT_EQ(data, whole);
  }
}

TEST_F(SnapshotPackerTest, APieceHasSoManyObjectsAtMost) {
  SnapshotPacker packer = this->packer();
  int pieces = 0;
  for (; !packer.done(); ++pieces) (void)packer.next(1'000'000, 100);
  EXPECT_EQ(pieces, 7) << "300 services, their 300 templates, a key";
}

TEST_F(SnapshotPackerTest, WhatChangesMeanwhileIsNotInIt) {
  const std::string whole = pack_snapshot(store_, members_, {41});
  SnapshotPacker packer = this->packer();
  std::string data;
  for (std::uint64_t id = kServices; !packer.done(); --id) {
    data += packer.next(1'000'000, 10);
    const auto gone = model::Remove::of<model::Service>(ServiceId(id));
    ASSERT_TRUE(store_
                    .apply({0, {}, {gone, model::WriteKey{"a key", std::to_string(id), {}, {}}}},
                           store_.version() + 1)
                    .outcome.applied);
  }
  EXPECT_EQ(data, whole);
  const auto unpacked = unpack_snapshot(data);
  ASSERT_TRUE(unpacked.ok());
  EXPECT_EQ(unpacked->records.size(), 2 * kServices + 1);
  EXPECT_EQ(unpacked->members, members_);
}

}  // namespace
}  // namespace swarm::node
