// GivenRoots: which root each transaction was given last, by the signature that belongs to it: a root and its detached
// signature come from one snapshot or not at all. Not here: fetching either (root_fetch.hpp). Loop's thread.
#pragma once

#include <deque>
#include <string>

#include "p2p/base/units.hpp"

namespace packswarm::broker {

class GivenRoots {
  public:
    struct Given {
        std::string transaction, root_url;
        Bytes signature;
        // It bears no later a date than its asker named. Clients that obey dates themselves (libcurl, and so pacman)
        // pass over such an answer and keep the root they have, whose signature is another one.
        bool is_passed_over = false;
    };
    void gave(Given given);
    void forget(const std::string& transaction, const std::string& root_url);
    const Given* find(const std::string& transaction, const std::string& root_url) const;  // null: it was not given

  private:
    std::deque<Given> given_;  // newest last
};

}  // namespace packswarm::broker
