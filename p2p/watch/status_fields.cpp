#include "p2p/watch/field.hpp"
#include "p2p/watch/status.hpp"

namespace packswarm::watch {

using enum Kind;

template <>
struct Fields<Requests> {
    static constexpr Field<Requests> all[] = {
        meter<&Requests::open>("open", Meter{"requests", gauge, "Requests that wait for an answer."}),
        meter<&Requests::done>("done", Meter{"requests", counter, "Requests answered well since the start."}),
        meter<&Requests::failed>("failed", Meter{"requests", counter, "Requests that failed since the start."}),
    };
};

template <>
struct Fields<Moved> {
    static constexpr Field<Moved> all[] = {
        meter<&Moved::mirror>("mirror", Meter{"bytes", counter, "Payload from mirrors, what was wasted included."}),
        meter<&Moved::peer>("peer", Meter{"bytes", counter, "Payload from peers, what was wasted included."}),
        meter<&Moved::cache>("cache", Meter{"bytes", counter, "Payload given from the store."}),
        meter<&Moved::wasted>("wasted", Meter{"bytes", counter, "Payload that came twice or for nothing."}),
        meter<&Moved::sent>("sent", Meter{"bytes", counter, "Payload given to peers."}),
        meter<&Moved::received>("received", Meter{"bytes", counter, "Payload from mirrors and peers."}),
        meter<&Moved::needed>("needed", Meter{"bytes", counter, "Of what was received, what was not wasted."}),
    };
};

template <>
struct Fields<Store> {
    static constexpr Field<Store> all[] = {
        field<&Store::path>("path"),
        meter<&Store::files>("files", Meter{"files", gauge, "Files in the store."}),
        meter<&Store::bytes>("bytes", Meter{"bytes", gauge, "Bytes in the store."}),
        meter<&Store::unlisted>("unlisted", Meter{"bytes", gauge, "On their way, of files that no index lists."}),
        meter<&Store::quota>("quota", Meter{"bytes", gauge, "Most that the store may hold."}),
        meter<&Store::free>("free", Meter{"bytes", gauge, "Free on the store's file system."}),
        meter<&Store::scrub>("scrub", Meter{"bytes/s", gauge, "Rate at which idle files are hashed; 0: on demand."}),
        meter<&Store::unproven>("unproven", Meter{"files", gauge, "Files that were not hashed since the start."}),
        meter<&Store::rotten>("rotten", Meter{"files", counter, "Files dropped since the start: their bytes changed."}),
        meter<&Store::inodes_free>("inodes_free", Meter{"inodes", gauge, "Free on the store's file system."}),
        meter<&Store::inodes_kept>("inodes_kept", Meter{"inodes", gauge, "That the store leaves free."}),
    };
};

template <>
struct Fields<Month> {
    static constexpr Field<Month> all[] = {
        meter<&Month::sent>("sent", Meter{"bytes", gauge, "Given this month (UTC) beyond the local network."}),
        meter<&Month::neighbours>("neighbours", Meter{"bytes", gauge, "Given this month (UTC) to neighbours."}),
        meter<&Month::quota>("quota", Meter{"bytes", gauge, "Most that is given in a month; none: no limit."}),
    };
};

template <>
struct Fields<Sharing> {
    static constexpr Field<Sharing> all[] = {
        field<&Sharing::state>("state"),
        field<&Sharing::audience>("audience"),
        field<&Sharing::reason>("reason"),
        meter<&Sharing::offered>("offered", Meter{"files", gauge, "Files offered to peers."}),
        meter<&Sharing::rate>("rate", Meter{"bytes/s", gauge, "Given to peers now."}),
        meter<&Sharing::cap>("cap", Meter{"bytes/s", gauge, "Most beyond the local network; none: no limit."}),
        field<&Sharing::month>("month"),
        meter<&Sharing::torrents>("torrents", Meter{"torrents", gauge, "Loaded because somebody asked."}),
        meter<&Sharing::announces>("announces", Meter{"announces", counter, "Of single artifacts, since the start."}),
    };
};

template <>
struct Fields<Limit> {
    static constexpr Field<Limit> all[] = {
        field<&Limit::name>("name"),
        field<&Limit::state>("state"),
        field<&Limit::why>("why"),
        field<&Limit::unit, Unset::left_out>("unit"),
        field<&Limit::now, Unset::left_out>("now"),
        field<&Limit::most, Unset::left_out>("most"),
        field<&Limit::least, Unset::left_out>("least"),
        field<&Limit::list, Unset::left_out>("list"),
    };
};

template <>
struct Fields<Announces> {
    static constexpr Field<Announces> all[] = {
        meter<&Announces::dht>("dht", Meter{"announces", counter, "To the DHT, since the start."}),
        meter<&Announces::tracker>("tracker", Meter{"announces", counter, "To trackers, since the start."}),
        meter<&Announces::lan>("lan", Meter{"announces", counter, "On the local network, since the start."}),
    };
};

template <>
struct Fields<Swarm> {
    static constexpr Field<Swarm> all[] = {
        field<&Swarm::lineage>("lineage"),
        field<&Swarm::shard>("shard"),
        field<&Swarm::infohash>("infohash"),
        field<&Swarm::announced>("announced"),
        meter<&Swarm::peers>("peers", Meter{"peers", gauge, "Connected in this swarm."}),
        meter<&Swarm::seen>("seen", Meter{"peers", gauge, "Counted by trackers, DHT and connections."}),
        field<&Swarm::announces>("announces"),
    };
};

template <>
struct Fields<Discovery> {
    static constexpr Field<Discovery> all[] = {
        field<&Discovery::lan>("lan"),
        field<&Discovery::dht>("dht"),
        meter<&Discovery::dht_nodes>("dht_nodes", Meter{"nodes", gauge, "Nodes of the DHT that are known."}),
        field<&Discovery::trackers>("trackers"),
        field<&Discovery::swarms>("swarms"),
    };
};

template <>
struct Fields<Mirrors> {
    static constexpr Field<Mirrors> all[] = {
        meter<&Mirrors::usable>("usable", Meter{"mirrors", gauge, "Mirrors that are not set back."}),
        meter<&Mirrors::total>("total", Meter{"mirrors", gauge, "Mirrors that are known."}),
    };
};

template <>
struct Fields<OwnIndexes> {
    static constexpr Field<OwnIndexes> all[] = {
        meter<&OwnIndexes::mirror>("mirror", Meter{"bytes", gauge, "From mirrors today (UTC), unasked."}),
        meter<&OwnIndexes::peer>("peer", Meter{"bytes", gauge, "From peers today (UTC), unasked."}),
        meter<&OwnIndexes::most>("most", Meter{"bytes", gauge, "Most that mirrors give in a day, unasked."}),
    };
};

template <>
struct Fields<LeftOut> {
    static constexpr Field<LeftOut> all[] = {
        meter<&LeftOut::count>("count", Meter{"entries", gauge, "Entries of its indexes that nobody may use."}),
        field<&LeftOut::named>("named"),
    };
};

template <>
struct Fields<Health> {
    static constexpr Field<Health> all[] = {
        field<&Health::state>("state"),
        field<&Health::sentence>("sentence"),
        field<&Health::remedy>("remedy"),
        field<&Health::since>("since"),
    };
};

template <>
struct Fields<Repository> {
    static constexpr Field<Repository> all[] = {
        field<&Repository::id>("id"),
        field<&Repository::format>("format"),
        field<&Repository::suite>("suite"),
        field<&Repository::components>("components"),
        field<&Repository::architectures>("architectures"),
        field<&Repository::bases>("bases"),
        field<&Repository::lineage>("lineage"),
        field<&Repository::state>("state"),
        field<&Repository::health>("health"),
        field<&Repository::message>("message"),
        field<&Repository::date>("date"),
        field<&Repository::valid_until>("valid_until"),
        meter<&Repository::entries>("entries", Meter{"packages", gauge, "Packages that its indexes list."}),
        field<&Repository::left_out, Unset::left_out>("left_out"),
        field<&Repository::sharing>("sharing"),
    };
};

template <>
struct Fields<Source> {
    static constexpr Field<Source> all[] = {
        field<&Source::kind>("kind"),
        field<&Source::source>("source"),
        field<&Source::bytes>("bytes"),
        field<&Source::wasted>("wasted"),
    };
};

template <>
struct Fields<Transfer> {
    static constexpr Field<Transfer> all[] = {
        field<&Transfer::name>("name"),       field<&Transfer::asker>("asker"),
        field<&Transfer::size>("size"),       field<&Transfer::received>("received"),
        field<&Transfer::seconds>("seconds"), field<&Transfer::sources>("sources"),
    };
};

template <>
struct Fields<Status> {
    static constexpr Field<Status> all[] = {
        field<&Status::version>("version"),
        field<&Status::sentence>("sentence"),
        field<&Status::pid>("pid"),
        meter<&Status::uptime_s>("uptime_s", Meter{"s", gauge, "Since the start."}),
        field<&Status::requests>("requests"),
        meter<&Status::mishaps>("mishaps",
                                Meter{"requests", counter, "Ended by a fault of the agent since the start."}),
        meter<&Status::loop_late_ms>("loop_late_ms", Meter{"ms", gauge, "The worst lateness of the loop."}),
        meter<&Status::loop_late_p99_ms, Unset::left_out>(
            "loop_late_p99_ms", Meter{"ms", gauge, "Lateness that 1 in 100 turns exceed, where it is looked on."}),
        field<&Status::bytes>("bytes"),
        field<&Status::store>("store"),
        field<&Status::gateway>("gateway"),
        field<&Status::swarm>("swarm"),
        field<&Status::discovery, Unset::left_out>("discovery"),
        field<&Status::sharing>("sharing"),
        field<&Status::limits>("limits"),
        meter<&Status::peers>("peers", Meter{"peers", gauge, "Connected peers."}),
        field<&Status::mirrors>("mirrors"),
        field<&Status::own_indexes>("own_indexes"),
        field<&Status::repositories>("repositories"),
        meter<&Status::hidden_repositories>("hidden_repositories",
                                            Meter{"repositories", gauge, "Private ones that this asker is not shown."}),
        field<&Status::transfers>("transfers"),
    };
};

Json json_of(const Status& status) { return print_value(status); }
Json json_of(const std::vector<Source>& sources) { return print_value(sources); }

Status status_of(const Json& answer) {
    Status out;
    read_value(answer, out);
    return out;
}

std::vector<Reading> readings_of(const Status& status) {
    std::vector<Reading> out;
    gather_value(status, "", std::nullopt, out);
    return out;
}

}  // namespace packswarm::watch
