#include <algorithm>

#include "p2p/plan/rules.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

// Nobody is at work on anything and it has stood still for long, although there is somebody to ask: no rule waits like
// that.
bool is_forgotten(const Draft& draft, const Want& want) {
    const View& view = draft.view();
    const auto& wants = view.board().wants;
    const auto has_work = [](const auto& item) { return item.second.resting || !item.second.claims.empty(); };
    return view.age(std::max({want.created, want.grown, want.left})) > tuning::idle_end_s && !draft.starts_anything() &&
           std::none_of(wants.begin(), wants.end(), has_work);
}

void consider(Draft& draft, WantId id, const Want& want) {
    const View& view = draft.view();
    if (!want.claims.empty() || draft.begins(id)) return;
    if (want.swarm.joined && view.age(std::max(want.swarm.since, want.swarm.last_piece)) < tuning::swarm_ends_s) return;
    const bool peers_left = (want.is_small() || !want.swarm.joined) && view.has_candidate(want, want.peers);
    if (view.has_candidate(want, want.mirrors) || peers_left) {
        if (is_forgotten(draft, want)) draft.give_up(id);
        return;
    }
    const double lenders_s = view.anything_comes() ? tuning::lenders_busy_s : tuning::lenders_silent_s;
    if (View::is_crowded(want) && view.age(std::max(want.created, want.grown)) < lenders_s) return;
    const auto grace = want.grace.value_or(view.board().peer_grace);
    if (view.age(std::max(want.created, want.asked)) * 1000 < static_cast<double>(grace.count())) return;
    draft.give_up(id);
}

}  // namespace

void give_up(Draft& draft) {
    for (const auto& [id, want] : draft.view().board().wants)
        if (!want.resting) consider(draft, id, want);
}

}  // namespace packswarm::plan
