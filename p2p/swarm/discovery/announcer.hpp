// Announcer: names large offered artifacts to the DHT, each by its own infohash, for those who know nothing but a
// magnet link. Agents do not need it: they meet in rendezvous swarms. Off unless the owner gives it a budget of
// announces an hour, which it never exceeds: what was offered or asked for last is announced, as many as the budget can
// keep alive. Network thread.
#pragma once

#include <deque>
#include <list>
#include <unordered_map>

#include "p2p/swarm/discovery/dht.hpp"
#include "p2p/swarm/gate.hpp"

namespace packswarm::swarm {

class Announcer {
  public:
    Announcer(Session& session, Dht& dht, Gate& gate, int per_hour)
        : session_(session), dht_(dht), gate_(gate), per_hour_(per_hour) {}

    void start();
    void consider(const Infohash& infohash);  // it was offered, or somebody asked for it
    void forget(const Infohash& infohash);

  private:
    struct Entry {
        Infohash infohash;
        TimePoint announced{};
    };
    void announce_next();

    Session& session_;
    Dht& dht_;
    Gate& gate_;
    int per_hour_;
    std::list<Entry> entries_;  // the one of most interest first
    std::unordered_map<Infohash, std::list<Entry>::iterator> places_;
    std::deque<TimePoint> sent_;  // within the last hour
};

}  // namespace packswarm::swarm
