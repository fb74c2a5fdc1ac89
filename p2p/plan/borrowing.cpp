#include "p2p/plan/crowd.hpp"
#include "p2p/plan/rules.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

bool may_borrow(const Draft& draft, const Want& want, SourceId peer, int depth) {
    const View& view = draft.view();
    if (!view.may_ask(want, peer) || !view.is_willing(peer)) return false;
    return draft.is_free_for(want, peer) && draft.parts_in_hand(peer) <= depth;
}

}  // namespace

void fill_from_lenders(Draft& draft, Turn turn) {
    const View& view = draft.view();
    for (int depth = 0; depth < tuning::claims_per_lender; ++depth)
        for (const auto& [id, want, left] : view.large())
            for (const auto& [peer, pieces] : want->crowd.lenders.all()) {
                if (view.lan_serves(*want) || !has_turn(*want, turn) || !may_borrow(draft, *want, peer, depth))
                    continue;
                const auto most = draft.judge(*want, peer)
                                      ? lender_trust(view.source(peer), *want) - draft.unverified(peer)
                                      : want->size;
                if (most <= 0) continue;
                if (const auto range = lender_share(view.board(), *want, peer, draft.taken(id), most))
                    draft.start(id, peer, *range, Purpose::work, "a peer lends it");
            }
}

}  // namespace packswarm::plan
