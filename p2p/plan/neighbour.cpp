#include "p2p/plan/rules.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

constexpr double nearly_there_s = 0.05;

// A mirror that nobody has measured may show what it can do with one chunk, even beside a neighbour: if it is as fast,
// both are used. The neighbour has other bytes to fetch meanwhile.
bool is_probe(const Draft& draft, WantId id, const Want& want, const Claim& claim) {
    const auto& by = draft.view().source(claim.source);
    if (by.role != Role::mirror || by.rate_known || by.busy > tuning::claims_per_file) return false;
    return claim.range.length() < 2 * tuning::first_chunk && draft.taken(id).total() < want.size;
}

}  // namespace

void leave_to_the_lan(Draft& draft) {
    const View& view = draft.view();
    for (const auto& [id, want] : view.board().wants) {
        if (want.resting || !view.lan_serves(want)) continue;
        for (const auto& [claim_id, claim] : want.claims) {
            if (!want.is_small() && is_probe(draft, id, want, claim)) continue;
            const bool nearly_there = claim.received > 0 && view.eta_left_s(want, claim) < nearly_there_s;
            const bool is_theirs = view.source(claim.source).role == Role::mirror || !want.is_small();
            if (is_theirs && claim.purpose == Purpose::work && !nearly_there)
                draft.stop(id, claim_id, "a neighbour on the local network has it");
        }
    }
}

}  // namespace packswarm::plan
