#include "p2p/broker/transfer/torrent_feed.hpp"

#include <algorithm>
#include <utility>

#include "p2p/core/canonical.hpp"

namespace packswarm::broker {

namespace {

constexpr double rest_s = 1;    // without a piece, and it is no rest any more
constexpr double newest = 0.4;  // weight of the newest window in the torrent's rate

}  // namespace

TorrentFeed::~TorrentFeed() {
    lifetime_.end();
    end_doubt();
    if (state_ == State::joined) peers().leave(join_, [] {});
}

bool TorrentFeed::lan_has_it() const {
    return std::any_of(offers_.begin(), offers_.end(),
                       [this](const PeerOffer& offer) { return offer.reach == Reach::lan && offer.pieces == hints_; });
}

ByteRange TorrentFeed::range_of(std::size_t piece) const { return core::piece_range(case_.target.size, piece); }

void TorrentFeed::offered(const PeerOffer& offer) {
    if (offer.pieces.size() != core::piece_count(offer.size)) return;
    if (std::any_of(offers_.begin(), offers_.end(), [&](const PeerOffer& known) { return known.peer == offer.peer; }))
        return;
    offers_.push_back(offer);
    if (state_ == State::joined && offer.pieces == hints_) {
        peers().add_peer(join_, offer.peer);
        if (offer.reach == Reach::lan) swarm().lan = true;
    }
}

void TorrentFeed::peer_gone(PeerId peer) {
    std::erase_if(offers_, [&](const PeerOffer& offer) { return offer.peer == peer; });
    swarm().lan = lan_has_it();
}

void TorrentFeed::join() {
    if (state_ != State::apart || offers_.empty()) return;
    std::vector<plan::Hint> hints;
    for (const auto& offer : offers_) {
        const auto source = case_.context.sources.find_peer(offer.peer);
        const auto endpoint = source ? case_.label(*source) : std::string();
        hints.push_back({offer.pieces, endpoint.substr(0, endpoint.rfind(':')), offer.reach == Reach::lan});
    }
    hints_ = plan::most_believed(hints);
    state_ = State::hashing;
    swarm().joined = true;
    swarm().since = swarm().last_piece = case_.now();
    swarm().lan = lan_has_it();
    case_.host.note(fmt::format("joining the torrent with {} peers", offers_.size()));
    const ByteCount piece = core::piece_length(case_.target.size);
    std::vector<ByteRange> runs;
    for (auto range : case_.want().done.ranges()) {
        range.begin = (range.begin + piece - 1) / piece * piece;
        if (range.end != case_.target.size) range.end = range.end / piece * piece;
        if (!range.empty()) runs.push_back(range);
    }
    hash_what_is_here(std::move(runs), std::vector<bool>(hints_.size(), false));
}

void TorrentFeed::hash_what_is_here(std::vector<ByteRange> runs, std::vector<bool> have) {
    if (runs.empty() && !contested_.empty()) {  // no byte of theirs before it is known who is wrong
        waiting_ = std::move(have);
        return;
    }
    if (runs.empty()) return take_part(std::move(have));
    const ByteRange run = runs.back();
    runs.pop_back();
    const ByteCount piece = core::piece_length(case_.target.size);
    auto then = [this, run, piece, runs = std::move(runs), have = std::move(have)](Result<PieceHashes> hashes) mutable {
        if (state_ != State::hashing) return;
        if (!hashes) return ended(tl::unexpected(hashes.error()));
        for (std::size_t i = 0; i < hashes->size(); ++i) {
            const auto at = static_cast<std::size_t>(run.begin / piece) + i;
            have[at] = (*hashes)[i] == hints_[at];
            if (!have[at]) piece_wrong(at);
        }
        hash_what_is_here(std::move(runs), std::move(have));
    };
    case_.context.trust.piece_hashes(*case_.file.staged(), run, piece, lifetime_.guard(std::move(then)));
}

void TorrentFeed::take_part(std::vector<bool> have) {
    Join join{case_.target.digest, case_.target.size, hints_, *case_.file.staged(), have, {}};
    for (const auto& offer : offers_)
        if (offer.pieces == hints_) join.peers.push_back(offer.peer);
    if (join.peers.empty()) return ended(fail(ErrorKind::Transient, "the peers have gone"));
    JoinEvents events;
    events.piece_done = [this](std::size_t piece, PeerId from) { piece_done(piece, from); };
    events.piece_wrong = [this](std::size_t piece) { piece_wrong(piece); };
    events.ended = [this](Result<void> result) { ended(result); };
    fed_ = std::move(have);
    state_ = State::joined;
    join_ = peers().join(std::move(join), std::move(events));
    for (const auto& [id, claim] : case_.want().claims)
        if (claim.purpose != plan::Purpose::check) claimed({claim.next(), claim.range.end});
    const auto here = case_.want().done.ranges();
    for (const auto& range : here) {
        claimed(range);
        written(range);  // what arrived while the hashing ran
    }
}

std::pair<std::size_t, std::size_t> TorrentFeed::pieces_of(ByteRange range) const {
    if (range.empty()) return {0, 0};
    const ByteCount piece = core::piece_length(case_.target.size);
    const auto first = static_cast<std::size_t>(range.begin / piece);
    return {first, static_cast<std::size_t>((range.end - 1) / piece) - first + 1};
}

void TorrentFeed::claimed(ByteRange range) {
    const auto [first, count] = pieces_of(range);
    if (state_ == State::joined && count > 0) peers().claim(join_, first, count);
}

void TorrentFeed::released(ByteRange range) {
    if (state_ != State::joined || case_.host.is_over()) return;
    const auto [first, count] = pieces_of(range);
    for (std::size_t piece = first; piece < first + count; ++piece) {
        const auto bytes = range_of(piece);
        const auto& claims = case_.want().claims;
        const bool other = std::any_of(claims.begin(), claims.end(), [&](const auto& item) {
            const plan::Claim& claim = item.second;
            return claim.purpose != plan::Purpose::check && claim.next() < bytes.end && claim.range.end > bytes.begin;
        });
        if (!other && !case_.want().here().covers(bytes)) peers().unclaim(join_, piece, 1);
    }
}

void TorrentFeed::written(ByteRange range) {
    if (state_ != State::joined) return;
    const auto [first, count] = pieces_of(range);
    for (std::size_t piece = first; piece < first + count; ++piece)
        if (!fed_[piece] && case_.want().done.covers(range_of(piece))) feed(piece);
}

void TorrentFeed::feed(std::size_t piece) {
    fed_[piece] = true;
    auto bytes = case_.file.read(range_of(piece));
    if (!bytes) return case_.host.fail(bytes.error());
    peers().feed(join_, piece, std::move(*bytes));
}

void TorrentFeed::piece_done(std::size_t piece, PeerId from) {
    if (state_ != State::joined || case_.host.is_over() || piece >= fed_.size()) return;
    fed_[piece] = true;
    if (from == PeerId::none) return;  // it was ours, and no sign of life of theirs
    swarm().last_piece = case_.now();
    window_bytes_ += range_of(piece).length();
    needs_.brought(case_.context.sources.find_peer(from), range_of(piece));
}

// The hints deny bytes that a mirror gave: another mirror is asked for them too. When there is none the peers fetch
// them once, and if the mirror gave the same bytes again it is believed. Who was right is known when the signed digest
// is.
void TorrentFeed::piece_wrong(std::size_t piece) {
    if (case_.host.is_over() || piece >= hints_.size()) return;
    const auto range = range_of(piece);
    const auto& shares = case_.file.shares();
    const auto giver = std::find_if(shares.begin(), shares.end(), [&](const auto& item) {
        return item.second.given.covers(range) && case_.is_mirror(item.first);
    });
    if (!contested_.empty()) {
        contested_.insert(piece);
        return;
    }
    if (denied_.count(piece) != 0) return give_hints_up();
    if (giver == shares.end() || !can_be_judged(giver->first)) return deny(piece);
    contested_ = {piece};
    contested_mirror_ = giver->first;
    case_.want().crowd.trials[giver->first] = range;
    case_.host.note(fmt::format("peers say that piece {} of {} is wrong: another mirror is asked", piece,
                                case_.label(giver->first)));
    case_.context.replan();
}

bool TorrentFeed::can_be_judged(plan::SourceId giver) const {
    const auto& mirrors = case_.target.mirrors;
    return std::any_of(mirrors.begin(), mirrors.end(), [&](const MirrorAddress& other) {
        const auto* at = case_.source(other.source);
        const bool may_be_asked = other.source != giver && case_.want().barred.count(other.source) == 0;
        return may_be_asked && at != nullptr && at->usable && at->ranges;
    });
}

void TorrentFeed::judged(bool mirrors_agree) {
    if (mirrors_agree) return give_hints_up();
    for (const auto piece : std::exchange(contested_, {})) {
        if (case_.file.given_by(contested_mirror_).touches(range_of(piece))) {
            deny(piece);
        } else if (state_ == State::joined) {  // others have written there meanwhile
            fed_[piece] = false;
            written(range_of(piece));
        }
    }
    if (waiting_ && state_ == State::hashing) take_part(*std::exchange(waiting_, std::nullopt));
}

// Without the torrent from here on: what came through it agrees with wrong hints.
void TorrentFeed::give_hints_up() {
    if (state_ == State::left) return;
    given_up_ = true;
    denied_.clear();
    case_.host.note("mirrors are believed, not the hints: the file goes on without its torrent");
    contested_.clear();
    doubt_givers_of_hints();
    hints_.clear();
    case_.want().resting = true;
    leave(lifetime_.guard([this] {
        if (case_.host.is_over()) return;
        case_.want().resting = false;
        case_.want().peers.clear();
        swarm() = {};
        for (const auto& [source, share] : std::map(case_.file.shares()))
            if (case_.is_peer(source)) case_.host.forget(source);
        case_.context.replan();
        case_.host.changed();
    }));
}

void TorrentFeed::doubt_givers_of_hints() {
    for (const auto& offer : offers_) {
        const auto source = case_.context.sources.find_peer(offer.peer);
        auto* at = source ? case_.source(*source) : nullptr;
        if (offer.pieces != hints_ || at == nullptr) continue;
        at->doubted = true;
        doubted_.push_back(*source);
    }
}

void TorrentFeed::end_doubt() {
    for (const auto source : std::exchange(doubted_, {}))
        if (auto* at = case_.source(source)) at->doubted = false;
}

void TorrentFeed::deny(std::size_t piece) {
    const auto range = range_of(piece);
    for (const auto& [source, share] : case_.file.shares())
        if (share.given.touches(range))  // of what several gave nobody knows whose is wrong
            denied_[piece] = share.given.covers(range) ? source : plan::SourceId{};
    needs_.denied(range);
    if (state_ == State::joined) {
        fed_[piece] = false;
        peers().unclaim(join_, piece, 1);
    }
    case_.context.replan();
}

bool TorrentFeed::denied(plan::SourceId source) const {
    return std::any_of(denied_.begin(), denied_.end(), [&](const auto& item) { return item.second == source; });
}

// Only windows in which it had pieces to fetch from end to end say what the peers can give.
void TorrentFeed::sample(double window_s) {
    if (state_ != State::joined) return;
    auto& part = swarm();
    const double measured = static_cast<double>(std::exchange(window_bytes_, 0)) / window_s;
    const bool work =
        case_.want().taken().total() < case_.target.size;  // something is missing that no mirror has in hand
    if (had_work_ && work) part.rate = part.rate == 0 ? measured : part.rate + newest * (measured - part.rate);
    const auto now = case_.now();
    if (!work && seconds_between(part.last_piece, now) < rest_s)
        part.last_piece = now;  // it rests; who fell silent before stays silent
    had_work_ = work && (had_work_ || measured > 0);
}

void TorrentFeed::leave(Task left) {
    if (state_ != State::joined) {
        state_ = State::left;
        return left();
    }
    state_ = State::left;
    swarm().joined = false;
    peers().leave(join_, std::move(left));
}

void TorrentFeed::distrust() {
    if (!contested_.empty()) return;  // a mirror may be wrong just as well
    for (const auto& offer : offers_)
        if (offer.pieces == hints_) peers().blame(offer.peer, Blame::wrong_pieces);
}

// Hashing once more is worth it only when somebody contradicts. A mirror whose piece was denied lied if the true piece
// is what the hints say; that they were agreed with to the end is not sure, since the torrent may have failed or a
// contest be open still.
void TorrentFeed::verified() {
    const bool agreed = std::all_of(offers_.begin(), offers_.end(),
                                    [this](const PeerOffer& offer) { return offer.pieces == offers_.front().pieces; });
    if (agreed && !is_in_doubt()) return;
    plan::Given given;
    for (const auto& [source, share] : case_.file.shares())
        if (denied(source)) given[source] = share.given.total();
    // The transfer ends before the hashes are there: what is needed goes along.
    auto then = [offers = offers_, hints = hints_, denied = denied_, given,
                 &context = case_.context](Result<PieceHashes> hashes) {
        if (!hashes) return;
        for (const auto& offer : offers)
            if (offer.pieces != *hashes) context.peers.blame(offer.peer, Blame::wrong_pieces);
        for (const auto& [source, bytes] : given) {
            const bool lied = std::any_of(denied.begin(), denied.end(), [&, source = source](const auto& item) {
                return item.second == source && (*hashes)[item.first] == hints[item.first];
            });
            lied ? context.sources.failed(source, ErrorKind::Corrupt) : context.sources.gave_right_bytes(source, bytes);
        }
    };
    case_.context.trust.piece_hashes(*case_.file.staged(), case_.all(), core::piece_length(case_.target.size),
                                     std::move(then));
}

void TorrentFeed::ended(const Result<void>& result) {
    if (state_ == State::left) return;
    case_.host.note("the torrent ended: " + (result ? std::string("done") : result.error().message));
    if (state_ == State::joined) peers().leave(join_, [] {});
    state_ = State::left;
    has_failed_ = true;
    swarm() = {};
    case_.want().peers.clear();
    if (!result && result.error().kind == ErrorKind::Transient) use_channel();
    case_.context.replan();
}

// Who cannot be dialled, since a router hides it, has dialled us: what it shares comes over that connection.
void TorrentFeed::use_channel() {
    for (const auto& offer : offers_) {
        const auto source = case_.context.sources.find_peer(offer.peer);
        auto* at = source ? case_.source(*source) : nullptr;
        if (at == nullptr || case_.want().barred.count(*source) != 0) continue;
        const auto share = case_.file.shares().find(*source);
        if (share != case_.file.shares().end() && share->second.bytes > 0) continue;
        at->hidden = true;
        case_.want().crowd.lenders.set(*source, std::vector<bool>(core::piece_count(offer.size), true));
    }
}

}  // namespace packswarm::broker
