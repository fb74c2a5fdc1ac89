#include "tests/unit/plan/plan_fixture.hpp"

namespace packswarm::plan {
namespace {

// A discrete run of the planner alone: three mirrors of 5, 2.5 and 1 MB/s must end within 10 % of the fluid bound.
TEST_F(Plan, EndsNearTheFluidBoundWithUnequalMirrors) {
    const std::vector<double> rates{5e6, 2.5e6, 1e6};
    std::vector<SourceId> mirrors;
    for (const double rate : rates) mirrors.push_back(mirror(rate, 0.05));
    const auto id = want(80 * mib, mirrors);
    std::uint64_t next = 1;
    const TimePoint begun = now;
    auto& w = board.wants.at(id);
    while (w.done.total() < w.size && seconds_between(begun, now) < 60) {
        const auto decisions = decide();
        for (const auto& cut : decisions.shortens) w.claims.at(cut.claim).range.end = cut.end;
        for (const auto& start : decisions.starts) {
            w.claims[ClaimId{next++}] = {start.source, start.range, 0, now, now, now, start.purpose};
            ++board.sources.at(start.source).busy;
        }
        now += 20ms;
        std::vector<ClaimId> ended;
        for (auto& [claim_id, c] : w.claims) {
            if (seconds_between(c.started, now) < 0.05) continue;  // the first byte takes its time
            const auto index = static_cast<std::size_t>(c.source) - 1;
            const auto step =
                static_cast<ByteCount>(rates[index] * 0.02 / std::max(1, board.sources.at(c.source).busy));
            const ByteCount take = std::min(step, c.left());
            w.done.add({c.next(), c.next() + take});
            c.received += take;
            c.last_byte = now;
            if (c.left() == 0) ended.push_back(claim_id);
        }
        for (const auto claim_id : ended) {
            --board.sources.at(w.claims.at(claim_id).source).busy;
            w.claims.erase(claim_id);
        }
    }
    const double bound = 80.0 * static_cast<double>(mib) / 8.5e6;
    EXPECT_LE(seconds_between(begun, now) / bound, 1.10);
}

TEST_F(Plan, NothingIsDecidedWhereNothingIsWanted) {
    mirror(1e6);
    const auto decisions = decide();
    EXPECT_TRUE(decisions.starts.empty() && decisions.stops.empty() && decisions.give_ups.empty());
}

TEST_F(Plan, TheSameBoardAtTheSameTimeGivesTheSameDecisions) {
    const auto one = mirror(5e6), other = mirror(1e6);
    for (int i = 0; i < 3; ++i) want(20 * mib, {one, other});
    const auto first = decide(), second = decide();
    ASSERT_EQ(first.starts.size(), second.starts.size());
    for (std::size_t i = 0; i < first.starts.size(); ++i) {
        EXPECT_EQ(first.starts[i].source, second.starts[i].source);
        EXPECT_EQ(first.starts[i].range, second.starts[i].range);
    }
}

}  // namespace
}  // namespace packswarm::plan
