#include "p2p/daemon/owner_status.hpp"

#include <unistd.h>

#include "p2p/base/mishap.hpp"
#include "p2p/base/version.hpp"
#include "p2p/broker/health_facts.hpp"
#include "p2p/core/repository_table.hpp"
#include "p2p/daemon/owner_limits.hpp"

namespace packswarm::daemon {

namespace {

using watch::Count;

template <class Number>
Count count(Number number) {
    return static_cast<Count>(number);
}

std::optional<std::string> unless_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

Count epoch_of(WallTime time) { return time.time_since_epoch().count(); }

// How agents are looked for: where each lineage is announced and how often so far.
watch::Discovery discovery_of(const swarm::DiscoveryView& view, const Config& config) {
    watch::Discovery out;
    out.lan = config.swarm.lan_discovery;
    out.dht = view.dht_is_on;
    out.dht_nodes = count(view.dht_nodes);
    out.trackers = config.swarm.trackers;
    for (const auto& one : view.swarms) {
        watch::Swarm row;
        row.lineage = one.lineage.name();
        row.infohash = one.infohash;
        row.shard = unless_empty(one.shard);
        row.announced = !one.is_guest;
        row.peers = count(one.peers);
        row.seen = count(one.seen);
        row.announces = {count(one.announces.dht), count(one.announces.tracker), count(one.announces.lan)};
        out.swarms.push_back(std::move(row));
    }
    return out;
}

const char* standing_text(broker::RepositoryState::Standing standing) {
    using Standing = broker::RepositoryState::Standing;
    switch (standing) {
        case Standing::unread:
            return "unread";
        case Standing::verified:
            return "verified";
        case Standing::unsigned_hint:
            return "unsigned";
        case Standing::refused:
            return "refused";
    }
    return "unread";
}

watch::Store store_of(const store::Usage& usage, const Config& config) {
    watch::Store out;
    out.path = config.store.folder.string();
    out.files = count(usage.files);
    out.bytes = usage.stored;
    out.unlisted = usage.loose;
    out.quota = usage.quota;
    out.unproven = count(usage.unproven);
    out.rotten = count(usage.rotten);
    out.scrub = config.scrub;
    out.free = usage.disk ? usage.disk->bytes : 0;
    if (usage.disk && usage.disk->inodes) {
        out.inodes_free = count(*usage.disk->inodes);
        out.inodes_kept = count(usage.disk->inode_reserve);
    }
    return out;
}

watch::Health shown_health(const core::RepositoryHealth& health) {
    watch::Health out;
    out.state = core::to_string(health.health);
    out.sentence = health.sentence;
    out.remedy = unless_empty(health.remedy);
    if (health.since) out.since = epoch_of(*health.since);
    return out;
}

watch::Repository repository_of(const broker::IndexBook& book, const core::Repository& repository) {
    const auto& state = book.states().at(repository.id);
    watch::Repository out;
    out.id = repository.id.text();
    out.format = core::to_string(repository.format);
    out.suite = repository.suite;
    out.components = repository.components;
    out.architectures = repository.architectures;
    out.bases = repository.bases;
    out.state = standing_text(state.standing);
    out.message = unless_empty(state.message);
    if (state.root) {
        out.date = epoch_of(state.root->index.date);
        if (const auto& until = state.root->index.valid_until) out.valid_until = epoch_of(*until);
    }
    out.entries = count(book.catalog().packages(repository.id));
    const bool is_public = book.is_public(repository);
    out.sharing = is_public ? "allowed" : "forbidden";
    if (is_public && !state.lineages.empty()) out.lineage = state.lineages.front().name();
    if (const auto left_out = book.catalog().left_out(repository.id); !left_out.empty())
        out.left_out = watch::LeftOut{count(left_out.count), left_out.named};
    return out;
}

watch::Moved moved_of(store::Ledger& ledger) {
    auto totals = ledger.totals();
    const auto& by_mirrors = totals[broker::SourceKind::mirror];
    const auto& by_peers = totals[broker::SourceKind::peer];
    const auto sent = ledger.sent();
    watch::Moved out;
    out.mirror = by_mirrors.bytes;
    out.peer = by_peers.bytes;
    out.cache = totals[broker::SourceKind::cache].bytes;
    out.wasted = by_mirrors.wasted + by_peers.wasted;
    out.sent = sent.far + sent.near;
    out.received = out.mirror + out.peer;
    out.needed = out.received - out.wasted;
    return out;
}

watch::Mirrors mirrors_of(const AgentView& agent) {
    watch::Mirrors out;
    for (const auto& [base, health] : agent.broker.sources().mirrors()) {
        out.total += 1;
        out.usable += core::is_usable(health, agent.loop.wall_now()) ? 1 : 0;
    }
    return out;
}

watch::OwnIndexes own_indexes_of(const AgentView& agent) {
    const auto transaction = broker::MissingIndexes::transaction_of(agent.loop.wall_now());
    auto own = agent.ledger.totals_of(transaction);
    return {own[broker::SourceKind::mirror].bytes, own[broker::SourceKind::peer].bytes,
            agent.config.sources.daily_indexes};
}

void add_repositories(const AgentView& agent, const Sight& sight, watch::Status& out) {
    const auto& book = agent.broker.book();
    const auto now = agent.loop.wall_now();
    std::vector<core::NamedHealth> all;
    for (const auto& repository : book.table().all()) {
        if (!sight.has(repository)) {
            out.hidden_repositories += 1;
            continue;
        }
        const auto health = broker::health_of(book, repository, now);
        out.repositories.push_back(repository_of(book, repository));
        out.repositories.back().health = shown_health(health);
        all.push_back({repository.id.text(), health});
    }
    out.sentence = core::sentence_for_all(all, now);
}

void add_transfers(const AgentView& agent, const Sight& sight, watch::Status& out) {
    for (const auto& live : agent.broker.live())
        if (sight.has(live.digest))
            out.transfers.push_back(
                {live.name, live.asker, live.size, live.received, live.seconds, sources_of(live.sources)});
}

}  // namespace

std::vector<watch::Source> sources_of(const std::vector<broker::SourceShare>& shares) {
    std::vector<watch::Source> out;
    out.reserve(shares.size());
    for (const auto& share : shares)
        out.push_back({std::string(to_string(share.kind)), share.source, share.bytes, share.wasted});
    return out;
}

watch::Status owner_status(const AgentView& agent, TimePoint started, const Sight& sight) {
    watch::Status out;
    out.version = program_version;
    out.pid = ::getpid();
    out.uptime_s = count(seconds_between(started, agent.loop.now()));
    const auto counters = agent.broker.counters();
    out.requests = {count(counters.open), count(counters.done), count(counters.failed)};
    out.mishaps = count(mishaps());
    out.loop_late_ms = agent.watch.worst().count();
    if (agent.watch.is_looked_on()) out.loop_late_p99_ms = agent.watch.lateness().quantile(0.99).count();
    out.bytes = moved_of(agent.ledger);
    out.store = store_of(agent.vault.usage(), agent.config);
    out.gateway = unless_empty(agent.gateway);
    out.swarm = unless_empty(agent.swarm);
    if (agent.swarm_room != nullptr) out.discovery = discovery_of(agent.swarm_room->discovery(), agent.config);
    out.sharing = sharing_of(agent);
    out.limits = limits_of(agent);
    out.peers = count(agent.peers.view().size());
    out.mirrors = mirrors_of(agent);
    out.own_indexes = own_indexes_of(agent);
    add_repositories(agent, sight, out);
    add_transfers(agent, sight, out);
    return out;
}

}  // namespace packswarm::daemon
