// Punches: endpoints that TCP did not reach, or that dial us at this moment as a common friend says: they are dialled
// over uTP, by which two routers each take the other's packets for answers (BEP 55). A few attempts each, few in all,
// since others name them. Not here: dialling (rendezvous.hpp), the friend (channel.hpp). Network thread.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "p2p/swarm/allowance.hpp"
#include "p2p/swarm/discovery/candidates.hpp"

namespace packswarm::swarm {

class Punches {
  public:
    void named(const Candidate& candidate, const lt::address& friend_);  // who may introduce us, should TCP fail
    std::optional<lt::address> namer(const Candidate& candidate) const;

    bool want(const Candidate& candidate, TimePoint now);  // false: not again now
    bool is_empty() const { return waiting_.empty(); }
    std::vector<Candidate> take() { return std::exchange(waiting_, {}); }
    bool knows(const lt::address& address) const;  // tried within the last minutes: what comes from there was let in
    void expire(TimePoint now);

  private:
    using Key = std::pair<LineageId, lt::tcp::endpoint>;
    struct Attempts {
        int count = 0;
        TimePoint last{};
    };
    static Key key(const Candidate& candidate) { return {candidate.swarm, candidate.endpoint}; }

    std::vector<Candidate> waiting_;
    std::map<Key, Attempts> tried_;
    std::map<Key, lt::address> named_;
    Allowance all_{limits::punch_burst, limits::punches_per_second};
};

}  // namespace packswarm::swarm
