// Seats: who keeps a connection when more came in than are let in. Strangers share the seats of one torrent, and those
// of all torrents, by network and address; neighbours have seats of their own, shared by address. Of who holds most,
// the connection that was idle longest goes. Not here: whom we dialled and whom the owner named: they take no seat
// (channel.hpp). Network thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "p2p/base/fair_places.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/swarm/infohash.hpp"

namespace packswarm::swarm {

class Seats {
  public:
    struct Sitter {
        LineageId torrent;
        std::string address;  // as text, without a port
        bool is_near = false;
    };
    // One connection's; given back when it is destroyed.
    class Seat {
      public:
        Seat(Seats& seats, Sitter sitter, TimePoint now);
        Seat(const Seat&) = delete;
        ~Seat() { seats_.leave(*this); }

        void used(TimePoint now) { last_use_ = now; }
        void when_lost(Task close) { close_ = std::move(close); }  // somebody else has it now; never run within take
        const Sitter& sitter() const { return sitter_; }
        const FairPlaces::Holder& holder() const { return holder_; }
        TimePoint last_use() const { return last_use_; }
        const Task& close() const { return close_; }

      private:
        Seats& seats_;
        const Sitter sitter_;
        const FairPlaces::Holder holder_;
        TimePoint last_use_;
        Task close_;
    };

    explicit Seats(std::function<void(Task)> later) : later_(std::move(later)) {}

    // None: nobody has more than this one would have, or is idle.
    std::unique_ptr<Seat> take(Sitter sitter, TimePoint now);
    std::size_t taken() const { return seats_.size(); }

  private:
    using Scope = std::pair<LineageId, bool>;  // a torrent's, or of all torrents: a zero id; of neighbours
    static Scope scope_of(const Sitter& sitter) { return {sitter.torrent, sitter.is_near}; }
    FairPlaces& places(const Scope& scope);
    bool make_room(const Scope& scope, const Seat& newcomer, TimePoint now);
    void leave(const Seat& seat);

    std::function<void(Task)> later_;
    std::set<const Seat*> seats_;
    std::map<Scope, FairPlaces> places_;  // none is empty
};

}  // namespace packswarm::swarm
