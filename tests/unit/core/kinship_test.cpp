#include "p2p/core/kinship.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::core {
namespace {

constexpr WallTime on_day(int number) { return WallTime(std::chrono::hours(24 * number)); }

Provenance showing(std::vector<RootMark> contents, std::vector<Mark> addresses = {}) {
    return {{}, std::move(contents), std::move(addresses)};
}

TEST(Kinship, EqualNamesProveNothingAndEqualContentDoes) {
    EXPECT_EQ(kinship(showing({{1, on_day(1)}}), on_day(1), showing({{2, on_day(1)}})), Kinship::stranger);
    EXPECT_EQ(kinship(showing({}), std::nullopt, showing({})), Kinship::stranger);
    EXPECT_EQ(kinship(showing({{1, on_day(1)}}), on_day(1), showing({{3, on_day(2)}, {1, on_day(1)}})),
              Kinship::content);
    EXPECT_EQ(kinship(showing({{3, on_day(2)}, {1, on_day(1)}}), on_day(2), showing({{1, on_day(1)}})),
              Kinship::content)
        << "the other lags";
}

TEST(Kinship, ASnapshotThatWasEqualOnItsDayIsPartedOnceItStoodStillForLongerThanMirrorsLag) {
    const auto snapshot = showing({{1, on_day(1)}});
    const auto archive = showing({{3, on_day(20)}, {2, on_day(5)}, {1, on_day(1)}});
    EXPECT_EQ(kinship(snapshot, on_day(5) + limits::mirror_lag, archive), Kinship::content);
    EXPECT_EQ(kinship(snapshot, on_day(5) + limits::mirror_lag + Seconds(1), archive), Kinship::parted)
        << "however new the newest root is";
    EXPECT_EQ(kinship(snapshot, std::nullopt, archive), Kinship::content) << "as far as anybody knows";
}

TEST(Kinship, OneAddressHasOneRepository) {
    EXPECT_EQ(kinship(showing({}, {7}), std::nullopt, showing({{1, on_day(1)}}, {6, 7})), Kinship::address);
    EXPECT_EQ(kinship(showing({}, {7}), std::nullopt, showing({{1, on_day(1)}}, {6})), Kinship::stranger);
}

TEST(Kinship, MarksAreForGood) {
    EXPECT_EQ(mark_of(""), 0xcbf29ce484222325U);
    EXPECT_EQ(mark_of("a"), 0xaf63dc4c8601ec8cU);
}

TEST(NamesADay, DatedSnapshotsDo) {
    for (const char* dated : {"http://snapshot.example/archive/debian/20261119T000000Z",
                              "http://m/2024/20240229/debian", "http://m/20240101"})
        EXPECT_TRUE(names_a_day(dated)) << dated;
    for (const char* other : {"http://m/debian", "http://m/20241301/debian", "http://m/120240101/debian",
                              "http://m/repo-12345678", "http://m:12345/debian"})
        EXPECT_FALSE(names_a_day(other)) << other;
}

}  // namespace
}  // namespace packswarm::core
