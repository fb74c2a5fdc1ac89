// Tuning: every constant of the planner, with its unit, and where it was measured. "first guess": taken when the
// planner was begun, and never contradicted by a measurement. tests/sim/crowd_sim.cpp answers for all of them: a change
// that makes a day worse than its bounds shows there. Not here: bounds against hostile input (base/limits.hpp).
#pragma once

#include <cstddef>

#include "p2p/base/limits.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::plan::tuning {

// ---- Sources and their places (view, draft)
// ---------------------------------------------------------------------------------

inline constexpr double guessed_rate = 1e6;    // bytes a second, of a source that nobody has measured; first guess
inline constexpr int slots_of_a_stranger = 2;  // gets, until a digest or a mirror agreed with it; test_strangers
inline constexpr double lan_is_enough = 4;     // times the mirrors' rate: beyond it they rest; first guess
inline constexpr ByteCount unmeasured_enough =
    512 * limits::kib;                  // in hand of a mirror that nobody has measured; slow_line
inline constexpr double enough_s = 4;   // of work in hand: more waits behind it; slow_line
inline constexpr double unseen_s = 20;  // until who takes a small file as it comes sees something; slow_line

// ---- Small artifacts
// --------------------------------------------------------------------------------------------------------

inline constexpr int max_rivals = 3;  // sources at once on the same late file; first guess

// ---- Ranges of large artifacts
// ----------------------------------------------------------------------------------------------

inline constexpr ByteCount head_bytes = 8 * limits::kib;     // compared between two sources, at most; first guess
inline constexpr ByteCount first_chunk = 512 * limits::kib;  // of a source that nobody has measured; first guess
inline constexpr ByteCount least_chunk = 128 * limits::kib;  // first guess
inline constexpr double chunk_seconds = 4;  // a claim should not outlive what is known of its source; first guess
inline constexpr int claims_per_file = 2;   // of one mirror: the second hides the first one's round trips; many_mirrors
inline constexpr double check_late_s = 2;   // from then on a third mirror is asked for the head as well; slow_line
inline constexpr ByteCount probe_chunk =
    256 * limits::kib;  // beside a neighbour: just enough to measure a mirror; lab_lan
inline constexpr ByteCount probe_worth =
    16 * limits::mib;                        // left of a file that need not wait for such a probe; lab_lan
inline constexpr double swarm_silent_s = 2;  // without a piece: the torrent does not move; first guess
inline constexpr double slowly_s = 0.5;      // beyond a second try's expected end; lab_crowd

// The first large file is finished before much is begun behind it (a lying mirror: test_mirror_faults, lying_mirror).
inline constexpr ByteCount first_credit =
    limits::mib;                               // unverified, of later files, from a source that has proven nothing
inline constexpr ByteCount proven_counts = 4;  // times what a source has proven is what it may give unverified
inline constexpr double front_silent_s = 0.5;  // a front that does not grow for so long gives way to one that does;
inline constexpr double all_silent_s = 3;      // when none does for so long nobody is held back,
inline constexpr double front_checked_s = 2;   // nor by one whose digest takes so long

// ---- Late ones
// --------------------------------------------------------------------------------------------------------------

inline constexpr double stalled_s = 1.5;  // silence, beyond the source's patience, that counts as a stall; first guess
inline constexpr double stalled_peer_s = 4;                      // of a stranger's line, which many pull at; lab_crowd
inline constexpr double slow_s = 4;                              // no small file is late before; lab_crowd
inline constexpr ByteCount least_taken_over = 32 * limits::kib;  // of a claim that would end last; first guess

// ---- This machine's line (slow_line)
// ----------------------------------------------------------------------------------------

inline constexpr double brings_more = 0.5;       // the sum grows with at least this power of the number in flight
inline constexpr double one_more = 1.25;         // times the most seen in flight: no faster than one can tell
inline constexpr double unanswered_s = 1;        // without a byte: what is asked for waits already
inline constexpr double shared_from = 1.3;       // sum of the peaks over peak of the sum: not all at the same time
inline constexpr double line_enough_s = 2;       // of work for a line that all share
inline constexpr double line_from = 0.2;         // of the fastest mirror's rate: what comes shows the line
inline constexpr double full_from = 0.7;         // of the most that ever came: then others make up for who is slow
inline constexpr double slow_share = 64 * 1024;  // bytes a second: below, a queue of some hundred KiB takes seconds
inline constexpr double unfair = 4;              // how much less than its share a transfer may get of a line,
inline constexpr double slow_unfair = 16;        // and of a slow one
inline constexpr double waits_in_line_s = 5;     // silence of a transfer that others on a full line keep from its turn
inline constexpr double remembered_s = 30;       // rates that were measured
inline constexpr double recent_s = 3;
inline constexpr double delay_remembered_s = 15;  // answers that came late
inline constexpr double long_delay_s = 0.15;      // queues of fast lines are shorter, and what waits in them soon gone
inline constexpr double newest = 0.5;             // weight of the newest sample
inline constexpr double least_spread = 1.9;  // between the fewest and the most in flight, to tell a slope from noise

// ---- A crowd (lab_crowd; from a hundred agents on crowd_scale)
// ----------------------------------------------------------------

inline constexpr std::size_t pieces_per_stripe = 4;  // first guess
inline constexpr double asks_cross_s = 0.03;         // for the asks of others to arrive
inline constexpr double neighbour_tells_s = 0.03;    // lab_lan
inline constexpr int misses_tell = 3;                // from so many on a neighbour is not waited for; lab_lan
inline constexpr double owner_begins_s = 0.2;        // for the owner to say that it is at work
inline constexpr double next_begins_s = 0.1;   // then who is next in order, and the next: some know others than we do
inline constexpr double next_of_many_s = 0.5;  // the same in a throng; crowd_scale
inline constexpr std::size_t owners_suffice = 3;  // so many others keep the mirrors busy
inline constexpr double owners_begin_s = 2.5;     // for owners to lend something of what is theirs
inline constexpr double lenders_go_on_s = 5;      // since the last byte, when somebody lends
inline constexpr std::size_t large_crowd =
    3;                                    // from here on the others keep the mirrors busy between two claims of ours
inline constexpr std::size_t throng = 8;  // so many that the mirrors need long for everybody's first share
inline constexpr std::size_t many_seek =
    64;  // so many that a line they share brings nothing whole for long; crowd_scale
inline constexpr std::size_t given_at_once = 12;  // of them are given a small artifact by each who has it; crowd_scale
inline constexpr int claims_per_lender = 2;       // of one peer: the second hides the first one's round trip
inline constexpr ByteCount lender_claim = limits::mib;
inline constexpr int few_at_once = 2;  // small ones of a crowd at one slow mirror
inline constexpr ByteCount scattered =
    8 * limits::mib;  // files from this size on are begun anywhere when a crowd may show
inline constexpr Millis strangers_wait{
    1'500};  // for mirrors and neighbours to give a small artifact; what_strangers_learn

// ---- The end
// ----------------------------------------------------------------------------------------------------------------

inline constexpr double swarm_ends_s = 10;  // without a piece: the torrent is no hope
inline constexpr double lenders_silent_s =
    10;                                       // a file whose last sources are peers waits for one of them to get more,
inline constexpr double lenders_busy_s = 60;  // and as long as something else comes; lab_crowd with an outage
inline constexpr double idle_end_s = 60;  // no rule leaves a file alone for so long on an idle board: a wait has an end

}  // namespace packswarm::plan::tuning
