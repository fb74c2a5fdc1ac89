#include "p2p/core/repository_health.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

const WallTime noon{Seconds(1'783'764'000)};
constexpr Seconds minute{60}, hour{3600}, day{86'400};

HealthFacts good_facts() {
    HealthFacts facts;
    facts.now = noon;
    facts.accepted = noon - 5 * hour;
    facts.given_by = "http://mirror.example/debian";
    facts.confirmed = noon - 10 * minute;
    facts.valid_until = noon + 6 * day;
    return facts;
}

void expect_health(const HealthFacts& facts, Health health, std::string_view part) {
    const auto found = health_of(facts);
    EXPECT_EQ(to_string(found.health), to_string(health)) << found.sentence;
    EXPECT_NE(found.sentence.find(part), std::string::npos) << found.sentence;
}

TEST(RepositoryHealth, ConfirmedLatelyIsLive) {
    expect_health(good_facts(), Health::live,
                  "index 5 hours old, from http://mirror.example/debian; a mirror last confirmed it 10 minutes ago");
    EXPECT_TRUE(health_of(good_facts()).remedy.empty());
}

TEST(RepositoryHealth, WithoutAnIndexItIsUnread) {
    HealthFacts facts;
    facts.now = noon;
    expect_health(facts, Health::unread, "no index seen yet");
    facts.unreachable_since = noon - hour;
    expect_health(facts, Health::blackout, "no index seen yet, and no mirror has answered for 60 minutes");
}

TEST(RepositoryHealth, AgesWhenNobodyConfirmsItForTwiceItsUsualSpan) {
    auto facts = good_facts();
    facts.confirmed = noon - 4 * day;
    expect_health(facts, Health::ageing, "a mirror last confirmed it 4 days ago");
    facts.usual = 3 * day;
    expect_health(facts, Health::live, "4 days ago");
    facts.usual = 90 * day;  // a stable release: two weeks of silence are much all the same
    facts.confirmed = noon - 15 * day;
    expect_health(facts, Health::ageing, "15 days ago");
    facts.usual = hour;
    facts.confirmed = noon - 30 * hour;
    expect_health(facts, Health::live, "30 hours ago");
    facts.confirmed.reset();
    expect_health(facts, Health::ageing, "no mirror has confirmed it yet");
}

TEST(RepositoryHealth, AgesBeforeItExpires) {
    auto facts = good_facts();
    facts.valid_until = noon + 20 * hour;
    expect_health(facts, Health::ageing, "it expires in 20 hours");
}

TEST(RepositoryHealth, IsStaleWhenExpiredOrBehindWhatPeersShow) {
    auto facts = good_facts();
    facts.valid_until = noon - 2 * day;
    expect_health(facts, Health::stale, "expired 2 days ago");
    EXPECT_EQ(health_of(facts).since, facts.valid_until);
    facts = good_facts();
    facts.shown = noon - 30 * minute;
    expect_health(facts, Health::live, "");
    facts.shown = noon - 3 * hour;
    expect_health(facts, Health::stale, "peers show one of 3 hours ago that is not here");
    facts.shown = noon + 300 * day;  // a liar's
    expect_health(facts, Health::live, "");
}

TEST(RepositoryHealth, IsABlackoutWhenNoMirrorAnswers) {
    auto facts = good_facts();
    facts.unreachable_since = noon - 25 * minute;
    expect_health(facts, Health::blackout, "no mirror has answered for 25 minutes; index 5 hours old");
    EXPECT_EQ(health_of(facts).since, facts.unreachable_since);
    EXPECT_NE(health_of(facts).remedy.find("nothing"), std::string::npos);
    facts.valid_until = noon - hour;
    expect_health(facts, Health::blackout, "expired 60 minutes ago");
    EXPECT_NE(health_of(facts).remedy.find("accept --expired"), std::string::npos);
}

TEST(RepositoryHealth, IsConflictingWhenAMirrorContradictsWhatIsVerified) {
    auto facts = good_facts();
    facts.conflict = "http://frozen.example gives one of 3 weeks ago";
    facts.unreachable_since = noon - hour;
    expect_health(facts, Health::conflicting, "http://frozen.example gives one of 3 weeks ago");
}

TEST(RepositoryHealth, AWrongClockIsNamed) {
    auto facts = good_facts();
    facts.now = WallTime{};  // 1970
    expect_health(facts, Health::conflicting, "the clock is 20645 days behind the newest verified index");
    facts.now = noon - 2 * day;
    expect_health(facts, Health::conflicting, "the clock is 43 hours behind");
    facts.now = *facts.accepted - minute / 2;
    expect_health(facts, Health::live, "index 0 seconds old");
}

TEST(RepositoryHealth, AgesInWords) {
    EXPECT_EQ(age_in_words(Seconds(-5)), "0 seconds");
    EXPECT_EQ(age_in_words(Seconds(1)), "1 second");
    EXPECT_EQ(age_in_words(minute), "1 minute");
    EXPECT_EQ(age_in_words(119 * minute), "119 minutes");
    EXPECT_EQ(age_in_words(2 * hour), "2 hours");
    EXPECT_EQ(age_in_words(3 * day), "3 days");
}

TEST(RepositoryHealth, TheUsualSpanIsTheMiddleOfTheLastEight) {
    EXPECT_FALSE(usual_interval({noon, noon - day}));
    EXPECT_EQ(usual_interval({noon, noon - day, noon - day, noon - 3 * day}), 2 * day);
    std::vector<WallTime> dates;
    for (int i = 0; i < 20; ++i) dates.push_back(noon - i * 6 * hour - (i > 9 ? 300 * day : Seconds(0)));
    EXPECT_EQ(usual_interval(dates), 6 * hour);
}

TEST(RepositoryHealth, TheWorstIsSaidFirst) {
    const NamedHealth live{"bookworm", health_of(good_facts())};
    auto facts = good_facts();
    facts.unreachable_since = noon - 25 * minute;
    const NamedHealth out{"security", health_of(facts)};
    facts.unreachable_since = noon - 3 * minute;
    const NamedHealth later{"updates", health_of(facts)};
    EXPECT_EQ(sentence_for_all({}, noon), "");
    EXPECT_EQ(sentence_for_all({live}, noon), "All well: 1 of 1 repository up to date.");
    EXPECT_EQ(sentence_for_all({live, out, later}, noon),
              "OUTAGE for 25 minutes: no mirror of 2 of 3 repositories answers.");
    facts = good_facts();
    facts.valid_until = noon - 2 * day;
    EXPECT_EQ(sentence_for_all({live, {"sid", health_of(facts)}}, noon).find("1 of 2 repositories stale: sid: index"),
              0u);
}

}  // namespace
}  // namespace packswarm::core
