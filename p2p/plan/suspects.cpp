#include "p2p/plan/suspects.hpp"

#include <algorithm>
#include <array>

#include "p2p/plan/crowd.hpp"

namespace packswarm::plan {

namespace {

constexpr std::array places{0.5, 0.98, 0.02, 0.75, 0.25, 0.88};  // of what is unconfirmed, in the order of the rounds

}  // namespace

std::vector<SourceId> caught_elsewhere(const Given& given, const std::set<SourceId>& suspected,
                                       const std::map<SourceId, Source>& sources) {
    std::vector<SourceId> out;
    for (const auto& [giver, bytes] : given) {
        const auto at = sources.find(giver);
        if (suspected.count(giver) == 0 && (at == sources.end() || !at->second.usable)) out.push_back(giver);
    }
    return out.size() == given.size() ? std::vector<SourceId>{} : out;
}

std::optional<SourceId> likeliest_liar(const Given& given, const std::set<SourceId>& suspected) {
    std::optional<SourceId> out;
    ByteCount most = 0;
    for (const auto& [giver, bytes] : given) {
        if (bytes <= most || suspected.count(giver) != 0) continue;
        most = bytes;
        out = giver;
    }
    return out;
}

std::optional<SourceId> next_alone(const std::vector<SourceId>& mirrors, const std::set<SourceId>& tried,
                                   const std::set<SourceId>& barred) {
    const auto at = std::find_if(mirrors.begin(), mirrors.end(), [&](SourceId mirror) {
        return tried.count(mirror) == 0 && barred.count(mirror) == 0;
    });
    return at == mirrors.end() ? std::nullopt : std::optional(*at);
}

std::optional<Bytes> agreed_head(const std::map<SourceId, Bytes>& heads) {
    std::map<Bytes, int> sides;
    for (const auto& [source, head] : heads) ++sides[head];
    const auto winner = std::find_if(sides.begin(), sides.end(), [](const auto& side) { return side.second >= 2; });
    return winner == sides.end() ? std::nullopt : std::optional(winner->first);
}

PieceHashes most_believed(const std::vector<Hint>& hints) {
    std::map<PieceHashes, int> votes;
    std::set<std::pair<PieceHashes, std::string>> voices;
    for (const auto& hint : hints)
        if (voices.emplace(hint.pieces, hint.host).second) votes[hint.pieces] += hint.is_near ? 2 : 1;
    return std::max_element(votes.begin(), votes.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
}

bool is_compared_next(const Source& lender, const Want& want, ByteCount unverified) {
    return unverified > lender_trust(lender, want) / 2;
}

std::vector<SourceId> whom_to_compare(std::vector<SourceId> lenders, const std::map<SourceId, int>& confirmed) {
    const auto rank = [&](SourceId lender) {
        const auto at = confirmed.find(lender);
        return std::pair(at == confirmed.end() ? 0 : at->second, lender);
    };
    std::sort(lenders.begin(), lenders.end(), [&](SourceId a, SourceId b) { return rank(a) < rank(b); });
    return lenders;
}

std::optional<ByteRange> part_to_compare(const core::RangeSet& unconfirmed, int round, ByteCount piece_length) {
    const double place = places[static_cast<std::size_t>(round) % places.size()];
    auto at = static_cast<ByteCount>(place * static_cast<double>(unconfirmed.total()));
    for (const auto& run : unconfirmed.ranges()) {
        if (at >= run.length()) {
            at -= run.length();
            continue;
        }
        const auto begin = std::max(run.begin, std::min(run.begin + at, run.end - piece_length));
        return ByteRange{begin, std::min(run.end, begin + piece_length)};
    }
    return std::nullopt;
}

std::set<SourceId> liars(const std::map<std::size_t, GivenPiece>& given, const PieceHashes& truth) {
    std::set<SourceId> out;
    for (const auto& [piece, one] : given)
        if (piece < truth.size() && truth[piece] != one.hash) out.insert(one.from);
    return out;
}

}  // namespace packswarm::plan
