// How other agents are looked for, as the owner is shown it: the rendezvous swarms this agent is in, what each was
// announced to, and how many agents were counted there. Plain data, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "p2p/core/lineage.hpp"

namespace packswarm::swarm {

struct Announces {  // since the start
    std::uint64_t dht = 0, tracker = 0, lan = 0;
    friend bool operator==(const Announces&, const Announces&) = default;
};

struct SwarmView {
    core::Lineage lineage;
    std::string shard;      // leading bits of the agent's number; empty: the lineage's whole swarm
    std::string infohash;   // hexadecimal
    bool is_guest = false;  // it grew too large: agents are met here, but this one is announced in a shard instead
    std::size_t peers = 0;  // connected
    std::size_t seen = 0;   // counted by trackers, the DHT and the connections; the largest of these
    Announces announces;
    friend bool operator==(const SwarmView&, const SwarmView&) = default;
};

struct DiscoveryView {
    std::vector<SwarmView> swarms;
    bool dht_is_on = false;
    std::size_t dht_nodes = 0;
    bool was_reached = false;  // somebody outside the local network has connected to here since the start
    int mapped_port = 0;       // that the router has opened; 0: none
    friend bool operator==(const DiscoveryView&, const DiscoveryView&) = default;
};

}  // namespace packswarm::swarm
