#include "p2p/broker/desks/peer_questions.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/lineages.hpp"
#include "tests/support/recording_peers.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/hasher.hpp"

namespace packswarm::broker {
namespace {

struct PeerQuestionsTest : ::testing::Test {
    static Digest digest(const std::string& content) { return verify::digest_of(as_bytes(content)); }
    test::FakeLoop loop;
    test::RecordingPeers peers;
    std::optional<PeerQuestions> questions{std::in_place, loop, peers};
};

TEST_F(PeerQuestionsTest, AsksWhenTheLoopComesRound) {
    questions->ask(test::lineage_of("stable"), digest("one"), core::Audience::everybody);
    questions->ask(test::lineage_of("testing"), digest("two"), core::Audience::neighbours);
    EXPECT_TRUE(peers.asked.empty());
    loop.drain();
    EXPECT_EQ(peers.asked.size(), 2u);
    EXPECT_EQ(peers.told_strangers, std::set<Digest>{digest("one")});
}

TEST_F(PeerQuestionsTest, WhatNobodyIsToKnowIsNotAsked) {
    questions->ask(test::lineage_of("stable"), digest("one"), core::Audience::nobody);
    EXPECT_TRUE(loop.idle());
}

TEST_F(PeerQuestionsTest, AsksAnewEachTime) {
    for (int i = 0; i < 2; ++i) {
        peers.asked.clear();
        questions->ask(test::lineage_of("stable"), digest("one"), core::Audience::everybody);
        loop.drain();
        EXPECT_EQ(peers.asked.size(), 1u);
    }
}

TEST_F(PeerQuestionsTest, AsksNobodyAfterItsEnd) {
    questions->ask(test::lineage_of("stable"), digest("one"), core::Audience::everybody);
    questions.reset();
    loop.drain();
    EXPECT_TRUE(peers.asked.empty());
}

}  // namespace
}  // namespace packswarm::broker
