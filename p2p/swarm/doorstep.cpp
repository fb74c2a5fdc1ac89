#include "p2p/swarm/doorstep.hpp"

#include <vector>

#include "p2p/base/ip_network.hpp"
#include "p2p/swarm/networks.hpp"

namespace packswarm::swarm {

namespace {

FairPlaces::Holder holder_of(const lt::tcp::endpoint& endpoint) {
    const auto text = plain(endpoint.address()).to_string();
    return {network_of(text, 24, 48), text};
}

}  // namespace

void Doorstep::came(const lt::tcp::endpoint& from, TimePoint now, Transport by) {
    expire(now);
    if (by == Transport::utp) return came_by_utp(from, now);
    const auto newcomer = holder_of(from);
    if (places_.are_all_taken()) {
        const auto most = places_.gives_way(newcomer);
        if (!most) return;  // nobody has many: libtorrent's own limit is far above
        clear(*most);
        if (*most == newcomer) return;
    }
    if (!since_.emplace(from, now).second) return;
    order_.emplace_back(now, from);
    places_.take(newcomer);
}

void Doorstep::came_by_utp(const lt::tcp::endpoint& from, TimePoint now) {
    if (by_utp_.size() >= limits::max_unknown_connections) {
        by_utp_.clear();
        utp_order_.clear();
        return refuse_utp_();
    }
    if (by_utp_.insert(from).second) utp_order_.emplace_back(now, from);
}

void Doorstep::went_in(const lt::tcp::endpoint& from) {
    by_utp_.erase(from);
    if (since_.erase(from) > 0) places_.leave(holder_of(from));
}

void Doorstep::expire(TimePoint now) {
    for (; !utp_order_.empty() && utp_order_.front().first + limits::max_unknown_wait <= now; utp_order_.pop_front())
        by_utp_.erase(utp_order_.front().second);
    while (!order_.empty() && order_.front().first + limits::max_unknown_wait <= now) {
        const auto [when, endpoint] = order_.front();
        order_.pop_front();
        if (const auto at = since_.find(endpoint); at != since_.end() && at->second == when) went_in(endpoint);
    }
}

void Doorstep::clear(const FairPlaces::Holder& holder) {
    std::vector<lt::tcp::endpoint> gone;
    for (const auto& [endpoint, when] : since_)
        if (holder_of(endpoint) == holder) gone.push_back(endpoint);
    for (const auto& endpoint : gone) went_in(endpoint);
    if (!gone.empty()) keep_out_(plain(gone.front().address()));
}

}  // namespace packswarm::swarm
