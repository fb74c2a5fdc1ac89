#include "p2p/plan/lenders.hpp"

#include <gtest/gtest.h>

namespace packswarm::plan {
namespace {

constexpr SourceId ann{1}, bob{2};

TEST(Lenders, CountTheCopiesOfEachPiece) {
    Lenders lenders;
    lenders.set(ann, {true, false, true});
    lenders.set(bob, {true});
    EXPECT_EQ(lenders.copies(0), 2);
    EXPECT_EQ(lenders.copies(1), 0);
    EXPECT_EQ(lenders.copies(2), 1);
    EXPECT_EQ(lenders.copies(99), 0) << "of a piece that nobody named";
}

TEST(Lenders, WhatIsNewOfOneReplacesWhatWasKnown) {
    Lenders lenders;
    lenders.set(ann, {true, true});
    lenders.set(ann, {false, true, true});
    EXPECT_EQ(lenders.copies(0), 0);
    EXPECT_EQ(lenders.copies(1), 1);
    EXPECT_EQ(lenders.of(ann), (std::vector<bool>{false, true, true}));
}

TEST(Lenders, WhoLeavesTakesItsCopiesAlong) {
    Lenders lenders;
    lenders.set(ann, {true});
    lenders.set(bob, {true});
    lenders.drop(ann);
    lenders.drop(ann);
    EXPECT_EQ(lenders.copies(0), 1);
    EXPECT_FALSE(lenders.knows(ann));
    EXPECT_TRUE(lenders.of(ann).empty());
    lenders.clear();
    EXPECT_TRUE(lenders.empty());
    EXPECT_EQ(lenders.copies(0), 0);
}

}  // namespace
}  // namespace packswarm::plan
