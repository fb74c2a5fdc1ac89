// GivenRoots: which root each transaction was given last, by the signature that belongs to it: a root and its detached
// signature come from one snapshot or not at all. Not here: fetching either (root_fetch.hpp). Loop's thread.
#pragma once

#include <deque>
#include <string>

#include "p2p/base/units.hpp"

namespace packswarm::broker {

class GivenRoots {
  public:
    void gave(const std::string& transaction, const std::string& root_url, Bytes signature);
    const Bytes* signature_of(const std::string& transaction,
                              const std::string& root_url) const;  // null: that root was not given

  private:
    struct Given {
        std::string transaction, root_url;
        Bytes signature;
    };
    std::deque<Given> given_;  // newest last
};

}  // namespace packswarm::broker
