#include "p2p/swarm/discovery/static_peers.hpp"

#include <algorithm>

#include "p2p/swarm/discovery/resolve.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto look_up_again = 60s;

}  // namespace

void StaticPeers::set(const std::vector<std::string>& peers) {
    peers_.clear();
    for (const auto& text : peers) {
        const auto parts = split_endpoint(text);
        if (!parts) continue;  // refused when the settings were read
        const auto& peer =
            peers_.emplace_back(std::make_shared<Peer>(Peer{parts->first, parts->second, {}, false, {}}));
        lt::error_code error;
        const auto address = lt::make_address(peer->host, error);
        peer->is_name = static_cast<bool>(error);
        if (!peer->is_name) peer->endpoints.emplace_back(address, static_cast<std::uint16_t>(peer->port));
    }
}

std::vector<lt::tcp::endpoint> StaticPeers::endpoints() const {
    std::vector<lt::tcp::endpoint> out;
    for (const auto& peer : peers_) out.insert(out.end(), peer->endpoints.begin(), peer->endpoints.end());
    return out;
}

void StaticPeers::look_up(const IsLinked& is_linked) {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& peer : peers_) {
        if (!peer->is_name || now < peer->look_up_at ||
            std::any_of(peer->endpoints.begin(), peer->endpoints.end(), is_linked))
            continue;
        peer->look_up_at = now + look_up_again;
        resolve(peer->host, session_.poster(), [this, peer](const std::vector<lt::address>& addresses) {
            if (addresses.empty()) return;
            peer->endpoints.clear();
            for (const auto& address : addresses)
                peer->endpoints.emplace_back(address, static_cast<std::uint16_t>(peer->port));
            found_();
        });
    }
}

}  // namespace packswarm::swarm
