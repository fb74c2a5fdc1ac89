#include "p2p/core/peer_book.hpp"

#include <gtest/gtest.h>

#include <limits>

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

// Limits without anybody who stays for good.
constexpr PeerBook::Limits forgetful{64, 512, Seconds(3600), 3, 0};

std::vector<KnownPeer> rows(int count, WallTime first, Seconds apart = Seconds(1)) {
    std::vector<KnownPeer> out;
    for (int i = 0; i < count; ++i) out.push_back({l, "a:" + std::to_string(i), first + i * apart, 5, 0});
    return out;
}

TEST(PeerBook, WhoDoesNotAnswerAtSeveralStartsIsForgotten) {
    PeerBook book(forgetful);
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

TEST(PeerBook, TheLastMetStayHoweverSilentTheyAre) {
    PeerBook book({64, 512, Seconds(3600), 3, 2});
    for (const auto* endpoint : {"a:1", "b:1", "c:1"}) book.met(l, endpoint, 0, start);
    for (int i = 0; i < 9; ++i)
        for (const auto* endpoint : {"a:1", "b:1", "c:1"}) book.unanswered(l, endpoint);
    EXPECT_EQ(endpoints(book.last_met(l)), (std::vector<std::string>{"c:1", "b:1"}));
    EXPECT_EQ(book.size(), 2U);
    PeerBook again({64, 512, Seconds(3600), 3, 2});
    again.load(book.best(l, 9));
    EXPECT_EQ(again.size(), 2U);
    again.met(l, "d:1", 0, start);
    PeerBook later({64, 512, Seconds(3600), 3, 2});
    later.load(again.best(l, 9));
    EXPECT_EQ(endpoints(later.best(l, 9)), (std::vector<std::string>{"d:1", "c:1"})) << "others were met since";
}

TEST(PeerBook, WhoWasMetLongBeforeTheLastEightIsForgotten) {
    auto old = rows(9, start);
    old.at(0).last_seen = start - 31 * 24h;
    PeerBook book({});
    book.load(old);
    EXPECT_EQ(book.size(), 8U);
    EXPECT_EQ(endpoints(book.take_changes().dropped), std::vector<std::string>{"a:0"});
    EXPECT_EQ(endpoints(book.last_met(l)).back(), "a:1");
}

TEST(PeerBook, AYearAwayForgetsNobody) {
    PeerBook book({});
    book.load(rows(20, start));
    EXPECT_EQ(book.size(), 20U);
    book.met(l, "a:3", 0, start + 365 * 24h);
    PeerBook again({});
    again.load(book.best(l, 64));
    EXPECT_EQ(again.size(), 20U);
    EXPECT_EQ(endpoints(again.last_met(l)).front(), "a:3");
}

TEST(PeerBook, AWrongClockForgetsNobodyAndChangesNoOrder) {
    for (const auto wrong : {WallTime{}, start + 30 * 24h, start + 365 * 24h}) {
        PeerBook book({});
        book.load(rows(20, start));
        book.met(l, "b:1", 0, wrong);
        PeerBook back({});
        back.load(book.best(l, 64));
        EXPECT_EQ(back.size(), 21U);
        EXPECT_EQ(endpoints(back.last_met(l)).front(), "b:1");
        back.met(l, "b:2", 0, start + 60s);
        EXPECT_EQ(endpoints(back.last_met(l)).front(), "b:2") << "the last one, whatever the clocks said";
        EXPECT_TRUE(back.take_changes().dropped.empty());
    }
}

TEST(PeerBook, ADamagedRowDoesNotCountBeyondItsBounds) {
    PeerBook book({});
    book.load({{l, "a:1", WallTime(Seconds(std::numeric_limits<std::int64_t>::max())), 5, -7},
               {l, "b:1", WallTime(Seconds(std::numeric_limits<std::int64_t>::min())), 5, 99}});
    book.met(l, "c:1", 0, start);
    book.unanswered(l, "b:1");
    EXPECT_EQ(book.size(), 3U);
    EXPECT_EQ(book.find(l, "a:1")->failures, 0);
}

TEST(PeerBook, ThoseWhoStayAreNotPushedOutByOthersThatGaveMore) {
    PeerBook book({4, 6, Seconds(3600), 3, 2});
    for (int i = 0; i < 20; ++i) book.met(l, "a:" + std::to_string(i), 100 - i, start);
    EXPECT_EQ(endpoints(book.best(l, 9)), (std::vector<std::string>{"a:0", "a:1", "a:18", "a:19"}));
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
    book.load({{l, "a:1", start, 1, 0}});
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
