// Ledger: what is remembered for good; implemented by store::Ledger.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/core/floor_name.hpp"
#include "p2p/core/kinship.hpp"
#include "p2p/core/mirror_health.hpp"

namespace packswarm::broker {

// The newest verified root that an address showed of a lineage and product, kept for good (rollback and
// freeze).
struct Floor {
    core::FloorName name;
    WallTime date{};
    Digest root;
};

enum class SourceKind { mirror, peer, cache };
std::string_view to_string(SourceKind kind);

struct SourceShare {  // what one source gave to one artifact
    SourceKind kind = SourceKind::mirror;
    std::string source;    // mirror base address or peer endpoint; empty for cache
    ByteCount bytes = 0;   // payload received, wasted bytes included
    ByteCount wasted = 0;  // of these, bytes that were thrown away
};

struct TransferRecord {              // one artifact delivered to one asker
    std::string transaction, asker;  // "apt", "pacman", "cli", "gateway"
    std::string name;                // path or URL path, for people
    std::optional<Digest> digest;
    ByteCount size = 0;
    WallTime started{};
    double seconds = 0;
    std::string outcome;  // "ok" or an error kind and message
    std::vector<SourceShare> sources;
    std::vector<std::string> reasons;  // what was decided and why, one line each, bounded
};

class Ledger {
  public:
    virtual ~Ledger() = default;
    virtual std::vector<Floor> floors() = 0;
    // All are durable before then is told, which may be within the call; in the order of the calls.
    virtual void raise_floors(std::vector<Floor> floors, Then<void> then) = 0;
    virtual std::vector<std::pair<std::string, core::MirrorHealth>> mirror_health() = 0;  // by base address
    virtual void save_mirror_health(const std::string& base, const core::MirrorHealth& health) = 0;
    virtual void record(const TransferRecord& transfer) = 0;
    virtual std::vector<core::Sighting> sightings() {
        return {};
    }  // a ledger may forget them: roots are then fetched anew
    virtual void save_sighting(const core::Sighting&) {}
    virtual void forget_sighting(const core::Sighting&) {}
};

}  // namespace packswarm::broker
