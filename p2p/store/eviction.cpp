#include "p2p/store/eviction.hpp"

#include <algorithm>
#include <tuple>

namespace packswarm::store {

std::vector<Digest> choose_victims(std::vector<Candidate> candidates, Lack lack, ByteCount slack) {
    const auto rank = [](const Candidate& c) {
        const auto held_elsewhere = c.worth == Worth::package ? c.replicas : std::size_t{0};
        return std::tuple(c.worth == Worth::index, c.in_use, c.worth, ~held_elsewhere, c.last_use, c.digest);
    };
    std::sort(candidates.begin(), candidates.end(),
              [&](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
    std::vector<Digest> victims;
    const ByteCount most = std::max<ByteCount>(lack.bytes, 0) + slack;
    ByteCount freed = 0;
    for (const auto& candidate : candidates) {
        const bool spare = !candidate.in_use && candidate.worth != Worth::index && freed + candidate.size <= most;
        if (lack.is_met() && !spare) break;
        victims.push_back(candidate.digest);
        freed += candidate.size;
        lack.bytes -= candidate.size;
        --lack.files;
    }
    if (!lack.is_met()) victims.clear();
    return victims;
}

}  // namespace packswarm::store
