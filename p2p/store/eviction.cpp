#include "p2p/store/eviction.hpp"

#include <algorithm>
#include <tuple>

namespace packswarm::store {

namespace {
constexpr std::size_t few = 64;  // one in so many goes beyond what is lacking where only inodes are
}  // namespace

std::vector<Digest> choose_victims(std::vector<Candidate> candidates, Lack lack, ByteCount slack) {
    const auto rank = [](const Candidate& c) {
        const auto held_elsewhere = c.worth == Worth::package ? c.replicas : std::size_t{0};
        return std::tuple(c.worth == Worth::index, c.in_use, c.worth, ~held_elsewhere, c.last_use, c.digest);
    };
    // A heap, since few of very many go.
    const auto goes_later = [&](const Candidate& a, const Candidate& b) { return rank(b) < rank(a); };
    std::make_heap(candidates.begin(), candidates.end(), goes_later);
    std::vector<Digest> victims;
    const ByteCount most = std::max<ByteCount>(lack.most(), 0) + slack;
    const auto most_files = lack.most() > 0 ? candidates.size() : candidates.size() / few;
    ByteCount freed = 0;
    for (auto end = candidates.end(); end != candidates.begin();) {
        std::pop_heap(candidates.begin(), end--, goes_later);
        const auto& candidate = *end;
        const bool spare = !candidate.in_use && candidate.worth != Worth::index && freed + candidate.size <= most &&
                           victims.size() < most_files;
        if (lack.is_met() && !spare) break;
        if (candidate.in_use && lack.bytes <= 0) continue;
        victims.push_back(candidate.digest);
        freed += candidate.size;
        lack.bytes -= candidate.size;
        if (candidate.in_use) continue;
        lack.disk -= candidate.size;
        --lack.files;
    }
    if (!lack.is_met()) victims.clear();
    return victims;
}

}  // namespace packswarm::store
