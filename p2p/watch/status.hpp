// Status: what the agent shows of itself, as types: filled in by the daemon, printed for the wire, read back by the
// command line. Names, units and help of the numbers: status_fields.cpp. Not here: who may see what (daemon), text for
// people (cli). Plain data, any thread. Errors: none; what is missing or of another kind reads as its default.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/units.hpp"
#include "p2p/watch/meter.hpp"

namespace packswarm::watch {

using Count = std::int64_t;
using Texts = std::vector<std::string>;

struct Requests {
    Count open = 0, done = 0, failed = 0;
};

struct Moved {
    ByteCount mirror = 0, peer = 0, cache = 0, wasted = 0, sent = 0, received = 0, needed = 0;
};

struct Store {
    std::string path;
    Count files = 0;
    ByteCount bytes = 0, unlisted = 0, quota = 0, free = 0, scrub = 0;
    Count unproven = 0, rotten = 0;
    std::optional<Count> inodes_free, inodes_kept;  // null: the file system has no limit of them
};

struct Month {
    ByteCount sent = 0, neighbours = 0;
    std::optional<ByteCount> quota;
};

struct Sharing {
    std::string state, audience;
    std::optional<std::string> reason;
    Count offered = 0;
    ByteCount rate = 0;
    std::optional<ByteCount> cap;
    std::optional<Month> month;
    Count torrents = 0, announces = 0;
};

struct Limit {
    std::string name, state, why;
    std::optional<std::string> unit;  // of the numbers; none: a list
    std::optional<Count> now, least;
    std::optional<std::optional<Count>> most;  // null: it could have one, and has none
    std::optional<Texts> list;
};

struct Announces {
    Count dht = 0, tracker = 0, lan = 0;
};

struct Swarm {
    std::string lineage, infohash;
    std::optional<std::string> shard;
    bool announced = false;
    Count peers = 0, seen = 0;
    Announces announces;
};

struct Discovery {
    bool lan = false, dht = false;
    Count dht_nodes = 0;
    Texts trackers;
    std::vector<Swarm> swarms;
};

struct Mirrors {
    Count usable = 0, total = 0;
};

struct OwnIndexes {
    ByteCount mirror = 0, peer = 0, most = 0;
};

struct LeftOut {
    Count count = 0;
    Texts named;
};

struct Health {
    std::string state, sentence;
    std::optional<std::string> remedy;
    std::optional<Count> since;  // seconds since the epoch
};

struct Repository {
    std::string id, format, suite, state, sharing;
    Texts components, architectures, bases;
    Health health;
    std::optional<std::string> message, lineage;
    std::optional<Count> date, valid_until;  // seconds since the epoch
    Count entries = 0;
    std::optional<LeftOut> left_out;
};

struct Source {
    std::string kind, source;
    ByteCount bytes = 0, wasted = 0;
};

struct Transfer {
    std::string name, asker;
    ByteCount size = 0, received = 0;
    double seconds = 0;
    std::vector<Source> sources;
};

struct Status {
    std::string version, sentence;
    Count pid = 0, uptime_s = 0, mishaps = 0, loop_late_ms = 0, hidden_repositories = 0, peers = 0;
    std::optional<Count> loop_late_p99_ms;
    std::optional<std::string> gateway, swarm;  // where they listen; null: switched off
    Requests requests;
    Moved bytes;
    Store store;
    Sharing sharing;
    std::vector<Limit> limits;
    std::optional<Discovery> discovery;
    Mirrors mirrors;
    std::optional<OwnIndexes> own_indexes;
    std::vector<Repository> repositories;
    std::vector<Transfer> transfers;
};

// The answer to "status" (p2p/control/README.md).
nlohmann::json json_of(const Status& status);
nlohmann::json json_of(const std::vector<Source>& sources);
Status status_of(const nlohmann::json& answer);

// Every number with a meter that stands in no list.
std::vector<Reading> readings_of(const Status& status);

}  // namespace packswarm::watch
