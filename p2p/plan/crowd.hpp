// crowd: how agents that want the same things at the same time share the work at the mirrors without a conductor. Every
// one of them computes the same owner for every stripe of an artifact (highest random weight: Thaler and Ravishankar,
// 1998); the owner fetches it from the mirrors, the others take it from the owner. Whoever finds no owner at work takes
// over. Pure functions of the board. Not here: placing claims (plan.cpp).
#pragma once

#include <optional>

#include "p2p/plan/board.hpp"

namespace packswarm::plan {

// Bytes of a large artifact that one agent owns in one piece; whole pieces of the canonical torrent.
ByteCount stripe_length(ByteCount size);

// Whether this agent is the first to fetch the stripe (0 of a small artifact) among all who want it.
bool is_ours(const Board& board, const Want& want, std::size_t stripe);
std::size_t better_owners(const Board& board, const Want& want, std::size_t stripe);  // who come before us

// A small artifact that mirrors need not be asked for yet: the asks of others may still be on their way, its owner is
// at work, or it was announced a moment ago. 30 ms for the asks, 200 ms for the owner, 100 ms for each that comes next
// in order before us (500 where there are eight others or more), and at most three times as long as the best mirror
// would take (mirror_s, at least 200 ms, at most 2 s; 20 s where eight others make the mirrors slow for everybody,
// unless its first bytes are handed on as they come).
bool waits_for_crowd(const Board& board, const Want& want, TimePoint now, double mirror_s);

// So many others want it that mirrors and peers that serve all of them side by side bring nothing whole for long: each
// asks for little at a time then.
bool is_sought_by_many(const Want& want);

// A small artifact that others should be given first, where many seek it: who has it gives it to a few at a time, so
// that these give it on while the others still wait. In the order of its owners, among those who do not have it yet.
// holders: who may be asked for it. No longer than waits_for_crowd at most.
bool waits_its_turn(const Board& board, const Want& want, std::size_t holders, TimePoint now, double mirror_s);

// An artifact that a neighbour may have, who has given right bytes already and had one of the last three: its answer
// takes a few milliseconds, and what a mirror was asked for until then would come over the line for nothing. At most 30
// ms of its life.
bool waits_for_neighbour(const Board& board, const Want& want, TimePoint now);

// Whether a stripe that others come before us at is left to them, when there are three others at least: for as long as
// each of them needs for its share of everything at the mirrors (share_s, at least two and a half seconds). Unless
// nothing came of the file for two and a half seconds, or five when somebody lends it.
bool leaves_to_owners(const Want& want, std::size_t better, TimePoint now, double share_s);

// What a mirror should fetch next of a large artifact that others want or may want: its head, then own stripes, then
// what nobody lends yet and is not left to its owners, then what fewest lend. taken: bytes that are here or claimed.
// length: at most so much. Nothing: everything is taken, or left to others.
std::optional<ByteRange> mirror_share(const Board& board, const Want& want, const core::RangeSet& taken,
                                      ByteCount length, TimePoint now, double share_s);

// What to take next from a lender: of its pieces those that fewest others lend. length: at most so much.
std::optional<ByteRange> lender_share(const Board& board, const Want& want, SourceId lender,
                                      const core::RangeSet& taken, ByteCount length);

// How many bytes that no digest has vouched for a lender may give in all: one piece to begin with; what a mirror's copy
// agreed with and what digests have proven let it give more. Past half of it another piece is compared.
ByteCount lender_trust(const Source& lender, const Want& want);

}  // namespace packswarm::plan
