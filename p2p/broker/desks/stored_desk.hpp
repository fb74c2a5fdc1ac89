// StoredDesk: answers from what is here already: files on their way into the store, stored ones, and those that the
// store kept from before, which are hashed first (proofs.hpp). Not here: getting anything. Loop's thread.
#pragma once

#include <functional>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/publishing.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/broker/proofs.hpp"

namespace packswarm::broker {

class StoredDesk {
  public:
    // again: the file that was hashed for a request is rotten; what it asks for is to be got after all.
    StoredDesk(Store& store, IndexBook& book, Proofs& proofs, const Publishing& publishing, Askers& askers,
               std::function<void(RequestId)> again)
        : store_(store),
          book_(book),
          proofs_(proofs),
          publishing_(publishing),
          askers_(askers),
          again_(std::move(again)) {}
    StoredDesk(const StoredDesk&) = delete;
    StoredDesk& operator=(const StoredDesk&) = delete;

    bool serve(RequestId id, const Digest& digest);  // false: it is not here
    void sought_by_peer(const Digest& digest);       // it is proven, if it is to be offered

  private:
    bool serve_kept(RequestId id, const Digest& digest);
    void proof_ended(RequestId id, const Digest& digest);

    Store& store_;
    IndexBook& book_;
    Proofs& proofs_;
    const Publishing& publishing_;
    Askers& askers_;
    const std::function<void(RequestId)> again_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
