// Prefetch: packages that somebody is known to ask for soon, wanted before that: verified, stored and shared like any
// other, behind everything that somebody waits for. Not here: who will ask, and how that is known
// (daemon/pacman_prefetch.hpp). Loop's thread.
#pragma once

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "p2p/broker/index_book.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/core/pacman_command.hpp"

namespace packswarm::broker {

class Prefetch {
  public:
    Prefetch(Requests& requests, const IndexBook& book, Store& store)
        : requests_(requests), book_(book), store_(store) {}

    // What of these the indexes of this format's repositories list and the store lacks, as far as it has room without
    // giving up anything current. In place of what was wanted before. How many packages that is.
    std::size_t want(core::Format format, const std::vector<core::PrintedPackage>& packages);
    void end();  // what nobody has come to wait for is dropped where it stands
    std::size_t left() const { return open_.size() + waiting_.size() + unsigned_.size(); }

  private:
    struct Item {
        core::RepositoryId repository;
        std::string path;            // as in the catalog
        bool has_signature = false;  // the index carries it, or there is none
        auto operator<=>(const Item&) const = default;
    };
    const core::Repository* find(core::Format format, const core::PrintedPackage& package, core::CatalogHit& hit) const;
    void go_on();
    void ask(const Item& item, bool for_signature);

    Requests& requests_;
    const IndexBook& book_;
    Store& store_;
    std::deque<Item> waiting_;
    std::set<RequestId> open_;
    std::deque<Item> unsigned_;    // here, but for their signatures
    std::set<RequestId> signing_;  // of open_, those that fetch signatures
};

}  // namespace packswarm::broker
