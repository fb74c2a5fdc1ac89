// Kinship: what shows that two places have the same repository, and what shows that they no longer do. One key, one
// suite and one codename prove nothing: vendors sign several products so, and a dated snapshot bears its archive's
// names. Equal signed content does. Pure. Not here: what was seen where (broker/sightings.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

// A root file as one address had it.
struct Sighting {
    std::string address;  // of the root file itself, as it was asked for
    Digest file;          // SHA-256 of that file
    Digest content;       // of the signed text: the same for InRelease and Release; zero when nothing is signed
    Digest bundle;        // under which the store keeps it
    Digest product;       // IndexRoot::product
    WallTime date{};      // of the signed text
    std::optional<WallTime> modified;  // Last-Modified it came with
    WallTime confirmed{};              // when the address last answered with it
};

// 64 bits that stand for a text or a digest: equal ones are the same for all that this page decides. FNV-1a, for good:
// peers compare it.
using Mark = std::uint64_t;
Mark mark_of(std::string_view text);
Mark mark_of(const Digest& digest);

struct RootMark {
    Mark content = 0;
    WallTime date{};
    friend bool operator==(const RootMark&, const RootMark&) = default;
};

// Which repository a root belongs to, as far as its holder saw.
struct Provenance {
    Digest product;                  // zero: not known
    std::vector<RootMark> contents;  // that this repository had, newest first
    std::vector<Mark> addresses;     // that showed them
    friend bool operator==(const Provenance&, const Provenance&) = default;
};

enum class Kinship {
    stranger,  // nothing shows that it is the same
    parted,    // it was the same once; since then the own address kept to other content for longer than mirrors lag
    content,   // the same signed content was seen at both
    address,   // the same address showed both
};

// own: what our addresses showed, and when one last answered. Mirrors lag a day at most; what keeps to an old root for
// longer, while the other went on, is a snapshot of it.
Kinship kinship(const Provenance& own, std::optional<WallTime> own_confirmed, const Provenance& other);

// Whether an address names a day ("/archive/debian/20261119T000000Z"): what it has is not to be guessed from what
// others have.
bool names_a_day(std::string_view address);

}  // namespace packswarm::core
