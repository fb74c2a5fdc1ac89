#include <algorithm>

#include "p2p/plan/rules.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

// Piece hashes of strangers are on trial with one file at a time.
bool stakes_one(const Draft& draft) {
    const View& view = draft.view();
    return std::any_of(view.large().begin(), view.large().end(), [&](const View::Large& one) {
        return !view.is_believed(*one.want) && (one.want->swarm.joined || draft.joins(one.id));
    });
}

void join_torrent(Draft& draft, WantId id, const Want& want) {
    const View& view = draft.view();
    if (want.is_small() || want.swarm.joined || view.candidates(want, want.peers).empty()) return;
    if (view.is_believed(want) || (!stakes_one(draft) && View::has_whole_piece(want))) draft.join(id);
}

// The head from a second mirror, once the first has begun to give it: it tells a liar early and lets bytes be streamed.
void check_head(Draft& draft, WantId id, const Want& want) {
    const View& view = draft.view();
    if (want.is_small() && (!want.streamed || view.age(want.created) <= tuning::unseen_s)) return;
    if (want.head_agreed || View::comes_after(want) || view.lan_serves(want)) return;
    const bool checking = std::any_of(want.claims.begin(), want.claims.end(), [&](const auto& item) {
        return item.second.compares_head() && view.age(item.second.started) < tuning::check_late_s;
    });
    const auto mirrors = view.candidates(want, want.mirrors);
    if (checking || mirrors.size() < 2) return;
    const ByteRange head{0, head_length(want.size)};
    std::set<SourceId> giving;
    bool begun = !want.heads.empty() || want.is_small() || want.done.covers(head);
    for (const auto& [claim_id, claim] : want.claims) {
        if (claim.compares_head()) giving.insert(claim.source);
        if (claim.range.begin != 0 || claim.purpose == Purpose::check) continue;
        giving.insert(claim.source);
        begun = begun || claim.received > 0;
    }
    // A mirror without ranges has begun to send the rest as well when it is cut off: last.
    const auto cost = [&](SourceId by) {
        return std::pair(!view.source(by).ranges, draft.eta_s(by, tuning::head_bytes));
    };
    std::optional<SourceId> soonest;
    for (const auto by : mirrors) {
        const bool has_place = draft.busy(by) <= view.source(by).slots;
        if (!begun || giving.count(by) != 0 || want.heads.count(by) != 0 || !has_place) continue;
        if (!soonest || cost(by) < cost(*soonest)) soonest = by;
    }
    if (soonest) draft.start(id, *soonest, head, Purpose::check, "the head from a second mirror, to compare");
}

}  // namespace

void place_checks_and_joins(Draft& draft) {
    for (const auto& [id, want] : draft.view().board().wants) {
        if (want.resting) continue;
        join_torrent(draft, id, want);
        check_head(draft, id, want);
    }
}

void place_trials(Draft& draft) {
    const View& view = draft.view();
    for (const auto& [id, want, left] : view.large())
        for (const auto& [lender, range] : want->crowd.trials) {
            const bool running =
                std::any_of(want->claims.begin(), want->claims.end(), [&range = range](const auto& item) {
                    return item.second.purpose == Purpose::check && item.second.range == range;
                });
            const auto by = draft.judge(*want, lender);
            if (!running && by && draft.busy(*by) <= view.source(*by).slots)
                draft.start(id, *by, range, Purpose::check, "a piece of another source, to compare");
        }
}

}  // namespace packswarm::plan
