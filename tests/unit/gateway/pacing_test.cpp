#include "p2p/gateway/http/pacing.hpp"

#include <gtest/gtest.h>

namespace packswarm::gateway {
namespace {

using namespace std::chrono_literals;
constexpr ByteCount mib = 1 << 20;

TEST(Pacing, SendsNothingWhereNothingIsSafe) {
    EXPECT_EQ(bytes_to_send({0, 0, 10 * mib, 1h}), 0);
    EXPECT_EQ(bytes_to_send({5 * mib, 4 * mib, 10 * mib, 1h}), 0);
}

TEST(Pacing, SendsAllButTheReserveAtOnce) {
    EXPECT_EQ(bytes_to_send({0, 4 * mib, 10 * mib, 0ms}), 4 * mib - pacing_reserve);
    EXPECT_EQ(bytes_to_send({4 * mib - pacing_reserve, 4 * mib, 10 * mib, 0ms}), 0);
}

TEST(Pacing, TricklesTheReserveFastEnoughForPacmanAndSlowEnoughToLast) {
    ByteCount position = 0;
    const ByteCount safe = 64 * 1024;
    for (int second = 0; second < 900; ++second) {
        const ByteCount count = bytes_to_send({position, safe, 10 * mib, pacing_tick});
        ASSERT_GE(count, pacing_trickle) << "second " << second;
        position += count;
    }
    EXPECT_LT(position, safe);
}

TEST(Pacing, WaitsForTheTickBetweenTrickles) {
    EXPECT_EQ(bytes_to_send({0, 1000, 10 * mib, pacing_tick - 1ms}), 0);
    EXPECT_GT(bytes_to_send({0, 1000, 10 * mib, pacing_tick}), 0);
}

TEST(Pacing, NeverGoesBeyondSafe) {
    for (ByteCount safe : {1, 2, 3, 700}) {
        ByteCount position = 0;
        for (int second = 0; second < 10'000; ++second)
            position += bytes_to_send({position, safe, 10 * mib, pacing_tick});
        EXPECT_EQ(position, safe);
    }
}

TEST(Pacing, NeverSendsTheLastByteOfAnUnfinishedFile) {
    for (ByteCount size : {ByteCount(1), ByteCount(2), ByteCount(1000), 3 * mib}) {
        ByteCount position = 0;
        for (int second = 0; second < 100'000 && position < size - 1; ++second)
            position += bytes_to_send({position, size, size, pacing_tick});
        EXPECT_EQ(position, size - 1);
        EXPECT_EQ(bytes_to_send({position, size, size, 1h}), 0);
    }
}

}  // namespace
}  // namespace packswarm::gateway
