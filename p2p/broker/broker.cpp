#include "p2p/broker/broker.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/plan/crowd.hpp"

namespace packswarm::broker {

namespace {
constexpr auto tick_interval = Millis(100);
constexpr auto crowd_memory = Seconds(10);
constexpr auto look_around =
    Millis(35);  // a little more than the planner wants to wait for the asks of others, or a neighbour's answer
constexpr std::size_t max_seeks = 4096;    // digests that others sought lately
constexpr std::size_t max_seekers = 32;    // of one digest
constexpr auto ask_interval = Seconds(3);  // peers learn and forget: outstanding digests are asked again
}  // namespace

Broker::Broker(Loop& loop, Mirrors& mirrors, Peers& peers, Store& store, Ledger& ledger, Trust& trust,
               BrokerSettings settings)
    : loop_(loop),
      mirrors_(mirrors),
      peers_(peers),
      store_(store),
      ledger_(ledger),
      trust_(trust),
      settings_(settings),
      sources_(loop, ledger, board_),
      proofs_(loop, store, trust),
      engine_{loop,
              mirrors,
              peers,
              store,
              trust,
              board_,
              sources_,
              [this] { replan_soon(); },
              [this] { return book_.shares(); },
              [this](plan::SourceId source) {
                  for (auto& [id, live] : live_) live.transfer->discredited(source);
                  remains_.forget(source);
              }},
      book_(loop, store, ledger, trust, peers, proofs_),
      missing_(loop, *this, book_, trust),
      ahead_(*this, book_, store),
      askers_(loop, ledger, board_,
              [this](RequestId id, const Error& error) { return ask_by_its_own_name(id, error); }),
      graveyard_(loop),
      holding_(loop, store, askers_),
      reader_(engine_, book_, [this](const core::Location& location) { return roots_.is_behind(location); }),
      errands_(engine_, book_),
      signatures_(engine_, book_, settings_.peer_grace,
                  {[this](const Digest& digest) { return bytes_of(digest); },
                   [this](const Digest& digest) { return by_digest_.count(digest) != 0 || proofs_.holds(digest); }}),
      roots_(engine_, book_, reader_, askers_, holding_,
             {[this](const std::string& repository) { database_given(repository); },
              [this](RequestId id, const Meaning& meaning) { plain_.serve(id, meaning); }}),
      plain_(engine_, book_, reader_, askers_, graveyard_),
      ticked_(loop.now()) {
    board_.peer_grace = settings_.peer_grace;
    engine_.asks_strangers = settings_.asks_strangers;
    if (settings_.memory) {
        engine_.roots.count_in(*settings_.memory);
        engine_.arrivals.count_in(*settings_.memory);
    }
    board_.key = peers_.key();
    peers_.set_observer(this);
    book_.set_missing([this](const auto& repository, const auto& missing) { missing_.want(repository, missing); });
    store_.set_spare(&remains_);
    take_up_remains();
    store_.set_removed([this](const Digest& digest) { book_.removed(digest); });
    proofs_.set_proven([this](const Digest& digest) { book_.proven(digest); });
}

Broker::~Broker() {
    lifetime_.end();
    leave_remains();
    replan_due_ = true;  // transfers that end with us plan nothing
    loop_.cancel(tick_timer_);
    peers_.set_observer(nullptr);
    store_.set_removed(nullptr);
    store_.set_spare(nullptr);
}

// ---- The planner's hands
// ---------------------------------------------------------------------------------------------------

void Broker::replan_soon() {
    if (replan_due_) return;
    replan_due_ = true;
    loop_.post(lifetime_.guard([this] {
        replan_due_ = false;
        replan();
    }));
}

void Broker::replan() {
    for (const auto& [id, live] : live_)
        if (live.transfer->widens()) ask_soon(*live.transfer);
    const auto decisions = plan::decide(board_, loop_.now());
    const auto transfer = [this](plan::WantId id) -> Transfer* {
        const auto at = live_.find(id);
        return at == live_.end() ? nullptr : at->second.transfer.get();
    };
    for (const auto& stop : decisions.stops)
        if (auto* at = transfer(stop.want)) at->stop(stop.claim, stop.reason);
    for (const auto& shorten : decisions.shortens)
        if (auto* at = transfer(shorten.want)) at->shorten(shorten.claim, shorten.end);
    for (const auto want : decisions.joins)
        if (auto* at = transfer(want)) at->join();
    for (const auto& start : decisions.starts)
        if (auto* at = transfer(start.want)) at->begin(start);
    for (const auto want : decisions.give_ups)
        if (auto* at = transfer(want)) at->give_up();
}

void Broker::arm_tick() {
    if (tick_timer_ != TimerId::none) return;
    tick_timer_ = loop_.after(tick_interval, [this] {
        tick_timer_ = TimerId::none;
        tick();
    });
}

void Broker::tick() {
    const auto now = loop_.now();
    sources_.sample(now);
    if (seconds_between(ticked_, now) >= 0.2) {
        for (auto& [id, live] : live_) live.transfer->sample(seconds_between(ticked_, now));
        ticked_ = now;
    }
    for (auto& [id, live] : live_) live.transfer->look_for_company();
    if (now - asked_ >= ask_interval) ask_again();
    replan_soon();
    if (!live_.empty()) arm_tick();
}

// ---- Peers
// -----------------------------------------------------------------------------------------------------------------

void Broker::ask_soon(const Transfer& transfer) {
    const auto whom = transfer.whom_to_ask();
    if (whom == core::Audience::nobody) return;
    to_ask_[{transfer.target().lineage, whom}].push_back(transfer.target().digest);
    if (ask_due_) return;
    ask_due_ = true;
    loop_.post(lifetime_.guard([this] {
        ask_due_ = false;
        for (auto& [to, digests] : to_ask_) peers_.ask(to.first, std::move(digests), to.second);
        to_ask_.clear();
    }));
}

void Broker::ask_again() {
    asked_ = loop_.now();
    for (const auto& [id, live] : live_) ask_soon(*live.transfer);
}

void Broker::peer_up(const PeerView& peer) {
    sources_.peer(peer);
    ask_again();
}

void Broker::peer_down(PeerId peer) {
    book_.peer_down(peer);
    const auto source = sources_.find_peer(peer);
    if (!source) return;
    for (auto& [id, live] : live_) live.transfer->peer_gone(*source);
    sources_.forget_peer(peer);
    replan_soon();
}

void Broker::peer_offers(std::vector<PeerOffer> offers) {
    for (const auto& offer : offers) {
        signatures_.offered(offer);
        const auto want = by_digest_.find(offer.digest);
        if (want == by_digest_.end()) continue;
        if (const auto source = sources_.find_peer(offer.peer)) {
            note_holder(want->second, *source);
            if (const auto at = board_.sources.find(*source); at != board_.sources.end()) at->second.missed = 0;
        }
        live_.at(want->second).transfer->offered(offer);
    }
}

// Peers that have the artifact or are about to: how many there are decides what goes first when room is needed.
void Broker::note_holder(plan::WantId want, plan::SourceId peer) {
    const auto live = live_.find(want);
    if (live != live_.end() && live->second.holders.size() < max_seekers) live->second.holders.insert(peer);
}

void Broker::peer_lends(const PeerLoan& loan) {
    const auto want = by_digest_.find(loan.digest);
    if (want == by_digest_.end()) return;
    if (const auto source = sources_.find_peer(loan.peer)) note_holder(want->second, *source);
    live_.at(want->second).transfer->lent(loan);
}

void Broker::peer_seeks(PeerId peer, const std::vector<Digest>& digests) {
    const auto source = sources_.find_peer(peer);
    if (!source) return;
    const auto now = loop_.now();
    if (seeks_.size() + digests.size() > max_seeks)
        std::erase_if(seeks_, [now](const auto& item) { return item.second.back().asked < now - crowd_memory; });
    for (const auto& digest : digests) {
        prove_for_peers(digest);
        if (const auto want = by_digest_.find(digest); want != by_digest_.end()) {
            board_.crowd_until = now + crowd_memory;
            note_holder(want->second, *source);
            live_.at(want->second).transfer->sought(*source);
        }
        if (seeks_.size() >= max_seeks && seeks_.count(digest) == 0) continue;
        auto& seekers = seeks_[digest];
        std::erase_if(seekers,
                      [&](const Seek& seek) { return seek.peer == *source || seek.asked < now - crowd_memory; });
        if (seekers.size() < max_seekers) seekers.push_back({*source, now});
    }
}

// Who wanted it before we did, and a look around before mirrors are asked for something that a crowd is after or a
// neighbour may have.
void Broker::join_crowd(plan::WantId want, Transfer& transfer) {
    const auto seeks = seeks_.extract(transfer.target().digest);
    for (const auto& seek : seeks ? seeks.mapped() : std::vector<Seek>{})
        if (seek.asked >= loop_.now() - crowd_memory && board_.sources.count(seek.peer) != 0) {
            board_.crowd_until = loop_.now() + crowd_memory;
            note_holder(want, seek.peer);
            transfer.sought(seek.peer);
        }
    const bool asks_cross = board_.crowd_until > loop_.now() && board_.wants.at(want).is_small();
    const bool neighbour = plan::waits_for_neighbour(board_, board_.wants.at(want), loop_.now());
    if (!asks_cross && !neighbour) return;
    loop_.after(look_around, lifetime_.guard([this, want, neighbour] {
        if (neighbour) note_missed(want);
        replan_soon();
    }));
}

void Broker::note_missed(plan::WantId want) {
    const auto at = board_.wants.find(want);
    if (at == board_.wants.end() || !at->second.peers.empty()) return;
    for (auto& [id, source] : board_.sources)
        if (source.role == plan::Role::lan_peer) ++source.missed;
}

void Broker::peer_snapshot(const PeerSnapshot& snapshot) { book_.peer_snapshot(snapshot); }

// ---- Requests
// --------------------------------------------------------------------------------------------------------------

RequestId Broker::get(Request request, RequestEvents events) {
    const auto id = askers_.add(std::move(request), std::move(events));
    loop_.post(lifetime_.guard([this, id] { dispatch(id); }));
    return id;
}

void Broker::cancel(RequestId request) {
    const auto left = askers_.take(request);
    if (!left) return;
    plain_.leave(request);
    roots_.leave(request);
    for (auto at = live_.begin(); at != live_.end(); ++at) {
        if (std::erase(at->second.askers, request) == 0) continue;
        if (!at->second.askers.empty()) return weigh_need(at->second);
        by_digest_.erase(at->second.transfer->target().digest);
        keep_remains(*at->second.transfer);
        const auto& target = at->second.transfer->target();
        askers_.write_off(*left, target.digest, target.size, at->second.transfer->for_nothing(),
                          at->second.transfer->reasons());
        graveyard_.bury(std::move(at->second.transfer));
        live_.erase(at);
        return;
    }
}

// Who waits stands before who does not: the first is the one that the bytes were fetched for.
void Broker::weigh_need(Live& live) {
    const auto ahead = std::stable_partition(live.askers.begin(), live.askers.end(),
                                             [this](RequestId id) { return !askers_.is_ahead(id); });
    const bool streamed =
        std::any_of(live.askers.begin(), ahead, [this](RequestId id) { return askers_.is_streaming(id); });
    live.transfer->set_need(ahead == live.askers.begin() ? Need::ahead : Need::awaited, streamed);
}

std::optional<std::string> Broker::gateway_address(core::Format format, const core::GatewayFile& at,
                                                   const std::string& path) const {
    const auto* known = book_.table().find(format, at.repository, at.architecture);
    if (known == nullptr || known->bases.empty()) return std::nullopt;
    return core::address(known->bases.front(), path);
}

std::unique_ptr<Transfer> Broker::take_out(plan::WantId want, std::vector<RequestId>& askers) {
    auto live = live_.find(want);
    askers = std::move(live->second.askers);
    auto transfer = std::move(live->second.transfer);
    by_digest_.erase(transfer->target().digest);
    live_.erase(live);
    return transfer;
}

void Broker::verified(plan::WantId want, VerifiedFile file) {
    auto& live = live_.at(want);
    look_again(*live.transfer, live.askers, std::nullopt);
    const auto hit = only_hinted(file.digest());
    if (!hit) return finish_transfer(want, file, true);
    if (!demands_proof(*hit)) return finish_transfer(want, file, false);
    vouch(*hit, file, [this, want, file](Result<void> good) {
        if (live_.count(want) == 0) return;
        // Wrong for its own signature: refused. No signature to be had: the package manager decides, nobody is given
        // it.
        if (!good && good.error().kind == ErrorKind::Corrupt) return transfer_failed(want, good.error());
        if (!good)
            spdlog::warn("{} is not shared: {}", printable(live_.at(want).transfer->target().name),
                         good.error().message);
        finish_transfer(want, file, good.has_value());
    });
}

// A package of an unsigned database counts as verified only with its own signature.
std::optional<core::CatalogHit> Broker::only_hinted(const Digest& digest) const {
    auto hit = book_.find(digest);
    const auto state = hit ? book_.states().find(hit->repository) : book_.states().end();
    const bool is_hint = state != book_.states().end() && !hit->entry.name.empty() &&
                         state->second.standing == RepositoryState::Standing::unsigned_hint;
    return is_hint ? std::move(hit) : std::nullopt;
}

void Broker::vouch(const core::CatalogHit& hit, const VerifiedFile& file, Then<void> then) {
    const auto staged = std::make_shared<const StagedFile>(file.file());
    vouching_[file.digest()] = SharedBytes(staged, &staged->handle());
    signatures_.vouch(hit, [this, digest = file.digest(), then = std::move(then)](Result<void> good) {
        vouching_.erase(digest);
        then(std::move(good));
    });
}

void Broker::finish_transfer(plan::WantId want, const VerifiedFile& file, bool may_share) {
    std::vector<RequestId> askers;
    const auto replicas = live_.at(want).holders.size();
    auto transfer = take_out(want, askers);
    const auto staged = std::make_shared<const StagedFile>(file.file());
    const SharedBytes bytes(staged, &staged->handle());
    fresh_[file.digest()] = {bytes, transfer->target().size, transfer->modified()};
    const Delivered delivered{bytes, transfer->target().size, file.digest(), transfer->modified(), transfer->shares()};
    const bool stands = transfer->stands_by_its_head();
    askers_.in_turn(std::move(askers), [this, delivered, stands, reasons = transfer->reasons()](RequestId id,
                                                                                                bool is_first) {
        const auto* asker = askers_.find(id);
        if (asker != nullptr && asker->told && asker->request.streams && !stands)
            return askers_.fail(id,
                                {ErrorKind::Transient,
                                 "the file begins with other bytes than went out before it was verified: ask again"},
                                reasons);
        auto own = delivered;
        if (!is_first) own.sources = {{SourceKind::cache, "", own.size, 0}};  // the bytes were fetched once
        askers_.deliver(id, std::move(own), reasons);
    });
    signatures_.package_here(file.digest());
    ArtifactRecord record;
    record.digest = file.digest();
    record.size = transfer->target().size;
    record.name = transfer->target().name;
    record.lineage = may_share ? book_.public_lineage(file.digest()) : "";
    record.modified = transfer->modified().value_or(WallTime{});
    record.replicas = replicas;
    graveyard_.bury(std::move(transfer));
    publish_as(file, std::move(record), lifetime_.guard([this, digest = file.digest()](Result<StoredFile> stored) {
        fresh_.erase(digest);
        if (!stored) {
            const auto level = stored.error().kind == ErrorKind::Refused ? spdlog::level::info : spdlog::level::err;
            return spdlog::log(level, "{} was delivered and is not kept: {}", digest.hex(), stored.error().message);
        }
        now_stored(*stored);
    }));
}

void Broker::now_stored(const StoredFile& file) {
    signatures_.package_stored(file.digest());
    book_.stored(file);
}

void Broker::transfer_failed(plan::WantId want, const Error& error) {
    std::vector<RequestId> askers;
    auto transfer = take_out(want, askers);
    look_again(*transfer, askers, error);
    if (error.kind != ErrorKind::Broken) keep_remains(*transfer);
    auto lost = transfer->for_nothing();  // counted once
    for (const auto id : askers) askers_.fail(id, error, transfer->reasons(), std::exchange(lost, {}));
    graveyard_.bury(std::move(transfer));
}

// What its own signature has to vouch for first is kept at once, and shared when it has.
void Broker::publish(VerifiedFile file, const std::string& name, std::optional<WallTime> modified,
                     Then<StoredFile> then) {
    const auto publish_in = [this, file, name, modified](const std::string& lineage, Then<StoredFile> stored_then) {
        ArtifactRecord record;
        record.digest = file.digest();
        record.size = file.file().size();
        record.name = name;
        record.lineage = lineage;
        record.modified = modified.value_or(WallTime{});
        publish_as(file, std::move(record),
                   lifetime_.guard([this, stored_then = std::move(stored_then)](Result<StoredFile> stored) {
                       if (stored) now_stored(*stored);
                       stored_then(std::move(stored));
                   }));
    };
    const auto hit = only_hinted(file.digest());
    publish_in(hit ? "" : book_.public_lineage(file.digest()), std::move(then));
    if (!hit || !demands_proof(*hit)) return;
    vouch(*hit, file, [this, publish_in, name, digest = file.digest()](const Result<void>& good) {
        if (!good) return spdlog::warn("{} is not shared: {}", printable(name), good.error().message);
        publish_in(book_.public_lineage(digest), [](const Result<StoredFile>&) {});
    });
}

// Piece hashes are computed once, before the row is written: peers ask for large files as torrents, and after a restart
// the file goes out piece by piece while it is hashed.
void Broker::publish_as(VerifiedFile file, ArtifactRecord record, Then<StoredFile> then) {
    remains_.drop(file.digest());
    if (record.size <= limits::small_artifact)
        return store_.publish(std::move(file), std::move(record), std::move(then));
    const ByteRange all{0, record.size};
    trust_.piece_hashes(file.file(), all, core::piece_length(all.end),
                        lifetime_.guard([this, file, record = std::move(record),
                                         then = std::move(then)](Result<PieceHashes> pieces) mutable {
                            if (pieces) record.pieces = std::move(*pieces);
                            store_.publish(std::move(file), std::move(record), std::move(then));
                        }));
}

}  // namespace packswarm::broker
