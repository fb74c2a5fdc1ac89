// Eviction: which stored files go when room is needed. Pure. Any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::store {

enum class Worth { orphan, superseded, package, index };  // the first go first

struct Candidate {
    Digest digest;
    ByteCount size = 0;
    Worth worth = Worth::package;
    bool in_use = false;       // somebody reads it: its bytes come free only when the last handle closes
    std::size_t replicas = 0;  // peers that are known to have it
    std::uint64_t last_use = 0;
};

struct Lack {
    ByteCount bytes = 0;     // of the quota
    std::int64_t files = 0;  // inodes of the file system,
    ByteCount disk = 0;      // and its bytes: what is in use gives neither back yet
    ByteCount most() const { return std::max(bytes, disk); }
    bool is_met() const { return most() <= 0 && files <= 0; }
};

// The files to delete, in order, to free at least what is lacking, and up to slack bytes more of what is neither open
// nor an index, so that a full store does not choose anew for every file; no more than one in 64 where inodes are
// lacking alone. Empty when even all of them would not do:
// then nothing is lost for nothing.
std::vector<Digest> choose_victims(std::vector<Candidate> candidates, Lack lack, ByteCount slack);

}  // namespace packswarm::store
