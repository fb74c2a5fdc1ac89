#include "p2p/base/fair_places.hpp"

#include <gtest/gtest.h>

namespace packswarm {
namespace {

using Holder = FairPlaces::Holder;

const Holder root{"here", "user 0"}, mallory{"here", "user 1000"}, near_one{"192.0.2.0/24", "192.0.2.7"},
    near_other{"192.0.2.0/24", "192.0.2.8"}, far{"198.51.100.0/24", "198.51.100.1"};

void take(FairPlaces& places, const Holder& holder, int count) {
    for (int i = 0; i < count; ++i) places.take(holder);
}

TEST(FairPlacesTest, CountsWhoTakesAndLeaves) {
    FairPlaces places(3);
    take(places, root, 2);
    places.take(far);
    EXPECT_TRUE(places.are_all_taken());
    places.leave(root);
    EXPECT_FALSE(places.are_all_taken());
    EXPECT_EQ(places.held_by(root), 1u);
    places.leave(mallory);
    places.leave({"here", "nobody"});
    EXPECT_EQ(places.taken(), 2u) << "who holds nothing leaves nothing";
}

TEST(FairPlacesTest, TakesFromWhoHoldsMost) {
    FairPlaces places(256);
    take(places, mallory, 256);
    EXPECT_EQ(places.gives_way(root), mallory);
    EXPECT_EQ(places.gives_way(far), mallory);
    EXPECT_EQ(places.gives_way(mallory), mallory) << "its own";
}

TEST(FairPlacesTest, ANetworkIsOneBeforeItsAddressesAre) {
    FairPlaces places(256);
    for (int i = 0; i < 250; ++i) places.take({"192.0.2.0/24", "192.0.2." + std::to_string(i)});
    take(places, near_one, 6);
    EXPECT_EQ(places.gives_way(root), near_one) << "who holds most of the network that holds most";
    EXPECT_EQ(places.gives_way(near_other), near_one);
    places.leave(near_one);
    EXPECT_EQ(places.gives_way(near_one), near_one);
}

TEST(FairPlacesTest, NobodyGivesWayToWhoWouldHoldMore) {
    FairPlaces places(4);
    for (const auto& one : {root, mallory, near_one, far}) places.take(one);
    EXPECT_EQ(places.gives_way(far), far) << "another one of its own would be as many as the two of this machine";
    places.leave(mallory);
    EXPECT_EQ(places.gives_way({"203.0.113.0/24", "203.0.113.1"}), std::nullopt) << "each holds one";
    FairPlaces empty(0);
    EXPECT_TRUE(empty.are_all_taken());
    EXPECT_EQ(empty.gives_way(root), std::nullopt);
}

}  // namespace
}  // namespace packswarm
