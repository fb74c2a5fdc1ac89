// Candidates: endpoints that others named (PEX, local discovery, the DHT, trackers), and the budget they are dialled
// in: a few a second over the whole agent, a few ports of one address in a swarm, who named in turn. Not here: dialling
// (rendezvous.hpp), and endpoints that the owner named or that were met before, which wait for nothing. Network thread.
#pragma once

#include <deque>
#include <functional>
#include <libtorrent/address.hpp>
#include <libtorrent/socket.hpp>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "p2p/base/limits.hpp"
#include "p2p/swarm/allowance.hpp"
#include "p2p/swarm/infohash.hpp"

namespace packswarm::swarm {

struct Namer {
    enum class Way { pex, lan, dht, tracker };
    Way way = Way::pex;
    lt::address who{};  // of pex: the peer's
    friend bool operator==(const Namer&, const Namer&) = default;
    friend bool operator<(const Namer& a, const Namer& b) { return std::tie(a.way, a.who) < std::tie(b.way, b.who); }
};

struct Candidate {
    LineageId swarm;
    lt::tcp::endpoint endpoint;
};

class Candidates {
  public:
    // One that waits, was dialled lately, or is one port too many of its address is left out.
    void name(const Candidate& candidate, const Namer& namer, TimePoint now);
    // The next one to dial now. Those that are not wanted any more are dropped and cost nothing.
    std::optional<Candidate> next(TimePoint now, const std::function<bool(const Candidate&)>& is_wanted);
    void forget(const Namer& namer);  // what it named and was not dialled yet
    void leave(const LineageId& swarm);
    std::size_t waiting() const { return waiting_; }

  private:
    using Ports = std::map<std::uint16_t, std::optional<TimePoint>>;  // of one address; when dialled, unless it waits
    using Addresses = std::map<lt::address, Ports>;
    std::optional<Candidate> take_turn();
    std::optional<TimePoint>* find(const Candidate& candidate);
    void drop(const Candidate& candidate);
    void expire(TimePoint now);

    std::map<Namer, std::deque<Candidate>> queues_;  // none is empty
    std::optional<Namer> last_;                      // whose turn it was
    std::unordered_map<LineageId, Addresses> known_;
    std::size_t waiting_ = 0;
    Allowance dials_{limits::dial_burst, limits::dials_per_second};
    TimePoint expired_{};
};

}  // namespace packswarm::swarm
