#include "p2p/plan/draft.hpp"

#include <algorithm>
#include <limits>

#include "p2p/plan/crowd.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

template <class Value>
Value found_or_none(const std::map<SourceId, Value>& values, SourceId id) {
    const auto at = values.find(id);
    return at == values.end() ? Value() : at->second;
}

}  // namespace

Draft::Draft(const View& view) : view_(view), taken_(view.taken()) {
    for (const auto& [id, source] : view.board().sources) busy_[id] = source.busy;
    count_claims();
    count_large();
}

void Draft::count_claims() {
    for (const auto& [id, want] : view_.board().wants) {
        if (want.resting) continue;
        for (const auto& [claim_id, claim] : want.claims) {
            in_hand_[claim.source] += claim.left();
            all_in_hand_ += static_cast<double>(claim.left());
            ++flights_;
            if (!want.is_prefetch) ++awaited_flights_;
        }
    }
}

void Draft::count_large() {
    for (const auto& [id, want, left] : view_.large()) {
        for (const auto& [by, bytes] : want->given) unverified_[by] += bytes;
        for (const auto& [claim_id, claim] : want->claims) {
            ranged_[claim.source] += claim.purpose == Purpose::work ? 1 : 0;
            unverified_[claim.source] += claim.left();
        }
    }
    if (!view_.front()) return;
    for (const auto& [id, want] : view_.board().wants) {
        if (id == *view_.front() || want.is_small()) continue;
        for (const auto& [by, bytes] : want.given) prefetch_[by] += bytes;
        for (const auto& [claim_id, claim] : want.claims) prefetch_[claim.source] += claim.left();
    }
}

void Draft::start(WantId want, SourceId by, ByteRange range, Purpose purpose, const char* reason) {
    out_.starts.push_back({want, by, range, purpose, reason});
    ++busy_[by];
    in_hand_[by] += range.length();
    all_in_hand_ += static_cast<double>(range.length());
    ++flights_;
    if (!view_.board().wants.at(want).is_prefetch) ++awaited_flights_;
    if (purpose != Purpose::check) new_claims_[want].add(range);
    const auto large = taken_.find(want);
    if (large == taken_.end()) return;
    if (purpose != Purpose::check) large->second.add(range);
    if (purpose == Purpose::work) ++ranged_[by], unverified_[by] += range.length();
    if (view_.front() && want != *view_.front()) prefetch_[by] += range.length();
}

bool Draft::begins_within(WantId want, ByteRange range) const {
    const auto fresh = new_claims_.find(want);
    return fresh != new_claims_.end() && fresh->second.touches(range);
}

bool Draft::stops_one_of(WantId want) const {
    return std::any_of(out_.stops.begin(), out_.stops.end(), [want](const Stop& stop) { return stop.want == want; });
}

bool Draft::joins(WantId want) const { return std::count(out_.joins.begin(), out_.joins.end(), want) != 0; }

int Draft::claims_of(WantId id, const Want& want, SourceId by) const {
    const auto running = std::count_if(want.claims.begin(), want.claims.end(), [&](const auto& item) {
        return item.second.source == by && item.second.purpose == Purpose::work;
    });
    const auto fresh = std::count_if(out_.starts.begin(), out_.starts.end(), [&](const Start& start) {
        return start.want == id && start.source == by && start.purpose == Purpose::work;
    });
    return static_cast<int>(running + fresh);
}

// ---- Places
// ------------------------------------------------------------------------------------------------------------------

bool Draft::is_free(SourceId id) const {
    const auto& it = view_.source(id);
    const bool is_known = it.role == Role::mirror || it.proven + it.trusted > 0;
    return busy_.at(id) < (is_known ? it.slots : std::min(it.slots, tuning::slots_of_a_stranger));
}

bool Draft::has_free(const std::vector<SourceId>& from) const {
    return std::any_of(from.begin(), from.end(),
                       [this](SourceId id) { return view_.board().sources.count(id) != 0 && is_free(id); });
}

bool Draft::is_free_for(const Want& want, SourceId id) const {
    if (!is_free(id) || has_enough(want, id)) return false;
    return !want.is_prefetch || busy_.at(id) + 1 < std::max(2, view_.source(id).slots);
}

// A mirror that has work for long: what it is asked for beside that would wait in the same queue, here or there, and be
// whole later than one after the other. Unless more at once bring more, as they do where a mirror is slow to each
// connection; what is not known yet is found out with one more at a time. What nobody waits for does not begin before
// the line is known. A crowd has rules of its own.
bool Draft::has_enough(const Want& want, SourceId id) const {
    const auto& line = view_.line();
    if (view_.source(id).role != Role::mirror || view_.crowd() > 0 || View::is_crowded(want)) return false;
    if (want.is_prefetch && awaited_flights_ > 0 && !line.is_measured()) return true;
    const bool unseen = want.is_small() && want.claims.empty() && view_.age(want.created) > tuning::unseen_s;
    if (unseen && view_.candidates(want, want.mirrors).size() < 2) return false;  // no second one's head could be shown
    if (line.is_shared()) return line.is_enough(all_in_hand_);
    const ByteCount in_hand = found_or_none(in_hand_, id);
    if (!view_.source(id).rate_known && !line.is_measured()) return in_hand >= tuning::unmeasured_enough;
    if (in_hand == 0 || static_cast<double>(in_hand) < tuning::enough_s * view_.rate(id)) return false;
    return (want.is_prefetch && !line.grows()) || !line.takes_one_more(flights_);
}

// Of five small ones that come slowly and side by side none can be lent for long: one after the other they are whole
// sooner. Where many want them, of peers too: what is not asked for yet goes to whoever has it by then.
bool Draft::has_its_few(const Want& want, SourceId by) const {
    const bool many = is_sought_by_many(want);
    const auto role = view_.source(by).role;
    if (!View::is_crowded(want) || !(role == Role::mirror || (many && role == Role::wan_peer))) return false;
    const bool is_slow = eta_s(by, want.size) > view_.source(by).first_byte_s + tuning::slowly_s;
    return busy_.at(by) >= (many ? 1 : tuning::few_at_once) && is_slow;
}

// Small artifacts must not wait at the mirrors behind parts of large ones, ours and everybody's: those can be borrowed.
bool Draft::has_its_share(SourceId by) const {
    if (view_.crowd() == 0) return false;
    const auto& large = view_.large();
    if (std::any_of(large.begin(), large.end(), [](const auto& one) { return is_sought_by_many(*one.want); }))
        return busy_.at(by) >= 1;
    const bool small_in_hand = busy_.at(by) > parts_in_hand(by);
    return parts_in_hand(by) >= (view_.crowd() >= tuning::large_crowd || small_in_hand ? 1 : 2);
}

int Draft::parts_in_hand(SourceId by) const { return found_or_none(ranged_, by); }

ByteCount Draft::credit(WantId id, SourceId by) const {
    if (!view_.front() || id == *view_.front()) return std::numeric_limits<ByteCount>::max();
    return tuning::first_credit + tuning::proven_counts * view_.source(by).proven - found_or_none(prefetch_, by);
}

ByteCount Draft::unverified(SourceId by) const { return found_or_none(unverified_, by); }

// ---- Times
// -------------------------------------------------------------------------------------------------------------------

double Draft::eta_s(SourceId id, ByteCount bytes) const {
    return view_.source(id).first_byte_s + static_cast<double>(bytes) * (busy_.at(id) + 1) / view_.rate(id);
}

double Draft::eta_of_best(const std::vector<SourceId>& from, ByteCount bytes) const {
    double out = std::numeric_limits<double>::max();
    for (const auto by : from)
        if (is_free(by)) out = std::min(out, eta_s(by, bytes));
    return out;
}

bool Draft::spares_mirrors(const Want& want, const std::vector<SourceId>& peers,
                           const std::vector<SourceId>& mirrors) const {
    return !peers.empty() && eta_of_best(peers, want.size) < 3 * eta_of_best(mirrors, want.size) + 0.3;
}

std::optional<SourceId> Draft::judge(const Want& want, SourceId tried) const {
    std::optional<SourceId> best;
    for (const auto id : want.mirrors) {
        if (id == tried || !view_.may_ask(want, id) || !view_.is_willing(id) || !view_.source(id).ranges) continue;
        if (!best || eta_s(id, tuning::first_chunk) < eta_s(*best, tuning::first_chunk)) best = id;
    }
    return best;
}

}  // namespace packswarm::plan
