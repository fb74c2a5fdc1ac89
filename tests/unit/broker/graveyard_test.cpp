#include "p2p/broker/desks/graveyard.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/test_loop.hpp"

namespace packswarm::broker {
namespace {

TEST(Graveyard, WhatEndsInsideItsOwnCallbackLivesUntilTheLoopComesRound) {
    test::FakeLoop loop;
    Graveyard graveyard(loop);
    auto object = std::make_shared<int>(7);
    const std::weak_ptr<int> watched = object;
    graveyard.bury(std::move(object));
    EXPECT_FALSE(watched.expired());
    loop.drain();
    EXPECT_TRUE(watched.expired());
}

TEST(Graveyard, TakesWhatItHoldsWithIt) {
    test::FakeLoop loop;
    std::optional<Graveyard> graveyard(std::in_place, loop);
    auto object = std::make_shared<int>(7);
    const std::weak_ptr<int> watched = object;
    graveyard->bury(std::move(object));
    graveyard.reset();
    EXPECT_TRUE(watched.expired());
    loop.drain();
}

}  // namespace
}  // namespace packswarm::broker
