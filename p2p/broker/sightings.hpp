// Sightings: which root files each address was seen to have, over restarts. They say what a 304 of that address is
// worth, what the asker has, and what shows that two repositories are the same (core/kinship.hpp). Not here: whether a
// root is good (index_book.hpp).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2p/broker/ports/ledger.hpp"
#include "p2p/core/artifact.hpp"
#include "p2p/core/kinship.hpp"

namespace packswarm::broker {

class Sightings {
  public:
    explicit Sightings(Ledger& ledger);

    void saw(core::Sighting sighting);                         // the address answered with it now
    void confirmed(const std::string& address, WallTime now);  // and says that it is still so
    // With which date to ask an address whether it still has this file; none when another one was seen there since.
    // The asker's own, when the address gave this file with it: the same bytes may have come again with a later date,
    // and who kept the former copy (as apt does) would by itself ask with the former date. None, too, where the asker's
    // is later than any seen there: it has had a newer file past this agent, and many servers say "not modified" to
    // every date after their file's.
    std::optional<WallTime> revalidates(const std::string& address, const Digest& file,
                                        std::optional<WallTime> asker_since) const;
    // Which file the repository's addresses gave with this Last-Modified under this path; none when it was none, or
    // more than one.
    std::optional<Digest> given(const core::Repository& repository, const std::string& path, WallTime modified) const;
    bool showed(const core::Repository& repository, const Digest& bundle) const;

    // What the repository's own addresses showed, with those that did; by content, or by the bundles that older agents
    // name.
    core::Provenance provenance(const core::Repository& repository) const;
    std::vector<core::RootMark> bundles(const core::Repository& repository) const;
    std::optional<WallTime> last_confirmed(const core::Repository& repository) const;
    // The address by which agents tell each other where a repository is.
    static core::Mark address_mark(const core::Repository& repository, const std::string& base);

  private:
    using Rows = std::vector<core::Sighting>;  // of one address, the last seen first
    void drop_oldest_address();
    std::vector<const Rows*> rows_of(const core::Repository& repository) const;

    Ledger& ledger_;
    std::map<std::string, Rows> by_address_;
};

}  // namespace packswarm::broker
