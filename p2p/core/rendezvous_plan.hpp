// RendezvousPlan: when a rendezvous swarm is announced again, and when an agent leaves one that has grown too large for
// a shard of it. Pure decisions. Not here: announcing, counting who is there (swarm).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "p2p/base/units.hpp"

namespace packswarm::core {

// How long after the announce number `done` (from 1) the next one follows: 1, 2, 4 ... seconds while nobody is met, the
// interval otherwise. chance (0 to 1) spreads agents that started together over a tenth of it.
Millis announce_delay(int done, bool is_alone, Millis interval, double chance);

// Shards are named by leading bits of the agent's random number: "" is the whole swarm, "0" and "1" its halves, and so
// on.
inline constexpr int max_shard_bits = 8;

using AgentNumber = std::span<const std::uint8_t, 16>;
std::string shard_name(AgentNumber number, int bits);

// Whether the agent leaves a swarm in which `seen` agents were counted for the shard one bit deeper. Of a swarm that is
// s times as large as wanted each agent stays with the chance 1/s^3, drawn once for each depth: few move when it is a
// little too large, and it settles not far above what is wanted however many come.
bool leaves_for_shard(AgentNumber number, int bits, std::size_t seen, std::size_t wanted);

}  // namespace packswarm::core
