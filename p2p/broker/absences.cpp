#include "p2p/broker/absences.hpp"

#include <algorithm>

namespace packswarm::broker {

namespace {
constexpr auto first_span = Millis(600'000);  // an archive that is being published anew is complete by then
constexpr auto longest_span = Millis(86'400'000);
constexpr std::size_t max_entries = 4096;  // four for each file of a large sources.list
constexpr std::size_t max_address = 2048;
}  // namespace

void Absences::note(const std::string& url, const Error& error, TimePoint now) {
    const bool lasts =
        error.kind == ErrorKind::Absent || error.kind == ErrorKind::Refused || error.kind == ErrorKind::Corrupt;
    if (!lasts || url.size() > max_address) return;
    if (entries_.size() >= max_entries && entries_.count(url) == 0) make_room(now);
    auto& entry = entries_[url];
    if (now < entry.until) return;  // somebody without another way asked meanwhile
    entry.span = std::clamp(entry.span * 2, first_span, longest_span);
    entry.error = error;
    entry.until = now + entry.span;
}

std::optional<Error> Absences::recall(const std::string& url, TimePoint now) const {
    const auto at = entries_.find(url);
    if (at == entries_.end() || now >= at->second.until) return std::nullopt;
    return at->second.error;
}

// What is over goes first, then what is over soonest.
void Absences::make_room(TimePoint now) {
    std::erase_if(entries_, [now](const auto& item) { return now >= item.second.until; });
    if (entries_.size() < max_entries) return;
    entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                    [](const auto& a, const auto& b) { return a.second.until < b.second.until; }));
}

}  // namespace packswarm::broker
