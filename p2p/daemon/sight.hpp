// Sight: what an asker at the control socket may see. Root and the agent's own user: everything. Any other local user:
// what belongs to public repositories; of the rest only that there is some. Loop's thread.
#pragma once

#include <algorithm>
#include <string>

#include "p2p/broker/index_book.hpp"

namespace packswarm::daemon {

class Sight {
  public:
    Sight(const broker::IndexBook& book, bool sees_all) : book_(book), sees_all_(sees_all) {}

    bool has(const core::Repository& repository) const { return sees_all_ || book_.is_public(repository); }
    bool has(const core::CatalogHit& hit) const {
        const auto* repository = book_.table().find(hit.repository);
        return sees_all_ || (repository != nullptr && book_.is_public(*repository));
    }
    // A file that was fetched: by its digest, since its name may say anything.
    bool has(const std::optional<Digest>& digest) const {
        const auto hit = sees_all_ || !digest ? std::nullopt : book_.find(*digest);
        return sees_all_ || (hit && has(*hit));
    }
    bool has_mirror(const std::string& base) const {
        const auto& all = book_.table().all();
        return sees_all_ || std::any_of(all.begin(), all.end(), [&](const core::Repository& repository) {
                   const auto& bases = repository.bases;
                   return has(repository) && std::find(bases.begin(), bases.end(), base) != bases.end();
               });
    }

  private:
    const broker::IndexBook& book_;
    const bool sees_all_;
};

}  // namespace packswarm::daemon
