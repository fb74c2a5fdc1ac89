// Channel, the part that introduces: who cannot reach another agent asks a common friend, and that one tells the other
// to dial at the same moment.
#include <algorithm>

#include "p2p/swarm/channel/channel.hpp"

namespace packswarm::swarm {

namespace {

constexpr int max_asked = 3;  // friends, for one introduction

}  // namespace

void Channel::give_up_dials(Millis patience) {
    for (const auto& link : std::vector(links_))
        if (now() - link->since() > patience && link->is_unreached())
            link->close(lt::errors::make_error_code(lt::errors::timed_out));
}

void Channel::wish_to_meet(const LineageId& lineage, const lt::tcp::endpoint& endpoint,
                           std::optional<lt::address> first) {
    std::vector<Link*> friends;
    for (const auto& link : links_)
        if (link->lineage() == lineage && link->introduces()) friends.push_back(link.get());
    std::stable_partition(friends.begin(), friends.end(), [&](const Link* one) { return first == one->address(); });
    for (int i = 0; i < std::min<int>(max_asked, static_cast<int>(friends.size())); ++i)
        friends[static_cast<std::size_t>(i)]->introduce({Introduction::Kind::wish, endpoint});
}

// A neighbour's address means nothing to who is far, and the other way round.
void Channel::introduced(Link& link, const Introduction& introduction) {
    const auto endpoint = lt::tcp::endpoint(plain(introduction.endpoint.address()), introduction.endpoint.port());
    if (introduction.kind == Introduction::Kind::call) {
        if (called_) called_(link.where(), endpoint);
        return;
    }
    if (link.peer_hello.listen_port == 0) return;
    for (const auto& other : links_) {
        const bool is_meant = other.get() != &link && other->lineage() == link.lineage() && other->introduces() &&
                              other->address() == endpoint.address() &&
                              other->peer_hello.listen_port == endpoint.port();
        if (!is_meant || session_.is_lan(other->address()) != session_.is_lan(link.address())) continue;
        return other->introduce({Introduction::Kind::call, {link.address(), link.peer_hello.listen_port}});
    }
}

}  // namespace packswarm::swarm
