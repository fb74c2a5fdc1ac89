#include "p2p/broker/transfer/transfer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "p2p/base/log.hpp"
#include "p2p/broker/ports/mirrors.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::broker {

namespace {
constexpr int transient_chances = 2;      // then the source is not asked for this artifact again
constexpr std::size_t max_reasons = 200;  // lines that explain() can show of one artifact
constexpr auto progress_interval = Millis(100);
}  // namespace

Transfer::Transfer(TransferContext& context, plan::WantId id, Target target, TransferEvents events)
    : context_(context),
      id_(id),
      target_(std::move(target)),
      events_(std::move(events)),
      file_(context_, id_, target_) {
    auto& entry = context_.board.wants[id_];
    entry.size = target_.size;
    entry.created = context_.loop.now();
    for (const auto& mirror : target_.mirrors) entry.mirrors.push_back(mirror.source);
    if (target_.mirrors.size() < 2) entry.head_agreed = true;  // nobody to compare with
    std::memcpy(&entry.crowd.seed, target_.digest.raw().data(), sizeof entry.crowd.seed);
    if (!target_.lineage.empty()) lending_ = std::make_unique<Lending>(case_, static_cast<Lending::Needs&>(*this));
    look_for_company();
}

Transfer::~Transfer() {
    over_ = true;
    lifetime_.end();
    close_all();
    inquest_.drop();
    lending_.reset();
    if (torrent_) torrent_->leave([] {});
    torrent_.reset();
    context_.board.wants.erase(id_);
}

void Transfer::set_need(Need need, bool streamed) {
    want().streamed = streamed;
    const bool ahead = need == Need::prefetch;
    if (want().is_prefetch == ahead) return;
    want().is_prefetch = ahead;
    note(ahead ? "nobody waits for it yet" : "somebody waits for it now");
    // Whoever comes to wait for what stood still until now has all its chances before it.
    if (!ahead && want().claims.empty() && want().done.empty()) want().created = context_.loop.now();
    context_.replan();
}

// ---- Claims
// ----------------------------------------------------------------------------------------------------------------

bool Transfer::has_room(ByteCount bytes) {
    const auto room = file_.make_room(bytes);
    if (!room) fail(room.error());
    return room.has_value();
}

void Transfer::began() {
    if (!want().is_small()) events_.started();
}

void Transfer::begin(const plan::Start& start) {
    if (over_ || want().resting) return;
    if (!file_.is_staged()) {
        if (auto staged = file_.stage(); !staged) return fail(staged.error());
        began();
    }
    flights_.begin(start);
    if (lending_ && case_.is_mirror(start.source)) lending_->staged();
    if (torrent_ && start.purpose != plan::Purpose::check) torrent_->claimed(start.range);
}

void Transfer::answered(plan::ClaimId id, const MirrorHead& head) {
    context_.sources.first_byte(want().claims.at(id).source, head.first_byte_s);
    if (head.last_modified && !modified_) modified_ = head.last_modified;
    if (head.ignores_range) without_ranges(id);
}

// The file comes where a part of it was asked for. It is taken as the file when it begins where the part does, or when
// nobody else could give the part; else the planner looks again, now that it knows.
void Transfer::without_ranges(plan::ClaimId id) {
    auto& claim = want().claims.at(id);
    flights_.gives_no_ranges(id);
    context_.sources.ignores_ranges(claim.source);
    if (claim.purpose == plan::Purpose::check) return;
    const auto gaps = want().here().gaps(case_.all());
    const ByteRange rest{0, gaps.empty() ? target_.size : gaps.back().end};
    const bool comes_already = std::any_of(want().claims.begin(), want().claims.end(), [&](const auto& item) {
        const plan::Claim& other = item.second;
        return item.first != id && other.source == claim.source && other.purpose != plan::Purpose::check &&
               other.range == rest;
    });
    const bool is_alone = target_.mirrors.size() == 1 && !want().swarm.joined;
    if (comes_already || (claim.range.begin > 0 && !is_alone))
        return stop(id, "it sends the whole file instead of a part");
    claim.range = rest;
    note(fmt::format("{} sends the whole file instead of a part: it is taken from its first byte on",
                     case_.label(claim.source)));
    if (torrent_) torrent_->claimed(claim.range);
    context_.replan();
}

void Transfer::stop(plan::ClaimId claim, const char* reason) {
    const auto at = want().claims.find(claim);
    if (at == want().claims.end()) return;
    note(fmt::format("{} stopped: {}", case_.label(at->second.source), reason));
    file_.wasted(at->second.source, static_cast<ByteCount>(flights_.in_memory(claim).size()));
    close(claim);
}

void Transfer::shorten(plan::ClaimId claim, ByteCount end) {
    const auto at = want().claims.find(claim);
    if (at != want().claims.end()) at->second.range.end = std::min(at->second.range.end, end);
}

void Transfer::close(plan::ClaimId id) {
    const auto landed = flights_.close(id);
    if (!landed) return;
    const auto& claim = landed->claim;
    if (torrent_ && claim.purpose != plan::Purpose::check) torrent_->released({claim.next(), claim.range.end});
    context_.replan();
}

void Transfer::close_all() {
    while (const auto claim = flights_.any()) close(*claim);
}

void Transfer::took(plan::ClaimId id, ByteCount offset, Bytes data) {
    auto& claim = want().claims.at(id);
    const auto source = claim.source;
    const auto length = static_cast<ByteCount>(data.size());
    claim.last_byte = context_.loop.now();
    if (claim.received == 0) claim.first_byte = claim.last_byte;
    claim.received = offset + length - claim.range.begin;
    context_.sources.received(source, length);
    file_.received(source, length);
    if (want().is_small() || claim.purpose == plan::Purpose::check) {
        flights_.collect(id, data);
        if (claim.purpose == plan::Purpose::check) return;
        return safe() > 0 ? tell_progress() : prefix_.arriving(claim, flights_.in_memory(id));
    }
    if (offset + length > claim.range.end) {  // shortened meanwhile
        const auto keep = std::max<ByteCount>(0, claim.range.end - offset);
        file_.wasted(source, length - keep);
        data.resize(static_cast<std::size_t>(keep));
    }
    const bool at_end = claim.next() >= claim.range.end;
    write(source, offset, std::move(data));
    if (!over_ && at_end) ended(id, {});
}

void Transfer::write(plan::SourceId from, ByteCount offset, Bytes data) {
    const ByteRange all{offset, offset + static_cast<ByteCount>(data.size())};
    if (!has_room(std::min(want().here().total() + all.length(), target_.size))) return;
    file_.write(from, offset, std::move(data),
                [this, from, all](const Result<core::RangeSet>& fresh) { landed(from, all, fresh); });
}

void Transfer::landed(plan::SourceId from, ByteRange all, const Result<core::RangeSet>& fresh) {
    if (over_) return;
    if (!fresh) return fail(fresh.error());
    for (const auto& range : fresh->ranges())
        if (lending_) lending_->written(from, range);
    if (torrent_) torrent_->written(all);
    if (!over_) changed();
}

void Transfer::ended(plan::ClaimId id, const Result<void>& result) {
    auto landed = flights_.close(id);
    if (!landed) return;  // its last bytes completed the file, and everything was closed
    const auto& claim = landed->claim;
    if (torrent_ && claim.purpose != plan::Purpose::check) torrent_->released({claim.next(), claim.range.end});
    context_.replan();
    if (!result) {
        file_.wasted(claim.source, static_cast<ByteCount>(landed->in_memory.size()));
        // A mirror without ranges is not at fault: it is asked for the whole file next.
        if (landed->has_no_ranges && result.error().kind == ErrorKind::Refused)
            return note(fmt::format("{} gives no parts: {}", case_.label(claim.source), result.error().message));
        return blame(claim.source, result.error());
    }
    if (claim.compares_head()) return prefix_.compare(claim.source, std::move(landed->in_memory));
    if (claim.purpose == plan::Purpose::check) return compared(claim.source, claim.range, landed->in_memory);
    if (want().is_small()) return small_complete(claim.source, std::move(landed->in_memory));
}

// A mirror's copy of what another source gave has come: of a lender's piece, or of one that the hints deny.
void Transfer::compared(plan::SourceId mirror, ByteRange range, const Bytes& copy) {
    auto& trials = want().crowd.trials;
    const auto at =
        std::find_if(trials.begin(), trials.end(), [range](const auto& item) { return item.second == range; });
    const auto giver = at == trials.end() ? mirror : at->first;
    if (at != trials.end()) trials.erase(at);
    const bool is_contest = torrent_ && torrent_->is_contested(giver);
    const bool stands =
        giver != mirror && file_.given_by(giver).covers(range) && static_cast<ByteCount>(copy.size()) == range.length();
    Bytes given;
    if (stands) {
        auto here = file_.read(range);
        if (!here) return fail(here.error());
        given = std::move(*here);
    }
    if (is_contest) {
        file_.wasted(mirror, static_cast<ByteCount>(copy.size()));
        return torrent_->judged(stands && given == copy);
    }
    stands ? lending_->compared(giver, mirror, range, given, copy) : lending_->not_compared(mirror, range);
}

void Transfer::blame(plan::SourceId source, Error error) {
    const bool has_another = error.kind == ErrorKind::Corrupt || error.has_another;
    if (has_another && !target_.mirrors.empty() && target_.mirrors.front().source == source) is_contradicted_ = true;
    const bool may_lag = target_.is_rewritten && case_.is_mirror(source);
    if (may_lag && error.kind == ErrorKind::Corrupt)
        error = {ErrorKind::Absent, "has another version of it: " + error.message};
    note(fmt::format("{} failed ({}): {}", case_.label(source), to_string(error.kind), error.message));
    last_error_ = error;
    context_.sources.failed(source, error.kind);
    if (const auto* url = error.kind == ErrorKind::Absent ? target_.address_at(source) : nullptr)
        context_.absences.note(*url, error, context_.loop.now());
    // While others are left out on a suspicion, who fails is not waited for twice; who named a time is asked by nobody
    // before it.
    const bool again = error.kind == ErrorKind::Transient && error.retry_after.value_or(Seconds()) == Seconds() &&
                       ++transient_failures_[source] < (inquest_.suspects_somebody() ? 1 : transient_chances);
    if (!again) want().barred.insert(source);
    if (error.kind == ErrorKind::Corrupt) {
        if (case_.is_peer(source)) context_.peers.blame(context_.sources.peer_id(source), Blame::wrong_bytes);
        if (context_.sources.is_discredited(source)) context_.discredit(source);
    }
    context_.replan();
}

// Whole, in memory, so that exactly one source answers for it.
void Transfer::small_complete(plan::SourceId from, Bytes content) {
    if (over_ || want().resting) return;
    if (static_cast<ByteCount>(content.size()) != target_.size)
        return blame(from, {ErrorKind::Corrupt, fmt::format("gave {} bytes of {}", content.size(), target_.size)});
    if (!has_room(target_.size)) return;
    prefix_.replaced_by(content);
    rest();
    file_.write_whole(from, std::move(content), lifetime_.guard([this](const Result<void>& written) {
        if (over_) return;
        written ? verify() : fail(written.error());
    }));
}

// ---- Verification
// ----------------------------------------------------------------------------------------------------------

void Transfer::changed() {
    prefix_.settle();
    if (over_ || !has_room(received())) return;
    prefix_.trust_the_only_mirror();
    file_.hash_what_is_here();
    if (received() == target_.size) return check_all();
    tell_progress();
}

void Transfer::shown() {
    events_.started();
    events_.progress();
}

void Transfer::tell_progress() {
    const auto now = context_.loop.now();
    if (now - progressed_ < progress_interval) return;
    progressed_ = now;
    events_.progress();
}

void Transfer::check_all() {
    if (over_ || want().resting) return;
    rest();
    auto check = lifetime_.guard([this] { verify(); });
    torrent_ ? torrent_->leave(std::move(check)) : check();
}

void Transfer::rest() {
    want().resting = true;
    while (const auto claim = flights_.any()) stop(*claim, "all bytes are here");
}

void Transfer::verify() {
    file_.check([this](Result<VerifiedFile> file) {
        if (!file) return wrong_digest(file.error());
        praise();
        if (lending_) lending_->verified();
        over_ = true;
        events_.verified(std::move(*file));
    });
}

void Transfer::praise() {
    for (const auto& [source, bytes] : file_.givers()) {
        if (torrent_ && torrent_->denied(source)) continue;  // judged by the hashes of the true pieces
        context_.sources.gave_right_bytes(source, bytes);
        if (const auto* url = target_.address_at(source)) context_.absences.forget(*url);
    }
    if (torrent_) torrent_->verified();
    inquest_.close();
    prefix_.all_is_true();
}

void Transfer::wrong_digest(const Error& error) {
    if (over_) return;
    if (error.kind != ErrorKind::Corrupt) return fail(error);
    note("the digest is wrong: " + error.message);
    context_.store.note(*file_.staged(), {});
    want().resting = false;
    file_.begin_check();
    inquest_.open();
}

void Transfer::discredited(plan::SourceId source) {
    if (over_ || want().resting || !file_.knows(source)) return;
    std::vector<plan::ClaimId> running;
    for (const auto& [id, claim] : want().claims)
        if (claim.source == source) running.push_back(id);
    for (const auto id : running) stop(id, "the source gave wrong bytes elsewhere");
    forget(source);
}

void Transfer::forget(plan::SourceId giver) {
    const auto going = file_.given_by(giver);
    if (!going.empty()) {
        prefix_.lost(going);
        inquest_.forgotten(giver);
    }
    file_.forget(giver);
    if (lending_ && !going.empty()) lending_->forgotten(going);
}

// ---- The torrent
// -------------------------------------------------------------------------------------------------------------

void Transfer::brought(std::optional<plan::SourceId> from, ByteRange piece) {
    if (from) {
        core::RangeSet over;
        over.add(piece);
        file_.take_from_givers(piece);
        if (lending_) lending_->forgotten(over);
        file_.brought(*from, piece);
    }
    want().done.add(piece);
    want().grown = context_.loop.now();
    context_.replan();
    changed();
}

void Transfer::denied(ByteRange piece) {
    core::RangeSet over;
    over.add(piece);
    file_.take_from_givers(piece);
    if (lending_) lending_->forgotten(over);
    prefix_.lost(over);
    file_.throw_away(piece);
}

// What was lent may never have been held against the hints, and what came after the torrent had failed was not.
bool Transfer::names_the_hints() {
    const auto torrent = std::exchange(torrent_, nullptr);
    if (!torrent) return false;
    want().swarm = {};
    want().peers.clear();
    if (torrent->has_failed() || (lending_ && lending_->has_borrowed())) return false;
    torrent->distrust();
    return true;
}

void Transfer::borrow_no_more() {
    if (lending_) lending_->borrow_no_more();
}

// ---- Peers
// -----------------------------------------------------------------------------------------------------------------

void Transfer::offered(const PeerOffer& offer) {
    const auto source = context_.sources.find_peer(offer.peer);
    if (over_ || !lending_ || !source || offer.size != target_.size || want().barred.count(*source) != 0)
        return;  // nobody was asked
    want().crowd.seekers.erase(*source);
    want().crowd.fetching.erase(*source);
    if (!want().is_small() && !torrent_ &&
        (!want().crowd.lenders.empty() || context_.board.sources.at(*source).hidden)) {
        want().crowd.lenders.set(*source, std::vector<bool>(core::piece_count(target_.size), true));
        return context_.replan();
    }
    if (!want().is_small()) {
        if (!torrent_) torrent_ = std::make_unique<TorrentFeed>(case_, static_cast<TorrentFeed::Needs&>(*this));
        if (torrent_->is_over()) return;
        torrent_->offered(offer);
    }
    if (std::find(want().peers.begin(), want().peers.end(), *source) == want().peers.end())
        want().peers.push_back(*source);
    context_.replan();
}

void Transfer::lent(const PeerLoan& loan) {
    const auto source = context_.sources.find_peer(loan.peer);
    if (over_ || !lending_ || !source) return;
    lending_->lent(*source, loan);
    context_.replan();
}

void Transfer::sought(plan::SourceId peer) {
    if (over_ || !lending_) return;
    lending_->sought(peer);
    context_.replan();
}

bool Transfer::widens() { return lending_ && !over_ && lending_->widens(); }

core::Audience Transfer::whom_to_ask() const {
    if (!lending_) return core::Audience::nobody;
    return lending_->asks_strangers() ? core::Audience::everybody : core::Audience::neighbours;
}

void Transfer::look_for_company() {
    const auto around = target_.lineage.empty() ? Company{} : context_.peers.company(target_.lineage);
    want().grace = around.is_nobody() ? Millis(0) : around.is_settled ? context_.board.peer_grace : first_round;
}

void Transfer::peer_gone(plan::SourceId peer) {
    std::erase(want().peers, peer);
    if (lending_) lending_->gone(peer);
    if (torrent_) torrent_->peer_gone(context_.sources.peer_id(peer));
}

void Transfer::join() {
    if (over_ || want().resting || !torrent_) return;
    if (!file_.is_staged()) {
        if (auto staged = file_.stage(); !staged) return fail(staged.error());
        began();
    }
    file_.share(lifetime_.guard([this] {
        if (!over_ && !want().resting && torrent_) torrent_->join();
    }));
}

void Transfer::sample(double window_s) {
    if (torrent_ && !over_) torrent_->sample(window_s);
    if (lending_ && !over_) lending_->sample();
    if (!over_) note_growth();
}

// ---- The end
// ---------------------------------------------------------------------------------------------------------------

void Transfer::give_up() {
    if (over_ || want().resting) return;
    if (!want().arriving.empty()) return file_.when_landed(context_.replan);
    if (inquest_.goes_on()) return;
    const auto kind = last_error_ ? last_error_->kind : ErrorKind::Absent;
    Error error{kind, fmt::format("no source could give {}{}{}", target_.name, last_error_ ? ": " : "",
                                  last_error_ ? last_error_->message : "")};
    // With several mirrors it is not known here which of them is the asker's own.
    if (last_error_ && target_.mirrors.size() == 1) error.retry_after = last_error_->retry_after;
    fail(std::move(error));
}

void Transfer::fail(Error error) {
    if (over_) return;
    over_ = true;
    note("failed: " + error.message);
    events_.failed(std::move(error));
}

std::vector<SourceShare> Transfer::shares() const {
    std::vector<SourceShare> out;
    for (const auto& [source, share] : file_.shares())
        if (share.bytes > 0)
            out.push_back({context_.sources.kind(source), case_.label(source), share.bytes, share.wasted});
    return out;
}

std::vector<SourceShare> Transfer::for_nothing() const {
    std::vector<SourceShare> out;
    for (const auto& [source, share] : file_.shares()) {
        const auto lost = share.bytes - share.given.total();
        if (lost > 0) out.push_back({context_.sources.kind(source), case_.label(source), lost, lost});
    }
    return out;
}

void Transfer::note(std::string reason) {
    if (reasons_.size() < max_reasons) reasons_.push_back(std::move(reason));
}

}  // namespace packswarm::broker
