// Holding: an answer that is in memory is put into a file of the store's staging, by a worker, and delivered from
// there: roots and signatures. Nothing of it is kept. Loop's thread.
#pragma once

#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/ports/store.hpp"

namespace packswarm::broker {

class Holding {
  public:
    Holding(Loop& loop, Store& store, Askers& askers) : loop_(loop), store_(store), askers_(askers) {}
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;

    // as: all but bytes and size. When there is no room for it, the askers are told so.
    void deliver(std::vector<RequestId> askers, Bytes bytes, Delivered as, const char* reason);

  private:
    void hold(Bytes bytes, Then<SharedBytes> then);

    Loop& loop_;
    Store& store_;
    Askers& askers_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
