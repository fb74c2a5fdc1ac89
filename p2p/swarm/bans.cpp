#include "p2p/swarm/bans.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"

namespace packswarm::swarm {

void Bans::add(const lt::address& address, TimePoint until) {
    auto& end = until_[address];
    end = std::max(end, until);
    if (until_.size() <= limits::max_bans) return;
    until_.erase(std::min_element(until_.begin(), until_.end(),
                                  [](const auto& a, const auto& b) { return a.second < b.second; }));
}

bool Bans::expire(TimePoint now) {
    return std::erase_if(until_, [now](const auto& item) { return item.second <= now; }) > 0;
}

std::vector<lt::address> Bans::addresses() const {
    std::vector<lt::address> out;
    for (const auto& [address, until] : until_) out.push_back(address);
    return out;
}

}  // namespace packswarm::swarm
