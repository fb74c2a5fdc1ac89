// PeerBook: agents that this one was connected with, by lineage, so that a restart dials them first. The last few met
// of a lineage stay for good. Of the others, who was not met for a month before these, or did not answer at several
// starts in a row, is forgotten; who was blamed at once. Bounded. Pure. Not here: dialling (swarm), keeping the rows
// (store).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "p2p/base/limits.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/lineage.hpp"

namespace packswarm::core {

struct KnownPeer {
    Lineage lineage;
    std::string endpoint;    // "192.0.2.7:26881": where it listens, by its own word
    WallTime last_seen{};    // never before that of who was met earlier: a clock that goes back changes no order
    ByteCount received = 0;  // payload that it ever gave
    int failures = 0;        // starts in a row at which it was dialled and did not answer, and somebody else did
    friend bool operator==(const KnownPeer&, const KnownPeer&) = default;
};

class PeerBook {
  public:
    struct Limits {
        std::size_t per_lineage = 64;
        std::size_t all = 512;
        Seconds age{30 * 86400};
        int failures = 5;
        std::size_t for_good = limits::max_lasting_acquaintances;  // of a lineage: the last met, whatever they answered
    };
    struct Changes {  // what the kept rows have to follow
        std::vector<KnownPeer> kept;
        std::vector<KnownPeer> dropped;
    };

    explicit PeerBook(const Limits& limits) : limits_(limits) {}

    void load(std::vector<KnownPeer> rows);
    void met(const Lineage& lineage, const std::string& endpoint, ByteCount gave, WallTime now);
    void unanswered(const Lineage& lineage, const std::string& endpoint);
    void blamed(const std::string& host);  // "192.0.2.7", "[2001:db8::1]": all that listen there

    // Who is dialled first: answered last time before not, gave much before little, seen lately before long ago.
    std::vector<KnownPeer> best(const Lineage& lineage, std::size_t count) const;
    std::vector<KnownPeer> last_met(const Lineage& lineage) const;  // those that stay for good, the latest first
    const KnownPeer* find(const Lineage& lineage, const std::string& endpoint) const;
    std::size_t size() const { return peers_.size(); }
    Changes take_changes();  // since the last call

  private:
    using Key = std::pair<Lineage, std::string>;
    void drop(const Key& key);
    void forget_old(const Lineage& lineage);
    bool stays(const KnownPeer& peer) const;
    const KnownPeer& least(const std::vector<KnownPeer>& ranked) const;
    void make_room(const Lineage& lineage);
    std::vector<KnownPeer> ranked(const Lineage* lineage) const;

    Limits limits_;
    std::map<Key, KnownPeer> peers_;
    std::map<Key, KnownPeer> kept_, dropped_;
};

}  // namespace packswarm::core
