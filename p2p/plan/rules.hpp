// The rules of the planner, one family in each file, in the order in which decide() (plan.cpp) goes through them. Each
// looks at the view, and adds to the draft. Their reasons stand at each rule. Not here: facts (view.hpp), places
// (draft.hpp), how a crowd shares its work (crowd.hpp), numbers (tuning.hpp).
#pragma once

#include "p2p/plan/draft.hpp"

namespace packswarm::plan {

// What somebody waits for comes first; what is only known to be wanted soon takes the places that are left.
enum class Turn { awaited, prefetch };
inline bool has_turn(const Want& want, Turn turn) { return View::comes_after(want) == (turn == Turn::prefetch); }

// neighbour.cpp: what a machine of the local network gives is not fetched from mirrors.
void leave_to_the_lan(Draft& draft);

// small.cpp: small artifacts, each whole from one source; a second source where the first is late.
void place_small(Draft& draft, Turn turn);

// checks.cpp: heads that a second mirror has to confirm, torrents to take part in, pieces of lenders to compare.
void place_checks_and_joins(Draft& draft);
void place_trials(Draft& draft);

// borrowing.cpp: pieces that other agents lend while they fetch the same file.
void fill_from_lenders(Draft& draft, Turn turn);

// ranges.cpp: parts of large artifacts from mirrors.
void fill_with_ranges(Draft& draft, Turn turn);
// A mirror without ranges sends the file from its first byte on, what is here already too. Empty: not now, or not from
// it.
ByteRange whole_file(const Draft& draft, WantId id, const Want& want, SourceId by);

// late.cpp: claims that end, and what is taken over from those who would end last.
void leave_what_is_here(Draft& draft);
void part_rivals(Draft& draft);
void steal(Draft& draft);

// give_up.cpp: nobody is left to ask.
void give_up(Draft& draft);

}  // namespace packswarm::plan
