// Burdens: what connections make libtorrent keep: messages that are not finished, up to a megabyte each, and answers
// that nobody takes. All together have one bound; beyond it the network that makes us keep most loses connections, the
// heaviest first. Not here: places (seats.hpp), asks that wait (giver.hpp). Network thread.
#pragma once

#include <libtorrent/extensions.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "p2p/base/memory_sum.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::swarm {

class Session;

class Burdens {
  public:
    explicit Burdens(const Session& session) : session_(session) {}
    void count_in(MemorySum& sum) { part_.emplace(sum); }  // and have its room alone

    std::shared_ptr<lt::torrent_plugin> watch();  // of each torrent, so that its connections count
    std::size_t connections() const { return bearers_.size(); }
    // Ends connections until all together keep no more than most. Returns what they do.
    ByteCount relieve(ByteCount most);

  private:
    class Watcher;
    class Bearer;
    struct Load {
        std::shared_ptr<Bearer> bearer;
        std::string group;  // neighbours are of one network: their address
        ByteCount bytes = 0;
    };
    std::vector<Load> loads() const;
    ByteCount end_heaviest(std::vector<Load> all, ByteCount sum, ByteCount most);

    const Session& session_;
    std::set<Bearer*> bearers_;
    std::optional<MemorySum::Part> part_;
};

}  // namespace packswarm::swarm
