// How much of a file may go to the package manager before the file is finished. Pure: time comes in, a number comes
// out. pacman gives a server up after ten seconds below one byte a second, so a reserve of safe bytes is kept and
// trickled.
#pragma once

#include "p2p/base/units.hpp"

namespace packswarm::gateway {

inline constexpr ByteCount pacing_reserve = 256 * 1024;  // safe bytes held back until the file is finished
inline constexpr Millis pacing_tick{1000};               // a trickle goes out this often
inline constexpr ByteCount pacing_trickle = 2;           // at least, per tick: one byte a second would be on the edge
inline constexpr Millis pacing_silence{
    10'000};  // of all sources: then no trickle hides it any longer (pacman's own number)
inline constexpr ByteCount pacing_share = 3600;  // of the reserve per tick: a compared head lasts for an hour

struct Pace {
    ByteCount position = 0;  // next byte to send
    ByteCount safe = 0;      // bytes below this may be sent before the end
    ByteCount end = 0;       // end of what the client asked for
    Millis since_last{0};    // since bytes were last sent
};

// Bytes that may be sent now. Never up to the end: while the file is unfinished the answer must stay able to fall
// short.
ByteCount bytes_to_send(const Pace& pace);

}  // namespace packswarm::gateway
