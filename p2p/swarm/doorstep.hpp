// Doorstep: connections that came in and have not said yet which torrent they are for. libtorrent waits ten seconds for
// that word; where too many wait, the address that has most of them is kept out for a while. A uTP connection begins
// with one datagram, which anybody can send in any name: of those nobody is kept out, they are refused altogether for a
// while. Not here: those that have said it (seats.hpp). Network thread.
#pragma once

#include <deque>
#include <functional>
#include <libtorrent/address.hpp>
#include <libtorrent/socket.hpp>
#include <map>
#include <set>

#include "p2p/base/fair_places.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::swarm {

class Doorstep {
  public:
    using KeepOut = std::function<void(const lt::address&)>;
    Doorstep(KeepOut keep_out, std::function<void()> refuse_utp)
        : keep_out_(std::move(keep_out)), refuse_utp_(std::move(refuse_utp)) {}

    enum class Transport { tcp, utp };
    void came(const lt::tcp::endpoint& from, TimePoint now, Transport by = Transport::tcp);
    void went_in(const lt::tcp::endpoint& from);  // it has said the word
    std::size_t waiting() const { return since_.size(); }

  private:
    void came_by_utp(const lt::tcp::endpoint& from, TimePoint now);
    void expire(TimePoint now);
    void clear(const FairPlaces::Holder& holder);

    KeepOut keep_out_;
    std::function<void()> refuse_utp_;
    std::set<lt::tcp::endpoint> by_utp_;
    std::deque<std::pair<TimePoint, lt::tcp::endpoint>> utp_order_;
    std::map<lt::tcp::endpoint, TimePoint> since_;
    std::deque<std::pair<TimePoint, lt::tcp::endpoint>> order_;  // some of them are not waiting any more
    FairPlaces places_{limits::max_unknown_connections};
};

}  // namespace packswarm::swarm
