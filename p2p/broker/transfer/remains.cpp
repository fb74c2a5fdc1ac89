#include "p2p/broker/transfer/remains.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"

namespace packswarm::broker {

ByteCount Remnant::here() const {
    ByteCount out = 0;
    for (const auto& [source, ranges] : given) out += ranges.total();
    return out;
}

void Remains::keep(const Digest& digest, Remnant remnant, TimePoint now) {
    if (remnant.file.size() > limits::max_remains_bytes) return;
    kept_.insert_or_assign(digest, Kept{std::move(remnant), now});
    while (files() > limits::max_remains || bytes() > limits::max_remains_bytes) give_up_least();
}

std::optional<Remnant> Remains::take(const Digest& digest, ByteCount size) {
    const auto at = kept_.find(digest);
    if (at == kept_.end() || at->second.remnant.file.size() != size) return std::nullopt;
    return std::move(kept_.extract(at).mapped().remnant);
}

void Remains::forget(plan::SourceId liar) {
    for (auto& [digest, kept] : kept_) kept.remnant.given.erase(liar);
    std::erase_if(kept_, [](const auto& item) { return item.second.remnant.given.empty(); });
}

void Remains::expire(TimePoint now) {
    std::erase_if(kept_, [now](const auto& item) { return now - item.second.since >= limits::remains_kept; });
}

void Remains::take_up(std::vector<Leftover> leftovers, SourceBook& sources, TimePoint now) {
    for (auto& left : leftovers) {
        const auto note = RemainsNote::parse(left.record);
        if (!note || note->size != left.file.size() || kept_.count(note->digest) != 0) continue;
        Remnant remnant{std::move(left.file), {}, note->modified};
        for (const auto& gift : note->gifts)
            if (!sources.is_discredited(gift.giver)) remnant.given[sources.agent_before()].add(gift.range);
        if (remnant.here() > 0) keep(note->digest, std::move(remnant), now);
    }
}

void Remains::leave() {
    for (const auto& [digest, kept] : kept_) kept.remnant.file.keep();
    kept_.clear();
}

// A staged file takes its whole size, however little of it is here.
ByteCount Remains::bytes() const {
    ByteCount out = 0;
    for (const auto& [digest, kept] : kept_) out += kept.remnant.file.size();
    return out;
}

void Remains::give_up(ByteCount needed) {
    while (needed > 0 && !kept_.empty()) needed -= give_up_least();
}

ByteCount Remains::give_up_least() {
    const auto least = std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
        return std::pair(a.second.remnant.here(), a.second.since) < std::pair(b.second.remnant.here(), b.second.since);
    });
    return kept_.extract(least).mapped().remnant.file.size();
}

}  // namespace packswarm::broker
