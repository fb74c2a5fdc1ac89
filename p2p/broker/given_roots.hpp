// GivenRoots: which root each transaction was given last, by the signature that belongs to it: a root and its detached
// signature come from one snapshot or not at all. Not here: fetching either (root_fetch.hpp). Loop's thread.
#pragma once

#include <compare>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/repository_id.hpp"

namespace packswarm::broker {

// Of a root, for one of the repositories that have it there.
struct RootAddress {
    core::RepositoryId repository;
    std::string url;
    friend auto operator<=>(const RootAddress&, const RootAddress&) = default;
};

class GivenRoots {
  public:
    // What its asker makes of it, where it obeys dates itself (libcurl, and so pacman): it has it already, or keeps the
    // root it has, whose signature is another one, since this one bears no later date.
    enum class Fate { taken, passed_over, had };
    struct Given {
        std::string transaction, root_url;
        Bytes signature;
        std::optional<WallTime> modified;  // of the signature
        Fate fate = Fate::taken;
        Digest digest{};   // of the signature
        Digest content{};  // of the root; zero: it was handed through
    };
    void gave(Given given);
    void forget(const std::string& transaction, const std::string& root_url);
    // What the address was served last, whoever asked; without a signature: what is not believed here.
    void served(const RootAddress& address, Given given);
    const Given* last_at(const RootAddress& address) const;
    const Given* find(const std::string& transaction, const std::string& root_url) const;  // null: it was not given

  private:
    std::deque<Given> given_;  // newest last
    std::map<RootAddress, Given> last_;
};

}  // namespace packswarm::broker
