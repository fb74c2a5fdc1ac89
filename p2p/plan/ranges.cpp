#include <algorithm>
#include <limits>

#include "p2p/core/canonical.hpp"
#include "p2p/plan/crowd.hpp"
#include "p2p/plan/rules.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

constexpr const char* its_share = "its share of what is left";

// What a crowd may share is begun in stripes; beside a torrent the far end stays the mirrors' place until somebody
// lends.
bool goes_by_stripes(const Want& want) {
    return View::is_crowded(want) || (want.crowd.company && want.size >= tuning::scattered && !want.swarm.joined);
}

// Guided self-scheduling: each mirror takes a part of what is left in proportion to its rate, so that the parts shrink
// towards the end and all mirrors end together.
ByteCount chunk_length(const View& view, SourceId by) {
    if (!view.source(by).rate_known) return tuning::first_chunk;
    const double share = view.rate(by) / std::max(1.0, view.mirror_rate() + view.swarm_rate());
    const double guided = view.bytes_left() * share / (2 * tuning::claims_per_file);
    const double timed = view.rate(by) / tuning::claims_per_file * tuning::chunk_seconds;
    return std::max(tuning::least_chunk, static_cast<ByteCount>(std::min(guided, timed)));
}

// Beside a torrent that moves a mirror has its part of this one file, and nothing that the peers give sooner: much of
// what is left is asked of them already and would come twice.
ByteCount part_beside_torrent(const Draft& draft, WantId id, const Want& want, SourceId by) {
    const View& view = draft.view();
    if (!view.is_moving(want.swarm)) return want.size;
    if (want.swarm.rate == 0) return tuning::first_chunk;
    const auto left = static_cast<double>(want.size - draft.taken(id).total());
    const auto share = static_cast<ByteCount>(left * view.rate(by) / (view.rate(by) + want.swarm.rate));
    const auto part = std::max(tuning::least_chunk, share);
    return draft.eta_s(by, part) > left / want.swarm.rate ? 0 : part;
}

// A slow mirror leaves the end to a faster one, or to a torrent that moves, as long as somebody is at work on the file
// at all.
bool leaves_it_to_others(const Draft& draft, const Want& want, SourceId by, ByteCount length,
                         const std::vector<SourceId>& mirrors) {
    const View& view = draft.view();
    const bool is_slower = std::any_of(mirrors.begin(), mirrors.end(), [&](SourceId other) {
        return draft.eta_s(other, length) < draft.eta_s(by, length);
    });
    const bool others = (is_slower && !want.claims.empty()) || view.is_moving(want.swarm);
    return others && draft.eta_s(by, length) > view.drain_s() + 0.1 && view.source(by).rate_known;
}

// Mirrors take the near end, so that a prefix grows; beside a torrent they take the far end, since it goes from the
// front.
ByteRange carve(const Draft& draft, WantId id, const Want& want, SourceId by, const std::vector<ByteRange>& gaps,
                const std::vector<SourceId>& mirrors) {
    const View& view = draft.view();
    const auto gap = want.swarm.joined ? gaps.back() : gaps.front();
    const ByteCount piece = core::piece_length(want.size);
    const bool rests = view.lan_serves(want);
    const ByteCount most = std::min({rests ? tuning::probe_chunk : chunk_length(view, by), draft.credit(id, by),
                                     part_beside_torrent(draft, id, want, by)});
    if (most <= 0) return {};
    ByteCount length = (most + piece - 1) / piece * piece;
    if (!rests && gap.length() < length + length / 2) length = gap.length();
    if (leaves_it_to_others(draft, want, by, length, mirrors)) return {};
    if (goes_by_stripes(want))
        return mirror_share(view.board(), want, draft.taken(id), most, view.now(), view.share_s())
            .value_or(ByteRange{});
    if (!want.swarm.joined) return {gap.begin, std::min(gap.end, gap.begin + length)};
    const ByteCount begin = std::max(gap.begin, gap.end - length) / piece * piece;
    return {std::max(gap.begin, begin), gap.end};
}

std::optional<ByteRange> range_for(const Draft& draft, SourceId by, WantId id, const Want& want) {
    const View& view = draft.view();
    const bool ranges = view.source(by).ranges;
    if (!view.lan_peers(want).empty() && draft.joins(id)) return std::nullopt;  // it serves in a moment
    const bool is_probed = view.source(by).rate_known || draft.busy(by) > 0;
    if (view.lan_serves(want) && (is_probed || want.size - draft.taken(id).total() < tuning::probe_worth))
        return std::nullopt;
    const auto mirrors = view.candidates(want, want.mirrors);
    if (std::find(mirrors.begin(), mirrors.end(), by) == mirrors.end()) return std::nullopt;
    if (waits_for_neighbour(view.board(), want, view.now())) return std::nullopt;
    const auto gaps = draft.taken(id).gaps({0, want.size});
    if (gaps.empty() || draft.claims_of(id, want, by) >= tuning::claims_per_file) return std::nullopt;
    if (ranges && draft.credit(id, by) <= 0) return std::nullopt;
    const auto range = ranges ? carve(draft, id, want, by, gaps, mirrors) : whole_file(draft, id, want, by);
    return range.empty() ? std::nullopt : std::optional(range);
}

// Each is begun at least, so that its asker sees it move. In a crowd its head will do: what is small must not wait
// behind parts. And a head that mirrors agree on keeps a package manager waiting when they stop for good, also one that
// has not asked for it yet.
void begin(Draft& draft, SourceId by, WantId id, const Want& want) {
    const ByteCount head = head_length(want.size);
    const bool head_only = draft.has_its_share(by) || draft.has_enough(want, by);
    const bool head_is_missing = View::is_crowded(want) && !want.head_agreed && !draft.taken(id).covers({0, head});
    const bool has_begun = !want.claims.empty() || draft.begins(id) || (head_only && !want.done.empty());
    if (!draft.is_free(by) || (has_begun && !head_is_missing)) return;
    auto range = range_for(draft, by, id, want);
    if (!range) return;
    if (head_only || head_is_missing) range->end = std::min(range->end, range->begin + head);
    draft.start(id, by, *range, Purpose::work, its_share);
}

// The next part for a mirror, of the first file that it may have one of. False: of none.
bool give_next(Draft& draft, SourceId by, Turn turn) {
    if (!draft.is_free(by) || draft.has_its_share(by)) return false;
    for (const auto& [id, want, left] : draft.view().large()) {
        if (!has_turn(*want, turn) || !draft.is_free_for(*want, by)) continue;
        const auto range = range_for(draft, by, id, *want);
        if (!range) continue;
        draft.start(id, by, *range, Purpose::work, its_share);
        return true;
    }
    return false;
}

}  // namespace

void fill_with_ranges(Draft& draft, Turn turn) {
    const View& view = draft.view();
    std::vector<SourceId> mirrors;
    for (const auto& [id, source] : view.board().sources)
        if (source.role == Role::mirror) mirrors.push_back(id);
    std::stable_sort(mirrors.begin(), mirrors.end(),
                     [&](SourceId a, SourceId b) { return view.rate(a) > view.rate(b); });
    for (const auto& [id, want, left] : view.large())
        for (const auto by : mirrors)
            if (turn == Turn::awaited && has_turn(*want, turn)) begin(draft, by, id, *want);
    for (bool progress = true; progress;) {
        progress = false;
        for (const auto by : mirrors) progress = give_next(draft, by, turn) || progress;
    }
}

// So it is asked when nobody gives parts, when nothing has been begun, or when it alone would be there well before
// those who are at work.
ByteRange whole_file(const Draft& draft, WantId id, const Want& want, SourceId by) {
    const View& view = draft.view();
    const auto gaps = want.here().gaps({0, want.size});
    const bool is_at_it = std::any_of(want.claims.begin(), want.claims.end(),
                                      [by](const auto& item) { return item.second.source == by; });
    if (gaps.empty() || is_at_it || draft.claims_of(id, want, by) > 0) return {};
    const ByteRange all{0, gaps.back().end};
    const double parts = view.parts_rate(want, by);
    if (parts > 0 && draft.taken(id).empty()) return draft.credit(id, by) >= all.end ? all : ByteRange{};
    if (draft.begins(id)) return {};
    const auto left = static_cast<double>(want.size - want.done.total());
    double others_s = parts > 0 ? left / parts : std::numeric_limits<double>::max();
    for (const auto& [claim_id, claim] : want.claims)  // who drips keeps the file, whatever its rate was once
        if (claim.purpose != Purpose::check && view.source(claim.source).ranges)
            others_s = std::max(others_s, view.eta_left_s(want, claim));
    for (const auto& [claim_id, claim] : want.claims)
        if (claim.purpose != Purpose::check && !view.source(claim.source).ranges)
            others_s = std::min(others_s, view.eta_left_s(want, claim));
    return 2 * draft.eta_s(by, all.end) + tuning::slowly_s < others_s ? all : ByteRange{};
}

}  // namespace packswarm::plan
