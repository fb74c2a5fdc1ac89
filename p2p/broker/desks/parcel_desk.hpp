// ParcelDesk: what a bundle is made of, and who takes one: of each repository the newest root and what others are told
// of it, what is stored of what the newest indexes list; and roots that were carried here. Lists and packages come as
// any file that is imported. Not here: files (cli), what a root must show (index_book.hpp). Loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/core/parcel.hpp"

namespace packswarm::broker {

// A repository as a bundle could have it.
struct ParcelSource {
    core::RepositoryId id;
    bool is_public = false;
    std::string why_not;             // nothing of it can be carried; empty: it can
    core::ParcelRepository section;  // without its files
    WallTime date{};
    std::optional<WallTime> valid_until;
    std::vector<core::IndexEntry> lacking;  // lists of packages that are not stored in any form, each with its address
};

struct StoredPage {
    std::vector<core::CatalogHit> files;  // lists and packages, by digest; roots are none of them
    std::optional<Digest> next;           // where to go on; none: this was the last
};

struct CarriedVerdict {
    core::RepositoryId repository;
    CarriedRoot root;
};

class ParcelDesk {
  public:
    ParcelDesk(Loop& loop, Store& store, IndexBook& book) : loop_(loop), store_(store), book_(book) {}
    ParcelDesk(const ParcelDesk&) = delete;
    ParcelDesk& operator=(const ParcelDesk&) = delete;

    std::vector<ParcelSource> sources() const;
    StoredPage stored_after(const std::optional<Digest>& digest) const;
    // Tried for every repository of its format; then is told of those that it was good for or, when there are none, why
    // it was good for none. One root at a time: Refused while another one is being looked at.
    void take_root(const core::ParcelRepository& section, Bytes bundle, Then<std::vector<CarriedVerdict>> then);
    bool is_root_awaited() const { return round_ != nullptr; }
    // A list that was stored a moment ago has been read, or cannot be: what it lists is known.
    void when_read(const Digest& list, Task then);

  private:
    struct Round {
        core::ParcelRepository section;
        Bytes root;
        std::optional<Bytes> signature;
        std::vector<core::Repository> left;  // the next one last
        std::vector<CarriedVerdict> verdicts;
        Then<std::vector<CarriedVerdict>> then;
    };
    ParcelSource source_of(const core::Repository& repository) const;
    std::vector<core::IndexEntry> lacking_of(const core::Repository& repository, const core::IndexRoot& root) const;
    std::vector<core::Repository> takers_of(const core::ParcelRepository& section) const;
    void go_on();

    Loop& loop_;
    Store& store_;
    IndexBook& book_;
    std::unique_ptr<Round> round_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
