#include "p2p/broker/desks/plain_desk.hpp"

#include <algorithm>
#include <utility>

#include "p2p/base/limits.hpp"

namespace packswarm::broker {

namespace {
constexpr auto plain_reason = "no index vouches for it: handed through";
}

// The owner's own mirrors are asked for everybody, wherever they are.
std::optional<Guard> PlainDesk::guard_of(const Request& request, const Meaning& meaning) const {
    if (!request.terms.guard || !meaning.locations.empty()) return std::nullopt;
    Guard out;
    for (const auto& repository : book_.table().all())
        for (const auto& base : repository.bases)
            if (const auto url = Url::parse(base)) out.ports.insert(static_cast<std::uint16_t>(url->port));
    return out;
}

PlainFetch::Wish PlainDesk::wish_of(RequestId id, const Meaning& meaning) const {
    const auto& request = askers_.at(id).request;
    PlainFetch::Wish wish;
    wish.mirrors = reader_.addresses(meaning);
    if (askers_.at(id).asks_by_its_own_name)
        std::erase_if(wish.mirrors, [&](const MirrorAddress& mirror) { return mirror.url != meaning.url.asked(); });
    wish.max_size = request.max_size > 0 ? request.max_size : limits::max_artifact;
    wish.if_modified_since = request.if_modified_since;
    wish.digest = meaning.digest;
    if (!meaning.digest) wish.terms = request.terms;
    wish.terms.user_agent = request.terms.user_agent;
    wish.terms.guard = guard_of(request, meaning);
    wish.has_other_way = askers_.has_other_way(id);
    return wish;
}

// Who comes later is given what has come from its first byte on.
void PlainDesk::serve(RequestId id, const Meaning& meaning) {
    auto wish = wish_of(id, meaning);
    const auto key = wish.key();
    auto& live = live_[key];
    live.askers.push_back(id);
    if (live.fetch) {
        if (live.fetch->has_started()) tell_started(id, *live.fetch);  // it may cancel
        return;
    }
    live.user = askers_.at(id).request.user;  // whoever came last: another user's may begin at once
    if (!live.waiting) live.first = id;
    live.waiting = std::move(wish);
    begin_waiting(live.user);
}

// In the order in which they were asked for.
void PlainDesk::begin_waiting(const std::string& user) {
    auto running = std::count_if(live_.begin(), live_.end(),
                                 [&](const auto& item) { return item.second.fetch && item.second.user == user; });
    for (; running < static_cast<std::ptrdiff_t>(limits::max_plain_fetches_per_user); ++running) {
        auto next = live_.end();
        for (auto at = live_.begin(); at != live_.end(); ++at)
            if (at->second.waiting && at->second.user == user &&
                (next == live_.end() || at->second.first < next->second.first))
                next = at;
        if (next == live_.end()) return;
        begin(next->first, *std::exchange(next->second.waiting, std::nullopt));
    }
}

void PlainDesk::begin(const std::string& key, PlainFetch::Wish wish) {
    const auto for_askers = [this, key](auto&& action) {
        const auto at = live_.find(key);
        for (const auto asker : at == live_.end() ? std::vector<RequestId>() : at->second.askers) {
            const auto still = live_.find(key);  // whoever is told may cancel
            if (still != live_.end() && askers_.find(asker) != nullptr) action(asker, *still->second.fetch);
        }
    };
    auto started = [this, for_askers] {
        for_askers([this](RequestId asker, const PlainFetch& fetch) { tell_started(asker, fetch); });
    };
    auto progress = [this, for_askers] {
        for_askers([this](RequestId asker, const PlainFetch& fetch) {
            askers_.tell_progress(asker, {fetch.received(), fetch.received(), fetch.safe()});
        });
    };
    auto then = lifetime_.guard([this, key](Result<PlainAnswer> answer) { answered(key, answer); });
    live_.at(key).fetch = std::make_unique<PlainFetch>(context_, std::move(wish), started, progress, std::move(then));
}

void PlainDesk::tell_started(RequestId id, const PlainFetch& fetch) {
    askers_.tell_started(id, *fetch.staged(), fetch.modified(), fetch.part());
}

void PlainDesk::answered(const std::string& key, const Result<PlainAnswer>& answer) {
    auto live = live_.extract(key);
    if (!live) return;
    auto shared = answer;
    askers_.in_turn(std::move(live.mapped().askers), [this, shared = std::move(shared)](RequestId id, bool is_first) {
        if (askers_.find(id) == nullptr) return;
        auto from = shared ? shared->from : SourceShare{};
        if (!is_first) from = {SourceKind::cache, "", from.bytes, 0};  // the bytes were fetched once
        if (!shared) return askers_.fail(id, shared.error(), {plain_reason});
        if (shared->not_modified) return askers_.say_not_modified(id, from);
        const auto staged = std::make_shared<const StagedFile>(*shared->file);
        const auto digest = askers_.at(id).request.digest.value_or(Digest{});
        askers_.deliver(
            id,
            {SharedBytes(staged, &staged->handle()), staged->size(), digest, shared->modified, {from}, shared->part},
            {plain_reason});
    });
    begin_waiting(live.mapped().user);
}

void PlainDesk::leave(RequestId id) {
    const auto at =
        std::find_if(live_.begin(), live_.end(), [id](auto& item) { return std::erase(item.second.askers, id) > 0; });
    if (at == live_.end() || !at->second.askers.empty()) return;
    const auto left = live_.extract(at);
    if (auto& fetch = left.mapped().fetch) {
        fetch->leave();
        graveyard_.bury(std::move(fetch));  // it may be telling of its progress
    }
    begin_waiting(left.mapped().user);
}

}  // namespace packswarm::broker
