// What the broker tells its askers: that a file has begun, that it is here, or that it cannot be had.
#include <algorithm>

#include "p2p/base/log.hpp"
#include "p2p/broker/askers.hpp"
#include "p2p/broker/broker.hpp"

namespace packswarm::broker {

void Broker::tell_started(RequestId id, const StagedFile& file, std::optional<WallTime> modified,
                          std::optional<Part> part) {
    const auto at = requests_.find(id);
    if (at == requests_.end() || at->second.told) return;
    at->second.told = true;
    const auto staged = std::make_shared<const StagedFile>(file);
    if (at->second.events.started)
        at->second.events.started({file.size(), modified, SharedBytes(staged, &staged->handle()), part});
}

void Broker::deliver(RequestId id, Delivered delivered, const std::vector<std::string>& reasons) {
    const auto at = requests_.find(id);
    if (at == requests_.end()) return;
    const Asker asker = std::move(at->second);
    requests_.erase(at);
    board_.delivered = loop_.now();
    const bool for_it = std::any_of(delivered.sources.begin(), delivered.sources.end(),
                                    [](const SourceShare& share) { return share.kind != SourceKind::cache; });
    if (asker.request.need == Need::awaited || for_it) {
        ++done_;
        record(asker, "ok", delivered.digest, delivered.size, delivered.sources, reasons);
    }
    asker.events.delivered(delivered);
}

void Broker::fail_request(RequestId id, const Error& error, const std::vector<std::string>& reasons,
                          std::vector<SourceShare> lost) {
    const auto at = requests_.find(id);
    if (at == requests_.end() || ask_by_its_own_name(id, error)) return;
    const Asker asker = std::move(at->second);
    requests_.erase(at);
    if (asker.request.need == Need::ahead) {
        spdlog::debug("ahead: {}", printable(error.message));
        return asker.events.failed(error);
    }
    ++failed_;
    const auto url = Url::parse(asker.request.url);           // its text never holds a password
    const bool is_listed = asker.request.digest.has_value();  // by an index: that nobody has it is worth a word
    const bool others_follow =
        (manners_of(asker.request.asker).has_other_way && !is_listed) || asker.request.from == From::peers;
    spdlog::log(error.kind == ErrorKind::Absent && others_follow ? spdlog::level::info : spdlog::level::warn,
                "{} for {}: {}: {}", url ? url->text() : "an unreadable address", asker.request.asker,
                to_string(error.kind), printable(error.message, 400));
    record(asker, fmt::format("{}: {}", to_string(error.kind), printable(error.message)), asker.request.digest,
           asker.request.size.value_or(0), std::move(lost), reasons);
    asker.events.failed(error);
}

}  // namespace packswarm::broker
