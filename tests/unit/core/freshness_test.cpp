#include "p2p/core/freshness.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

const WallTime noon{Seconds(1'783'764'000)};
constexpr Seconds day{86'400};

Digest digest(std::uint8_t byte) {
    Digest out;
    out.bytes.fill(byte);
    return out;
}

IndexRoot root_of(WallTime date) {
    IndexRoot root;
    root.is_signed = true;
    root.date = date;
    root.codename = "bookworm";
    root.digest = digest(1);
    root.content = digest(2);
    return root;
}

void expect_error(const Result<Freshness>& fresh, ErrorKind kind, std::string_view part) {
    ASSERT_FALSE(fresh);
    EXPECT_EQ(fresh.error().kind, kind);
    EXPECT_NE(fresh.error().message.find(part), std::string::npos) << fresh.error().message;
}

TEST(Freshness, OfAFirstRootIsItsAgeAndRaisesTheFloor) {
    const auto fresh = check_freshness(root_of(noon - day), std::nullopt, noon);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->age, day);
    EXPECT_TRUE(fresh->raises_floor);
    EXPECT_TRUE(fresh->warnings.empty());
}

TEST(Freshness, RefusesAnOlderRootWithoutBlame) {
    expect_error(check_freshness(root_of(noon - Seconds(1)), KnownRoot{noon, digest(9), {}}, noon + day),
                 ErrorKind::Absent, "is older than");
}

TEST(Freshness, TakesTheKnownRootAgainAndKeepsTheFloor) {
    const auto fresh = check_freshness(root_of(noon), KnownRoot{noon, digest(1), {}}, noon);
    ASSERT_TRUE(fresh);
    EXPECT_FALSE(fresh->raises_floor);
}

TEST(Freshness, NamesOtherContentOfTheSameDate) {
    for (const auto& floor : {KnownRoot{noon, digest(9), {}}, KnownRoot{noon, digest(9), digest(8)}}) {
        const auto fresh = check_freshness(root_of(noon), floor, noon);
        ASSERT_TRUE(fresh);
        EXPECT_TRUE(fresh->is_twin);
        EXPECT_FALSE(fresh->raises_floor);
        ASSERT_EQ(fresh->warnings.size(), 1u);
        EXPECT_NE(fresh->warnings[0].find("same date"), std::string::npos);
    }
    EXPECT_FALSE(check_freshness(root_of(noon), KnownRoot{noon, digest(1), {}}, noon)->is_twin);
}

TEST(Freshness, TakesTheSameContentInAnotherEnvelope) {
    EXPECT_TRUE(check_freshness(root_of(noon), KnownRoot{noon, digest(9), digest(2)}, noon));
}

TEST(Freshness, AllowsTenSecondsOfFuture) {
    EXPECT_TRUE(check_freshness(root_of(noon + Seconds(10)), std::nullopt, noon));
    expect_error(check_freshness(root_of(noon + Seconds(11)), std::nullopt, noon), ErrorKind::Refused, "set the clock");
}

TEST(Freshness, EndsWithValidUntil) {
    auto root = root_of(noon - day);
    root.valid_until = noon;
    EXPECT_TRUE(check_freshness(root, std::nullopt, noon));
    expect_error(check_freshness(root, std::nullopt, noon + Seconds(1)), ErrorKind::Absent,
                 "expired on 2026-07-11 10:00:00 UTC");
}

// A clock set back would keep an expired index alive.
TEST(Freshness, TakesTheFloorForNowWhenTheClockIsBehindIt) {
    const KnownRoot floor{noon, digest(1), {}};
    auto root = root_of(noon);
    const auto fresh = check_freshness(root, floor, noon - 30 * day);
    ASSERT_TRUE(fresh);
    ASSERT_EQ(fresh->warnings.size(), 1u);
    EXPECT_NE(fresh->warnings[0].find("set the clock"), std::string::npos);
    root.valid_until = noon - Seconds(1);
    expect_error(check_freshness(root, floor, noon - 30 * day), ErrorKind::Absent, "expired");
}

TEST(Freshness, AcceptsEverythingWithTheOwnersOverrideButSaysWhatItFound) {
    auto root = root_of(noon - day);
    root.valid_until = noon - Seconds(1);
    const auto fresh = check_freshness(root, KnownRoot{noon, digest(9), {}}, noon, StaleIndex::accept);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->warnings.size(), 2u);
    EXPECT_FALSE(fresh->raises_floor);
}

TEST(Freshness, OfAnUnsignedDatabaseOnlyWarns) {
    auto root = root_of(noon - day);
    root.is_signed = false;
    const auto fresh = check_freshness(root, KnownRoot{noon, digest(9), {}}, noon);
    ASSERT_TRUE(fresh);
    EXPECT_EQ(fresh->warnings.size(), 1u);
}

// Anybody can write a date into an unsigned database: one from the future would shut out every later one.
TEST(Freshness, NeverRaisesTheFloorIntoTheFuture) {
    auto root = root_of(noon + 365 * day);
    root.is_signed = false;
    EXPECT_FALSE(check_freshness(root, std::nullopt, noon)->raises_floor);
    root.is_signed = true;
    EXPECT_FALSE(check_freshness(root, std::nullopt, noon, StaleIndex::accept)->raises_floor);
}

IndexRoot expired_root() {
    auto root = root_of(noon - 30 * day);
    root.valid_until = noon - 20 * day;
    root.label = "Debian";
    return root;
}

TEST(DateRules, OfTheMachineLetAnExpiredRootPassForThisMachineAlone) {
    DateRules rules;
    rules.check_valid_until = false;
    const auto fresh = check_freshness(expired_root(), std::nullopt, noon, StaleIndex::refuse, rules);
    ASSERT_TRUE(fresh);
    EXPECT_NE(fresh->only_here.find("expired on"), std::string::npos);
    EXPECT_TRUE(check_freshness(root_of(noon - day), std::nullopt, noon, StaleIndex::refuse, rules)->only_here.empty());
    expect_error(check_freshness(expired_root(), KnownRoot{noon - day, digest(9), {}}, noon, StaleIndex::refuse, rules),
                 ErrorKind::Absent, "is older than");
}

TEST(DateRules, OfARestoredRootAreLookedAtAgain) {
    DateRules rules;
    rules.check_valid_until = false;
    EXPECT_FALSE(check_freshness(expired_root(), std::nullopt, noon, StaleIndex::accept, rules)->only_here.empty());
    EXPECT_TRUE(check_freshness(expired_root(), std::nullopt, noon, StaleIndex::accept)->only_here.empty());
}

TEST(DateRules, OfALeastAgeMoveAValidUntilThatIsThere) {
    DateRules rules;
    rules.min_age = {Seconds(0), {{"debian", 40 * day}}};
    const auto fresh = check_freshness(expired_root(), std::nullopt, noon, StaleIndex::refuse, rules);
    ASSERT_TRUE(fresh) << "the label is looked up in any case";
    EXPECT_FALSE(fresh->only_here.empty());
    rules.min_age = {Seconds(0), {{"other", 40 * day}}};
    EXPECT_FALSE(check_freshness(expired_root(), std::nullopt, noon, StaleIndex::refuse, rules));
}

TEST(DateRules, OfAGreatestAgeRefuseWhatAptWouldRefuse) {
    DateRules rules;
    rules.max_age = {day, {}};
    EXPECT_TRUE(check_freshness(root_of(noon - day), std::nullopt, noon, StaleIndex::refuse, rules));
    expect_error(check_freshness(root_of(noon - day - Seconds(1)), std::nullopt, noon, StaleIndex::refuse, rules),
                 ErrorKind::Absent, "expired on");
}

TEST(DateRules, OfTheFutureNeitherShareNorRaiseTheFloor) {
    DateRules rules;
    rules.max_future = {day, {}};
    const auto fresh = check_freshness(root_of(noon + Seconds(3600)), std::nullopt, noon, StaleIndex::refuse, rules);
    ASSERT_TRUE(fresh);
    EXPECT_FALSE(fresh->only_here.empty());
    EXPECT_FALSE(fresh->raises_floor);
    rules.check_dates = false;
    EXPECT_TRUE(check_freshness(root_of(noon + 9 * day), std::nullopt, noon, StaleIndex::refuse, rules));
}

}  // namespace
}  // namespace packswarm::core
