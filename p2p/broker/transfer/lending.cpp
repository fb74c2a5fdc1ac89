#include "p2p/broker/transfer/lending.hpp"

#include <algorithm>
#include <utility>

#include "p2p/broker/ports/peers.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/plan/crowd.hpp"

namespace packswarm::broker {

namespace {

constexpr auto asks_again_within =
    Seconds(10);  // agents repeat their asks every three seconds while they want something
constexpr ByteCount first_trust =
    limits::mib;  // of a lender whose first piece was right; with each later one four times as much
constexpr auto mirrors_answer_within = Seconds(5);  // when lenders are compared with them
constexpr int max_questionings = 6;
constexpr std::size_t max_questioned = 4;
constexpr ByteCount doubted_block = 16 * limits::kib;  // kept of what a lender gave wrongly

// What it gave to other artifacts is worth nothing either.
void blame_liar(TransferContext& context, plan::SourceId liar) {
    context.sources.failed(liar, ErrorKind::Corrupt);
    context.peers.blame(context.sources.peer_id(liar), Blame::wrong_bytes);
    context.discredit(liar);
}

}  // namespace

Lending::Lending(Case& part_of, Needs& needs)
    : case_(part_of), needs_(needs), lent_(core::piece_count(part_of.target.size)) {
    crowd().company = case_.context.sources.has_peers();
}

Lending::~Lending() {
    lifetime_.end();
    for (const auto& [lender, what] : doubts_)
        if (auto* at = case_.source(lender)) at->doubted = false;
    if (is_lending_ && !is_verified_) case_.context.peers.end_loan(case_.target.digest, Peers::Outcome::failed);
}

// ---- Others
// ----------------------------------------------------------------------------------------------------------------

// Strangers that hear of it late have their time to speak up all the same.
bool Lending::widens() {
    auto& context = case_.context;
    if (asks_strangers_ || !context.asks_strangers) return false;
    if (!plan::asks_strangers(context.board, case_.want(), case_.target.asking, case_.now())) return false;
    asks_strangers_ = true;
    const bool has_strangers = std::any_of(context.board.sources.begin(), context.board.sources.end(),
                                           [](const auto& item) { return item.second.role == plan::Role::wan_peer; });
    if (has_strangers) case_.want().asked = case_.now();
    return true;
}

void Lending::sought(plan::SourceId peer) {
    asked_[peer] = case_.now();
    crowd().seekers.insert(peer);
}

void Lending::lent(plan::SourceId peer, const PeerLoan& loan) {
    if (loan.size != case_.target.size || case_.want().barred.count(peer) != 0 || !may_borrow_) return;
    if (case_.want().is_small())
        crowd().fetching.emplace(peer, case_.now());
    else
        crowd().lenders.set(peer, loan.pieces);
}

void Lending::gone(plan::SourceId peer) {
    asked_.erase(peer);
    crowd().seekers.erase(peer);
    crowd().fetching.erase(peer);
    crowd().lenders.drop(peer);
    crowd().trials.erase(peer);
}

void Lending::sample() {
    const auto since = case_.now() - asks_again_within;
    std::erase_if(asked_, [since](const auto& item) { return item.second < since; });
    std::erase_if(crowd().seekers, [this](plan::SourceId peer) { return asked_.count(peer) == 0; });
    crowd().company = case_.context.sources.has_peers();
    if (!is_questioning() || case_.want().resting) return;
    if (crowd().trials.empty() || case_.now() - questioning_ > mirrors_answer_within) questioned();
}

// ---- What we lend
// ----------------------------------------------------------------------------------------------------------

void Lending::staged() {
    if (is_lending_ || !case_.context.may_lend()) return;
    is_lending_ = true;
    case_.context.peers.lend(case_.target.digest, *case_.file.staged(), case_.target.lineage);
    lend_whole_pieces(case_.all());
}

// Only what mirrors gave us ourselves: what a peer gave is that peer's to answer for, not ours.
void Lending::written(plan::SourceId from, ByteRange range) {
    const auto kind = case_.context.sources.kind(from);
    if (range.empty() || kind == SourceKind::cache) return;
    if (kind == SourceKind::peer) {
        has_borrowed_ = true;
        return try_lender(from, range);
    }
    first_hand_.add(range);
    if (is_lending_) lend_whole_pieces(range);
}

void Lending::lend_whole_pieces(ByteRange range) {
    const ByteCount length = core::piece_length(case_.target.size);
    for (auto piece = static_cast<std::size_t>(range.begin / length); piece < lent_.size(); ++piece) {
        const auto whole = core::piece_range(case_.target.size, piece);
        if (whole.begin >= range.end) break;
        if (lent_[piece] || !first_hand_.covers(whole)) continue;
        lent_[piece] = true;
        case_.context.peers.lend_piece(case_.target.digest, piece);
    }
}

// What we lent there is not what we would give now.
void Lending::forgotten(const core::RangeSet& ranges) {
    const auto before = first_hand_.total();
    first_hand_.remove(ranges);
    if (first_hand_.total() < before) stop_lending();
}

void Lending::stop_lending() {
    if (is_lending_) case_.context.peers.end_loan(case_.target.digest, Peers::Outcome::failed);
    is_lending_ = false;
    lent_.assign(lent_.size(), false);
}

// ---- What we borrowed
// ------------------------------------------------------------------------------------------------------

void Lending::borrow_no_more() {
    may_borrow_ = false;
    crowd().lenders.clear();
}

void Lending::try_lender(plan::SourceId lender, ByteRange range) {
    auto& want = case_.want();
    const auto* source = case_.source(lender);
    if (want.is_small() || source == nullptr || want.crowd.trials.count(lender) != 0) return;
    ByteCount unverified = 0;
    for (const auto& [id, other] : case_.context.board.wants) {
        const auto given = other.given.find(lender);
        if (given != other.given.end()) unverified += given->second;
    }
    if (!plan::is_compared_next(*source, want, unverified)) return;
    const auto last = static_cast<std::size_t>((range.end - 1) / core::piece_length(want.size));
    const auto piece = core::piece_range(want.size, last);
    if (!case_.file.given_by(lender).covers(piece) || first_hand_.covers(piece)) return;
    want.crowd.trials[lender] = piece;
    case_.context.replan();
}

void Lending::compared(plan::SourceId lender, plan::SourceId mirror, ByteRange range, const Bytes& given,
                       const Bytes& copy) {
    if (given != copy) {
        doubt(lender, range, given, copy);
        needs_.write(mirror, range.begin, copy);
        if (is_questioning() && crowd().trials.empty() && !case_.want().resting) questioned();
        return;
    }
    // What both gave is the mirror's to answer for from here on.
    case_.file.take_from_givers(range);
    core::RangeSet over;
    over.add(range);
    forgotten(over);
    case_.file.vouch(mirror, range);
    written(mirror, range);
    ++confirmed_[lender];
    if (auto* source = case_.source(lender)) source->trusted = std::max(first_trust, 4 * source->trusted);
    trial_ended();
}

void Lending::not_compared(plan::SourceId mirror, ByteRange range) {
    case_.file.wasted(mirror, range.length());
    trial_ended();
}

void Lending::trial_ended() {
    if (is_questioning() && crowd().trials.empty()) return questioned();
    case_.context.replan();
}

void Lending::doubt(plan::SourceId lender, ByteRange range, const Bytes& given, const Bytes& copy) {
    case_.host.note(case_.label(lender) + " lent other bytes than a mirror gives");
    const auto first = std::mismatch(given.begin(), given.end(), copy.begin()).first - given.begin();
    const auto length = std::min<std::ptrdiff_t>(doubted_block, std::ssize(given) - first);
    doubts_[lender] = {range.begin + first, Bytes(given.begin() + first, given.begin() + first + length)};
    if (auto* at = case_.source(lender)) at->doubted = true;
    needs_.discredited(lender);
    case_.want().barred.insert(lender);
    crowd().lenders.drop(lender);
    case_.context.replan();
}

std::vector<plan::SourceId> Lending::lenders_used() const {
    std::vector<plan::SourceId> out;
    for (const auto& [source, bytes] : case_.file.givers())
        if (case_.is_peer(source)) out.push_back(source);
    return out;
}

bool Lending::question_borrowed() {
    const auto peers = lenders_used();
    questioning_ = {};
    if (peers.empty() || case_.want().is_small()) return false;
    stop_lending();
    if (!question(peers)) drop_all_of(peers);
    return true;
}

bool Lending::question(const std::vector<plan::SourceId>& peers) {
    if (questionings_++ >= max_questionings) return false;
    auto& trials = crowd().trials;
    trials.clear();
    for (const auto peer : plan::whom_to_compare(peers, confirmed_)) {
        auto open = case_.file.given_by(peer);
        open.remove(first_hand_);
        const auto part = plan::part_to_compare(open, questionings_, core::piece_length(case_.target.size));
        if (part && trials.size() < max_questioned) trials[peer] = *part;
    }
    if (trials.empty()) return false;
    questioning_ = case_.now();
    doubts_before_ = doubts_.size();
    case_.host.note(fmt::format("a part of what each of {} lenders gave is compared with a mirror's", trials.size()));
    case_.context.replan();
    return true;
}

void Lending::questioned() {
    questioning_ = {};
    const bool mirrors_answered = crowd().trials.empty();
    crowd().trials.clear();
    // Else somebody was caught elsewhere: the digest will tell anew.
    const bool is_whole = case_.want().done.total() == case_.target.size;
    if (doubts_.size() > doubts_before_ || !is_whole) return case_.context.replan();
    const auto peers = lenders_used();
    if (peers.empty()) return needs_.reopen_inquest();  // mirrors gave the same
    if (!mirrors_answered || !question(peers)) drop_all_of(peers);
}

// The whole file is here, so that every piece can be hashed as it was given.
void Lending::drop_all_of(const std::vector<plan::SourceId>& peers) {
    case_.want().resting = true;
    auto then = [this, peers](Result<PieceHashes> hashes) {
        if (hashes) suspect(peers, *hashes);
        case_.want().resting = false;
        crowd().lenders.clear();
        has_borrowed_ = false;
        for (const auto peer : peers) {
            case_.host.forget(peer);
            case_.want().barred.insert(peer);
        }
        case_.host.note("what peers lent is fetched again from mirrors");
        case_.context.replan();
    };
    const ByteCount piece = core::piece_length(case_.target.size);
    case_.context.trust.piece_hashes(*case_.file.staged(), case_.all(), piece, lifetime_.guard(std::move(then)));
}

// A piece that one peer gave alone is its own; of shared ones nobody could say whose bytes were wrong.
void Lending::suspect(const std::vector<plan::SourceId>& peers, const PieceHashes& hashes) {
    for (std::size_t piece = 0; piece < hashes.size(); ++piece) {
        const auto range = core::piece_range(case_.target.size, piece);
        for (const auto peer : peers)
            if (case_.file.given_by(peer).covers(range)) suspects_[piece] = {peer, hashes[piece]};
    }
}

void Lending::verified() {
    is_verified_ = true;
    settle_doubts();
    auto& context = case_.context;
    if (is_lending_) context.peers.end_loan(case_.target.digest, Peers::Outcome::verified);
    if (suspects_.empty()) return;
    // The transfer ends before the hashes are there: what is needed goes along.
    auto then = [suspects = std::move(suspects_), &context](Result<PieceHashes> hashes) {
        if (!hashes) return;
        for (const auto liar : plan::liars(suspects, *hashes)) blame_liar(context, liar);
    };
    context.trust.piece_hashes(*case_.file.staged(), case_.all(), core::piece_length(case_.target.size),
                               std::move(then));
}

// The digest has spoken: what stands in the file is true.
void Lending::settle_doubts() {
    for (const auto& [lender, what] : std::exchange(doubts_, {})) {
        const auto truth = case_.file.read({what.offset, what.offset + static_cast<ByteCount>(what.given.size())});
        if (auto* at = case_.source(lender)) at->doubted = false;
        if (truth && *truth != what.given) blame_liar(case_.context, lender);
    }
}

}  // namespace packswarm::broker
