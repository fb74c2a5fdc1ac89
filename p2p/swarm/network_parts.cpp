#include "p2p/swarm/network_parts.hpp"

#include <algorithm>

#include "p2p/base/limits.hpp"

namespace packswarm::swarm {

namespace {

constexpr auto kept_for = std::chrono::hours(24 * 30);

template <typename Bytes>
std::uint64_t first_bytes(const Bytes& bytes, std::size_t count) {
    std::uint64_t out = 0;
    for (std::size_t at = 0; at < count; ++at) out = out << 8 | bytes[at];
    return out;
}

}  // namespace

NetworkParts::Network NetworkParts::network(const lt::address& address) {
    if (address.is_v4()) return {false, first_bytes(address.to_v4().to_bytes(), 3)};
    return {true, first_bytes(address.to_v6().to_bytes(), 6)};
}

bool NetworkParts::count(const lt::address& address, ByteCount bytes, TimePoint now) {
    if (given_.empty() || now - since_ > kept_for) {
        given_.clear();
        since_ = now;
    }
    const auto name = network(address);
    if (given_.size() >= limits::max_counted_networks && given_.count(name) == 0) forget_least();
    auto& given = given_[name];
    const bool was_used_up = each_ > 0 && given >= each_;
    given += bytes;
    return !was_used_up && each_ > 0 && given >= each_;
}

bool NetworkParts::is_used_up(const lt::address& address) const {
    if (each_ == 0) return false;
    const auto at = given_.find(network(address));
    return at != given_.end() && at->second >= each_;
}

void NetworkParts::forget_least() {
    given_.erase(std::min_element(given_.begin(), given_.end(),
                                  [](const auto& one, const auto& other) { return one.second < other.second; }));
}

}  // namespace packswarm::swarm
