// A board in pieces: what the planner's tests put together.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "p2p/plan/plan.hpp"

namespace packswarm::plan {

using namespace std::chrono_literals;
using limits::mib;

class Plan : public ::testing::Test {
  protected:
    SourceId mirror(double rate, double first_byte_s = 0.02, int slots = 5) {
        const auto id = SourceId{static_cast<std::uint32_t>(board.sources.size() + 1)};
        board.sources[id] = {Role::mirror, rate, true, first_byte_s, 0.3, 0, slots, true, true};
        return id;
    }
    SourceId peer(Role role, double rate = 0) {
        const auto id = SourceId{static_cast<std::uint32_t>(board.sources.size() + 1)};
        board.sources[id] = {role, rate, rate > 0, 0.005, 0.3, 0, 32, true, true};
        return id;
    }
    WantId want(ByteCount size, std::vector<SourceId> mirrors, std::vector<SourceId> peers = {}) {
        const auto id = WantId{board.wants.size() + 1};
        auto& entry = board.wants[id];
        entry.size = size;
        entry.created = now;
        entry.mirrors = std::move(mirrors);
        entry.peers = std::move(peers);
        entry.head_agreed = true;
        return id;
    }
    ClaimId claim(WantId id, SourceId by, ByteRange range, ByteCount received = 0, Millis age = 0ms,
                  Millis silence = 0ms) {
        const auto claim = ClaimId{++claims_};
        board.wants.at(id).claims[claim] = {by, range, received, now - age, now - age, now - silence, Purpose::work};
        ++board.sources.at(by).busy;
        if (received > 0) board.wants.at(id).done.add({range.begin, range.begin + received});
        return claim;
    }
    Decisions decide() { return plan::decide(board, now); }
    std::vector<Start> starts_of(const Decisions& decisions, WantId id) {
        std::vector<Start> out;
        for (const auto& start : decisions.starts)
            if (start.want == id) out.push_back(start);
        return out;
    }
    Board board;
    TimePoint now{100s};

  private:
    std::uint64_t claims_ = 0;
};

}  // namespace packswarm::plan
