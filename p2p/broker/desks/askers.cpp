#include "p2p/broker/desks/askers.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/url.hpp"

namespace packswarm::broker {

// ---- Who is here
// -----------------------------------------------------------------------------------------------------------

RequestId Askers::add(Request request, RequestEvents events) {
    const auto id = RequestId{next_++};
    requests_[id] = {std::move(request), std::move(events), loop_.now(), loop_.wall_now(), false};
    return id;
}

std::optional<Asker> Askers::take(RequestId id) {
    auto left = requests_.extract(id);
    return left ? std::optional(std::move(left.mapped())) : std::nullopt;
}

Asker* Askers::find(RequestId id) {
    const auto at = requests_.find(id);
    return at == requests_.end() ? nullptr : &at->second;
}

bool Askers::is_awaited() const {
    return std::any_of(requests_.begin(), requests_.end(), [](const auto& item) {
        const auto& request = item.second.request;
        return request.need == Need::awaited && request.asker != "agent";
    });
}

bool Askers::is_prefetch(RequestId id) const {
    const auto* asker = find(id);
    return asker != nullptr && asker->request.need == Need::prefetch;
}

bool Askers::is_streaming(RequestId id) const {
    const auto* asker = find(id);
    return asker != nullptr && asker->request.streams;
}

// Nobody has a place only because of having come first.
bool Askers::has_too_many(const std::string& user) const {
    if (requests_.size() <= limits::max_open_requests_per_user) return false;
    const auto own = std::count_if(requests_.begin(), requests_.end(),
                                   [&](const auto& item) { return item.second.request.user == user; });
    const auto most =
        requests_.size() > limits::max_open_requests ? limits::spared_requests : limits::max_open_requests_per_user;
    return static_cast<std::size_t>(own) > most;
}

// ---- What they are told
// ----------------------------------------------------------------------------------------------------

void Askers::tell_started(RequestId id, const Started& started) {
    auto* asker = find(id);
    if (asker == nullptr || std::exchange(asker->told, true)) return;
    if (const auto tell = asker->events.started) tell(started);  // a copy: it may cancel
}

void Askers::tell_started(RequestId id, const StagedFile& file, std::optional<WallTime> modified,
                          std::optional<Part> part) {
    const auto* asker = find(id);
    if (asker == nullptr || asker->told) return;
    const auto staged = std::make_shared<const StagedFile>(file);
    tell_started(id, {file.size(), modified, SharedBytes(staged, &staged->handle()), part});
}

void Askers::tell_progress(RequestId id, const Progress& progress) {
    const auto* asker = find(id);
    if (asker == nullptr) return;
    if (const auto tell = asker->events.progress) tell(progress);  // likewise
}

void Askers::deliver(RequestId id, Delivered delivered, const std::vector<std::string>& reasons) {
    const auto asker = take(id);
    if (!asker) return;
    board_.delivered = loop_.now();
    const bool for_it = std::any_of(delivered.sources.begin(), delivered.sources.end(),
                                    [](const SourceShare& share) { return share.kind != SourceKind::cache; });
    const bool is_fetched = asker->request.need == Need::awaited && asker->request.from != From::store;
    if (is_fetched || for_it) {
        ++done_;
        record(*asker, "ok", delivered.digest, delivered.size, delivered.sources, reasons);
    }
    asker->events.delivered(delivered);
}

void Askers::say_not_modified(RequestId id, const SourceShare& from) {
    const auto asker = take(id);
    if (!asker) return;
    ++done_;
    record(*asker, "ok", {}, 0, {from}, {"not modified since the asker's copy"});
    asker->events.not_modified();
}

void Askers::fail(RequestId id, const Error& error, const std::vector<std::string>& reasons,
                  std::vector<SourceShare> lost) {
    if (find(id) == nullptr || other_way_(id, error)) return;
    const auto asker = take(id);
    if (asker->request.need == Need::prefetch || asker->request.from == From::store) {
        spdlog::debug("{}: {}", asker->request.asker, printable(error.message));
        return asker->events.failed(error);
    }
    ++failed_;
    const auto url = Url::parse(asker->request.url);           // its text never holds a password
    const bool is_listed = asker->request.digest.has_value();  // by an index: that nobody has it is worth a word
    const bool others_follow =
        (manners_of(asker->request.asker).has_other_way && !is_listed) || asker->request.from == From::peers;
    spdlog::log(error.kind == ErrorKind::Absent && others_follow ? spdlog::level::info : spdlog::level::warn,
                "{} for {}: {}: {}", url ? url->text() : "an unreadable address", asker->request.asker,
                to_string(error.kind), printable(error.message, 400));
    record(*asker, fmt::format("{}: {}", to_string(error.kind), printable(error.message)), asker->request.digest,
           asker->request.size.value_or(0), std::move(lost), reasons);
    asker->events.failed(error);
}

void Askers::leave_to_asker(RequestId id) {
    if (const auto asker = take(id))
        asker->events.failed({ErrorKind::Absent, "no index here vouches for it: it is left to who asks"});
}

// Each answer is a row in the ledger: with many askers of one file the loop has other work in between.
void Askers::in_turn(std::vector<RequestId> askers, std::function<void(RequestId, bool)> tell) {
    if (askers.empty()) return;
    tell(askers.front(), true);
    auto rest = std::make_shared<std::vector<RequestId>>(askers.rbegin(), askers.rend() - 1);
    auto next = std::make_shared<Task>();
    *next = [this, alive = lifetime_.view(), rest, tell = std::move(tell), self = std::weak_ptr(next)] {
        if (!alive || rest->empty()) return;
        const auto id = rest->back();
        rest->pop_back();
        tell(id, false);
        if (const auto again = self.lock(); again && alive) loop_.post([again] { (*again)(); });
    };
    loop_.post([next] { (*next)(); });
}

// ---- What the ledger has of them
// --------------------------------------------------------------------------------------------

void Askers::write_off(const Asker& asker, const Digest& digest, ByteCount size, std::vector<SourceShare> lost,
                       const std::vector<std::string>& reasons) {
    if (lost.empty()) return;
    record(asker, "given up by its asker", digest, size, std::move(lost), reasons);
}

void Askers::record(const Asker& asker, const std::string& outcome, const std::optional<Digest>& digest, ByteCount size,
                    std::vector<SourceShare> sources, const std::vector<std::string>& reasons) {
    TransferRecord row;
    row.transaction = asker.request.transaction;
    row.asker = asker.request.asker;
    const auto url = Url::parse(asker.request.url);
    row.name = url ? url->path : "an unreadable address";
    row.digest = digest && *digest != Digest{} ? digest : std::nullopt;
    row.size = size;
    row.started = asker.wall;
    row.seconds = seconds_between(asker.started, loop_.now());
    row.outcome = outcome;
    row.sources = std::move(sources);
    row.reasons = reasons;
    ledger_.record(row);
}

}  // namespace packswarm::broker
