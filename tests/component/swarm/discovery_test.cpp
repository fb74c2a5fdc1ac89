#include <fstream>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/session_params.hpp>

#include "p2p/swarm/discovery/rendezvous.hpp"
#include "p2p/swarm/torrents/canonical_torrent.hpp"
#include "tests/component/swarm/party.hpp"
#include "tests/component/swarm/raw_peer.hpp"

namespace packswarm::test {
namespace {

struct Memory : broker::PeerMemory {
    std::map<std::pair<core::Lineage, std::string>, core::KnownPeer> rows;
    std::vector<core::KnownPeer> known_peers() override {
        std::vector<core::KnownPeer> out;
        for (const auto& [key, peer] : rows) out.push_back(peer);
        return out;
    }
    void update_peers(const core::PeerBook::Changes& changes) override {
        for (const auto& peer : changes.dropped) rows.erase({peer.lineage, peer.endpoint});
        for (const auto& peer : changes.kept) rows[{peer.lineage, peer.endpoint}] = peer;
    }
};

class Discovery : public Party {
  protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "packswarm-discovery.XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override {
        agents_.clear();
        std::filesystem::remove_all(folder_);
    }
    swarm::SwarmSettings with_dht(int host, const std::vector<std::string>& nodes) const {
        auto out = settings(host);
        out.dht = true;
        out.dht_nodes = nodes;
        out.dht_state_file = folder_ / ("dht" + std::to_string(host));
        return out;
    }
    // Agents that are only nodes of a DHT, each of which knows the first.
    std::vector<Agent*> nodes(int count) {
        std::vector<Agent*> out;
        for (int host = 20; host < 20 + count; ++host)
            out.push_back(&agent(
                with_dht(host, out.empty() ? std::vector<std::string>{} : std::vector{out.front()->endpoint()})));
        EXPECT_TRUE(wait([&] {
            return std::all_of(out.begin(), out.end(),
                               [](Agent* one) { return one->swarm->discovery().dht_nodes > 0; });
        }));
        return out;
    }
    void leave(Agent& gone) {
        std::erase_if(agents_, [&](const auto& one) { return one.get() == &gone; });
    }
    bool met(const Agent& a, const Agent& b, Millis deadline = Millis(20'000)) {
        return wait([&] { return a.record.up.size() == 1 && b.record.up.size() == 1; }, deadline);
    }

    Memory memory;
    std::filesystem::path folder_;
};

TEST_F(Discovery, AgentsThatKnowOneNodeOfADhtFindEachOther) {
    const auto net = nodes(6);
    Agent& a = agent(with_dht(2, {net[0]->endpoint()}));
    Agent& b = agent(with_dht(3, {net[0]->endpoint()}));
    a.be_in();
    b.be_in();
    ASSERT_TRUE(met(a, b));
    ASSERT_TRUE(
        wait([&] { return a.swarm->discovery().swarms.size() == 1 && a.swarm->discovery().swarms[0].peers == 1; }));
    const auto view = a.swarm->discovery();
    EXPECT_EQ(view.swarms[0].lineage, a_lineage());
    EXPECT_EQ(view.swarms[0].infohash, swarm::lineage_id(a_lineage()).hex());
    EXPECT_GE(view.swarms[0].announces.dht, 1U);
    EXPECT_EQ(view.swarms[0].announces.tracker + view.swarms[0].announces.lan, 0U);
    EXPECT_TRUE(wait([&] { return a.swarm->discovery().dht_nodes >= 3; }))
        << "nodes of one subnet all have a place in the table";
}

TEST_F(Discovery, WhoIsAroundIsToldToThoseWhoWait) {
    const auto lineage = a_lineage();
    Agent& a = agent(settings(2));
    EXPECT_TRUE(a.swarm->company(lineage).is_nobody()) << "it is not in that swarm";
    a.be_in();
    EXPECT_FALSE(a.swarm->company(lineage).is_settled);
    EXPECT_TRUE(wait([&] { return a.swarm->company(lineage).is_nobody(); }))
        << "it has looked around, and nobody is there";
    Agent& b = agent(knowing(settings(3), a));
    b.be_in();
    EXPECT_TRUE(
        wait([&] { return a.swarm->company(lineage).connected == 1 && b.swarm->company(lineage).connected == 1; }));
    a.swarm->set_lineages({});
    EXPECT_TRUE(a.swarm->company(lineage).is_nobody());
}

TEST_F(Discovery, TheDhtIsFoundAgainAfterARestartWhenTheNamedNodeIsGone) {
    auto net = nodes(6);
    const auto first = net[0]->endpoint();
    Agent& a = agent(with_dht(2, {first}));
    ASSERT_TRUE(wait([&] { return a.swarm->discovery().dht_nodes >= 3; }));
    leave(a);
    ASSERT_TRUE(std::filesystem::exists(folder_ / "dht2"));
    EXPECT_LE(std::filesystem::file_size(folder_ / "dht2"), 64U << 10);
    leave(*net[0]);
    Agent& again = agent(with_dht(2, {first}));
    Agent& other = agent(with_dht(3, {net[3]->endpoint()}));
    again.be_in();
    other.be_in();
    EXPECT_TRUE(met(again, other, Millis(40'000)));
}

TEST_F(Discovery, ADamagedMemoryOfTheDhtIsIgnored) {
    const auto net = nodes(3);
    for (const std::string damage : {std::string("garbage"), std::string(100'000, 'd'),
                                     std::string("d9:dht stated5:nodesl3:abcee"), std::string()}) {
        std::ofstream(folder_ / "dht2", std::ios::binary | std::ios::trunc) << damage;
        Agent& a = agent(with_dht(2, {net[0]->endpoint()}));
        EXPECT_TRUE(wait([&] { return a.swarm->discovery().dht_nodes > 0; })) << damage.substr(0, 20);
        leave(a);
    }
}

// Who asks the DHT is no agent, as a client with a magnet link would.
TEST_F(Discovery, LargeArtifactsAreAnnouncedOneByOneWhenTheOwnerGivesABudget) {
    const auto net = nodes(4);
    auto generous = with_dht(2, {net[0]->endpoint()});
    generous.announce_large = 3'600;
    Agent& a = agent(generous);
    a.be_in();
    const auto first = noise(2 << 20, 1), second = noise(2 << 20, 2);
    a.share(first);
    a.share(second);
    ASSERT_TRUE(wait([&] { return a.swarm->giving().announces >= 2; }, Millis(40'000)));
    EXPECT_EQ(a.swarm->giving().announces_hour, a.swarm->giving().announces);
    EXPECT_EQ(net[0]->swarm->giving().announces, 0U);

    lt::settings_pack pack;
    pack.set_str(lt::settings_pack::listen_interfaces, "127.0.0.40:0");
    pack.set_int(lt::settings_pack::alert_mask, lt::alert_category::dht_operation);
    for (const int strict : {lt::settings_pack::dht_restrict_routing_ips, lt::settings_pack::dht_restrict_search_ips,
                             lt::settings_pack::dht_ignore_dark_internet})
        pack.set_bool(strict, false);
    lt::session client{lt::session_params(pack, {})};
    const auto node = net[1]->endpoint();
    client.add_dht_node({node.substr(0, node.find(':')), std::stoi(node.substr(node.find(':') + 1))});
    for (const auto* bytes : {&first, &second}) {
        const auto infohash = swarm::infohash(verify::digest_of(*bytes), 2 << 20, hashes_of(*bytes));
        std::set<std::string> found;
        EXPECT_TRUE(wait(
            [&] {
                client.dht_get_peers(lt::sha1_hash(infohash.raw().data()));
                client.wait_for_alert(lt::milliseconds(200));
                std::vector<lt::alert*> alerts;
                client.pop_alerts(&alerts);
                for (auto* alert : alerts)
                    if (const auto* reply = lt::alert_cast<lt::dht_get_peers_reply_alert>(alert);
                        reply != nullptr && reply->info_hash == lt::sha1_hash(infohash.raw().data()))
                        for (const auto& peer : reply->peers())
                            found.insert(peer.address().to_string() + ":" + std::to_string(peer.port()));
                return found.count(a.endpoint()) != 0;
            },
            Millis(30'000)));
    }
}

TEST_F(Discovery, NoDhtIsSpokenToUnlessAsked) {
    Agent& a = agent(settings(2));
    a.be_in();
    ASSERT_TRUE(wait([&] { return a.swarm->discovery().swarms.size() == 1; }));
    EXPECT_FALSE(a.swarm->discovery().dht_is_on);
    EXPECT_EQ(a.swarm->discovery().swarms[0].announces, swarm::Announces{});
}

TEST_F(Discovery, AFriendOfAFriendIsMet) {
    Agent& b = agent(settings(3));
    Agent& a = agent(knowing(settings(2), b));
    Agent& c = agent(knowing(settings(4), b));
    for (auto* one : {&a, &b, &c}) one->be_in();
    EXPECT_TRUE(wait([&] { return a.record.up.size() == 2 && c.record.up.size() == 2; }, Millis(90'000)));
}

TEST_F(Discovery, WhoWasMetIsDialledFirstAfterARestart) {
    Agent& a = agent(settings(2));
    a.be_in();
    {
        Agent& b = agent(knowing(settings(3), a), &memory);
        b.be_in();
        ASSERT_TRUE(met(a, b));
        leave(b);
    }
    ASSERT_EQ(memory.rows.size(), 1U);
    EXPECT_EQ(memory.rows.begin()->first, std::pair(a_lineage(), a.endpoint()));
    ASSERT_TRUE(wait([&] { return a.record.up.empty(); }));
    Agent& again = agent(settings(3), &memory);
    again.be_in();
    EXPECT_TRUE(met(a, again));
}

TEST_F(Discovery, WhoWasBlamedIsNotDialledAgain) {
    Agent& a = agent(settings(2));
    a.be_in();
    Agent& b = agent(knowing(settings(3), a), &memory);
    b.be_in();
    ASSERT_TRUE(met(a, b));
    EXPECT_TRUE(wait([&] { return memory.rows.size() == 1U; }));
    b.swarm->blame(b.only_peer(), broker::Blame::wrong_bytes);
    EXPECT_TRUE(wait([&] { return memory.rows.empty(); }));
    leave(b);
    EXPECT_TRUE(memory.rows.empty());
}

TEST_F(Discovery, StaticPeersAndTheUploadLimitChangeWhileItRuns) {
    Agent& a = agent(settings(2));
    Agent& b = agent(settings(3));
    a.be_in();
    b.be_in();
    EXPECT_FALSE(b.swarm->set_static_peers({"no port"}));
    ASSERT_TRUE(b.swarm->set_static_peers({a.endpoint()}));
    EXPECT_TRUE(met(a, b));
    b.swarm->set_upload_limit(1000);
}

// libtorrent would end the connection that came in, at either side, and with them both; the next attempt is ten seconds
// away.
TEST_F(Discovery, OfTwoAgentsThatDialEachOtherAtOnceBothKeepTheSameConnection) {
    for (const char number : {'\0', '\xff'}) {  // less, and greater than any other
        const bool is_greater = number != '\0';
        RawDoor door("127.0.0.9");
        Agent& self = agent(settings(is_greater ? 2 : 3));
        ASSERT_TRUE(self.swarm->set_static_peers({door.endpoint()}));
        self.be_in();
        const auto theirs = door.accept();
        ASSERT_TRUE(theirs && theirs->handshake(swarm::lineage_id(a_lineage())));
        RawPeer ours("127.0.0.9", self.address, self.swarm->port());
        ASSERT_TRUE(ours.handshake(swarm::lineage_id(a_lineage())));
        ASSERT_TRUE(
            ours.extend("1:pi" + std::to_string(door.port()) + "e15:packswarm_agent16:" + std::string(16, number)));
        RawPeer& kept = is_greater ? ours : *theirs;
        RawPeer& gone = is_greater ? *theirs : ours;
        EXPECT_TRUE(gone.closes());
        ASSERT_TRUE(is_greater || kept.extend());
        EXPECT_TRUE(kept.hello_from_them());
        EXPECT_FALSE(kept.closes(300));
    }
}

TEST_F(Discovery, ATorrentOfWhichNobodyCanBeDialledEndsSoon) {
    Agent& self = agent(settings(2));
    self.be_in();
    ASSERT_TRUE(wait([&] { return self.swarm->discovery().swarms.size() == 1; }));
    RawPeer peer("127.0.0.9", self.address, self.swarm->port());
    ASSERT_TRUE(peer.meet(swarm::lineage_id(a_lineage()), 1));  // nobody listens there
    ASSERT_TRUE(wait([&] { return self.record.up.size() == 1; }));
    const auto bytes = noise(4 << 20, 1);
    const auto& joined = join(
        self, {self.only_peer(), broker::Reach::wan, verify::digest_of(bytes), std::ssize(bytes), hashes_of(bytes)});
    ASSERT_TRUE(wait([&] { return joined.ended.has_value(); }));
    EXPECT_EQ(joined.ended->kind, ErrorKind::Transient);
    EXPECT_EQ(joined.ended->message, "no peer of the torrent can be reached");
}

TEST_F(Discovery, SettingsThatMakeNoSenseAreRefused) {
    for (const auto& change : std::vector<std::function<void(swarm::SwarmSettings&)>>{
             [](auto& wrong) { wrong.trackers = {"gopher://tracker.example/announce"}; },
             [](auto& wrong) { wrong.trackers = std::vector<std::string>(17, "udp://tracker.example:6969"); },
             [](auto& wrong) { wrong.dht_nodes = {"no port"}; }}) {
        auto wrong = settings(2);
        change(wrong);
        const auto opened = swarm::Swarm::open(loop_, wrong, nullptr);
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().kind, ErrorKind::Refused);
    }
}

// A crowd is played by agents that hold one other agent for too many.
TEST_F(Discovery, AgentsOfASwarmThatIsTooLargeMoveToShardsAndStayConnected) {
    auto small = settings(2);
    small.shard_at = 1;
    small.count_interval = Millis(200);
    Agent& hub = agent(small);
    for (int host = 3; host < 7; ++host) {
        small.listen_address = "127.0.0." + std::to_string(host);
        agent(knowing(small, hub));
    }
    for (auto& each : agents_) each->be_in();
    const auto is_sharded = [](const auto& one) {
        const auto& swarms = one->swarm->discovery().swarms;
        return swarms.size() >= 2 && swarms[0].is_guest && swarms[1].shard.size() == 1 && !swarms.back().is_guest;
    };
    EXPECT_TRUE(wait([&] { return std::any_of(agents_.begin(), agents_.end(), is_sharded); }))
        << "of five where one is wanted 1 in 64 stays";
    EXPECT_TRUE(wait([&] { return hub.record.up.size() == 4; }));
    EXPECT_TRUE(std::all_of(hub.record.down.begin(), hub.record.down.end(),
                            [&](auto id) { return hub.record.up.count(id) > 0; }));
}

TEST_F(Discovery, EveryShardHasAnInfohashOfItsOwn) {
    const auto lineage = a_lineage(), longer = core::Lineage::parse(lineage.name() + "\n").value();
    EXPECT_NE(swarm::lineage_id(lineage, "0"), swarm::lineage_id(lineage, "1"));
    EXPECT_NE(swarm::lineage_id(lineage, "0"), swarm::lineage_id(lineage));
    EXPECT_NE(swarm::lineage_id(lineage, "0"), swarm::lineage_id(longer, "0"));
}

}  // namespace
}  // namespace packswarm::test
