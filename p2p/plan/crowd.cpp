#include "p2p/plan/crowd.hpp"

#include <algorithm>
#include <tuple>

#include "p2p/core/canonical.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::plan {

namespace {

// splitmix64's finalizer (Steele, Lea, Flood 2014).
std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

std::uint64_t weight(AgentKey key, const Want& want, std::size_t part) {
    return mixed(key ^ mixed(want.crowd.seed + 0x9e3779b97f4a7c15ULL * (part + 1)));
}

bool is_throng(const Want& want) { return want.crowd.seekers.size() >= tuning::throng; }

// How long a small artifact may wait for others. Who takes its first bytes as they come gives up after ten seconds
// without one.
double patience_s(const Want& want, double mirror_s) {
    return 3 * std::clamp(mirror_s, 0.2, is_throng(want) && !want.streamed ? 20.0 : 2.0);
}

std::optional<ByteRange> first_gap(const core::RangeSet& taken, ByteRange within, ByteCount length) {
    const auto gaps = taken.gaps(within);
    if (gaps.empty()) return std::nullopt;
    return ByteRange{gaps.front().begin, std::min(gaps.front().end, gaps.front().begin + length)};
}

std::size_t pieces_in(const Want& want) { return core::piece_count(want.size); }

// The piece with the fewest lenders that still has bytes nobody works on; among equals every agent has an order of its
// own. lent: the pieces to choose from; nothing: all of them.
std::optional<std::size_t> rarest(const Board& board, const Want& want, const core::RangeSet& taken,
                                  const std::vector<bool>* lent = nullptr) {
    std::optional<std::size_t> best;
    std::pair<int, std::uint64_t> best_rank;
    const auto length = static_cast<std::size_t>(core::piece_length(want.size));
    std::size_t piece = 0;
    for (const auto& gap : taken.gaps({0, want.size})) {
        const auto last = static_cast<std::size_t>(gap.end - 1) / length;
        for (piece = std::max(piece, static_cast<std::size_t>(gap.begin) / length); piece <= last; ++piece) {
            const int copies = want.crowd.lenders.copies(piece);
            if ((best && copies > best_rank.first) || (lent != nullptr && (piece >= lent->size() || !(*lent)[piece])))
                continue;
            const std::pair rank{copies, weight(board.key, want, ~piece)};
            if (best && rank >= best_rank) continue;
            best = piece;
            best_rank = rank;
        }
    }
    return best;
}

}  // namespace

ByteCount stripe_length(ByteCount size) {
    return std::max<ByteCount>(limits::mib, tuning::pieces_per_stripe * core::piece_length(size));
}

std::size_t better_owners(const Board& board, const Want& want, std::size_t stripe) {
    const auto own = weight(board.key, want, stripe);
    return static_cast<std::size_t>(
        std::count_if(want.crowd.seekers.begin(), want.crowd.seekers.end(), [&](SourceId seeker) {
            const auto at = board.sources.find(seeker);
            return at != board.sources.end() && weight(at->second.key, want, stripe) > own;
        }));
}

bool is_ours(const Board& board, const Want& want, std::size_t stripe) {
    return better_owners(board, want, stripe) == 0;
}

bool waits_for_crowd(const Board& board, const Want& want, TimePoint now, double mirror_s) {
    if (!want.crowd.company || now >= board.crowd_until) return false;
    const double age = seconds_between(want.created, now);
    if (age < tuning::asks_cross_s) return true;
    const bool many = is_throng(want);
    const double patience = patience_s(want, mirror_s);
    for (const auto& [peer, since] : want.crowd.fetching)
        if (age < patience && board.sources.count(peer) != 0) return true;
    const auto better = static_cast<double>(better_owners(board, want, 0));
    return better > 0 && age < std::min(tuning::owner_begins_s +
                                            (better - 1) * (many ? tuning::next_of_many_s : tuning::next_begins_s),
                                        patience);
}

bool is_sought_by_many(const Want& want) { return want.crowd.seekers.size() >= tuning::many_seek; }

bool waits_its_turn(const Board& board, const Want& want, std::size_t holders, TimePoint now, double mirror_s) {
    if (!is_sought_by_many(want) || holders == 0 || seconds_between(want.created, now) >= patience_s(want, mirror_s))
        return false;
    return better_owners(board, want, 0) >= tuning::given_at_once * holders;
}

bool waits_for_neighbour(const Board& board, const Want& want, TimePoint now) {
    if (!want.crowd.company || !want.peers.empty() || !want.claims.empty() ||
        seconds_between(want.created, now) >= tuning::neighbour_tells_s)
        return false;
    return std::any_of(board.sources.begin(), board.sources.end(), [](const auto& item) {
        const Source& by = item.second;
        return by.role == Role::lan_peer && by.usable && !by.doubted && by.proven > 0 &&
               by.missed < tuning::misses_tell;
    });
}

bool leaves_to_owners(const Want& want, std::size_t better, TimePoint now, double share_s) {
    if (want.crowd.seekers.size() < tuning::owners_suffice) return false;
    if (seconds_between(std::max(want.created, want.grown), now) >=
        (want.crowd.lenders.empty() ? tuning::owners_begin_s : tuning::lenders_go_on_s))
        return false;
    return seconds_between(want.created, now) < static_cast<double>(better) * std::max(tuning::owners_begin_s, share_s);
}

std::optional<ByteRange> mirror_share(const Board& board, const Want& want, const core::RangeSet& taken,
                                      ByteCount length, TimePoint now, double share_s) {
    if (!want.head_agreed &&
        !taken.covers({0, head_length(want.size)}))  // two mirrors have to give it before anything is streamed
        return first_gap(taken, {0, head_length(want.size)}, length);
    const ByteCount stripe = stripe_length(want.size);
    const auto per_stripe = static_cast<std::size_t>(stripe / core::piece_length(want.size));
    // Stripes nobody lends anything of, in this agent's own order: (how many come before us, weight).
    std::optional<std::tuple<std::size_t, std::uint64_t, std::size_t>> best;
    for (std::size_t first = 0; first < pieces_in(want); first += per_stripe) {
        auto piece = first;
        const auto end = std::min(first + per_stripe, pieces_in(want));
        while (piece < end &&
               (want.crowd.lenders.copies(piece) > 0 || taken.covers(core::piece_range(want.size, piece))))
            ++piece;
        if (piece == end) continue;
        const auto number = first / per_stripe;
        const std::tuple rank{better_owners(board, want, number), ~weight(board.key, want, number), piece};
        if (!best || rank < *best) best = rank;
    }
    if (best && leaves_to_owners(want, std::get<0>(*best), now, share_s)) return std::nullopt;
    if (best) {
        const auto first = std::get<2>(*best);
        std::size_t end = first + 1;
        while (end % per_stripe != 0 && end < pieces_in(want) && want.crowd.lenders.copies(end) == 0) ++end;
        return first_gap(taken, {core::piece_range(want.size, first).begin, core::piece_range(want.size, end - 1).end},
                         length);
    }
    const auto piece = rarest(board, want, taken);
    if (!piece) return std::nullopt;
    return first_gap(taken, core::piece_range(want.size, *piece), length);
}

std::optional<ByteRange> lender_share(const Board& board, const Want& want, SourceId lender,
                                      const core::RangeSet& taken, ByteCount length) {
    const auto piece = rarest(board, want, taken, &want.crowd.lenders.of(lender));
    if (!piece) return std::nullopt;
    return first_gap(taken, core::piece_range(want.size, *piece), std::min(length, tuning::lender_claim));
}

ByteCount lender_trust(const Source& lender, const Want& want) {
    return std::max(core::piece_length(want.size), lender.trusted + 4 * lender.proven);
}

}  // namespace packswarm::plan
