// Day: everything that happens in one simulated day, made from its seed alone: artifacts, mirrors and their faults,
// honest agents with their lines and wishes, liars. Not here: living through it (crowd_sim.cpp).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/fake_peers.hpp"
#include "tests/support/fake_mirrors.hpp"

namespace packswarm::test {

struct Wish {
    std::size_t agent = 0, artifact = 0;
    Millis at{};
    std::optional<Millis> cancelled;  // so long after it was asked
};

struct HonestAgent {
    Line line;
    Millis arrives{};
    std::optional<Millis> leaves;
    bool shares = true;
};

struct MirrorDay {
    MirrorManner manner;
    std::optional<Millis> breaks;  // the fault begins
    MirrorManner::Fault then = MirrorManner::Fault::none;
    bool has(MirrorManner::Fault fault) const { return manner.fault == fault || then == fault; }
    bool fails() const { return manner.fault != MirrorManner::Fault::none || then != MirrorManner::Fault::none; }
};

// From this seed on mirrors without ranges are among the others; what a day below it is like stays the same.
inline constexpr unsigned days_of_whole_files = 1'000'000;

struct Day {
    explicit Day(unsigned seed);
    unsigned seed = 0;
    World world;
    std::vector<Digest> digests;
    std::vector<bool> is_private;
    std::vector<HonestAgent> agents;
    std::vector<Lie> lies;
    std::map<std::string, MirrorDay> mirrors;  // by base
    std::vector<std::string> bases;            // the first one never lies
    std::vector<Wish> wishes;
    bool interrupted = false;  // large artifacts are asked for, given up in the middle, and asked for again
    bool outage = false;       // all mirrors break, the first one too
    bool whole_files = false;  // some mirrors, the first one among them at times, give no parts of files
    bool is_known_ahead =
        false;  // agents know what they will be asked for, and are asked for one thing after the other
    std::optional<Millis> ahead_ends;  // after the first wish: the package manager is said to have gone

    bool mirrors_lie() const;
    ByteCount size(std::size_t artifact) const {
        return static_cast<ByteCount>(world.artifacts.at(digests[artifact]).content.size());
    }
    std::string path(std::size_t artifact) const;  // on every mirror
    std::string text() const;                      // one line for people

  private:
    void look_ahead();
    void lose_ranges();
    void interrupt();
};

}  // namespace packswarm::test
