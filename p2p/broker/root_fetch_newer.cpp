// How a root that peers show counts beside one that a mirror gave: the newest verified one wins over a mirror that
// stands still, that says "not modified" or that is slow; over one that merely lags it does not.
#include <algorithm>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/broker/root_fetch.hpp"

namespace packswarm::broker {

namespace {
constexpr auto newer_patience = Millis(4500);  // for a newer root than a mirror's, which is here already
constexpr auto lists_poll = Millis(50);
}  // namespace

// Beside one that is slow: when a peer shows a newer root than is here.
bool RootFetch::goes_on_to_peers() const {
    return peers_asked_ ? !peers_left_.empty() : book_.is_outdone(wish_.repository.id);
}

// A newer one than any mirror gave is here already, and the mirror is slow to say what it has.
void RootFetch::give_kept_newer() {
    if (!book_.is_lent(wish_.repository) || !holds_it()) return leave_to_others();
    if (context_.loop.now() - created_ < newer_patience) {
        overtake_ = context_.loop.after(overtake_after, [this] { next(); });
        return;
    }
    give_held();
}

void RootFetch::give_held() {
    const auto held = book_.state_of(wish_.repository.id).root;
    answer(ours(held, {SourceKind::cache, "", static_cast<ByteCount>(held->bundle.size()), 0}));
}

// What peers show came from one of them before: nobody is asked for it again. Otherwise only for what is not here.
bool RootFetch::is_here_already() {
    if (!book_.is_lent(wish_.repository) || !holds_it()) return false;
    const auto held = book_.state_of(wish_.repository.id).root;
    const auto same = [&](const PeerSnapshot& one) { return one.root == held->bundle_digest; };
    return std::erase_if(peers_left_, same) > 0 && peers_left_.empty() && !wish_.only_peers;
}

// What a mirror gave is good. A peer that shows one that is newer by more than mirrors lag, or now and then another
// mirror when it is old, is tried first, for a few seconds.
bool RootFetch::looks_for_newer(Key key, RootAnswer& good) {
    const auto date = good.opened->index.date;
    const auto shown = book_.newest_shown(wish_.repository.id);
    const bool is_outdone = shown && *shown > date + limits::mirror_lag;
    if (good_ || !good.opened->index.is_signed) return false;
    if (!is_outdone && !book_.may_ask_another(wish_.repository, date)) return false;
    const auto own = attempts_.at(key).base;
    attempts_.erase(key);
    for (const auto& [other, attempt] : attempts_) {
        if (attempt.at_peer) continue;
        context_.mirrors.cancel(attempt.fetch);
        context_.sources.claim_ended(attempt.source);
    }
    std::erase_if(attempts_, [](const auto& item) { return !item.second.at_peer; });
    mirrors_left_.clear();
    if (!is_outdone) {
        const auto& bases = wish_.repository.bases;
        mirrors_left_.push_back(*std::find_if(bases.begin(), bases.end(), [&](const auto& one) { return one != own; }));
    }
    peers_asked_ = !is_outdone;
    good_ = std::move(good);
    context_.loop.after(newer_patience, lifetime_.guard([this] {
        if (!good_ || !then_) return;
        if (newer_)
            spdlog::warn("{}: a peer's index of {} is not used: {} cannot be had, so that of {} stays",
                         wish_.repository.id, core::date_text(newer_->opened->index.date),
                         printable(book_.lacking_list(wish_.repository.id)),
                         core::date_text(good_->opened->index.date));
        answer(std::move(*good_));
    }));
    next();
    return true;
}

// Given while one that is good waits: it wins when it is newer and, a peer's, when its lists can be had.
void RootFetch::weigh(Key key, RootAnswer other) {
    const bool at_peer = attempts_.at(key).at_peer;
    if (other.opened->index.date <= good_->opened->index.date) {
        attempts_.erase(key);
        return next();
    }
    newer_ = std::move(other);
    newer_is_lent_ = at_peer;
    wait_for_lists();
}

// A root without one of the lists that its asker wants makes apt drop all of it.
void RootFetch::wait_for_lists() {
    if (!then_) return;
    if (newer_is_lent_ && !habits().root_lists_packages && !book_.lacking_list(wish_.repository.id).empty()) {
        context_.loop.after(lists_poll, lifetime_.guard([this] { wait_for_lists(); }));
        return;
    }
    say_what_wins(*good_, *newer_);
    good_.reset();
    answer(std::move(*newer_));
}

void RootFetch::say_what_wins(const RootAnswer& older, const RootAnswer& newer) const {
    spdlog::warn("{}: {} gives the index of {}; the verified one of {}, from {}, is used", wish_.repository.id,
                 older.from.source, core::date_text(older.opened->index.date),
                 core::date_text(newer.opened->index.date), book_.state_of(wish_.repository.id).given_by);
}

// A mirror that lags has the files of its own index, and its asker gets them there whatever becomes of this agent. A
// root that lists the packages is complete in itself, and those are asked of all servers of its list.
// One that stands still for longer than mirrors lag is left, once all lists of the newest are here.
bool RootFetch::stays_at_own() const {
    if (!own_older_ || habits().root_lists_packages) return false;
    const auto& newest = book_.state_of(wish_.repository.id).root;
    const bool stands_still = newest && own_older_->opened->index.date + limits::mirror_lag < newest->index.date;
    return !stands_still || (book_.is_lent(wish_.repository) && !book_.lacking_list(wish_.repository.id).empty());
}

}  // namespace packswarm::broker
