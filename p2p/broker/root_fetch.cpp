#include "p2p/broker/root_fetch.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/url.hpp"
#include "p2p/broker/ports/mirrors.hpp"
#include "p2p/core/bundle.hpp"

namespace packswarm::broker {

namespace {
constexpr std::size_t max_at_once = 3;
constexpr auto peer_poll = Millis(100);
constexpr auto restore_poll = Millis(5);  // opening what is kept takes some ten milliseconds after a start
constexpr auto restore_patience = Millis(1000);
constexpr auto others_patience =
    Millis(1000);                          // for the first byte, when nobody but the asker's own way could do better
constexpr auto rival_after = Millis(700);  // a peer that has not given its root by then gets a rival
}  // namespace

RootFetch::RootFetch(TransferContext& context, IndexBook& book, Wish wish, Then<RootAnswer> then)
    : context_(context), book_(book), wish_(std::move(wish)), then_(std::move(then)), created_(context.loop.now()) {
    std::vector<std::string> bases = wish_.repository.bases;
    std::stable_partition(bases.begin(), bases.end(), [&](const std::string& base) {
        return context_.board.sources.at(context_.sources.mirror(base)).usable;
    });
    std::stable_partition(bases.begin(), bases.end(), [&](const std::string& base) {
        return base == wish_.first_base && context_.sources.answers(context_.sources.mirror(base));
    });
    std::erase_if(bases, [this](const std::string& base) { return is_in_vain(base); });
    if (!wish_.only_peers) mirrors_left_.assign(bases.begin(), bases.end());
    context_.loop.post(lifetime_.guard([this] { begin(); }));
}

// Who asks in the first moments after a start is not to move what an interruption left here.
void RootFetch::begin() {
    if (!book_.is_restoring(wish_.repository.id) || context_.loop.now() - created_ >= restore_patience) return next();
    overtake_ = context_.loop.after(restore_poll, [this] { begin(); });
}

RootFetch::~RootFetch() {
    lifetime_.end();
    context_.loop.cancel(overtake_);
    for (const auto& [key, attempt] : attempts_) {
        if (attempt.at_peer)
            context_.peers.cancel(attempt.fetch);
        else
            context_.mirrors.cancel(attempt.fetch);
    }
}

std::string RootFetch::signature_path() const {
    return wish_.repository.format->root_signature(wish_.repository, wish_.path);
}

// An index that is held is always held against its mirror: only there is it seen whether a newer one came meanwhile.
bool RootFetch::is_in_vain(const std::string& base) {
    if (!wish_.has_other_way) return false;
    const auto known = context_.absences.recall(core::address(base, wish_.path), context_.loop.now());
    if (known && (known->kind != ErrorKind::Absent || !holds_it())) {
        last_error_ = *known;
        return true;
    }
    const bool is_set_back = !context_.board.sources.at(context_.sources.mirror(base)).usable;
    if (!is_set_back || holds_it() || !book_.company(wish_.repository).is_nobody()) return false;
    if (!last_error_)
        last_error_ = Error{ErrorKind::Absent, "its mirror failed a moment ago: left to the asker's own way"};
    return true;
}

void RootFetch::next() {
    context_.loop.cancel(overtake_);
    if (attempts_.size() >= max_at_once) return leave_to_others();
    if (!mirrors_left_.empty()) {
        const auto base = mirrors_left_.front();
        mirrors_left_.pop_front();
        start_mirror(base);
        overtake_ = context_.loop.after(wish_.has_other_way ? others_patience : overtake_after, [this] { next(); });
        return;
    }
    if (!attempts_.empty() && !goes_on_to_peers()) return give_kept_newer();
    if (!peers_asked_) {
        const auto snapshots = book_.snapshots_of(wish_.repository.id);
        if (snapshots.empty() && waits_for_peers()) {
            overtake_ = context_.loop.after(peer_poll, [this] { next(); });
            return;
        }
        peers_asked_ = true;
        peers_left_.assign(snapshots.begin(), snapshots.end());
        if (is_here_already()) return give_held();
    }
    if (peers_left_.empty()) return attempts_.empty() ? last_resort() : leave_to_others();
    const auto snapshot = peers_left_.front();
    peers_left_.pop_front();
    start_peer(snapshot);
}

// Who is connected has told by now what it holds. What the asker's own mirror refuses it, it does not get elsewhere.
bool RootFetch::waits_for_peers() const {
    if (wish_.only_peers || (own_has_answered_ && last_error_ && last_error_->kind == ErrorKind::Refused)) return false;
    const auto around = book_.company(wish_.repository);
    return around.may_grow() && context_.loop.now() - created_ < (around.is_settled ? wish_.peer_grace : first_round);
}

// Mirrors that say nothing are left to the asker's other way, which would wait for nothing but them either.
void RootFetch::leave_to_others() {
    if (!wish_.has_other_way || holds_it() || !book_.company(wish_.repository).is_nobody()) return;
    std::vector<Key> silent;
    for (const auto& [key, attempt] : attempts_)
        if (!attempt.is_answered && context_.loop.now() - attempt.began >= others_patience) silent.push_back(key);
    if (silent.empty()) {
        overtake_ = context_.loop.after(others_patience, [this] { next(); });
        return;
    }
    leaves_ = true;
    for (const auto key : silent) {
        if (attempts_.count(key) == 0) continue;  // the one before it ended them all
        context_.mirrors.cancel(attempts_.at(key).fetch);
        context_.sources.claim_ended(attempts_.at(key).source);
        lost(key, {ErrorKind::Transient, "its mirror has not answered for a second"});
    }
}

void RootFetch::start_mirror(const std::string& base) {
    const Key key = next_key_++;
    auto& attempt = attempts_[key];
    attempt.base = base;
    attempt.began = context_.loop.now();
    asked_a_mirror_ = true;
    attempt.source = context_.sources.mirror(base);
    attempt.visit = context_.sources.claim_started(attempt.source);
    MirrorRequest request;
    request.url = core::address(base, wish_.path);
    request.max_bytes = habits().max_root;
    // Revalidated against what this agent holds, whatever the asker has: one that never saw the root needs it itself.
    // Only with the date that this very address gave with these very bytes: "not modified" to any other date says
    // nothing of them.
    if (holds_it() && !book_.has_none_of_its_lists(wish_.repository.id)) {
        attempt.held = book_.state_of(wish_.repository.id).root;
        attempt.asked_since = book_.sightings().revalidates(request.url, attempt.held->index.digest, wish_.since);
        request.if_modified_since = attempt.asked_since;
    }
    MirrorEvents events;
    events.head = [this, key](const MirrorHead& head) {
        auto& at = attempts_.at(key);
        at.is_answered = a_mirror_answered_ = true;
        context_.sources.first_byte(at.source, head.first_byte_s);
        at.modified = head.last_modified;
        at.not_modified = head.not_modified;
        note_redirect(at, head.effective_url);
    };
    events.data = [this, key](ByteCount, const Bytes& data) { take(key, data); };
    events.done = [this, key, base](Result<void> result) { root_here(key, base, result); };
    attempt.fetch = context_.mirrors.start(std::move(request), std::move(events));
}

// Grows by a quarter, not to twice what it was: all roots on their way have one bound.
void RootFetch::take(Key key, ByteView data) {
    auto& at = attempts_.at(key);
    at.bytes += static_cast<ByteCount>(data.size());
    if (!at.memory) at.memory = std::make_unique<Budget::Share>(context_.roots);
    if (!at.memory->has_room(data.size())) {
        if (at.at_peer) {
            context_.peers.cancel(at.fetch);
        } else {
            context_.mirrors.cancel(at.fetch);
            context_.sources.claim_ended(at.source);
        }
        return refused(key, {ErrorKind::Refused, fmt::format("more than {} MiB of indexes are on their way at once",
                                                             limits::max_roots_in_memory / limits::mib)});
    }
    const auto size = at.root.size() + data.size();
    if (size > at.root.capacity()) at.root.reserve(size + size / 4);
    at.root.insert(at.root.end(), data.begin(), data.end());
    at.memory->set(size);
}

void RootFetch::note_redirect(Attempt& attempt, const std::string& effective_url) const {
    const auto own = Url::parse(core::address(attempt.base, wish_.path)), led = Url::parse(effective_url);
    const auto tail = "/" + wish_.path;
    if (!habits().files_follow_root) return;
    if (!own || !led || led->text() == own->text() || !led->query.empty() || !led->path.ends_with(tail)) return;
    attempt.led_to = led->origin() + encode_path(led->path.substr(0, led->path.size() - tail.size()));
}

void RootFetch::remember_redirect(const Attempt& attempt) {
    context_.led_on.erase(attempt.base);
    if (!attempt.led_to.empty()) context_.led_on[attempt.base] = attempt.led_to;
}

void RootFetch::root_here(Key key, const std::string& base, const Result<void>& result) {
    context_.sources.claim_ended(attempts_.at(key).source);
    if (!result) return lost(key, result.error());
    if (attempts_.at(key).not_modified) return unchanged(key, base);
    if (!signature_path().empty()) return fetch_signature(key, base);
    open(key);
}

void RootFetch::unchanged(Key key, const std::string& base) {
    const auto& attempt = attempts_.at(key);
    if (!attempt.held || !attempt.asked_since)
        return lost(key, {ErrorKind::Transient, "not modified, but nobody asked since when"});
    context_.absences.forget(core::address(base, wish_.path));
    remember_redirect(attempt);
    book_.confirmed(wish_.repository, core::address(base, wish_.path));
    auto kept = ours(attempt.held, {SourceKind::mirror, base, 0, 0});
    if (kept) kept->modified = kept->signature_modified = attempt.asked_since;
    if (kept && base == wish_.first_base) kept->unchanged_since = attempt.asked_since;
    if (kept && looks_for_newer(key, *kept)) return;
    if (kept && good_) return weigh(key, std::move(*kept));
    answer(std::move(kept));
}

void RootFetch::fetch_signature(Key key, const std::string& base) {
    auto& attempt = attempts_.at(key);
    attempt.signature.emplace();
    attempt.visit = context_.sources.claim_started(attempt.source);
    MirrorRequest request;
    request.url = core::address(attempt.led_to.empty() ? base : attempt.led_to, signature_path());
    request.max_bytes = limits::max_signature;
    MirrorEvents events;
    events.head = [this, key](const MirrorHead& head) { attempts_.at(key).signature_modified = head.last_modified; };
    events.data = [this, key](ByteCount, Bytes data) {
        auto& at = attempts_.at(key);
        at.bytes += static_cast<ByteCount>(data.size());
        at.signature->insert(at.signature->end(), data.begin(), data.end());
    };
    events.done = [this, key](Result<void> result) {
        context_.sources.claim_ended(attempts_.at(key).source);
        if (!result && result.error().kind == ErrorKind::Absent)
            spdlog::warn("{}: an index that nobody signed: {}", wish_.repository.id,
                         printable(result.error().message, 400));
        if (!result && result.error().kind != ErrorKind::Transient) return refused(key, result.error());
        if (!result) return lost(key, result.error());
        open(key);
    };
    attempt.fetch = context_.mirrors.start(std::move(request), std::move(events));
}

void RootFetch::start_peer(const PeerSnapshot& snapshot) {
    const auto source = context_.sources.find_peer(snapshot.peer);
    if (!source) return next();
    const Key key = next_key_++;
    auto& attempt = attempts_[key];
    attempt.source = *source;
    attempt.at_peer = true;
    GetEvents events;
    events.data = [this, key](ByteCount, const Bytes& data) { take(key, data); };
    events.done = [this, key, date = snapshot.date](Result<void> result) {
        if (!result) return lost(key, result.error());
        auto& at = attempts_.at(key);
        auto bundle = core::unpack_bundle(std::move(at.root));
        if (!bundle) return lost(key, bundle.error());
        if (!habits().root_carries_signature && !bundle->signature)
            return lost(key, Error{ErrorKind::Refused, "a peer gave a database without a signature"});
        if (!has_form(bundle->signature) && !takes_other_form(bundle->signature))
            return lost(key, Error{ErrorKind::Absent, "a peer has the index in its other form only"});
        at.root = std::move(bundle->root);
        at.signature = std::move(bundle->signature);
        at.modified = date;
        open(key);
    };
    attempt.fetch = context_.peers.get(snapshot.peer, snapshot.root, {0, snapshot.size}, std::move(events));
    if (!peers_left_.empty()) overtake_ = context_.loop.after(rival_after, [this] { next(); });
}

void RootFetch::open(Key key) {
    const auto& attempt = attempts_.at(key);
    RootFiles files{wish_.repository, attempt.root, attempt.signature, attempt.base, wish_.path};
    if (attempt.at_peer) files.repository.dates = {};  // the owner's leave is for his own mirrors
    book_.accept(std::move(files), attempt.modified,
                 lifetime_.guard([this, key](Result<std::shared_ptr<const OpenedRoot>> opened) {
                     auto& at = attempts_.at(key);
                     const auto& state = book_.state_of(wish_.repository.id);
                     if (!opened && state.older && !at.at_peer && at.base == wish_.first_base)
                         own_older_ = answer_of(at, state.older);
                     if (!opened && state.was_stale) {
                         own_is_stale_ = own_is_stale_ || (!at.at_peer && at.base == wish_.first_base);
                         return lost(key, opened.error(), Refused::stale);
                     }
                     if (!opened) return refused(key, opened.error());
                     auto good = answer_of(at, *opened);
                     if (!at.at_peer) {
                         context_.sources.gave_right_bytes(at.source, 0);
                         context_.absences.forget(core::address(context_.sources.label(at.source), wish_.path));
                         remember_redirect(at);
                         if (looks_for_newer(key, good)) return;
                     }
                     if (good_) return weigh(key, std::move(good));
                     answer(std::move(good));
                 }));
}

RootAnswer RootFetch::answer_of(Attempt& attempt, std::shared_ptr<const OpenedRoot> opened) const {
    RootAnswer out;
    out.opened = std::move(opened);
    out.root = std::move(attempt.root);
    out.signature = std::move(attempt.signature);
    out.modified = attempt.modified;
    out.signature_modified = attempt.signature_modified ? attempt.signature_modified : attempt.modified;
    const auto kind = attempt.at_peer ? SourceKind::peer : SourceKind::mirror;
    out.from = {kind, context_.sources.label(attempt.source), attempt.bytes, 0};
    return out;
}

void RootFetch::refused(Key key, const Error& error) {
    const auto& attempt = attempts_.at(key);
    own_is_refused_ =
        own_is_refused_ || (!attempt.at_peer && attempt.base == wish_.first_base && error.kind != ErrorKind::Transient);
    lost(key, error);
}

// The asker's own mirror counts this agent's requests for other repositories too, and its word is waited for as the
// asker alone would have had it: the root that is kept here is for when there is none.
void RootFetch::wait_for_turn(Key key) {
    auto& at = attempts_.at(key);
    had_a_turn_.insert(at.base);
    at.is_answered = true;
    at.turn = std::make_unique<Turn>(context_.loop, context_.sources, at.source, [this, key] {
        const auto base = attempts_.at(key).base;
        attempts_.erase(key);
        start_mirror(base);
    });
    next();
}

void RootFetch::lost(Key key, const Error& error, Refused why) {
    if (const auto& at = attempts_.at(key);
        !at.at_peer && had_a_turn_.count(at.base) == 0 && context_.sources.was_crowded_out(at.visit, error))
        return wait_for_turn(key);
    const auto attempt = std::move(attempts_.at(key));
    attempts_.erase(key);
    if (!attempt.at_peer && attempt.base == wish_.first_base) own_error_ = error;
    // A refused index says more than a mirror that could not be reached.
    if (!last_error_ || error.kind == ErrorKind::Corrupt || last_error_->kind == ErrorKind::Transient)
        last_error_ = error;
    if (attempt.at_peer) {
        if (error.kind == ErrorKind::Corrupt)
            context_.peers.blame(context_.sources.peer_id(attempt.source), Blame::wrong_bytes);
    } else {
        context_.sources.failed(attempt.source, error.kind);
        if (attempt.base == wish_.first_base && error.kind != ErrorKind::Transient)
            own_has_answered_ = why != Refused::stale;
        context_.absences.note(core::address(context_.sources.label(attempt.source), wish_.path), error,
                               context_.loop.now());
    }
    next();
}

// Nobody gives a good one: the newest that was verified here still stands, with its age in the log.
void RootFetch::last_resort() {
    if (good_) return answer(std::move(*good_));
    if (wish_.only_peers) return answer(tl::unexpected(why_not()));
    const auto state = book_.state_of(wish_.repository.id);
    // What the asker's own mirror says is no outage, and the asker's to hear: that it has no such file, or one that is
    // not believed here. One that is only older is dropped by the package manager too.
    const bool unreachable = !own_has_answered_ && (!last_error_ || last_error_->kind == ErrorKind::Transient ||
                                                    last_error_->kind == ErrorKind::Absent);
    if (unreachable && take_lent()) return;
    own_is_refused_ = own_is_refused_ || (own_is_stale_ && !holds_it());
    if (!holds_it() || !unreachable) return answer(tl::unexpected(why_not()));
    const auto age_h =
        std::chrono::duration_cast<std::chrono::hours>(context_.loop.wall_now() - state.root->index.date).count();
    spdlog::warn("{}: no source answers; the index of {} hours ago is used", wish_.repository.id, age_h);
    answer(ours(state.root, {SourceKind::cache, "", static_cast<ByteCount>(state.root->bundle.size()), 0}));
}

// What its own mirror said is the asker's to hear: that another one has no such file says nothing of this one's.
Error RootFetch::why_not() const {
    if (own_error_) return *own_error_;
    return last_error_.value_or(Error{ErrorKind::Absent, "no mirror and no peer has " + wish_.path});
}

// A newer one stands here for another address that was shown to have the same repository: verified once more, as this
// one's.
bool RootFetch::take_lent() {
    const auto lent = lent_taken_ ? nullptr : book_.lent_root(wish_.repository);
    auto bundle =
        lent ? core::unpack_bundle(lent->bundle) : Result<core::Bundle>(fail(ErrorKind::Absent, "nothing is lent"));
    if (!bundle || bundle->signature.has_value() == signature_path().empty()) return false;
    lent_taken_ = true;
    book_.accept(
        {wish_.repository, std::move(bundle->root), std::move(bundle->signature), {}, {}}, lent->index.date,
        lifetime_.guard([this](Result<std::shared_ptr<const OpenedRoot>> opened) {
            if (!opened) return last_resort();
            spdlog::warn("{}: no source answers; the index of another mirror of the same content is used",
                         wish_.repository.id);
            answer(ours(*opened, {SourceKind::cache, "", static_cast<ByteCount>((*opened)->bundle.size()), 0}));
        }));
    return true;
}

// Where a root has two forms: one carries its own signature, the other and its signature are worth something only
// together, and only from one snapshot.
bool RootFetch::has_form(const std::optional<Bytes>& signature) const {
    return !habits().root_carries_signature || signature.has_value() != signature_path().empty();
}

// Where nobody asked for one of them.
bool RootFetch::takes_other_form(const std::optional<Bytes>& signature) {
    if (!wish_.only_peers) return false;
    for (const auto& path : core::root_paths(wish_.repository)) {
        wish_.path = path;
        if (has_form(signature)) return true;
    }
    return false;
}

// Whether the newest root is here in the form that is asked for (with its signature within, or beside it).
bool RootFetch::holds_it() const {
    const auto& state = book_.state_of(wish_.repository.id);
    if (!state.root) return false;
    const auto bundle = core::unpack_bundle(state.root->bundle);
    return bundle && bundle->signature.has_value() != signature_path().empty();
}

Result<RootAnswer> RootFetch::ours(std::shared_ptr<const OpenedRoot> held, SourceShare from) const {
    const auto& state = book_.state_of(wish_.repository.id);
    auto bundle = core::unpack_bundle(held->bundle);
    if (!bundle) return tl::unexpected(bundle.error());
    RootAnswer kept;
    kept.root = std::move(bundle->root);
    kept.signature = std::move(bundle->signature);
    kept.modified = state.modified ? state.modified : std::optional(held->index.date);
    kept.signature_modified = kept.modified;
    kept.opened = std::move(held);
    kept.from = std::move(from);
    return kept;
}

void RootFetch::answer(Result<RootAnswer> result) {
    if (!then_) return;
    if (asked_a_mirror_) book_.mirrors_answered(wish_.repository.id, a_mirror_answered_);
    if (stays_at_own())
        result = std::move(*own_older_);
    else if (own_older_ && result)
        say_what_wins(*own_older_, *result);
    // Another mirror's is of no use where it vouches for no file: each would be asked of the asker's own.
    if (result && own_has_answered_ && result->opened->index.files.empty() && !habits().root_lists_packages)
        result = tl::unexpected(why_not());
    if (!result && leaves_)
        result.error().kind = ErrorKind::Absent;  // no failure yet: the asker's own way may have more patience
    auto then = std::move(then_);
    then_ = nullptr;
    context_.loop.cancel(overtake_);
    context_.loop.post([then = std::move(then), result = std::move(result)]() mutable { then(std::move(result)); });
}

}  // namespace packswarm::broker
