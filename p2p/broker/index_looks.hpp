// IndexLooks: a client that asks by name means what its own index lists under that name. Where that index may be newer
// than the index that is here, the package waits for a look at the repository's index. Not here: fetching one
// (root_fetch.hpp). Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/core/repository_table.hpp"

namespace packswarm::broker {

class IndexLooks {
  public:
    // Fetches the index of the repository, from the base that was asked before others; calls once, whatever came of it.
    using Fetch = std::function<void(const core::Location& at, Task then)>;
    using Stop = std::function<void(const core::RepositoryId& repository)>;  // ends that, if it has not ended
    IndexLooks(Loop& loop, Fetch fetch, Stop stop) : loop_(loop), fetch_(std::move(fetch)), stop_(std::move(stop)) {}
    IndexLooks(const IndexLooks&) = delete;
    IndexLooks& operator=(const IndexLooks&) = delete;

    // Whether the package has to wait; `then` is called when the look is over, seconds later at most. One look in a
    // minute. is_listed: the index that is here has a package of this name.
    bool holds(const core::Location& package, bool is_listed, Task then);
    // The client's index came from here: the index is as new as that.
    void told(const core::RepositoryId& repository) { looks_[repository].is_told = true; }
    // The mirror that was named gave another file than the one listed. Whether a look may show why; one in a minute.
    bool doubt(const core::RepositoryId& repository);

  private:
    struct Look {
        bool is_open = false, is_told = false;
        std::optional<TimePoint> began, doubted;
        std::vector<Task> waiting;
    };
    void begin(const core::Location& at, Look& look);
    void end(const core::RepositoryId& repository);

    Loop& loop_;
    const Fetch fetch_;
    const Stop stop_;
    std::map<core::RepositoryId, Look> looks_;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
