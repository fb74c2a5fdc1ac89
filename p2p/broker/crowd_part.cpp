#include "p2p/broker/crowd_part.hpp"

#include <algorithm>
#include <array>

#include "p2p/broker/torrent_part.hpp"
#include "p2p/broker/transfer.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/core/crowd.hpp"

namespace packswarm::broker {

namespace {
constexpr auto asks_again_within = Seconds(10);  // agents repeat their asks every three seconds while they want something
constexpr ByteCount first_trust = limits::mib;      // of a lender whose first piece was right; with each later one four times as much
constexpr auto mirrors_answer_within = Seconds(5);  // when lenders are compared with them
constexpr int max_questionings = 6;
constexpr std::size_t max_questioned = 4;
constexpr ByteCount doubted_block = 16 * limits::kib;  // kept of what a lender gave wrongly

// What it gave to other artifacts is worth nothing either.
void blame_liar(Engine& engine, core::SourceId liar) {
    engine.sources.failed(liar, ErrorKind::Corrupt);
    engine.peers.blame(engine.sources.peer_id(liar), Blame::wrong_bytes);
    engine.discredit(liar);
}

}  // namespace

CrowdPart::CrowdPart(Transfer& transfer) : transfer_(transfer), lent_(core::piece_count(transfer.target().size)) {
    transfer_.want().crowd.company = transfer_.engine_.sources.has_peers();
}

CrowdPart::~CrowdPart() {
    *alive_ = false;
    for (const auto& [lender, what] : doubts_)
        if (const auto at = transfer_.engine_.board.sources.find(lender); at != transfer_.engine_.board.sources.end()) at->second.doubted = false;
    if (is_lending_ && !is_verified_) transfer_.engine_.peers.end_loan(transfer_.target().digest, Peers::Outcome::failed);
}

// ---- Others ----------------------------------------------------------------------------------------------------------------

// Strangers that hear of it late have their time to speak up all the same.
bool CrowdPart::widens() {
    auto& engine = transfer_.engine_;
    const auto& target = transfer_.target();
    if (asks_strangers_ || !engine.asks_strangers ||
        !core::asks_strangers(engine.board, transfer_.want(), target.asking, engine.loop.now()))
        return false;
    asks_strangers_ = true;
    const bool has_strangers = std::any_of(engine.board.sources.begin(), engine.board.sources.end(),
                                           [](const auto& item) { return item.second.role == core::Role::wan_peer; });
    if (has_strangers) transfer_.want().asked = engine.loop.now();
    return true;
}

void CrowdPart::sought(core::SourceId peer) {
    asked_[peer] = transfer_.engine_.loop.now();
    transfer_.want().crowd.seekers.insert(peer);
}

void CrowdPart::lent(core::SourceId peer, const PeerLoan& loan) {
    auto& crowd = transfer_.want().crowd;
    if (loan.size != transfer_.target().size || transfer_.want().barred.count(peer) != 0) return;
    if (!may_borrow_) return;
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
    crowd.trials.erase(peer);
}

void CrowdPart::sample() {
    auto& crowd = transfer_.want().crowd;
    const auto since = transfer_.engine_.loop.now() - asks_again_within;
    std::erase_if(asked_, [since](const auto& item) { return item.second < since; });
    std::erase_if(crowd.seekers, [this](core::SourceId peer) { return asked_.count(peer) == 0; });
    crowd.company = transfer_.engine_.sources.has_peers();
    if (questioning_ != TimePoint{} && !transfer_.want().resting &&
        (crowd.trials.empty() || transfer_.engine_.loop.now() - questioning_ > mirrors_answer_within))
        questioned();
}

// ---- What we lend ----------------------------------------------------------------------------------------------------------

void CrowdPart::staged() {
    if (is_lending_ || !transfer_.engine_.may_lend()) return;
    is_lending_ = true;
    transfer_.engine_.peers.lend(transfer_.target().digest, *transfer_.staged_, transfer_.target().lineage);
    lend_whole_pieces({0, transfer_.target().size});
}

// Only what mirrors gave us ourselves: what a peer gave is that peer's to answer for, not ours.
void CrowdPart::written(core::SourceId from, ByteRange range) {
    const auto kind = transfer_.engine_.sources.kind(from);
    if (range.empty() || kind == SourceKind::cache) return;
    if (kind == SourceKind::peer) {
        has_borrowed_ = true;
        return try_lender(from, range);
    }
    first_hand_.add(range);
    if (is_lending_) lend_whole_pieces(range);
}

void CrowdPart::lend_whole_pieces(ByteRange range) {
    const ByteCount length = core::piece_length(transfer_.target().size);
    for (auto piece = static_cast<std::size_t>(range.begin / length); piece < lent_.size(); ++piece) {
        const auto whole = core::piece_range(transfer_.target().size, piece);
        if (whole.begin >= range.end) break;
        if (lent_[piece] || !first_hand_.covers(whole)) continue;
        lent_[piece] = true;
        transfer_.engine_.peers.lend_piece(transfer_.target().digest, piece);
    }
}

// What we lent there is not what we would give now.
void CrowdPart::forgotten(const core::RangeSet& ranges) {
    const auto before = first_hand_.total();
    first_hand_.remove(ranges);
    if (first_hand_.total() < before) stop_lending();
}

void CrowdPart::stop_lending() {
    if (is_lending_) transfer_.engine_.peers.end_loan(transfer_.target().digest, Peers::Outcome::failed);
    is_lending_ = false;
    lent_.assign(lent_.size(), false);
}

// ---- What we borrowed ------------------------------------------------------------------------------------------------------

void CrowdPart::borrow_no_more() {
    may_borrow_ = false;
    transfer_.want().crowd.lenders.clear();
}

// Whoever is past half of what it is trusted with has to show another piece.
void CrowdPart::try_lender(core::SourceId lender, ByteRange range) {
    auto& want = transfer_.want();
    const auto source = transfer_.engine_.board.sources.find(lender);
    if (want.is_small() || source == transfer_.engine_.board.sources.end() || want.crowd.trials.count(lender) != 0) return;
    ByteCount unverified = 0;
    for (const auto& [id, other] : transfer_.engine_.board.wants) {
        const auto given = other.given.find(lender);
        if (given != other.given.end()) unverified += given->second;
    }
    if (unverified <= core::lender_trust(source->second, want) / 2) return;
    const auto piece = core::piece_range(want.size, static_cast<std::size_t>((range.end - 1) / core::piece_length(want.size)));
    if (!transfer_.shares_[lender].given.covers(piece) || first_hand_.covers(piece)) return;
    want.crowd.trials[lender] = piece;
    transfer_.engine_.replan();
}

void CrowdPart::compared(core::SourceId mirror, ByteRange range, const Bytes& copy) {
    auto& trials = transfer_.want().crowd.trials;
    const auto at = std::find_if(trials.begin(), trials.end(), [range](const auto& item) { return item.second == range; });
    const auto lender = at == trials.end() ? mirror : at->first;
    if (at != trials.end()) trials.erase(at);
    Bytes given(copy.size());
    const bool is_contest = transfer_.torrent_ && transfer_.torrent_->is_contested(lender);
    const bool stands = lender != mirror && transfer_.shares_[lender].given.covers(range) && static_cast<ByteCount>(copy.size()) == range.length();
    if (stands)
        if (auto got = read_at(transfer_.staged_->handle(), range.begin, given); !got) return transfer_.fail_with(got.error());
    if (is_contest) {
        transfer_.shares_[mirror].wasted += static_cast<ByteCount>(copy.size());
        return transfer_.torrent_->judged(stands && given == copy);
    }
    if (stands && given != copy) {
        doubt(lender, range, given, copy);
        transfer_.write_new(mirror, range.begin, copy);
        if (questioning_ != TimePoint{} && trials.empty() && !transfer_.want().resting) questioned();
        return;
    }
    // What both gave is the mirror's to answer for from here on.
    if (stands) transfer_.written_over(range);
    auto& share = transfer_.shares_[mirror];
    stands ? share.given.add(range) : void(share.wasted += range.length());
    if (stands) written(mirror, range);
    if (stands) ++confirmed_[lender];
    if (const auto source = transfer_.engine_.board.sources.find(lender); stands && source != transfer_.engine_.board.sources.end())
        source->second.trusted = std::max(first_trust, 4 * source->second.trusted);
    if (questioning_ != TimePoint{} && trials.empty()) return questioned();
    transfer_.engine_.replan();
}

void CrowdPart::doubt(core::SourceId lender, ByteRange range, const Bytes& given, const Bytes& copy) {
    transfer_.note(transfer_.engine_.sources.label(lender) + " lent other bytes than a mirror gives");
    const auto first = std::mismatch(given.begin(), given.end(), copy.begin()).first - given.begin();
    const auto length = std::min<std::ptrdiff_t>(doubted_block, std::ssize(given) - first);
    doubts_[lender] = {range.begin + first, Bytes(given.begin() + first, given.begin() + first + length)};
    if (const auto at = transfer_.engine_.board.sources.find(lender); at != transfer_.engine_.board.sources.end()) at->second.doubted = true;
    transfer_.discredited(lender);
    transfer_.want().barred.insert(lender);
    transfer_.want().crowd.lenders.drop(lender);
    transfer_.engine_.replan();
}

std::vector<core::SourceId> CrowdPart::lenders_used() const {
    std::vector<core::SourceId> out;
    for (const auto& [source, share] : transfer_.shares_)
        if (!share.given.empty() && transfer_.engine_.sources.kind(source) == SourceKind::peer) out.push_back(source);
    return out;
}

bool CrowdPart::drop_borrowed() {
    const auto peers = lenders_used();
    questioning_ = {};
    if (peers.empty() || transfer_.want().is_small()) return false;
    stop_lending();
    if (!question(peers)) drop_all_of(peers);
    return true;
}

// A part of each of those that mirrors have agreed with least.
bool CrowdPart::question(std::vector<core::SourceId> peers) {
    if (questionings_++ >= max_questionings) return false;
    std::sort(peers.begin(), peers.end(), [this](core::SourceId a, core::SourceId b) { return std::pair(confirmed_[a], a) < std::pair(confirmed_[b], b); });
    auto& trials = transfer_.want().crowd.trials;
    trials.clear();
    for (const auto peer : peers)
        if (const auto range = unconfirmed(peer); range && trials.size() < max_questioned) trials[peer] = *range;
    if (trials.empty()) return false;
    questioning_ = transfer_.engine_.loop.now();
    doubts_before_ = doubts_.size();
    transfer_.note(fmt::format("a part of what each of {} lenders gave is compared with a mirror's", trials.size()));
    transfer_.engine_.replan();
    return true;
}

// Of what nobody has confirmed, each time from another place: a liar may have begun with the truth.
std::optional<ByteRange> CrowdPart::unconfirmed(core::SourceId peer) const {
    auto open = transfer_.shares_.at(peer).given;
    open.remove(first_hand_);
    constexpr std::array places{0.5, 0.98, 0.02, 0.75, 0.25, 0.88};
    auto at = static_cast<ByteCount>(places[static_cast<std::size_t>(questionings_) % places.size()] * static_cast<double>(open.total()));
    for (const auto& run : open.ranges()) {
        if (at >= run.length()) {
            at -= run.length();
            continue;
        }
        const auto begin = std::max(run.begin, std::min(run.begin + at, run.end - core::piece_length(transfer_.target().size)));
        return ByteRange{begin, std::min(run.end, begin + core::piece_length(transfer_.target().size))};
    }
    return std::nullopt;
}

void CrowdPart::questioned() {
    questioning_ = {};
    const bool mirrors_answered = transfer_.want().crowd.trials.empty();
    transfer_.want().crowd.trials.clear();
    const bool is_whole = transfer_.want().done.total() == transfer_.target().size;  // else somebody was caught elsewhere: the digest will tell anew
    if (doubts_.size() > doubts_before_ || !is_whole) return transfer_.engine_.replan();
    const auto peers = lenders_used();
    if (peers.empty()) return transfer_.inquest_.open();  // mirrors gave the same: it was none of them
    if (!mirrors_answered || !question(peers)) drop_all_of(peers);
}

// The whole file is here, so that every piece can be hashed as it was given.
void CrowdPart::drop_all_of(const std::vector<core::SourceId>& peers) {
    transfer_.want().resting = true;
    const ByteRange all{0, transfer_.target().size};
    transfer_.engine_.trust.piece_hashes(*transfer_.staged_, all, core::piece_length(all.end), [this, alive = alive_, peers](Result<PieceHashes> hashes) {
        if (!*alive) return;
        if (hashes) suspect(peers, *hashes);
        transfer_.want().resting = false;
        transfer_.want().crowd.lenders.clear();
        has_borrowed_ = false;
        for (const auto peer : peers) {
            transfer_.forget_bytes_of(peer);
            transfer_.want().barred.insert(peer);
        }
        transfer_.note("what peers lent is fetched again from mirrors");
        transfer_.engine_.replan();
    });
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
    settle_doubts();
    auto& engine = transfer_.engine_;
    if (is_lending_) engine.peers.end_loan(transfer_.target().digest, Peers::Outcome::verified);
    if (suspects_.empty()) return;
    // The transfer ends before the hashes are there: what is needed goes along.
    const ByteRange all{0, transfer_.target().size};
    auto then = [suspects = std::move(suspects_), &engine](Result<PieceHashes> hashes) {
        std::set<core::SourceId> liars;
        for (const auto& [piece, given] : suspects)
            if (hashes && piece < hashes->size() && (*hashes)[piece] != given.hash) liars.insert(given.from);
        for (const auto liar : liars) blame_liar(engine, liar);
    };
    engine.trust.piece_hashes(*transfer_.staged_, all, core::piece_length(all.end), std::move(then));
}

// The digest has spoken: what stands in the file is true.
void CrowdPart::settle_doubts() {
    for (const auto& [lender, what] : std::exchange(doubts_, {})) {
        Bytes truth(what.given.size());
        const bool lied = read_at(transfer_.staged_->handle(), what.offset, truth) && truth != what.given;
        if (const auto at = transfer_.engine_.board.sources.find(lender); at != transfer_.engine_.board.sources.end()) at->second.doubted = false;
        if (lied) blame_liar(transfer_.engine_, lender);
    }
}

// ---- Asked by the broker

bool Transfer::widens() { return crowd_ && !over_ && crowd_->widens(); }
core::Audience Transfer::whom_to_ask() const {
    if (!crowd_) return core::Audience::nobody;
    return crowd_->asks_strangers() ? core::Audience::everybody : core::Audience::neighbours;
}

}  // namespace packswarm::broker
