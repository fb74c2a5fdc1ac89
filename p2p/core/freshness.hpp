// Freshness: whether a verified root may be used now: rollback, freeze, future dates and a wrong clock.
// Pure. Errors say what to do. Absent (an older or expired index: an honest mirror may lag, ask the next, blame
// nobody), Refused (dated in the future: our clock or the signer's is wrong, and no other source will change that).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2p/base/result.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::core {

// The newest verified root of a lineage so far.
struct KnownRoot {
    WallTime date{};
    Digest root;  // IndexRoot::digest
    std::optional<Digest>
        content;  // IndexRoot::content; InRelease and Release of one date differ in root, not in content
};

// What the owner lets pass, to be logged with the warnings.
struct StaleIndex {
    bool older = false, expired = false, future = false;
    static const StaleIndex refuse, accept;  // nothing, everything
};
inline constexpr StaleIndex StaleIndex::refuse{};
inline constexpr StaleIndex StaleIndex::accept{true, true, true};

struct Freshness {
    Seconds age{};              // of the root, always to be shown
    bool raises_floor = false;  // the root is to be remembered as the newest
    bool is_twin = false;       // signed, with the floor's date and other content: dates do not order these two
    std::string only_here;      // why it is for this machine alone: its apt takes it, the rules for sharing do not
    std::vector<std::string> warnings;  // for the owner
};

std::string date_text(WallTime time);  // "2026-07-01 10:00:00 UTC"

// The clock, or the floor's date when the clock is behind it: nothing verified can be from the future.
WallTime effective_now(const std::optional<KnownRoot>& floor, WallTime now);

// Unsigned roots (pacman databases without .db.sig) are hints: for them every finding is a warning only.
// rules: those of the machine that asks; what they let pass and the rules without any setting do not, is only_here.
Result<Freshness> check_freshness(const IndexRoot& root, const std::optional<KnownRoot>& floor, WallTime now,
                                  StaleIndex stale = StaleIndex::refuse, const DateRules& rules = {});

}  // namespace packswarm::core
