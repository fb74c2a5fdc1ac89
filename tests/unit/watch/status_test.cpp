#include "p2p/watch/status.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace packswarm::watch {
namespace {

using Json = nlohmann::json;

// As an agent sends it, with everything that may be there.
constexpr auto full =
    R"({"version":"0.1.0","sentence":"All well.","pid":7,
"uptime_s":61,"requests":{"open":1,"done":2,"failed":3},"mishaps":4,
"loop_late_ms":5,"loop_late_p99_ms":6,"hidden_repositories":7,
"bytes":{"mirror":8,"peer":9,"cache":10,"wasted":11,"sent":12,"received":13,"needed":14},
"store":{"path":"/var/lib/packswarm","files":15,"bytes":16,"unlisted":17,"quota":18,"free":19,"inodes_free":20,
         "inodes_kept":21,"unproven":22,"rotten":23,"scrub":24},
"gateway":"127.0.0.1:7878","swarm":"0.0.0.0:6881",
"sharing":{"state":"on","audience":"everybody","reason":"r","offered":25,"rate":26,"cap":27,
           "month":{"sent":28,"neighbours":29,"quota":30},"torrents":31,"announces":32},
"limits":[{"name":"swarm.upload_limit","state":"ok","why":"w","unit":"bytes/s","now":33,"most":null},
          {"name":"store.reserve","state":"reached","why":"w","unit":"bytes","now":34,"least":35},
          {"name":"sharing.not_on_networks","state":"ok","why":"w","list":[]}],
"discovery":{"lan":true,"dht":false,"dht_nodes":36,"trackers":["udp://t"],
             "swarms":[{"lineage":"l","shard":null,"infohash":"ab","announced":true,"peers":37,"seen":38,
                        "announces":{"dht":39,"tracker":40,"lan":41}}]},
"peers":42,"mirrors":{"usable":43,"total":44},"own_indexes":{"mirror":45,"peer":46,"most":47},
"repositories":[{"id":"i","format":"debian","suite":"s","components":["main"],"architectures":["amd64"],
                 "bases":["http://a"],"lineage":null,"state":"verified",
                 "health":{"state":"live","sentence":"h","remedy":null,"since":null},
                 "message":null,"date":48,"valid_until":null,
                 "entries":49,"sharing":"allowed","left_out":{"count":50,"named":["n"]}}],
"transfers":[{"name":"n","asker":"apt","size":51,"received":52,"seconds":1.5,
              "sources":[{"kind":"peer","source":"192.0.2.7:1","bytes":53,"wasted":54}]}]})";

TEST(Status, IsPrintedAsItWasRead) {
    const auto wire = Json::parse(full);
    EXPECT_EQ(json_of(status_of(wire)).dump(), wire.dump());
}

TEST(Status, WhatIsSwitchedOffIsNullOrLeftOut) {
    const auto wire = json_of(Status{});
    for (const auto* name : {"gateway", "swarm"}) EXPECT_TRUE(wire.at(name).is_null()) << name;
    for (const auto* name : {"discovery", "loop_late_p99_ms"}) EXPECT_FALSE(wire.contains(name)) << name;
    EXPECT_TRUE(wire.at("store").at("inodes_free").is_null());
    EXPECT_EQ(wire.at("repositories"), Json::array());
}

TEST(Status, WhatIsMissingOrOfAnotherKindReadsAsItsDefault) {
    for (const auto* text : {"{}", "[]", "null", "7",
                             R"({"pid":"x","requests":[],"store":null,"sharing":{"cap":"much","month":3},"mirrors":1.5,
                                 "repositories":{},"bytes":{"mirror":1e300,"peer":true}})"}) {
        const auto status = status_of(Json::parse(text));
        EXPECT_EQ(status.pid, 0) << text;
        EXPECT_EQ(status.bytes.mirror, 0) << text;
        EXPECT_EQ(status.bytes.peer, 0) << text;
        EXPECT_TRUE(status.repositories.empty()) << text;
    }
    const auto odd_rows = status_of(Json::parse(R"({"repositories":[1,null,{"id":"x"}],"transfers":[[]]})"));
    EXPECT_EQ(odd_rows.repositories.size(), 3u);
    EXPECT_EQ(odd_rows.repositories[2].id, "x");
}

std::string pointer_of(std::string name) {
    std::replace(name.begin(), name.end(), '.', '/');
    return "/" + name;
}

TEST(Meters, EachHasANameAUnitHelpAndItsValue) {
    const auto wire = Json::parse(full);
    std::set<std::string> names;
    for (const auto& [name, meter, value] : readings_of(status_of(wire))) {
        EXPECT_TRUE(names.insert(name).second) << name;
        EXPECT_FALSE(std::string(meter.unit).empty()) << name;
        EXPECT_TRUE(std::string(meter.help).ends_with(".")) << name;
        EXPECT_EQ(wire.at(Json::json_pointer(pointer_of(name))).get<double>(), value) << name;
    }
}

TEST(Meters, EveryNumberOfStatusThatStandsInNoListIsOne) {
    std::set<std::string> meters;
    const auto wire = Json::parse(full);
    for (const auto& reading : readings_of(status_of(wire))) meters.insert(pointer_of(reading.name));
    std::set<std::string> numbers;
    const auto flat = wire.flatten();
    for (const auto& [pointer, value] : flat.items())
        if (value.is_number() && pointer != "/pid" && pointer.find("/0") == std::string::npos &&
            pointer.find("/1/") == std::string::npos)
            numbers.insert(pointer);
    EXPECT_EQ(meters, numbers);
}

TEST(Meters, WhatOnlyGrowsIsACounter) {
    for (const auto& [name, meter, value] : readings_of(Status{})) {
        if (name == "bytes.mirror" || name == "requests.done") {
            EXPECT_EQ(meter.kind, Kind::counter) << name;
        }
        if (name == "peers" || name == "requests.open") {
            EXPECT_EQ(meter.kind, Kind::gauge) << name;
        }
    }
}

}  // namespace
}  // namespace packswarm::watch
