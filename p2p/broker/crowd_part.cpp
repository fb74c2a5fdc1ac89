#include "p2p/broker/crowd_part.hpp"

#include <algorithm>

#include "p2p/broker/transfer.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::broker {

namespace {
constexpr auto asks_again_within = Seconds(10);  // agents repeat their asks every three seconds while they want something
}  // namespace

CrowdPart::CrowdPart(Transfer& transfer) : transfer_(transfer), lent_(core::piece_count(transfer.target().size)) {
    transfer_.want().crowd.company = transfer_.engine_.sources.has_peers();
}

CrowdPart::~CrowdPart() {
    *alive_ = false;
    if (is_lending_ && !is_verified_) transfer_.engine_.peers.end_loan(transfer_.target().digest, Peers::Outcome::failed);
}

// ---- Others ----------------------------------------------------------------------------------------------------------------

void CrowdPart::sought(core::SourceId peer) {
    asked_[peer] = transfer_.engine_.loop.now();
    transfer_.want().crowd.seekers.insert(peer);
}

void CrowdPart::lent(core::SourceId peer, const PeerLoan& loan) {
    auto& crowd = transfer_.want().crowd;
    if (loan.size != transfer_.target().size || transfer_.want().barred.count(peer) != 0) return;
    if (transfer_.want().is_small())
        crowd.fetching.emplace(peer, transfer_.engine_.loop.now());
    else
        crowd.lenders.set(peer, loan.pieces);
}

void CrowdPart::gone(core::SourceId peer) {
    auto& crowd = transfer_.want().crowd;
    asked_.erase(peer);
    crowd.seekers.erase(peer);
    crowd.fetching.erase(peer);
    crowd.lenders.drop(peer);
}

void CrowdPart::sample() {
    auto& crowd = transfer_.want().crowd;
    const auto since = transfer_.engine_.loop.now() - asks_again_within;
    std::erase_if(asked_, [since](const auto& item) { return item.second < since; });
    std::erase_if(crowd.seekers, [this](core::SourceId peer) { return asked_.count(peer) == 0; });
    crowd.company = transfer_.engine_.sources.has_peers();
}

// ---- What we lend ----------------------------------------------------------------------------------------------------------

void CrowdPart::staged() {
    if (is_lending_ || !transfer_.engine_.may_lend()) return;
    is_lending_ = true;
    transfer_.engine_.peers.lend(transfer_.target().digest, *transfer_.staged_, transfer_.target().lineage);
}

// Only what mirrors gave us ourselves: what a peer gave is that peer's to answer for, not ours.
void CrowdPart::written(core::SourceId from, ByteRange range) {
    if (!is_lending_ || range.empty() || transfer_.engine_.sources.kind(from) != SourceKind::mirror) return;
    first_hand_.add(range);
    const ByteCount length = core::piece_length(transfer_.target().size);
    for (auto piece = static_cast<std::size_t>(range.begin / length); piece < lent_.size(); ++piece) {
        const auto whole = core::piece_range(transfer_.target().size, piece);
        if (whole.begin >= range.end) break;
        if (lent_[piece] || !first_hand_.covers(whole)) continue;
        lent_[piece] = true;
        transfer_.engine_.peers.lend_piece(transfer_.target().digest, piece);
    }
}

// ---- What we borrowed ------------------------------------------------------------------------------------------------------

// The whole file is here, so that every piece can be hashed as it was given.
bool CrowdPart::drop_borrowed() {
    std::vector<core::SourceId> peers;
    for (const auto& [source, share] : transfer_.shares_)
        if (!share.given.empty() && transfer_.engine_.sources.kind(source) == SourceKind::peer) peers.push_back(source);
    if (peers.empty() || transfer_.want().is_small()) return false;
    if (is_lending_) transfer_.engine_.peers.end_loan(transfer_.target().digest, Peers::Outcome::failed);
    is_lending_ = false;
    transfer_.want().resting = true;
    const ByteRange all{0, transfer_.target().size};
    transfer_.engine_.trust.piece_hashes(*transfer_.staged_, all, core::piece_length(all.end), [this, alive = alive_, peers](Result<PieceHashes> hashes) {
        if (!*alive) return;
        if (hashes) suspect(peers, *hashes);
        transfer_.want().resting = false;
        transfer_.want().crowd.lenders.clear();
        for (const auto peer : peers) {
            transfer_.forget_bytes_of(peer);
            transfer_.want().barred.insert(peer);
        }
        transfer_.note("what peers lent is fetched again from mirrors");
        transfer_.engine_.replan();
    });
    return true;
}

// A piece that one peer gave alone is its own; of shared ones nobody could say whose bytes were wrong.
void CrowdPart::suspect(const std::vector<core::SourceId>& peers, const PieceHashes& hashes) {
    for (std::size_t piece = 0; piece < hashes.size(); ++piece) {
        const auto range = core::piece_range(transfer_.target().size, piece);
        for (const auto peer : peers)
            if (transfer_.shares_.at(peer).given.covers(range)) suspects_[piece] = {peer, hashes[piece]};
    }
}

void CrowdPart::verified() {
    is_verified_ = true;
    auto& engine = transfer_.engine_;
    if (is_lending_) engine.peers.end_loan(transfer_.target().digest, Peers::Outcome::verified);
    if (suspects_.empty()) return;
    // The transfer ends before the hashes are there: what is needed goes along.
    const ByteRange all{0, transfer_.target().size};
    auto then = [suspects = std::move(suspects_), &peers = engine.peers, &sources = engine.sources](Result<PieceHashes> hashes) {
        std::set<core::SourceId> liars;
        for (const auto& [piece, given] : suspects)
            if (hashes && piece < hashes->size() && (*hashes)[piece] != given.hash) liars.insert(given.from);
        for (const auto liar : liars) peers.blame(sources.peer_id(liar), Blame::wrong_bytes);
    };
    engine.trust.piece_hashes(*transfer_.staged_, all, core::piece_length(all.end), std::move(then));
}

}  // namespace packswarm::broker
