#include "p2p/swarm/discovery/punches.hpp"

#include <algorithm>

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto pause = 8s;  // an attempt lasts about so long

}  // namespace

void Punches::named(const Candidate& candidate, const lt::address& friend_) {
    if (named_.size() < limits::max_candidates || named_.count(key(candidate)) > 0) named_[key(candidate)] = friend_;
}

std::optional<lt::address> Punches::namer(const Candidate& candidate) const {
    const auto at = named_.find(key(candidate));
    return at == named_.end() ? std::nullopt : std::optional(at->second);
}

bool Punches::want(const Candidate& candidate, TimePoint now) {
    expire(now);
    auto attempts = Attempts{};
    if (const auto at = tried_.find(key(candidate)); at != tried_.end()) attempts = at->second;
    if (attempts.count >= limits::max_punches || (attempts.count > 0 && attempts.last + pause > now)) return false;
    if (waiting_.size() >= limits::max_waiting_punches || !all_.take(1, now)) return false;
    tried_[key(candidate)] = {attempts.count + 1, now};
    waiting_.push_back(candidate);
    return true;
}

bool Punches::knows(const lt::address& address) const {
    return std::any_of(tried_.begin(), tried_.end(),
                       [&](const auto& item) { return item.first.second.address() == address; });
}

void Punches::expire(TimePoint now) {
    std::erase_if(tried_, [now](const auto& item) { return item.second.last + limits::dials_remembered <= now; });
    if (named_.size() < limits::max_candidates) return;
    named_.clear();  // whoever is named again is noted again
}

}  // namespace packswarm::swarm
