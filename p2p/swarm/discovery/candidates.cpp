#include "p2p/swarm/discovery/candidates.hpp"

#include <algorithm>

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto expire_interval = 5s;

}  // namespace

void Candidates::name(const Candidate& candidate, const Namer& namer, TimePoint now) {
    expire(now);
    auto& queue = queues_[namer];
    const bool has_room = waiting_ < limits::max_candidates && queue.size() < limits::max_namer_candidates;
    auto& ports = known_[candidate.swarm][candidate.endpoint.address()];
    if (has_room && ports.size() < limits::max_address_dials &&
        ports.emplace(candidate.endpoint.port(), std::nullopt).second) {
        queue.push_back(candidate);
        ++waiting_;
    }
    if (ports.empty()) known_[candidate.swarm].erase(candidate.endpoint.address());
    if (queue.empty()) queues_.erase(namer);
}

std::optional<Candidate> Candidates::next(TimePoint now, const std::function<bool(const Candidate&)>& is_wanted) {
    expire(now);
    while (dials_.available(now) >= 1) {
        auto out = take_turn();
        if (!out) return std::nullopt;
        if (!is_wanted(*out)) {
            drop(*out);
            continue;
        }
        dials_.take(1, now);
        *find(*out) = now;
        return out;
    }
    return std::nullopt;
}

// Who names much waits for who names little.
std::optional<Candidate> Candidates::take_turn() {
    if (queues_.empty()) return std::nullopt;
    auto at = last_ ? queues_.upper_bound(*last_) : queues_.begin();
    if (at == queues_.end()) at = queues_.begin();
    last_ = at->first;
    const auto out = at->second.front();
    at->second.pop_front();
    --waiting_;
    if (at->second.empty()) queues_.erase(at);
    return out;
}

void Candidates::forget(const Namer& namer) {
    const auto queue = queues_.extract(namer);
    if (!queue) return;
    waiting_ -= queue.mapped().size();
    for (const auto& candidate : queue.mapped()) drop(candidate);
}

void Candidates::leave(const LineageId& swarm) {
    known_.erase(swarm);
    for (auto at = queues_.begin(); at != queues_.end();) {
        waiting_ -= std::erase_if(at->second, [&](const auto& candidate) { return candidate.swarm == swarm; });
        at = at->second.empty() ? queues_.erase(at) : std::next(at);
    }
}

std::optional<TimePoint>* Candidates::find(const Candidate& candidate) {
    return &known_[candidate.swarm][candidate.endpoint.address()][candidate.endpoint.port()];
}

void Candidates::drop(const Candidate& candidate) {
    auto& addresses = known_[candidate.swarm];
    const auto at = addresses.find(candidate.endpoint.address());
    if (at == addresses.end()) return;
    at->second.erase(candidate.endpoint.port());
    if (at->second.empty()) addresses.erase(at);
}

void Candidates::expire(TimePoint now) {
    if (now - expired_ < expire_interval) return;
    expired_ = now;
    const auto is_over = [now](const auto& port) {
        return port.second && *port.second + limits::dials_remembered <= now;
    };
    for (auto& [swarm, addresses] : known_) {
        for (auto& [address, ports] : addresses) std::erase_if(ports, is_over);
        std::erase_if(addresses, [](const auto& item) { return item.second.empty(); });
    }
    std::erase_if(known_, [](const auto& item) { return item.second.empty(); });
}

}  // namespace packswarm::swarm
