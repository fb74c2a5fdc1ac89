#include "p2p/broker/torrent_part.hpp"

#include <algorithm>

#include "p2p/broker/transfer.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::broker {

namespace {
constexpr double rest_s = 1;  // without a piece, and it is no rest any more
}

TorrentPart::~TorrentPart() {
    *alive_ = false;
    end_doubt();
    if (state_ == State::joined) transfer_.engine_.peers.leave(join_, [] {});
}

void TorrentPart::offered(const PeerOffer& offer) {
    if (offer.pieces.size() != core::piece_count(offer.size)) return;
    if (std::any_of(offers_.begin(), offers_.end(), [&](const PeerOffer& known) { return known.peer == offer.peer; })) return;
    offers_.push_back(offer);
    if (state_ == State::joined && offer.pieces == hints_) {
        transfer_.engine_.peers.add_peer(join_, offer.peer);
        if (offer.reach == Reach::lan) transfer_.want().swarm.lan = true;
    }
}

void TorrentPart::peer_gone(PeerId peer) {
    std::erase_if(offers_, [&](const PeerOffer& offer) { return offer.peer == peer; });
    transfer_.want().swarm.lan = std::any_of(offers_.begin(), offers_.end(), [&](const PeerOffer& offer) {
        return offer.reach == Reach::lan && offer.pieces == hints_;
    });
}

// Which hints to believe: those that most hosts give, neighbours first. Many peers at one address are one voice.
void TorrentPart::join() {
    if (state_ != State::apart || offers_.empty()) return;
    std::map<PieceHashes, int> votes;
    std::set<std::pair<PieceHashes, std::string>> voices;
    for (const auto& offer : offers_) {
        const auto source = transfer_.engine_.sources.find_peer(offer.peer);
        const auto endpoint = source ? transfer_.engine_.sources.label(*source) : std::string();
        if (voices.emplace(offer.pieces, endpoint.substr(0, endpoint.rfind(':'))).second) votes[offer.pieces] += offer.reach == Reach::lan ? 2 : 1;
    }
    hints_ = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
    state_ = State::hashing;
    auto& swarm = transfer_.want().swarm;
    swarm.joined = true;
    swarm.since = swarm.last_piece = transfer_.engine_.loop.now();
    swarm.lan = std::any_of(offers_.begin(), offers_.end(),
                            [&](const PeerOffer& offer) { return offer.reach == Reach::lan && offer.pieces == hints_; });
    transfer_.note(fmt::format("joining the torrent with {} peers", offers_.size()));
    const ByteCount piece = core::piece_length(transfer_.target_.size);
    std::vector<ByteRange> runs;
    for (auto range : transfer_.want().done.ranges()) {
        range.begin = (range.begin + piece - 1) / piece * piece;
        if (range.end != transfer_.target_.size) range.end = range.end / piece * piece;
        if (!range.empty()) runs.push_back(range);
    }
    hash_what_is_here(std::move(runs), std::vector<bool>(hints_.size(), false));
}

void TorrentPart::hash_what_is_here(std::vector<ByteRange> runs, std::vector<bool> have) {
    if (runs.empty() && !contested_.empty()) {  // no byte of theirs before it is known who is wrong
        waiting_ = std::move(have);
        return;
    }
    if (runs.empty()) return take_part(std::move(have));
    const ByteRange run = runs.back();
    runs.pop_back();
    const ByteCount piece = core::piece_length(transfer_.target_.size);
    transfer_.engine_.trust.piece_hashes(*transfer_.staged_, run, piece,
        [this, alive = alive_, run, piece, runs = std::move(runs), have = std::move(have)](Result<PieceHashes> hashes) mutable {
            if (!*alive || state_ != State::hashing) return;
            if (!hashes) return ended(tl::unexpected(hashes.error()));
            for (std::size_t i = 0; i < hashes->size(); ++i) {
                const auto at = static_cast<std::size_t>(run.begin / piece) + i;
                have[at] = (*hashes)[i] == hints_[at];
                if (!have[at]) piece_wrong(at);
            }
            hash_what_is_here(std::move(runs), std::move(have));
        });
}

void TorrentPart::take_part(std::vector<bool> have) {
    auto& engine = transfer_.engine_;
    Join join{transfer_.target_.digest, transfer_.target_.size, hints_, *transfer_.staged_, have, {}};
    for (const auto& offer : offers_)
        if (offer.pieces == hints_) join.peers.push_back(offer.peer);
    if (join.peers.empty()) return ended(fail(ErrorKind::Transient, "the peers have gone"));
    JoinEvents events;
    events.piece_done = [this](std::size_t piece, PeerId from) { piece_done(piece, from); };
    events.piece_wrong = [this](std::size_t piece) { piece_wrong(piece); };
    events.ended = [this](Result<void> result) { ended(result); };
    fed_ = std::move(have);
    state_ = State::joined;
    join_ = engine.peers.join(std::move(join), std::move(events));
    for (const auto& [id, claim] : transfer_.want().claims)
        if (claim.purpose != core::Purpose::check) claimed({claim.next(), claim.range.end});
    const auto here = transfer_.want().done.ranges();
    for (const auto& range : here) {
        claimed(range);
        written(range);  // what arrived while the hashing ran
    }
}

std::pair<std::size_t, std::size_t> TorrentPart::pieces_of(ByteRange range) const {
    if (range.empty()) return {0, 0};
    const ByteCount piece = core::piece_length(transfer_.target_.size);
    const auto first = static_cast<std::size_t>(range.begin / piece);
    return {first, static_cast<std::size_t>((range.end - 1) / piece) - first + 1};
}

void TorrentPart::claimed(ByteRange range) {
    const auto [first, count] = pieces_of(range);
    if (state_ == State::joined && count > 0) transfer_.engine_.peers.claim(join_, first, count);
}

void TorrentPart::released(ByteRange range) {
    if (state_ != State::joined || transfer_.over_) return;
    const auto [first, count] = pieces_of(range);
    for (std::size_t piece = first; piece < first + count; ++piece) {
        const auto bytes = core::piece_range(transfer_.target_.size, piece);
        const auto& claims = transfer_.want().claims;
        const bool other = std::any_of(claims.begin(), claims.end(), [&](const auto& item) {
            return item.second.purpose != core::Purpose::check && item.second.next() < bytes.end && item.second.range.end > bytes.begin;
        });
        if (!other && !transfer_.want().done.covers(bytes)) transfer_.engine_.peers.unclaim(join_, piece, 1);
    }
}

void TorrentPart::written(ByteRange range) {
    if (state_ != State::joined) return;
    const auto [first, count] = pieces_of(range);
    for (std::size_t piece = first; piece < first + count; ++piece)
        if (!fed_[piece] && transfer_.want().done.covers(core::piece_range(transfer_.target_.size, piece))) feed(piece);
}

void TorrentPart::feed(std::size_t piece) {
    fed_[piece] = true;
    const auto range = core::piece_range(transfer_.target_.size, piece);
    Bytes bytes(static_cast<std::size_t>(range.length()));
    if (auto got = read_at(transfer_.staged_->handle(), range.begin, bytes); !got) return transfer_.fail_with(got.error());
    transfer_.engine_.peers.feed(join_, piece, std::move(bytes));
}

void TorrentPart::piece_done(std::size_t piece, PeerId from) {
    if (state_ != State::joined || transfer_.over_ || piece >= fed_.size()) return;
    fed_[piece] = true;
    const auto range = core::piece_range(transfer_.target_.size, piece);
    if (from == PeerId::none) return;  // it was ours, and no sign of life of theirs
    transfer_.want().swarm.last_piece = transfer_.engine_.loop.now();
    window_bytes_ += range.length();
    if (const auto source = transfer_.engine_.sources.find_peer(from)) {
        transfer_.written_over(range);
        auto& share = transfer_.shares_[*source];
        share.bytes += range.length();
        share.given.add(range);
    }
    transfer_.want().done.add(range);
    transfer_.want().grown = transfer_.want().swarm.last_piece;
    transfer_.engine_.replan();
    transfer_.advance();
}

// The hints deny bytes that a mirror gave: another mirror is asked for them too. When there is none the peers fetch them once, and
// if the mirror gave the same bytes again it is believed. Who was right is known when the signed digest is.
void TorrentPart::piece_wrong(std::size_t piece) {
    if (transfer_.over_ || piece >= hints_.size()) return;
    const auto range = core::piece_range(transfer_.target_.size, piece);
    const auto giver = std::find_if(transfer_.shares_.begin(), transfer_.shares_.end(), [&](const auto& item) {
        return item.second.given.covers(range) && transfer_.engine_.sources.kind(item.first) == SourceKind::mirror;
    });
    if (!contested_.empty()) {
        contested_.insert(piece);
        return;
    }
    if (denied_.count(piece) != 0) return give_hints_up();
    const auto& mirrors = transfer_.target_.mirrors;
    const bool can_be_judged = giver != transfer_.shares_.end() && std::any_of(mirrors.begin(), mirrors.end(), [&](const MirrorAddress& other) {
        const auto at = transfer_.engine_.board.sources.find(other.source);
        return other.source != giver->first && transfer_.want().barred.count(other.source) == 0 && at != transfer_.engine_.board.sources.end() &&
               at->second.usable && at->second.ranges;
    });
    if (!can_be_judged) return deny(piece);
    contested_ = {piece};
    contested_mirror_ = giver->first;
    transfer_.want().crowd.trials[giver->first] = range;
    transfer_.note(fmt::format("peers say that piece {} of {} is wrong: another mirror is asked", piece, transfer_.engine_.sources.label(giver->first)));
    transfer_.engine_.replan();
}

void TorrentPart::judged(bool mirrors_agree) {
    if (mirrors_agree) return give_hints_up();
    for (const auto piece : std::exchange(contested_, {})) {
        const auto range = core::piece_range(transfer_.target_.size, piece);
        if (transfer_.shares_[contested_mirror_].given.touches(range)) {
            deny(piece);
        } else if (state_ == State::joined) {  // others have written there meanwhile
            fed_[piece] = false;
            written(range);
        }
    }
    if (waiting_ && state_ == State::hashing) take_part(*std::exchange(waiting_, std::nullopt));
}

// Without the torrent from here on: what came through it agrees with wrong hints.
void TorrentPart::give_hints_up() {
    if (state_ == State::left) return;
    given_up_ = true;
    denied_.clear();
    transfer_.note("mirrors are believed, not the hints: the file goes on without its torrent");
    contested_.clear();
    doubt_givers_of_hints();
    hints_.clear();
    transfer_.want().resting = true;
    leave([this, alive = alive_] {
        if (!*alive || transfer_.over_) return;
        transfer_.want().resting = false;
        transfer_.want().peers.clear();
        transfer_.want().swarm = {};
        for (const auto& [source, share] : std::map(transfer_.shares_))
            if (transfer_.engine_.sources.kind(source) == SourceKind::peer) transfer_.forget_bytes_of(source);
        transfer_.engine_.replan();
        transfer_.advance();
    });
}

void TorrentPart::doubt_givers_of_hints() {
    auto& sources = transfer_.engine_.board.sources;
    for (const auto& offer : offers_) {
        const auto source = transfer_.engine_.sources.find_peer(offer.peer);
        if (offer.pieces != hints_ || !source || sources.count(*source) == 0) continue;
        sources.at(*source).doubted = true;
        doubted_.push_back(*source);
    }
}

void TorrentPart::end_doubt() {
    auto& sources = transfer_.engine_.board.sources;
    for (const auto source : std::exchange(doubted_, {}))
        if (const auto at = sources.find(source); at != sources.end()) at->second.doubted = false;
}

void TorrentPart::deny(std::size_t piece) {
    const auto range = core::piece_range(transfer_.target_.size, piece);
    for (const auto& [source, share] : transfer_.shares_)
        if (share.given.touches(range)) denied_[piece] = share.given.covers(range) ? source : core::SourceId{};  // of what several gave nobody knows whose is wrong
    transfer_.written_over(range);
    transfer_.want().done.remove(range);
    if (range.begin < transfer_.safe_) transfer_.heads_.forgotten();
    transfer_.engine_.trust.rewind(transfer_.check_);
    transfer_.advanced_ = 0;
    if (state_ == State::joined) {
        fed_[piece] = false;
        transfer_.engine_.peers.unclaim(join_, piece, 1);
    }
    transfer_.engine_.replan();
}

bool TorrentPart::denied(core::SourceId source) const {
    return std::any_of(denied_.begin(), denied_.end(), [&](const auto& item) { return item.second == source; });
}

// Only windows in which it had pieces to fetch from end to end say what the peers can give.
void TorrentPart::sample(double window_s) {
    if (state_ != State::joined) return;
    auto& swarm = transfer_.want().swarm;
    const double measured = static_cast<double>(std::exchange(window_bytes_, 0)) / window_s;
    const bool work = has_work();
    if (had_work_ && work) swarm.rate = swarm.rate == 0 ? measured : swarm.rate + 0.4 * (measured - swarm.rate);
    const auto now = transfer_.engine_.loop.now();
    if (!work && seconds_between(swarm.last_piece, now) < rest_s) swarm.last_piece = now;  // it rests; who fell silent before stays silent
    had_work_ = work && (had_work_ || measured > 0);
}

bool TorrentPart::has_work() const { return transfer_.want().taken().total() < transfer_.target_.size; }

void TorrentPart::leave(Task left) {
    if (state_ != State::joined) {
        state_ = State::left;
        return left();
    }
    state_ = State::left;
    transfer_.want().swarm.joined = false;
    transfer_.engine_.peers.leave(join_, std::move(left));
}

void TorrentPart::distrust() {
    if (!contested_.empty()) return;  // a mirror may be wrong just as well
    for (const auto& offer : offers_)
        if (offer.pieces == hints_) transfer_.engine_.peers.blame(offer.peer, Blame::wrong_pieces);
}

// Hashing once more is worth it only when somebody contradicts. A mirror whose piece was denied lied if the true piece is what the
// hints say; that they were agreed with to the end is not sure, since the torrent may have failed or a contest be open still.
void TorrentPart::verified() {
    const bool agreed = std::all_of(offers_.begin(), offers_.end(), [this](const PeerOffer& offer) { return offer.pieces == offers_.front().pieces; });
    if (agreed && !given_up_ && denied_.empty() && contested_.empty()) return;
    std::map<core::SourceId, ByteCount> given;
    for (const auto& [source, share] : transfer_.shares_)
        if (denied(source)) given[source] = share.given.total();
    auto then = [offers = offers_, hints = hints_, denied = denied_, given, &engine = transfer_.engine_](Result<PieceHashes> hashes) {
        if (!hashes) return;
        for (const auto& offer : offers)
            if (offer.pieces != *hashes) engine.peers.blame(offer.peer, Blame::wrong_pieces);
        for (const auto& [source, bytes] : given) {
            const bool lied = std::any_of(denied.begin(), denied.end(), [&, source = source](const auto& item) {
                return item.second == source && (*hashes)[item.first] == hints[item.first];
            });
            lied ? engine.sources.failed(source, ErrorKind::Corrupt) : engine.sources.gave_right_bytes(source, bytes);
        }
    };
    const ByteRange all{0, transfer_.target_.size};
    transfer_.engine_.trust.piece_hashes(*transfer_.staged_, all, core::piece_length(all.end), std::move(then));
}

void TorrentPart::ended(const Result<void>& result) {
    if (state_ == State::left) return;
    transfer_.note("the torrent ended: " + (result ? std::string("done") : result.error().message));
    if (state_ == State::joined) transfer_.engine_.peers.leave(join_, [] {});
    state_ = State::left;
    has_failed_ = true;
    transfer_.want().swarm = {};
    transfer_.want().peers.clear();
    if (!result && result.error().kind == ErrorKind::Transient) use_channel();
    transfer_.engine_.replan();
}

// Who cannot be dialled, since a router hides it, has dialled us: what it shares comes over that connection.
void TorrentPart::use_channel() {
    auto& engine = transfer_.engine_;
    for (const auto& offer : offers_) {
        const auto source = engine.sources.find_peer(offer.peer);
        const auto at = source ? engine.board.sources.find(*source) : engine.board.sources.end();
        if (at == engine.board.sources.end() || transfer_.want().barred.count(*source) != 0) continue;
        if (const auto share = transfer_.shares_.find(*source); share != transfer_.shares_.end() && share->second.bytes > 0) continue;
        at->second.hidden = true;
        transfer_.want().crowd.lenders.set(*source, std::vector<bool>(core::piece_count(offer.size), true));
    }
}

}  // namespace packswarm::broker
