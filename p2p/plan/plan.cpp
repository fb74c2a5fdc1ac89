#include "p2p/plan/plan.hpp"

#include "p2p/plan/rules.hpp"

namespace packswarm::plan {

Decisions decide(const Board& board, TimePoint now) {
    const View view(board, now);
    Draft draft(view);
    leave_to_the_lan(draft);
    place_small(draft, Turn::awaited);
    place_checks_and_joins(draft);
    place_trials(draft);
    for (const auto turn : {Turn::awaited, Turn::prefetch}) {
        if (turn == Turn::prefetch) place_small(draft, turn);
        fill_from_lenders(draft, turn);
        fill_with_ranges(draft, turn);
    }
    leave_what_is_here(draft);
    part_rivals(draft);
    steal(draft);
    give_up(draft);
    return std::move(draft).decisions();
}

}  // namespace packswarm::plan
