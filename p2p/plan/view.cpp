#include "p2p/plan/view.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>

#include "p2p/core/canonical.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

View::View(const Board& board, TimePoint now) : board_(board), now_(now), line_(board, now) {
    find_mute();
    measure();
    sort_wants();
    find_front();
}

// ---- Sources
// ---------------------------------------------------------------------------------------------------------------

double View::rate(SourceId id) const { return source(id).rate > 0 ? source(id).rate : tuning::guessed_rate; }

bool View::may_ask(const Want& want, SourceId id) const {
    const auto at = board_.sources.find(id);
    return at != board_.sources.end() && !at->second.doubted && want.barred.count(id) == 0;
}

// A source with a stalled claim from which nothing else has come lately either: it is not given more until it speaks
// again.
void View::find_mute() {
    std::set<SourceId> stalled, speaking;
    for (const auto& [id, want] : board_.wants)
        for (const auto& [claim_id, claim] : want.claims) {
            if (board_.sources.count(claim.source) == 0) continue;
            if (is_stalled(want, claim)) stalled.insert(claim.source);
            if (claim.received > 0 && age(claim.last_byte) < tuning::stalled_s) speaking.insert(claim.source);
        }
    std::set_difference(stalled.begin(), stalled.end(), speaking.begin(), speaking.end(),
                        std::inserter(mute_, mute_.end()));
}

std::vector<SourceId> View::candidates(const Want& want, const std::vector<SourceId>& from) const {
    std::vector<SourceId> usable, set_back;
    for (const auto id : from)
        if (may_ask(want, id)) (is_willing(id) ? usable : set_back).push_back(id);
    return usable.empty() ? set_back : usable;
}

bool View::has_candidate(const Want& want, const std::vector<SourceId>& from) const {
    return std::any_of(from.begin(), from.end(), [&](SourceId id) { return may_ask(want, id); });
}

std::vector<SourceId> View::lan_peers(const Want& want) const {
    std::vector<SourceId> out;
    for (const auto id : want.peers)
        if (may_ask(want, id) && source(id).role == Role::lan_peer && is_willing(id)) out.push_back(id);
    return out;
}

void View::measure() {
    std::set<SourceId> mirrors, lenders;
    for (const auto& [id, want] : board_.wants) {
        if (want.resting) continue;
        for (const auto& [peer, pieces] : want.crowd.lenders.all())
            if (may_ask(want, peer) && source(peer).rate_known && is_willing(peer)) lenders.insert(peer);
        bytes_left_ += static_cast<double>(want.size - want.done.total());
        if (!want.is_prefetch) awaited_left_ += static_cast<double>(want.size - want.done.total());
        swarm_rate_ += want.swarm.joined ? want.swarm.rate : 0;
        if (want.swarm.joined && want.swarm.lan)
            for (const auto peer : lan_peers(want)) lan_rates_[peer] += want.swarm.rate;
        const bool all_counted = std::all_of(want.mirrors.begin(), want.mirrors.end(),
                                             [&](SourceId mirror) { return mirrors.count(mirror) != 0; });
        if (all_counted) continue;
        for (const auto mirror : candidates(want, want.mirrors)) mirrors.insert(mirror);
    }
    for (const auto mirror : mirrors) mirror_rate_ += rate(mirror);
    for (const auto peer : lenders) swarm_rate_ += rate(peer);
}

// ---- Wants
// -----------------------------------------------------------------------------------------------------------------

// Those with the least left to begin come first: what is complete frees its asker's slot, and the sum of the work stays
// the same.
void View::sort_wants() {
    for (const auto& [id, want] : board_.wants) {
        if (want.resting) continue;
        if (want.is_small()) {
            small_.push_back({id, &want});
            continue;
        }
        const auto& taken = taken_[id] = want.taken();
        large_.push_back({id, &want, want.size - taken.total()});
        crowd_ = std::max({crowd_, want.crowd.seekers.size(), want.crowd.lenders.all().size()});
    }
    std::stable_sort(large_.begin(), large_.end(), [](const Large& a, const Large& b) {
        return std::tuple(comes_after(*a.want), a.left) < std::tuple(comes_after(*b.want), b.left);
    });
}

void View::find_front() {
    const auto checked = std::find_if(board_.wants.begin(), board_.wants.end(), [this](const auto& item) {
        const Want& want = item.second;
        return want.resting && !want.is_small() && age(want.grown) < tuning::front_checked_s;
    });
    if (checked != board_.wants.end())
        front_ = checked->first;
    else if (front_ = first_that_grows(tuning::front_silent_s); !front_)
        front_ = first_that_grows(tuning::all_silent_s);
}

std::optional<WantId> View::first_that_grows(double silent_s) const {
    for (const auto& one : large_) {
        if (one.want->mirrors.empty() || lan_serves(*one.want)) continue;
        if (age(std::max(one.want->created, one.want->grown)) <= silent_s) return one.id;
    }
    return std::nullopt;
}

bool View::is_believed(const Want& want) const {
    const auto honest = [this](SourceId by) {
        return board_.sources.count(by) != 0 && (source(by).role == Role::lan_peer || source(by).proven > 0);
    };
    const bool has_mirror = std::any_of(want.mirrors.begin(), want.mirrors.end(),
                                        [&](SourceId by) { return may_ask(want, by) && is_willing(by); });
    return !has_mirror || std::any_of(want.peers.begin(), want.peers.end(), honest);
}

bool View::has_whole_piece(const Want& want) {
    const auto runs = want.done.ranges();
    const ByteCount piece = core::piece_length(want.size);
    return std::any_of(runs.begin(), runs.end(), [&](ByteRange run) {
        return (run.begin + piece - 1) / piece * piece + piece <= run.end || run == ByteRange{0, want.size};
    });
}

bool View::is_moving(const SwarmPart& swarm) const {
    return swarm.joined && age(std::max(swarm.since, swarm.last_piece)) <= tuning::swarm_silent_s;
}

bool View::lan_serves(const Want& want) const {
    if (want.is_small()) return !lan_peers(want).empty();
    if (!want.swarm.joined || !want.swarm.lan || !is_moving(want.swarm)) return false;
    double fastest = want.swarm.rate;
    for (const auto peer : lan_peers(want))
        if (const auto at = lan_rates_.find(peer); at != lan_rates_.end()) fastest = std::max(fastest, at->second);
    return want.swarm.rate == 0 || fastest >= tuning::lan_is_enough * mirror_rate_;
}

bool View::anything_comes() const { return age(board_.last_sign(now_)) < tuning::lenders_silent_s / 2; }

// ---- Rates and times
// ---------------------------------------------------------------------------------------------------------

double View::drain_s() const { return bytes_left_ / std::max(1.0, mirror_rate_ + swarm_rate_); }

double View::drain_s(const Want& want) const {
    return (want.is_prefetch ? bytes_left_ : awaited_left_) / std::max(1.0, mirror_rate_ + swarm_rate_);
}

double View::share_s() const { return bytes_left_ / static_cast<double>(crowd_ + 1) / std::max(1.0, mirror_rate_); }

double View::parts_rate(const Want& want, SourceId except) const {
    double out = is_moving(want.swarm) ? std::max(want.swarm.rate, 1.0) : 0;
    for (const auto id : want.mirrors)
        if (id != except && may_ask(want, id) && is_willing(id) && source(id).ranges) out += rate(id);
    // Lenders that lack a part of it may wait for us as we would for them.
    core::RangeSet lent = want.done;
    double lenders = 0;
    for (const auto& [peer, pieces] : want.crowd.lenders.all()) {
        if (!may_ask(want, peer) || !is_willing(peer)) continue;
        lenders += rate(peer);
        for (std::size_t piece = 0; piece < pieces.size(); ++piece)
            if (pieces[piece]) lent.add(core::piece_range(want.size, piece));
    }
    return lent.total() == want.size ? out + lenders : out;
}

// ---- Claims
// ------------------------------------------------------------------------------------------------------------------

double View::speed(const Claim& claim) const {
    const double took = age(claim.started) - source(claim.source).first_byte_s;
    if (claim.received > 0 && took > 0.5) return static_cast<double>(claim.received) / took;
    return rate(claim.source) / std::max(1, source(claim.source).busy);
}

bool View::is_held_by_the_line(const Want& want, const Claim& claim) const {
    if (is_stalled(want, claim)) return false;
    if (line_.is_full()) return true;
    if (claim.received == 0) return line_.is_slow();
    const bool waits = line_.is_shared() || line_.room() == 0;
    if (line_.is_slow() && waits && tuning::slow_unfair * speed(claim) > line_.share()) return true;
    return line_.is_shared() && tuning::unfair * speed(claim) > line_.share();
}

bool View::is_stalled(const Want& want, const Claim& claim) const {
    return age(claim.last_byte) > std::max(silence_s(want, claim), source(claim.source).patience_s);
}

// Of a claim that is in order. Who has lost its turn on a slow line gets it back as a rule before another could have
// given the same small file from its first byte on.
double View::silence_s(const Want& want, const Claim& claim) const {
    if (source(claim.source).role == Role::wan_peer) return tuning::stalled_peer_s;
    const bool is_tight = line_.is_shared() || line_.is_slow();
    if (line_.is_full() || (is_tight && line_.is_busy())) return tuning::waits_in_line_s;
    return claim.received > 0 && want.is_small()
               ? std::clamp(line_.seconds_for(want.size), tuning::stalled_s, tuning::waits_in_line_s)
               : tuning::stalled_s;
}

bool View::is_served(const Want& want, const Claim& claim) {
    return claim.purpose != Purpose::check && want.done.covers({claim.next(), claim.range.end});
}

double View::eta_left_s(const Want& want, const Claim& claim) const {
    if (is_stalled(want, claim)) return std::numeric_limits<double>::max();
    return static_cast<double>(claim.left()) / std::max(1.0, speed(claim));
}

// A peer answers its gets in order and at the pace of its line: what waits behind others is not late yet, silence is.
// But who is slow enough would never be late by its own measure: after slow_s it is held against what another would
// take. What would end before another could give it all twice, or long before everything else does, is never late.
bool View::is_late(const Want& want, const Claim& claim, double others_s) const {
    if (is_mute(claim.source)) return true;
    if (is_held_by_the_line(want, claim)) return false;
    if (claim.received > 0 && eta_left_s(want, claim) <= std::max(2 * others_s, drain_s(want) / 2)) return false;
    const auto& by = source(claim.source);
    const double at_its_pace = 3 * static_cast<double>(want.size) * std::max(1, by.busy) / rate(claim.source);
    return age(claim.started) >=
           by.patience_s + std::min(at_its_pace, std::clamp(3 * others_s, tuning::slow_s, 2 * tuning::slow_s));
}

}  // namespace packswarm::plan
