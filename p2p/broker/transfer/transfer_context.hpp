// TransferContext: what every transfer works with, owned by the broker. Target: one artifact that is wanted, and where
// it may come from.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "p2p/base/budget.hpp"
#include "p2p/broker/absences.hpp"
#include "p2p/broker/ports/mirrors.hpp"
#include "p2p/broker/ports/peers.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/broker/ports/trust.hpp"
#include "p2p/broker/source_book.hpp"
#include "p2p/plan/board.hpp"
#include "p2p/plan/strangers.hpp"

namespace packswarm::broker {

struct TransferContext {
    Loop& loop;
    Mirrors& mirrors;
    Peers& peers;
    Store& store;
    Trust& trust;
    plan::Board& board;
    SourceBook& sources;
    Task replan;                                    // soon, once
    std::function<bool()> may_lend;                 // the owner shares
    std::function<void(plan::SourceId)> discredit;  // tell every transfer
    std::uint64_t next_claim = 1;
    Absences absences{};  // what mirrors did not have, or refused, a moment ago
    // Bases whose root was had from another one, where they redirect to: apt asks there for the repository's other
    // files.
    std::map<std::string, std::string> led_on{};
    bool asks_strangers = true;                                      // the owner's switch
    Budget roots{limits::max_roots_in_memory, limits::spared_root};  // bytes of roots that are on their way
    Budget arrivals{limits::max_arriving, limits::spared_arriving};  // bytes that wait to be written
};

// How long a lineage that was just entered may be without anybody who could speak up: discovery's first round, by far.
inline constexpr auto first_round = Millis(6'000);

struct MirrorAddress {
    plan::SourceId source{};
    std::string url;
};

struct Target {
    Digest digest;
    ByteCount size = 0;
    std::string name;                    // path, for people
    std::vector<MirrorAddress> mirrors;  // best first
    core::Lineage lineage;               // public lineage, or empty: peers are never asked
    bool is_listed = false;              // by an index that counts here: digest and size are not the asker's word alone
    plan::Asking asking;                 // of strangers
    bool is_rewritten = false;           // other bytes stand under this path from time to time: a mirror may lag

    const std::string* address_at(plan::SourceId mirror) const {  // or null
        for (const auto& one : mirrors)
            if (one.source == mirror) return &one.url;
        return nullptr;
    }
};

}  // namespace packswarm::broker
