#include "p2p/core/peer_book.hpp"

#include <gtest/gtest.h>

#include "tests/support/lineages.hpp"

namespace packswarm::core {
namespace {

using namespace std::chrono_literals;

constexpr WallTime start{Seconds(1'790'000'000)};
const auto l = test::lineage_of("l"), m = test::lineage_of("m"), other = test::lineage_of("other");

std::vector<std::string> endpoints(const std::vector<KnownPeer>& peers) {
    std::vector<std::string> out;
    for (const auto& peer : peers) out.push_back(peer.endpoint);
    return out;
}

TEST(PeerBook, TheBestAreThoseWhoAnswerThenThoseWhoGaveThenTheLatest) {
    PeerBook book({});
    book.met(l, "192.0.2.1:1", 10, start);
    book.met(l, "192.0.2.2:1", 500, start);
    book.met(l, "192.0.2.3:1", 9'000, start);
    book.met(l, "192.0.2.4:1", 10, start + 1h);
    book.met(other, "192.0.2.5:1", 9'000, start);
    book.unanswered(l, "192.0.2.3:1");
    EXPECT_EQ(endpoints(book.best(l, 10)),
              (std::vector<std::string>{"192.0.2.2:1", "192.0.2.4:1", "192.0.2.1:1", "192.0.2.3:1"}));
    EXPECT_EQ(book.best(l, 2).size(), 2U);
    EXPECT_TRUE(book.best(test::lineage_of("none"), 2).empty());
}

TEST(PeerBook, WhatItGaveAddsUpAndMeetingItForgivesItsSilence) {
    PeerBook book({});
    book.met(l, "a:1", 10, start);
    book.unanswered(l, "a:1");
    book.met(l, "a:1", 5, start + 1h);
    const auto peer = book.best(l, 1).at(0);
    EXPECT_EQ(peer.received, 15);
    EXPECT_EQ(peer.failures, 0);
    EXPECT_EQ(peer.last_seen, start + 1h);
}

TEST(PeerBook, WhoDoesNotAnswerAtSeveralStartsIsForgotten) {
    PeerBook book({64, 512, Seconds(3600), 3});
    book.met(l, "a:1", 10, start);
    for (int i = 0; i < 2; ++i) book.unanswered(l, "a:1");
    EXPECT_EQ(book.size(), 1U);
    book.unanswered(l, "a:1");
    EXPECT_EQ(book.size(), 0U);
    book.unanswered(l, "never met:1");
    EXPECT_EQ(book.size(), 0U);
}

TEST(PeerBook, WhoWasBlamedIsForgottenWithAllThatListensThere) {
    PeerBook book({});
    book.met(l, "192.0.2.1:1", 0, start);
    book.met(m, "192.0.2.1:2", 0, start);
    book.met(l, "192.0.2.11:1", 0, start);
    book.met(l, "[2001:db8::1]:1", 0, start);
    book.blamed("192.0.2.1");
    book.blamed("[2001:db8::1]");
    EXPECT_EQ(endpoints(book.best(l, 9)), std::vector<std::string>{"192.0.2.11:1"});
    EXPECT_EQ(book.size(), 1U);
}

TEST(PeerBook, OldRowsAreNotLoadedAndAWrongClockDoesNotKeepThemForEver) {
    PeerBook book({64, 512, Seconds(3600), 3});
    book.load({{l, "old:1", start - 2h, 5, 0},
               {l, "new:1", start - 30min, 5, 0},
               {l, "future:1", start + 9999h, 5, 0},
               {l, "silent:1", start, 5, 3}},
              start);
    EXPECT_EQ(endpoints(book.best(l, 9)), (std::vector<std::string>{"future:1", "new:1"}));
    EXPECT_EQ(book.best(l, 1).at(0).last_seen, start);
    EXPECT_EQ(book.take_changes().dropped.size(), 2U);
}

TEST(PeerBook, IsBoundedByLineageAndInAll) {
    PeerBook book({4, 6, Seconds(3600), 3});
    for (int i = 0; i < 20; ++i) book.met(l, "a:" + std::to_string(i), i, start);
    EXPECT_EQ(endpoints(book.best(l, 9)), (std::vector<std::string>{"a:19", "a:18", "a:17", "a:16"}));
    for (int i = 0; i < 20; ++i) book.met(m, "b:" + std::to_string(i), 100 + i, start);
    EXPECT_EQ(book.size(), 6U);
    EXPECT_EQ(book.best(m, 9).size(), 4U);
}

TEST(PeerBook, TellsWhichRowsChanged) {
    PeerBook book({2, 6, Seconds(3600), 3});
    book.load({{l, "a:1", start, 1, 0}}, start);
    EXPECT_TRUE(book.take_changes().kept.empty());
    book.met(l, "b:1", 7, start);
    book.met(l, "c:1", 8, start);
    auto changes = book.take_changes();
    EXPECT_EQ(endpoints(changes.kept), (std::vector<std::string>{"b:1", "c:1"}));
    EXPECT_EQ(endpoints(changes.dropped), std::vector<std::string>{"a:1"});
    EXPECT_TRUE(book.take_changes().kept.empty());
    book.blamed("c");
    book.met(l, "c:1", 0, start);
    changes = book.take_changes();
    EXPECT_EQ(endpoints(changes.kept), std::vector<std::string>{"c:1"});
    EXPECT_TRUE(changes.dropped.empty());
}

}  // namespace
}  // namespace packswarm::core
