#include <algorithm>
#include <limits>

#include "p2p/plan/rules.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

constexpr double stalled = std::numeric_limits<double>::max();  // seconds

void part_rivals_of(Draft& draft, WantId id, const Want& want) {
    const View& view = draft.view();
    for (const auto& [hedge_id, hedge] : want.claims) {
        if (hedge.purpose != Purpose::hedge || hedge.received == 0) continue;
        for (const auto& [other_id, other] : want.claims) {
            const bool revived = other_id != hedge_id && other.purpose == Purpose::work &&
                                 other.last_byte > hedge.first_byte && !view.is_stalled(want, other);
            const bool waits = view.source(other.source).role == Role::mirror && view.is_held_by_the_line(want, other);
            if (!revived || (want.is_small() && !waits)) continue;
            if (other.next() >= hedge.range.end || other.range.end <= hedge.next()) continue;
            draft.stop(id, other.next() > hedge.next() ? hedge_id : other_id, "another source is further along");
        }
    }
}

struct Victim {
    WantId want{};
    ClaimId claim{};
    const Claim* at = nullptr;
    double eta_s = 0;
};

bool has_rival(const Draft& draft, WantId id, const Want& want, ClaimId self, const Claim& claim) {
    const ByteRange left{claim.next(), claim.range.end};
    if (draft.begins_within(id, left)) return true;
    return std::any_of(want.claims.begin(), want.claims.end(), [&](const auto& item) {
        const Claim& other = item.second;
        return item.first != self && other.purpose != Purpose::check && other.next() < left.end &&
               other.range.end > left.begin;
    });
}

bool may_rob(const View& view, SourceId thief, const Want& want) {
    if (want.resting || want.is_small() || view.lan_serves(want) || !view.may_ask(want, thief)) return false;
    return std::find(want.mirrors.begin(), want.mirrors.end(), thief) != want.mirrors.end();
}

Victim latest_claim(const Draft& draft, SourceId thief) {
    const View& view = draft.view();
    Victim worst;
    for (const auto& [id, want] : view.board().wants) {
        if (!may_rob(view, thief, want)) continue;
        for (const auto& [claim_id, claim] : want.claims) {
            if (claim.source == thief || claim.purpose == Purpose::check || View::is_served(want, claim)) continue;
            if (has_rival(draft, id, want, claim_id, claim)) continue;
            const double eta = view.eta_left_s(want, claim);
            if (view.source(thief).ranges && draft.credit(id, thief) <= 0 && eta < stalled) continue;
            if (eta > worst.eta_s) worst = {id, claim_id, &claim, eta};
        }
    }
    return worst;
}

void rob(Draft& draft, SourceId thief, const Victim& victim) {
    const View& view = draft.view();
    const Claim& claim = *victim.at;
    const Want& want = view.board().wants.at(victim.want);
    if (!view.source(thief).ranges) {
        const auto all = whole_file(draft, victim.want, want, thief);
        const auto purpose = victim.eta_s == stalled ? Purpose::hedge : Purpose::work;
        return all.empty() ? void() : draft.start(victim.want, thief, all, purpose, "another source is late with it");
    }
    const double left = static_cast<double>(claim.left());
    const double speed = std::min(view.rate(thief) / (draft.busy(thief) + 1), view.line().room());
    if (view.is_held_by_the_line(want, claim)) return;
    const double first_byte = view.source(thief).first_byte_s;
    if (victim.eta_s == stalled)
        return draft.start(victim.want, thief, {claim.next(), claim.range.end}, Purpose::hedge,
                           "the source has gone silent");
    if (draft.busy(thief) > 0 && victim.eta_s < view.drain_s())
        return;  // what the line holds already would be for nothing
    if (speed <= 0 || victim.eta_s < 2 * (first_byte + left / 2 / speed) + 0.05) return;
    const double theirs = left / victim.eta_s;  // bytes per second
    const auto taken_over = static_cast<ByteCount>((victim.eta_s - first_byte) / (1 / speed + 1 / theirs));
    if (taken_over < tuning::least_taken_over && victim.eta_s < tuning::slow_s) return;
    const ByteCount middle = claim.range.end - std::min(taken_over, claim.left());
    draft.shorten(victim.want, victim.claim, middle);
    draft.start(victim.want, thief, {middle, claim.range.end}, Purpose::work, "a slower source would end last");
}

}  // namespace

// What the peers gave meanwhile would still come from a mirror that has begun to send it: a new connection costs less
// than the rest.
void leave_what_is_here(Draft& draft) {
    const View& view = draft.view();
    for (const auto& [id, want, left] : view.large())
        for (const auto& [claim_id, claim] : want->claims) {
            if (claim.received == 0 || view.is_stalled(*want, claim) || !View::is_served(*want, claim)) continue;
            if (claim.left() >= tuning::least_chunk / 2) draft.stop(id, claim_id, "its bytes are here");
        }
}

// Somebody who had gone silent speaks again beside the one who took over: whoever is further along goes on alone.
void part_rivals(Draft& draft) {
    const View& view = draft.view();
    for (const auto& [id, want, left] : view.large()) part_rivals_of(draft, id, *want);
    if (view.line().is_shared() || view.line().is_slow())  // elsewhere small ones do not hold each other up
        for (const auto& [id, want] : view.small()) part_rivals_of(draft, id, *want);
}

// A mirror with nothing left to claim takes over the far part of the claim that would end last.
void steal(Draft& draft) {
    const View& view = draft.view();
    for (const auto& [by, thief] : view.board().sources) {
        if (thief.role != Role::mirror || !view.is_willing(by) || !draft.is_free(by) || draft.has_its_share(by))
            continue;
        if (const auto victim = latest_claim(draft, by); victim.at != nullptr) rob(draft, by, victim);
    }
}

}  // namespace packswarm::plan
