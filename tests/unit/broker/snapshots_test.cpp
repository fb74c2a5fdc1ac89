#include "p2p/broker/snapshots.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "tests/support/lineages.hpp"

namespace packswarm::broker {
namespace {

const WallTime noon{Seconds(1'790'000'000)};
const auto in_lineage = test::lineage_of("bookworm");

Digest root_number(std::uint8_t byte) {
    Digest out;
    out.bytes.fill(byte);
    return out;
}

class SnapshotsTest : public ::testing::Test {
  protected:
    SnapshotsTest() {
        ours_.lineages = {in_lineage};
        ours_.own.contents = {{7, noon}};
    }
    PeerSnapshot shown(std::uint64_t peer, std::uint8_t root, WallTime date = noon) const {
        PeerSnapshot out;
        out.peer = PeerId{peer};
        out.lineage = in_lineage;
        out.date = date;
        out.root = root_number(root);
        out.size = 1000;
        out.provenance.contents = {{7, noon}};  // what was seen here too
        return out;
    }
    std::vector<Digest> roots() const {
        std::vector<Digest> out;
        for (const auto& one : snapshots_.of(ours_)) out.push_back(one.root);
        return out;
    }
    Known ours_;
    Snapshots snapshots_;
};

TEST_F(SnapshotsTest, TheNewestComesFirst) {
    snapshots_.add(shown(1, 1, noon));
    snapshots_.add(shown(2, 2, noon + Seconds(60)));
    EXPECT_EQ(roots(), (std::vector{root_number(2), root_number(1)}));
}

TEST_F(SnapshotsTest, APeerShowsOneRootOfALineageAndProduct) {
    snapshots_.add(shown(1, 1));
    snapshots_.add(shown(1, 2));
    EXPECT_EQ(roots(), std::vector{root_number(2)});
    auto other = shown(1, 3);
    other.provenance.product = root_number(9);
    snapshots_.add(other);
    EXPECT_EQ(roots().size(), 2u);
}

TEST_F(SnapshotsTest, WhatAPeerShowedGoesWithIt) {
    snapshots_.add(shown(1, 1));
    snapshots_.add(shown(2, 2));
    snapshots_.peer_down(PeerId{1});
    EXPECT_EQ(roots(), std::vector{root_number(2)});
}

TEST_F(SnapshotsTest, ARootThatNothingShowsToBelongIsNotAskedFor) {
    auto stranger = shown(1, 1);
    stranger.provenance.contents = {{99, noon}};
    snapshots_.add(stranger);
    EXPECT_TRUE(roots().empty());
    ours_.public_keys = {std::string(in_lineage.signer())};
    ours_.only_public_keys = true;
    EXPECT_EQ(roots().size(), 1u) << "a distribution's key signs one product under one name";
    ours_.names_a_day = true;
    EXPECT_TRUE(roots().empty()) << "a dated snapshot is not to be guessed";
}

TEST_F(SnapshotsTest, OfAnotherLineageNothingIsTaken) {
    auto other = shown(1, 1);
    other.lineage = test::lineage_of("trixie");
    snapshots_.add(other);
    EXPECT_TRUE(roots().empty());
}

TEST_F(SnapshotsTest, SizesThatNoRootHasAndMoreThanTheBoundAreNotKept) {
    auto odd = shown(1, 1);
    for (const ByteCount size : {ByteCount(0), ByteCount(-1), limits::max_database + limits::max_release + 1}) {
        odd.size = size;
        snapshots_.add(odd);
    }
    EXPECT_TRUE(roots().empty());
    for (std::uint64_t peer = 1; peer <= 300; ++peer) snapshots_.add(shown(peer, 1));
    EXPECT_EQ(roots().size(), 256u);
}

TEST_F(SnapshotsTest, TellsWhereARootWasSeen) {
    auto one = shown(1, 1), other = shown(2, 1);
    one.provenance.addresses = {11};
    other.provenance.addresses = {12, 13};
    snapshots_.add(one);
    snapshots_.add(other);
    EXPECT_EQ(snapshots_.addresses_of(root_number(1)), (std::vector<core::Mark>{11, 12, 13}));
    EXPECT_TRUE(snapshots_.addresses_of(root_number(2)).empty());
}

}  // namespace
}  // namespace packswarm::broker
