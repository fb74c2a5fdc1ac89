// Prefetch: packages that somebody is known to ask for soon, wanted before that: verified, stored and shared like any
// other, behind everything that somebody waits for. Not here: who will ask, and how that is known
// (daemon/pacman_prefetch.hpp, daemon/upgrade_prefetch.hpp). Loop's thread.
#pragma once

#include <deque>
#include <functional>
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
    // has_neighbours: those are asked first, and others when they have it not; none: everybody at once.
    Prefetch(Requests& requests, const IndexBook& book, Store& store, std::function<bool()> has_neighbours = nullptr)
        : requests_(requests), book_(book), store_(store), has_neighbours_(std::move(has_neighbours)) {}

    // What of these the indexes of this format's repositories list and the store lacks, as far as it has room without
    // giving up anything current. In place of what was wanted before. How many packages that is.
    std::size_t want(core::Format format, const std::vector<core::PrintedPackage>& packages);
    // The same of files that are known, by the name under which the ledger counts them; at most so many bytes of them,
    // those that the store has included, and the first before the others.
    std::size_t want(const std::vector<core::CatalogHit>& files, ByteCount most, std::string transaction);
    void end();  // what nobody has come to wait for is dropped where it stands
    std::size_t left() const { return open_.size() + waiting_.size() + unsigned_.size(); }

  private:
    struct Item {
        core::RepositoryId repository;
        std::string path;                   // as in the catalog
        bool has_signature = false;         // the index carries it, or there is none
        std::optional<Digest> digest = {};  // asked for by it, when not by the name alone
        ByteCount size = 0;
        auto operator<=>(const Item&) const = default;
    };
    enum class What { package, signature };
    const core::Repository* find(core::Format format, const core::PrintedPackage& package, core::CatalogHit& hit) const;
    void go_on();
    Item item_of(const core::Repository& repository, const core::IndexEntry& entry) const;
    void ask(const Item& item, What what, From from);
    From first_asked() const { return has_neighbours_ && has_neighbours_() ? From::peers : From::anybody; }

    Requests& requests_;
    const IndexBook& book_;
    Store& store_;
    std::function<bool()> has_neighbours_;
    std::string transaction_ = "prefetch";
    std::deque<Item> waiting_;
    std::set<RequestId> open_;
    std::deque<Item> unsigned_;    // here, but for their signatures
    std::set<RequestId> signing_;  // of open_, those that fetch signatures
};

}  // namespace packswarm::broker
