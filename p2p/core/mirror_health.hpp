// What is known of one mirror, and how each event changes it. Pure: time comes in, decisions come out. The ledger keeps
// it.
#pragma once

#include <optional>

#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

struct MirrorHealth {
    double first_byte_s = 0.15;     // EWMA of time to first byte; the start value is a cautious guess
    double first_byte_dev_s = 0.1;  // mean deviation of it: p95 is taken as mean + 3 deviations
    double rate = 0;                // bytes per second over all its connections, EWMA while busy; 0 = never measured
    int samples = 0;                // answers seen
    int rate_samples = 0;           // of its rate, over something large enough to tell
    int failures_in_row = 0;        // Transient and Broken answers since the last good one
    int absent = 0, corrupt = 0, errors = 0, good = 0;  // totals, for the owner
    int absent_in_row = 0;                              // 404s for what the index lists, since the last good answer
    std::optional<WallTime> back_at;                    // set back until then
    bool ranges = true;                                 // answers Range requests with 206
};

// Seconds after which an unanswered request deserves a second source.
double first_byte_p95(const MirrorHealth& health);

void note_first_byte(MirrorHealth& health, double seconds);
void note_rate(MirrorHealth& health, double bytes_per_second);
void note_success(MirrorHealth& health);
// Blames by kind: Transient backs off 2, 4, 8 ... 300 s; Corrupt 600 s; Absent only after 3 in a row, 60 s.
void note_failure(MirrorHealth& health, ErrorKind kind, WallTime now);
// Usable, or set back for nothing but files that it lacks.
bool answers(const MirrorHealth& health, WallTime now);
bool is_usable(const MirrorHealth& health, WallTime now);

}  // namespace packswarm::core
