// plan: who should fetch what, now. A pure function of the board and the time: no I/O, no clock, no memory of its own.
// The rules are listed in rules.hpp, in their order.
#pragma once

#include <vector>

#include "p2p/plan/board.hpp"

namespace packswarm::plan {

struct Start {
    WantId want{};
    SourceId source{};
    ByteRange range;
    Purpose purpose = Purpose::work;
    const char* reason = "";
};

struct Stop {
    WantId want{};
    ClaimId claim{};
    const char* reason = "";
};

// The claim may end early: somebody faster has taken the rest.
struct Shorten {
    WantId want{};
    ClaimId claim{};
    ByteCount end = 0;
};

struct Decisions {
    std::vector<Stop> stops;
    std::vector<Shorten> shortens;
    std::vector<WantId> joins;  // take part in the artifact's torrent
    std::vector<Start> starts;
    std::vector<WantId> give_ups;  // nobody is left to ask
};

Decisions decide(const Board& board, TimePoint now);

}  // namespace packswarm::plan
