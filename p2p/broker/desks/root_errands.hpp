// RootErrands: roots that are fetched for the agent itself and given to nobody: when the owner wants a refresh, and
// when a package waits for a look at its repository's index (index_looks.hpp). Not here: who asks for a root
// (root_desk.hpp). Loop's thread.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "p2p/broker/index_looks.hpp"
#include "p2p/broker/root_fetch.hpp"

namespace packswarm::broker {

class RootErrands {
  public:
    RootErrands(TransferContext& context, IndexBook& book) : context_(context), book_(book) {}
    RootErrands(const RootErrands&) = delete;
    RootErrands& operator=(const RootErrands&) = delete;

    // Fetches and verifies a repository's root now. Absent: no repository is called so.
    void refresh(const core::RepositoryId& repository, Then<RootAnswer> then);
    IndexLooks& looks() { return looks_; }

  private:
    void look_at(const core::Location& at, Task then);

    TransferContext& context_;
    IndexBook& book_;
    std::vector<std::unique_ptr<RootFetch>> refreshes_;
    std::map<core::RepositoryId, std::unique_ptr<RootFetch>> looking_;
    IndexLooks looks_{context_.loop, [this](const core::Location& at, Task then) { look_at(at, std::move(then)); },
                      [this](const core::RepositoryId& repository) { looking_.erase(repository); }};
};

}  // namespace packswarm::broker
