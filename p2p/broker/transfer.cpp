#include "p2p/broker/transfer.hpp"

#include <algorithm>
#include <cstring>

#include "p2p/base/log.hpp"
#include "p2p/broker/crowd_part.hpp"
#include "p2p/broker/torrent_part.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::broker {

namespace {
constexpr int transient_chances = 2;             // then the source is not asked for this artifact again
constexpr std::size_t max_reasons = 200;         // lines that explain() can show of one artifact
constexpr ByteCount hash_step = limits::mib;     // prefix growth worth a hashing job
constexpr auto progress_interval = Millis(100);
}  // namespace

Transfer::Transfer(Engine& engine, core::WantId id, Target target, TransferEvents events)
    : engine_(engine), id_(id), target_(std::move(target)), events_(std::move(events)), heads_(*this), inquest_(*this) {
    auto& entry = engine_.board.wants[id_];
    entry.size = target_.size;
    entry.created = engine_.loop.now();
    for (const auto& mirror : target_.mirrors) entry.mirrors.push_back(mirror.source);
    if (target_.mirrors.size() < 2) entry.head_agreed = true;  // nobody to compare with
    std::memcpy(&entry.crowd.seed, target_.digest.raw().data(), sizeof entry.crowd.seed);
    if (!target_.lineage.empty()) crowd_ = std::make_unique<CrowdPart>(*this);
    look_for_company();
}

Transfer::~Transfer() {
    over_ = true;
    *alive_ = false;
    while (!flights_.empty()) close(flights_.begin()->first);
    inquest_.drop();
    crowd_.reset();
    if (torrent_) torrent_->leave([] {});
    if (check_ != CheckId::none) engine_.trust.drop(check_);
    engine_.board.wants.erase(id_);
}

void Transfer::set_need(Need need, bool streamed) {
    want().streamed = streamed;
    const bool ahead = need == Need::ahead;
    if (want().ahead == ahead) return;
    want().ahead = ahead;
    note(ahead ? "nobody waits for it yet" : "somebody waits for it now");
    // Whoever comes to wait for what stood still until now has all its chances before it.
    if (!ahead && want().claims.empty() && want().done.empty()) want().created = engine_.loop.now();
    engine_.replan();
}

// ---- Claims ----------------------------------------------------------------------------------------------------------------

bool Transfer::ensure_staged() {
    if (staged_) return true;
    auto file = engine_.store.stage(target_.size, target_.is_listed ? Promise::listed : Promise::loose);
    if (!file) {
        fail_with(file.error());
        return false;
    }
    begin_file(std::move(*file));
    return true;
}

bool Transfer::has_room(ByteCount bytes) {
    if (bytes <= room_) return true;
    const auto room = engine_.store.arrive(*staged_, bytes);
    if (room)
        room_ = *room;
    else
        fail_with(room.error());
    return room.has_value();
}

void Transfer::begin_file(StagedFile file) {
    staged_ = std::move(file);
    check_ = engine_.trust.begin_check(*staged_, target_.digest);
    if (!want().is_small()) events_.started();
}

void Transfer::begin(const core::Start& start) {
    if (over_ || want().resting || !ensure_staged()) return;
    const auto id = core::ClaimId{engine_.next_claim++};
    const auto now = engine_.loop.now();
    want().claims[id] = {start.source, start.range, 0, now, now, now, start.purpose};
    flights_[id];
    engine_.sources.claim_started(start.source);
    note(fmt::format("{} [{}, {}): {}", engine_.sources.label(start.source), start.range.begin, start.range.end, start.reason));
    if (engine_.sources.kind(start.source) == SourceKind::mirror) {
        begin_at_mirror(id, start);
        if (crowd_) crowd_->staged();
    } else {
        begin_at_peer(id, start);
    }
    if (torrent_ && start.purpose != core::Purpose::check) torrent_->claimed(start.range);
}

const std::string* Transfer::address_at(core::SourceId mirror) const {
    const auto at = std::find_if(target_.mirrors.begin(), target_.mirrors.end(),
                                 [mirror](const MirrorAddress& one) { return one.source == mirror; });
    return at == target_.mirrors.end() ? nullptr : &at->url;
}

void Transfer::begin_at_mirror(core::ClaimId id, const core::Start& start) {
    MirrorRequest request;
    request.url = *address_at(start.source);
    request.expected_size = request.max_bytes = target_.size;
    request.stall_timeout = std::chrono::duration_cast<Millis>(limits::stall_timeout);
    request.takes_whole = start.purpose != core::Purpose::check;
    const bool is_whole = start.range == ByteRange{0, target_.size};
    const bool gives_parts = start.range.begin > 0 || engine_.board.sources.at(start.source).ranges;
    if (!is_whole && gives_parts) request.range = start.range;
    if (!is_whole && !gives_parts) request.enough = start.range.end;
    MirrorEvents events;
    events.head = [this, id](const MirrorHead& head) { answered(id, head); };
    events.data = [this, id](ByteCount offset, Bytes data) { take(id, offset, std::move(data)); };
    events.done = [this, id](Result<void> result) { ended(id, result); };
    flights_[id].fetch = engine_.mirrors.start(std::move(request), std::move(events));
}

void Transfer::answered(core::ClaimId id, const MirrorHead& head) {
    const auto source = want().claims.at(id).source;
    engine_.sources.first_byte(source, head.first_byte_s);
    if (head.last_modified && !modified_) modified_ = head.last_modified;
    if (head.ignores_range) without_ranges(id);
}

// The file comes where a part of it was asked for. It is taken as the file when it begins where the part does, or when
// nobody else could give the part; else the planner looks again, now that it knows.
void Transfer::without_ranges(core::ClaimId id) {
    auto& claim = want().claims.at(id);
    flights_.at(id).has_no_ranges = true;
    engine_.sources.ignores_ranges(claim.source);
    if (claim.purpose == core::Purpose::check) return;
    const auto gaps = want().done.gaps({0, target_.size});
    const ByteRange rest{0, gaps.empty() ? target_.size : gaps.back().end};
    const bool comes_already = std::any_of(want().claims.begin(), want().claims.end(), [&](const auto& item) {
        const core::Claim& other = item.second;
        return item.first != id && other.source == claim.source && other.purpose != core::Purpose::check && other.range == rest;
    });
    const bool is_alone = target_.mirrors.size() == 1 && !want().swarm.joined;
    if (comes_already || (claim.range.begin > 0 && !is_alone)) return stop(id, "it sends the whole file instead of a part");
    claim.range = rest;
    note(fmt::format("{} sends the whole file instead of a part: it is taken from its first byte on", engine_.sources.label(claim.source)));
    if (torrent_) torrent_->claimed(claim.range);
    engine_.replan();
}

void Transfer::begin_at_peer(core::ClaimId id, const core::Start& start) {
    GetEvents events;
    events.data = [this, id](ByteCount offset, Bytes data) {
        auto& claim = want().claims.at(id);
        if (claim.received == 0) engine_.sources.first_byte(claim.source, seconds_between(claim.started, engine_.loop.now()));
        take(id, offset, std::move(data));
    };
    events.done = [this, id](Result<void> result) { ended(id, result); };
    flights_[id].fetch = engine_.peers.get(engine_.sources.peer_id(start.source), target_.digest, start.range, std::move(events));
}

void Transfer::stop(core::ClaimId claim, const char* reason) {
    const auto at = want().claims.find(claim);
    if (at == want().claims.end()) return;
    note(fmt::format("{} stopped: {}", engine_.sources.label(at->second.source), reason));
    shares_[at->second.source].wasted += static_cast<ByteCount>(flights_[claim].buffer.size());
    close(claim);
}

void Transfer::shorten(core::ClaimId claim, ByteCount end) {
    const auto at = want().claims.find(claim);
    if (at != want().claims.end()) at->second.range.end = std::min(at->second.range.end, end);
}

void Transfer::close(core::ClaimId id) {
    const auto at = want().claims.find(id);
    if (at == want().claims.end()) return;
    const core::Claim claim = at->second;
    engine_.sources.measured(claim.source, claim.received, seconds_between(claim.first_byte, claim.last_byte));
    if (engine_.sources.kind(claim.source) == SourceKind::mirror)
        engine_.mirrors.cancel(flights_[id].fetch);
    else
        engine_.peers.cancel(flights_[id].fetch);
    want().claims.erase(at);
    want().left = engine_.loop.now();
    flights_.erase(id);
    engine_.sources.claim_ended(claim.source);
    if (torrent_ && claim.purpose != core::Purpose::check) torrent_->released({claim.next(), claim.range.end});
    engine_.replan();
}

void Transfer::take(core::ClaimId id, ByteCount offset, Bytes data) {
    auto& claim = want().claims.at(id);
    const auto source = claim.source;
    const auto length = static_cast<ByteCount>(data.size());
    claim.last_byte = engine_.loop.now();
    if (claim.received == 0) claim.first_byte = claim.last_byte;
    claim.received = offset + length - claim.range.begin;
    engine_.sources.received(source, length);
    shares_[source].bytes += length;
    if (want().is_small() || claim.purpose == core::Purpose::check) {
        auto& buffer = flights_[id].buffer;
        if (buffer.empty()) buffer.reserve(static_cast<std::size_t>(claim.range.length()));
        buffer.insert(buffer.end(), data.begin(), data.end());
        if (claim.purpose != core::Purpose::check) heads_.arriving(claim, buffer);
        return;
    }
    if (offset + length > claim.range.end) {  // shortened meanwhile
        const auto keep = std::max<ByteCount>(0, claim.range.end - offset);
        shares_[source].wasted += length - keep;
        data.resize(static_cast<std::size_t>(keep));
    }
    const bool at_end = claim.next() >= claim.range.end;
    write_new(source, offset, data);
    if (!over_ && at_end) ended(id, {});
}

// Only bytes that are not here yet are written: what another source gave first stands, and is its to answer for.
void Transfer::write_new(core::SourceId from, ByteCount offset, ByteView data) {
    const ByteRange all{offset, offset + static_cast<ByteCount>(data.size())};
    ByteCount fresh = 0;
    for (const auto& gap : want().done.gaps(all)) {
        const auto part = data.subspan(static_cast<std::size_t>(gap.begin - offset), static_cast<std::size_t>(gap.length()));
        if (auto written = staged_->write(gap.begin, part); !written) return fail_with(written.error());
        want().done.add(gap);
        shares_[from].given.add(gap);
        want().given[from] += gap.length();
        fresh += gap.length();
        if (crowd_) crowd_->written(from, gap);
    }
    if (fresh > 0) want().grown = engine_.loop.now();
    shares_[from].wasted += all.length() - fresh;
    if (torrent_) torrent_->written(all);
    if (!over_) advance();
}

void Transfer::ended(core::ClaimId id, const Result<void>& result) {
    const auto at = want().claims.find(id);
    if (at == want().claims.end()) return;  // its last bytes completed the file, and everything was closed
    const core::Claim claim = at->second;
    Flight flight = std::move(flights_[id]);
    Bytes buffer = std::move(flight.buffer);
    close(id);
    if (!result) {
        shares_[claim.source].wasted += static_cast<ByteCount>(buffer.size());
        // A mirror without ranges is not at fault: it is asked for the whole file next.
        if (flight.has_no_ranges && result.error().kind == ErrorKind::Refused)
            return note(fmt::format("{} gives no parts: {}", engine_.sources.label(claim.source), result.error().message));
        return blame(claim.source, result.error());
    }
    if (claim.compares_head()) return heads_.compare(claim.source, std::move(buffer));
    if (claim.purpose == core::Purpose::check) return crowd_->compared(claim.source, claim.range, buffer);
    if (want().is_small()) return small_complete(claim.source, std::move(buffer));
}

void Transfer::blame(core::SourceId source, Error error) {
    const bool has_another = error.kind == ErrorKind::Corrupt || error.has_another;
    if (has_another && !target_.mirrors.empty() && target_.mirrors.front().source == source) is_contradicted_ = true;
    const bool may_lag = target_.is_rewritten && engine_.sources.kind(source) == SourceKind::mirror;
    if (may_lag && error.kind == ErrorKind::Corrupt) error = {ErrorKind::Absent, "has another version of it: " + error.message};
    note(fmt::format("{} failed ({}): {}", engine_.sources.label(source), to_string(error.kind), error.message));
    last_error_ = error;
    engine_.sources.failed(source, error.kind);
    if (const auto* url = error.kind == ErrorKind::Absent ? address_at(source) : nullptr)
        engine_.absences.note(*url, error, engine_.loop.now());
    // While others are left out on a suspicion, who fails is not waited for twice; who named a time is asked by nobody
    // before it.
    const bool again = error.kind == ErrorKind::Transient && error.retry_after.value_or(Seconds()) == Seconds() &&
                       ++transient_failures_[source] < (inquest_.suspects_somebody() ? 1 : transient_chances);
    if (!again) want().barred.insert(source);
    if (error.kind == ErrorKind::Corrupt) {
        if (engine_.sources.kind(source) == SourceKind::peer) engine_.peers.blame(engine_.sources.peer_id(source), Blame::wrong_bytes);
        if (engine_.sources.is_discredited(source)) engine_.discredit(source);
    }
    engine_.replan();
}

// ---- Small artifacts: whole, in memory, so that exactly one source answers for them -----------------------------------------

void Transfer::small_complete(core::SourceId from, Bytes content) {
    if (over_ || want().resting) return;
    if (static_cast<ByteCount>(content.size()) != target_.size)
        return blame(from, {ErrorKind::Corrupt, fmt::format("gave {} bytes of {}", content.size(), target_.size)});
    if (!has_room(target_.size)) return;
    heads_.replaced_by(content);
    if (auto written = staged_->write(0, content); !written) return fail_with(written.error());
    want().done.add({0, target_.size});
    shares_[from].given.add({0, target_.size});
    check_all();
}

// ---- Verification ----------------------------------------------------------------------------------------------------------

ByteCount Transfer::received() const { return want().done.total(); }
ByteCount Transfer::prefix() const { return want().is_small() ? safe_ : want().done.prefix(); }

void Transfer::advance() {
    heads_.settle();
    if (over_ || !has_room(received())) return;
    const ByteCount prefix = want().done.prefix();
    // With a single source there is nobody to compare with: its bytes go out as they would without us, but for the last one. What
    // peers lent is not its.
    if (target_.mirrors.size() == 1 && want().peers.empty())
        safe_ = std::max(safe_, std::min(shares_[target_.mirrors.front().source].given.prefix(), target_.size - 1));
    if (prefix - advanced_ >= hash_step) {
        advanced_ = prefix;
        engine_.trust.advance(check_, prefix);
    }
    if (want().done.total() == target_.size) return check_all();
    tell_progress();
}

void Transfer::tell_progress() {
    const auto now = engine_.loop.now();
    if (now - progressed_ < progress_interval) return;
    progressed_ = now;
    events_.progress();
}

void Transfer::check_all() {
    if (over_ || want().resting) return;
    want().resting = true;
    while (!flights_.empty()) stop(flights_.begin()->first, "all bytes are here");
    auto finish = [this, alive = alive_] {
        if (!*alive) return;
        engine_.trust.finish(check_, [this](Result<VerifiedFile> file) {
            check_ = CheckId::none;
            if (!file) return wrong_digest(file.error());
            praise();
            if (crowd_) crowd_->verified();
            over_ = true;
            events_.verified(std::move(*file));
        });
    };
    if (torrent_)
        torrent_->leave(finish);
    else
        finish();
}

void Transfer::praise() {
    for (const auto& [source, share] : shares_) {
        if (torrent_ && torrent_->denied(source)) continue;  // judged by the hashes of the true pieces
        if (share.given.empty()) continue;
        engine_.sources.gave_right_bytes(source, share.given.total());
        if (const auto* url = address_at(source)) engine_.absences.forget(*url);
    }
    if (torrent_) torrent_->verified();
    inquest_.close();
    safe_ = target_.size;
}

void Transfer::wrong_digest(const Error& error) {
    if (over_) return;
    if (error.kind != ErrorKind::Corrupt) return fail_with(error);
    note("the digest is wrong: " + error.message);
    engine_.store.note(*staged_, {});
    want().resting = false;
    check_ = engine_.trust.begin_check(*staged_, target_.digest);
    advanced_ = 0;
    inquest_.open();
}

void Transfer::discredited(core::SourceId source) {
    if (over_ || want().resting || shares_.count(source) == 0) return;
    std::vector<core::ClaimId> running;
    for (const auto& [id, claim] : want().claims)
        if (claim.source == source) running.push_back(id);
    for (const auto id : running) stop(id, "the source gave wrong bytes elsewhere");
    forget_bytes_of(source);
}

void Transfer::written_over(ByteRange range) {
    for (auto& [source, share] : shares_) {
        ByteCount lost = range.length();
        for (const auto& gap : share.given.gaps(range)) lost -= gap.length();
        if (lost == 0) continue;
        share.given.remove(range);
        share.wasted += lost;
        if (const auto at = want().given.find(source); at != want().given.end()) at->second -= std::min(lost, at->second);
    }
    core::RangeSet over;
    over.add(range);
    if (crowd_) crowd_->forgotten(over);
}

void Transfer::forget_bytes_of(core::SourceId source) {
    auto& share = shares_[source];
    if (share.given.empty()) return;
    if (share.given.touches({0, safe_})) heads_.forgotten();  // others will write there
    inquest_.forgotten(source);
    want().done.remove(share.given);
    if (crowd_) crowd_->forgotten(share.given);
    share.wasted += share.given.total();
    share.given = {};
    want().given.erase(source);
    advanced_ = 0;
    if (check_ != CheckId::none) engine_.trust.rewind(check_);
}

// ---- Peers -----------------------------------------------------------------------------------------------------------------

void Transfer::offered(const PeerOffer& offer) {
    const auto source = engine_.sources.find_peer(offer.peer);
    if (over_ || !crowd_ || !source || offer.size != target_.size || want().barred.count(*source) != 0) return;  // no crowd: nobody was asked
    want().crowd.seekers.erase(*source);
    want().crowd.fetching.erase(*source);
    if (!want().is_small() && !torrent_ && (!want().crowd.lenders.empty() || engine_.board.sources.at(*source).hidden)) {
        want().crowd.lenders.set(*source, std::vector<bool>(core::piece_count(target_.size), true));
        return engine_.replan();
    }
    if (!want().is_small()) {
        if (!torrent_) torrent_ = std::make_unique<TorrentPart>(*this);
        if (torrent_->is_over()) return;
        torrent_->offered(offer);
    }
    if (std::find(want().peers.begin(), want().peers.end(), *source) == want().peers.end()) want().peers.push_back(*source);
    engine_.replan();
}

void Transfer::lent(const PeerLoan& loan) {
    const auto source = engine_.sources.find_peer(loan.peer);
    if (over_ || !crowd_ || !source) return;
    crowd_->lent(*source, loan);
    engine_.replan();
}

void Transfer::sought(core::SourceId peer) {
    if (over_ || !crowd_) return;
    crowd_->sought(peer);
    engine_.replan();
}

void Transfer::look_for_company() {
    const auto around = target_.lineage.empty() ? Company{} : engine_.peers.company(target_.lineage);
    want().grace = around.is_nobody() ? Millis(0) : around.is_settled ? engine_.board.peer_grace : first_round;
}

void Transfer::peer_gone(core::SourceId peer) {
    std::erase(want().peers, peer);
    if (crowd_) crowd_->gone(peer);
    if (torrent_) torrent_->peer_gone(engine_.sources.peer_id(peer));
}

void Transfer::join() {
    if (over_ || want().resting || !torrent_ || !ensure_staged()) return;
    torrent_->join();
}

void Transfer::sample(double window_s) {
    if (torrent_ && !over_) torrent_->sample(window_s);
    if (crowd_ && !over_) crowd_->sample();
    if (!over_) note_growth();
}

// ---- The end ---------------------------------------------------------------------------------------------------------------

void Transfer::give_up() {
    if (over_ || want().resting) return;
    if (inquest_.goes_on()) return;
    const auto kind = last_error_ ? last_error_->kind : ErrorKind::Absent;
    Error error{kind, fmt::format("no source could give {}{}{}", target_.name, last_error_ ? ": " : "",
                                  last_error_ ? last_error_->message : "")};
    // With several mirrors it is not known here which of them is the asker's own.
    if (last_error_ && target_.mirrors.size() == 1) error.retry_after = last_error_->retry_after;
    fail_with(std::move(error));
}

void Transfer::fail_with(Error error) {
    if (over_) return;
    over_ = true;
    note("failed: " + error.message);
    events_.failed(std::move(error));
}

std::vector<SourceShare> Transfer::shares() const {
    std::vector<SourceShare> out;
    for (const auto& [source, share] : shares_)
        if (share.bytes > 0) out.push_back({engine_.sources.kind(source), engine_.sources.label(source), share.bytes, share.wasted});
    return out;
}

std::vector<SourceShare> Transfer::for_nothing() const {
    std::vector<SourceShare> out;
    for (const auto& [source, share] : shares_) {
        const auto lost = share.bytes - share.given.total();
        if (lost > 0) out.push_back({engine_.sources.kind(source), engine_.sources.label(source), lost, lost});
    }
    return out;
}

void Transfer::note(std::string reason) {
    if (reasons_.size() < max_reasons) reasons_.push_back(std::move(reason));
}

}  // namespace packswarm::broker
