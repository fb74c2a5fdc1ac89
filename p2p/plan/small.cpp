#include <algorithm>
#include <limits>

#include "p2p/plan/crowd.hpp"
#include "p2p/plan/rules.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

bool may_begin(const Draft& draft, const View::Small& one) {
    return (one.want->claims.empty() || draft.stops_one_of(one.id)) &&
           (draft.has_free(one.want->mirrors) || draft.has_free(one.want->peers));
}

// A slow source is given small work only when it would still end before everything else does; else a fast one is waited
// for.
void place_at_best(Draft& draft, WantId id, const Want& want, const std::vector<SourceId>& sources,
                   const char* reason) {
    const View& view = draft.view();
    double best_possible = std::numeric_limits<double>::max();
    double best_now = best_possible;
    SourceId best{};
    for (const auto by : sources) {
        const double alone_s = view.source(by).first_byte_s + static_cast<double>(want.size) / view.rate(by);
        best_possible = std::min(best_possible, alone_s);
        const double eta_s = draft.eta_s(by, want.size);
        if (!draft.is_free_for(want, by) || eta_s >= best_now || draft.has_its_few(want, by)) continue;
        best_now = eta_s;
        best = by;
    }
    if (best_now == std::numeric_limits<double>::max()) return;
    if (best_now <= std::max(2 * best_possible + 0.05, 0.8 * view.drain_s()))
        draft.start(id, best, {0, want.size}, Purpose::work, reason);
}

void place(Draft& draft, WantId id, const Want& want) {
    const View& view = draft.view();
    const Board& board = view.board();
    const auto neighbours = view.lan_peers(want);
    if (!neighbours.empty())
        return place_at_best(draft, id, want, neighbours, "a neighbour on the local network has it");
    if (waits_for_neighbour(board, want, view.now())) return;
    const auto mirrors = view.candidates(want, want.mirrors);
    const auto peers = view.candidates(want, want.peers);
    const double mirror_s = draft.eta_of_best(mirrors, want.size);
    if (waits_its_turn(board, want, peers.size(), view.now(), mirror_s)) return;
    if (View::is_crowded(want) && draft.spares_mirrors(want, peers, mirrors))
        return place_at_best(draft, id, want, peers, "a peer of the crowd has it");
    if (waits_for_crowd(board, want, view.now(), mirror_s)) return;
    auto sources = mirrors;
    sources.insert(sources.end(), peers.begin(), peers.end());
    place_at_best(draft, id, want, sources, "fastest expected answer");
}

// A second source for a small file whose first is late.
void hedge(Draft& draft, WantId id, const Want& want) {
    const View& view = draft.view();
    if (want.claims.empty() || want.claims.size() >= tuning::max_rivals || draft.begins(id)) return;
    // Beside peers that are late a mirror is asked, or three liars could hold a file for as long as they like.
    auto sources = view.candidates(want, want.mirrors);
    const bool mirror_asked = std::any_of(want.claims.begin(), want.claims.end(), [&](const auto& item) {
        return view.source(item.second.source).role == Role::mirror;
    });
    if (mirror_asked || sources.empty())
        for (const auto peer : view.candidates(want, want.peers)) sources.push_back(peer);
    std::erase_if(sources, [&](SourceId by) {
        return std::any_of(want.claims.begin(), want.claims.end(),
                           [by](const auto& item) { return item.second.source == by; });
    });
    const double best_eta = draft.eta_of_best(sources, want.size);
    if (best_eta == std::numeric_limits<double>::max()) return;
    for (const auto& [claim_id, claim] : want.claims)
        if (!view.is_late(want, claim, best_eta)) return;
    for (const auto by : sources)
        if (draft.is_free_for(want, by) && draft.eta_s(by, want.size) == best_eta)
            return draft.start(id, by, {0, want.size}, Purpose::hedge, "the first source is late");
}

}  // namespace

// In order of arrival; in a crowd those that this agent is the first to fetch go before the others.
void place_small(Draft& draft, Turn turn) {
    const View& view = draft.view();
    std::vector<View::Small> others;
    for (const auto& one : view.small()) {
        if (!has_turn(*one.want, turn) || !may_begin(draft, one)) continue;
        if (is_ours(view.board(), *one.want, 0))
            place(draft, one.id, *one.want);
        else
            others.push_back(one);
    }
    for (const auto& one : others) place(draft, one.id, *one.want);
    for (const auto& one : view.small())
        if (has_turn(*one.want, turn)) hedge(draft, one.id, *one.want);
}

}  // namespace packswarm::plan
