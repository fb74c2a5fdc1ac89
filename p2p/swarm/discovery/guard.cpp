#include "p2p/swarm/discovery/guard.hpp"

#include <algorithm>
#include <array>

#include "p2p/swarm/discovery/interfaces.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto read_again = 5s;
constexpr int first_unprivileged = 1024;
// "This network", loopback, link-local, multicast and reserved (RFC 6890, RFC 4291).
constexpr std::array never = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",
                              "::",        "::1",         "fe80::/10",      "ff00::/8"};

}  // namespace

Guard::Guard(const std::string& listen_address) {
    lt::error_code error;
    const auto own = lt::make_address(listen_address, error);
    for (const auto* text : never) {
        auto range = Networks::parse({text});
        if (range && (error || !range->contains(own))) never_.push_back(std::move(*range));
    }
}

bool Guard::lets(const lt::tcp::endpoint& endpoint, TimePoint now, bool on_link) {
    static const auto link_local = Networks::parse({"169.254.0.0/16", "fe80::/10"});
    const auto address = plain(endpoint.address());
    if (endpoint.port() < first_unprivileged) return false;
    if (on_link && link_local->contains(address)) return !is_own(address, now);
    if (std::any_of(never_.begin(), never_.end(), [&](const auto& range) { return range.contains(address); }))
        return false;
    return address.is_loopback() || !is_own(address, now);
}

bool Guard::is_own(const lt::address& address, TimePoint now) {
    if (own_.empty() || now - read_ > read_again) {
        own_ = addresses_of(Interfaces::all);
        read_ = now;
    }
    return own_.count(address) > 0;
}

}  // namespace packswarm::swarm
