#include "p2p/broker/desks/live_transfers.hpp"

#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/plan/plan.hpp"

namespace packswarm::broker {

namespace {
constexpr auto tick_interval = Millis(100);
constexpr auto peer_ask_interval = Seconds(3);  // peers learn and forget: outstanding digests are asked again
constexpr std::size_t max_holders = 32;         // of one artifact
}  // namespace

LiveTransfers::LiveTransfers(TransferContext& context, Askers& askers, Graveyard& graveyard, PeerQuestions& questions,
                             Remains& remains, Events events)
    : context_(context),
      askers_(askers),
      graveyard_(graveyard),
      questions_(questions),
      remains_(remains),
      events_(std::move(events)),
      ticked_(context.loop.now()) {}

LiveTransfers::~LiveTransfers() {
    lifetime_.end();
    replan_due_ = true;  // transfers that end with us plan nothing
    context_.loop.cancel(tick_timer_);
}

// ---- Who waits for what
// ----------------------------------------------------------------------------------------------------

bool LiveTransfers::join(RequestId id, const Digest& digest) {
    const auto same = by_digest_.find(digest);
    if (same == by_digest_.end()) return false;
    auto& live = live_.at(same->second);
    live.askers.push_back(id);
    weigh_need(live);
    if (live.transfer->has_started()) askers_.tell_started(id, *live.transfer->staged(), live.transfer->modified());
    return true;
}

void LiveTransfers::begin(RequestId id, Target target) {
    const auto want = plan::WantId{next_want_++};
    const auto digest = target.digest;
    const auto size = target.size;
    by_digest_[digest] = want;
    auto& live = live_[want];
    live.askers.push_back(id);
    live.transfer = std::make_unique<Transfer>(context_, want, std::move(target), events_of(want));
    live.transfer->widens();
    ask(*live.transfer);
    weigh_need(live);
    events_.begun(want, *live.transfer);
    arm_tick();
    replan_soon();
    if (auto remnant = remains_.take(digest, size)) live.transfer->resume(std::move(*remnant));
}

TransferEvents LiveTransfers::events_of(plan::WantId want) {
    TransferEvents out;
    out.started = [this, want] {
        for_askers(want, [this](RequestId asker, const Transfer& transfer) {
            askers_.tell_started(asker, *transfer.staged(), transfer.modified());
        });
    };
    out.progress = [this, want] {
        for_askers(want, [this](RequestId asker, const Transfer& transfer) {
            askers_.tell_progress(asker,
                                  {transfer.received(), transfer.prefix(), transfer.safe(), transfer.modified()});
        });
    };
    // An answer may stand in the loop's queue behind the last asker's cancel.
    out.verified = [this, want](VerifiedFile file) {
        if (live_.count(want) > 0) events_.verified(want, std::move(file));
    };
    out.failed = [this, want](const Error& error) {
        if (live_.count(want) > 0) events_.failed(want, error);
    };
    return out;
}

// Whoever is told may cancel, and the last of them ends the transfer, which lies in the graveyard then.
void LiveTransfers::for_askers(plan::WantId want, const std::function<void(RequestId, const Transfer&)>& action) {
    const auto live = live_.find(want);
    if (live == live_.end()) return;
    const auto& transfer = *live->second.transfer;
    for (const auto asker : std::vector(live->second.askers)) action(asker, transfer);
}

// Who waits stands before who does not: the first is the one that the bytes were fetched for.
void LiveTransfers::weigh_need(Live& live) {
    const auto ahead = std::stable_partition(live.askers.begin(), live.askers.end(),
                                             [this](RequestId id) { return !askers_.is_prefetch(id); });
    const bool streamed =
        std::any_of(live.askers.begin(), ahead, [this](RequestId id) { return askers_.is_streaming(id); });
    live.transfer->set_need(ahead == live.askers.begin() ? Need::prefetch : Need::awaited, streamed);
}

void LiveTransfers::leave(RequestId id, const Asker& asker) {
    for (auto at = live_.begin(); at != live_.end(); ++at) {
        auto& live = at->second;
        if (std::erase(live.askers, id) == 0) continue;
        if (!live.askers.empty()) return weigh_need(live);
        const auto& target = live.transfer->target();
        by_digest_.erase(target.digest);
        keep_remains(*live.transfer);
        askers_.write_off(asker, target.digest, target.size, live.transfer->for_nothing(), live.transfer->reasons());
        graveyard_.bury(std::move(live.transfer));
        live_.erase(at);
        return;
    }
}

void LiveTransfers::let_go(plan::WantId want, const std::function<bool(RequestId)>& leaves) {
    std::erase_if(live_.at(want).askers, leaves);
}

LiveTransfers::Ended LiveTransfers::take_out(plan::WantId want) {
    auto live = std::move(live_.extract(want).mapped());
    by_digest_.erase(live.transfer->target().digest);
    return {std::move(live.transfer), std::move(live.askers), live.holders.size()};
}

std::optional<plan::WantId> LiveTransfers::want_of(const Digest& digest) const {
    const auto at = by_digest_.find(digest);
    return at == by_digest_.end() ? std::nullopt : std::optional(at->second);
}

Transfer* LiveTransfers::find(plan::WantId want) const {
    const auto at = live_.find(want);
    return at == live_.end() ? nullptr : at->second.transfer.get();
}

std::vector<LiveTransfer> LiveTransfers::rows() const {
    std::vector<LiveTransfer> out;
    for (const auto& [id, live] : live_) {
        const auto* asker = live.askers.empty() ? nullptr : std::as_const(askers_).find(live.askers.front());
        LiveTransfer row;
        row.name = live.transfer->target().name;
        row.digest = live.transfer->target().digest;
        row.size = live.transfer->target().size;
        row.received = live.transfer->received();
        row.sources = live.transfer->shares();
        if (asker != nullptr) {
            row.asker = asker->request.asker;
            row.seconds = seconds_between(asker->started, context_.loop.now());
        }
        out.push_back(std::move(row));
    }
    return out;
}

// ---- The planner's hands
// ---------------------------------------------------------------------------------------------------

void LiveTransfers::replan_soon() {
    if (replan_due_) return;
    replan_due_ = true;
    context_.loop.post(lifetime_.guard([this] {
        replan_due_ = false;
        replan();
    }));
}

void LiveTransfers::replan() {
    for (const auto& [id, live] : live_)
        if (live.transfer->widens()) ask(*live.transfer);
    const auto decisions = plan::decide(context_.board, context_.loop.now());
    for (const auto& stop : decisions.stops)
        if (auto* at = find(stop.want)) at->stop(stop.claim, stop.reason);
    for (const auto& shorten : decisions.shortens)
        if (auto* at = find(shorten.want)) at->shorten(shorten.claim, shorten.end);
    for (const auto want : decisions.joins)
        if (auto* at = find(want)) at->join();
    for (const auto& start : decisions.starts)
        if (auto* at = find(start.want)) at->begin(start);
    for (const auto want : decisions.give_ups)
        if (auto* at = find(want)) at->give_up();
}

void LiveTransfers::arm_tick() {
    if (tick_timer_ != TimerId::none) return;
    tick_timer_ = context_.loop.after(tick_interval, [this] {
        tick_timer_ = TimerId::none;
        tick();
    });
}

void LiveTransfers::tick() {
    const auto now = context_.loop.now();
    context_.sources.sample(now);
    if (seconds_between(ticked_, now) >= 0.2) {
        for (auto& [id, live] : live_) live.transfer->sample(seconds_between(ticked_, now));
        ticked_ = now;
    }
    for (auto& [id, live] : live_) live.transfer->look_for_company();
    if (now - asked_ >= peer_ask_interval) ask_again();
    replan_soon();
    if (!live_.empty()) arm_tick();
}

// ---- Peers
// -----------------------------------------------------------------------------------------------------------------

void LiveTransfers::ask(const Transfer& transfer) {
    questions_.ask(transfer.target().lineage, transfer.target().digest, transfer.whom_to_ask());
}

void LiveTransfers::ask_again() {
    asked_ = context_.loop.now();
    for (const auto& [id, live] : live_) ask(*live.transfer);
}

// How many there are decides what goes first when room is needed.
void LiveTransfers::note_holder(plan::WantId want, plan::SourceId peer) {
    const auto live = live_.find(want);
    if (live != live_.end() && live->second.holders.size() < max_holders) live->second.holders.insert(peer);
}

void LiveTransfers::peer_gone(plan::SourceId peer) {
    for (auto& [id, live] : live_) live.transfer->peer_gone(peer);
}

void LiveTransfers::discredited(plan::SourceId source) {
    for (auto& [id, live] : live_) live.transfer->discredited(source);
    remains_.forget(source);
}

// ---- Remains
// ---------------------------------------------------------------------------------------------------------------

// A torrent may let go of the file when the next transfer has begun without it: what came late is of no use then.
void LiveTransfers::keep_remains(Transfer& transfer) {
    transfer.leave_behind(lifetime_.guard([this, digest = transfer.target().digest](Remnant remnant) {
        if (by_digest_.count(digest) != 0) return;
        remains_.keep(digest, std::move(remnant), context_.loop.now());
        expire_remains_later();
    }));
}

void LiveTransfers::take_up_remains() {
    remains_.take_up(context_.store.leftovers(), context_.sources, context_.loop.now());
    if (remains_.files() == 0) return;
    spdlog::info("{} unfinished downloads are here from before", remains_.files());
    expire_remains_later();
}

void LiveTransfers::expire_remains_later() {
    context_.loop.after(limits::remains_kept, lifetime_.guard([this] { remains_.expire(context_.loop.now()); }));
}

void LiveTransfers::leave_to_the_next() {
    for (const auto& [id, live] : live_) live.transfer->leave_to_the_next();
    remains_.leave();
}

}  // namespace packswarm::broker
