// The board: everything the planner looks at, as plain data. The broker keeps it true, plan::decide reads it.
// Sources are mirrors and peers alike; wants are artifacts being fetched; claims are who fetches which bytes right now.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2p/base/limits.hpp"
#include "p2p/core/range_set.hpp"
#include "p2p/plan/lenders.hpp"
#include "p2p/plan/own_line.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

enum class WantId : std::uint64_t {};
enum class ClaimId : std::uint64_t {};

// Of a file of this size: little beside it, and at two bytes a second enough to keep pacman waiting for many minutes.
constexpr ByteCount head_length(ByteCount size) {
    return std::min(size, std::clamp(size / 256, limits::kib, tuning::head_bytes));
}

enum class Role { mirror, lan_peer, wan_peer };

struct Source {
    Role role = Role::mirror;
    double rate = 0;          // bytes per second over all its claims; 0: not measured yet
    bool rate_known = false;  // measured over something large enough to tell; else a lower bound
    double first_byte_s = 0.15;
    double patience_s = 0.5;  // an unanswered claim older than this deserves a second source
    int busy = 0;             // claims in flight
    int slots = 5;            // claims it may have in flight
    bool usable = true;       // false: set back, asked only when nobody else is left
    bool ranges = true;       // can give parts of a file
    AgentKey key = 0;         // of a peer
    ByteCount proven = 0;     // bytes it gave that a digest has vouched for, since the agent started
    ByteCount trusted =
        0;  // of a lender: unverified bytes it may give, since a mirror's copies of some agreed with them
    bool hidden =
        false;  // of a peer: it could not be dialled for a torrent (behind a router); it gives parts over the channel
    int missed = 0;        // of a neighbour: artifacts in a row that it did not have
    Peak peak;             // of a far source; with those of the others it tells whether they share a line
    AnswerDelay delay;     // of a far source
    bool doubted = false;  // of a peer: mirrors gave other bytes; it is not asked until a digest says who lied
};

enum class Purpose {
    work,   // its bytes are wanted
    hedge,  // a second source for bytes somebody is late with
    check,  // the head of a file from a second source, or somebody's piece from a mirror, to
            // compare
};

struct Claim {
    SourceId source{};
    ByteRange range;
    ByteCount received = 0;
    TimePoint started{};
    TimePoint first_byte{}, last_byte{};  // == started before the first byte
    Purpose purpose = Purpose::work;
    ByteCount next() const { return range.begin + received; }
    ByteCount left() const { return std::max<ByteCount>(0, range.end - next()); }
    bool compares_head() const {
        return purpose == Purpose::check && range.begin == 0 && range.end <= tuning::head_bytes;
    }
};

// The torrent of a large artifact, while this agent takes part in it.
struct SwarmPart {
    bool joined = false;
    bool lan = false;  // a peer of the local network has it all
    double rate = 0;   // bytes per second while it had pieces to fetch; 0: not measured yet
    TimePoint since{};
    TimePoint last_piece{};  // or the moment when mirrors still had all in hand that is missing
};

// Other agents that want the same artifact at the same time.
struct Crowd {
    bool company = false;                    // peers of its lineage are connected: a crowd may show at any moment
    std::uint64_t seed = 0;                  // of the artifact, the same for everybody
    std::set<SourceId> seekers;              // asked us for it a moment ago
    std::map<SourceId, TimePoint> fetching;  // said that they fetch it, since
    Lenders lenders;
    std::map<SourceId, ByteRange> trials;  // somebody's piece, to be compared with another mirror's copy
};

struct Want {
    ByteCount size = 0;
    TimePoint created{};
    TimePoint asked{};        // when strangers were asked too, if later: peers' time to speak up begins then
    core::RangeSet done;      // bytes that are here
    core::RangeSet arriving;  // bytes that have come and are being written
    TimePoint grown{};        // when the last of them came
    TimePoint left{};         // when somebody last ceased to be at work on it
    std::map<ClaimId, Claim> claims;
    std::map<SourceId, ByteCount> given;  // of these and of those that are here, who gave how many
    std::vector<SourceId> mirrors;        // may be asked, best first as the owner listed them
    std::vector<SourceId> peers;          // said that they share it
    std::set<SourceId> barred;            // failed for this artifact: never again
    SwarmPart swarm;
    Crowd crowd;
    bool head_agreed = false;     // two sources gave the same head
    std::set<SourceId> heads;     // whose head is known
    bool resting = false;         // complete, being verified: nothing to plan
    bool streamed = false;        // an asker takes its first bytes before the last have come
    bool is_prefetch = false;     // nobody waits for it yet: it takes what those that are waited for leave
    std::optional<Millis> grace;  // how long peers may take to speak up, by who is there; none: the board's
    bool is_small() const { return size <= limits::small_artifact; }
    core::RangeSet here() const {  // bytes that nobody needs to give any more
        core::RangeSet out = done;
        for (const auto& range : arriving.ranges()) out.add(range);
        return out;
    }
    core::RangeSet taken() const {  // these, or that somebody is at work on
        core::RangeSet out = here();
        for (const auto& [id, claim] : claims)
            if (claim.purpose != Purpose::check) out.add({claim.next(), claim.range.end});
        return out;
    }
};

struct Board {
    std::map<SourceId, Source> sources;
    std::map<WantId, Want> wants;  // in order of arrival
    AgentKey key = 0;              // ours
    TimePoint crowd_until{};       // somebody wanted what we want: look around before asking mirrors, until then
    TimePoint delivered{};         // when an asker last got what it had asked for, from the store too
    OwnLine line;
    Millis peer_grace{0};  // how long a want without any source waits for peers to speak up

    // When bytes last came of anything, or an asker was handed something; now, while something complete is being
    // verified.
    TimePoint last_sign(TimePoint now) const {
        TimePoint out = delivered;
        for (const auto& [id, want] : wants) {
            if (want.resting) return now;
            out = std::max(out, want.grown);
            for (const auto& [claim_id, claim] : want.claims)
                if (claim.received > 0) out = std::max(out, claim.last_byte);
        }
        return out;
    }
};

}  // namespace packswarm::plan
