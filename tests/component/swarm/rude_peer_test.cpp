#include "p2p/base/limits.hpp"
#include "p2p/swarm/discovery/rendezvous.hpp"
#include "tests/component/swarm/party.hpp"
#include "tests/component/swarm/raw_peer.hpp"

namespace packswarm::test {
namespace {

using namespace swarm;

const LineageId lineage = lineage_id(a_lineage());

class RudePeer : public Party {
  protected:
    RudePeer() : self(agent(patient_for_less())) { enter(self); }
    // Until the lineage's torrent is there, nobody is let in.
    void enter(Agent& agent) {
        agent.be_in();
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!RawPeer("127.0.0.99", agent.address, agent.swarm->port()).handshake(lineage)) {
            ASSERT_LT(std::chrono::steady_clock::now(), deadline);
            loop_.run_for(Millis(10));
        }
    }
    static SwarmSettings patient_for_less() {
        auto out = settings(2);
        out.get_timeout = Millis(1'500);
        return out;
    }
    std::unique_ptr<RawPeer> raw(int host = 9) {
        return std::make_unique<RawPeer>("127.0.0." + std::to_string(host), self.address, self.swarm->port());
    }
    // A raw peer that has said hello and is known to the loop.
    std::unique_ptr<RawPeer> guest(std::uint16_t port = 1) {
        const auto before = self.record.up.size();
        auto peer = raw();
        EXPECT_TRUE(peer->meet(lineage, port));
        EXPECT_TRUE(wait([&] { return self.record.up.size() == before + 1; }));
        return peer;
    }
    // It may not come back for now.
    bool is_banned() {
        auto again = raw();
        return !again->is_connected() || !again->meet(lineage);
    }
    bool is_dropped(RawPeer& peer) {
        return peer.closes() && wait([&] { return self.record.up.empty(); });
    }
    Digest unknown = verify::digest_of(as_bytes("nobody has this"));
    Agent& self;
};

TEST_F(RudePeer, IsBelievedWhenItBehaves) {
    const auto file = self.share(noise(1000, 1));
    auto peer = guest();
    EXPECT_EQ(self.record.up.begin()->second.endpoint, "127.0.0.9:1");
    ASSERT_TRUE(peer->send(Ask{5, {file.digest(), unknown}}));
    const auto tell = peer->said<Tell>();
    ASSERT_TRUE(tell);
    EXPECT_EQ(tell->token, 5U);
    EXPECT_TRUE(tell->last);
    ASSERT_EQ(tell->entries.size(), 1U);
    EXPECT_EQ(tell->entries[0].digest, file.digest());
    ASSERT_TRUE(peer->send(Get{6, file.digest(), 10, 100}));
    const auto data = peer->said<Data>();
    ASSERT_TRUE(data);
    EXPECT_EQ(as_text(data->bytes), as_text(ByteView(noise(1000, 1)).subspan(10, 100)));
    ASSERT_TRUE(peer->send(Get{7, unknown, 0, 1}));
    EXPECT_EQ(peer->said<Refuse>(), Refuse{7});
    EXPECT_EQ(self.record.up.size(), 1U);
}

TEST_F(RudePeer, IsDroppedAndKeptOutAfterAMalformedMessage) {
    auto peer = guest();
    peer->send(std::string(40, '\xff'));
    EXPECT_TRUE(is_dropped(*peer));
    EXPECT_TRUE(is_banned());
}

TEST_F(RudePeer, IsDroppedForAMessageThatIsTooLong) {
    auto peer = guest();
    peer->send(std::string(static_cast<std::size_t>(limits::max_peer_message) + 1, '\3'));
    EXPECT_TRUE(is_dropped(*peer));
    EXPECT_TRUE(is_banned());
}

TEST_F(RudePeer, IsDroppedForSpeakingBeforeHello) {
    auto peer = raw();
    ASSERT_TRUE(peer->handshake(lineage) && peer->extend() && peer->hello_from_them());
    peer->send(Ask{1, {unknown}});
    EXPECT_TRUE(peer->closes());
    EXPECT_TRUE(is_banned());
    EXPECT_TRUE(self.record.up.empty());
}

TEST_F(RudePeer, IsDroppedForAFloodOfAsks) {
    auto peer = guest();
    const std::vector<Digest> many(limits::max_ask, unknown);
    bool writing = true;
    for (Token token = 1; writing && token < 2000; ++token) writing = peer->send(Ask{token, many});
    EXPECT_TRUE(is_dropped(*peer));
    EXPECT_TRUE(is_banned());
}

TEST_F(RudePeer, IsDroppedForGetsWhoseAnswersItDoesNotRead) {
    const auto file = self.share(noise(1 << 20, 1));
    auto peer = guest();
    bool writing = true;
    for (Token token = 1; writing && token < 2000; ++token) writing = peer->send(Get{token, file.digest(), 0, 131'072});
    ASSERT_TRUE(wait([&] { return self.record.up.empty(); }));
    EXPECT_LT(self.record.down.size(), 2U);
    EXPECT_TRUE(is_banned());
}

TEST_F(RudePeer, IsDroppedForAFloodOfHellos) {
    auto peer = guest();
    for (std::size_t i = 0; i < 2 * limits::max_hellos; ++i) peer->hello();
    EXPECT_TRUE(is_dropped(*peer));
}

TEST_F(RudePeer, IsDroppedForBecomingSomebodyElse) {
    auto peer = guest(1);
    peer->hello(2);
    EXPECT_TRUE(is_dropped(*peer));
}

TEST_F(RudePeer, IsDroppedForAnswersToNothing) {
    for (const Message& answer : {Message(Tell{9, true, {{unknown, 5, {}}}}), Message(Data{9, as_bytes("abc")}),
                                  Message(Refuse{9}), Message(Cancel{9})}) {
        Agent& other = agent(settings(20 + static_cast<int>(answer.index())));
        enter(other);
        RawPeer peer("127.0.0.9", other.address, other.swarm->port());
        ASSERT_TRUE(peer.meet(lineage));
        ASSERT_TRUE(wait([&] { return other.record.up.size() == 1; }));
        peer.send(answer);
        EXPECT_TRUE(peer.closes()) << answer.index();
    }
}

TEST_F(RudePeer, IsDroppedForTellingOfWhatWasNotAsked) {
    auto peer = guest();
    self.swarm->ask(a_lineage(), {unknown}, core::Audience::everybody);
    const auto ask = peer->said<Ask>();
    ASSERT_TRUE(ask);
    peer->send(Tell{ask->token, true, {{verify::digest_of(as_bytes("other")), 5, {}}}});
    EXPECT_TRUE(is_dropped(*peer));
    EXPECT_TRUE(self.record.offers.empty());
}

TEST_F(RudePeer, IsDroppedForClaimingWhatNobodyCanHave) {
    auto peer = guest();
    peer->message(4, RawPeer::number(0));  // have
    EXPECT_TRUE(is_dropped(*peer));
    auto other = raw(10);
    ASSERT_TRUE(other->is_connected() && other->handshake(lineage));
    other->message(5, "\x80");  // bitfield
    EXPECT_TRUE(other->closes());
}

TEST_F(RudePeer, WithoutTheChannelIsDroppedAndNeverAPeer) {
    auto plain = raw();
    plain->handshake(lineage, false);
    EXPECT_TRUE(plain->closes());
    auto extended = raw(10);
    ASSERT_TRUE(extended->handshake(lineage));
    extended->message(20, std::string(1, '\0') + "d1:md11:ut_metadatai1eee");
    EXPECT_TRUE(extended->closes());
    auto mute = raw(11);
    ASSERT_TRUE(mute->handshake(lineage) && mute->extend());
    EXPECT_TRUE(mute->closes()) << "never says hello";
    EXPECT_TRUE(self.record.up.empty());
}

TEST_F(RudePeer, GivingAnotherLengthEndsTheGetAsCorrupt) {
    auto peer = guest();
    auto& fetched = get(self, self.only_peer(), unknown, {0, 1000});
    const auto asked = peer->said<Get>();
    ASSERT_TRUE(asked);
    EXPECT_EQ(asked->length, 1000U);
    peer->send(Data{asked->token, as_bytes("short")});
    EXPECT_EQ(failure(fetched), ErrorKind::Corrupt);
    EXPECT_TRUE(is_dropped(*peer));
}

TEST_F(RudePeer, AnsweringAGetTwiceEndsTheOthersAsCorrupt) {
    auto peer = guest();
    auto& fetched = get(self, self.only_peer(), unknown, {0, 10});
    get(self, self.only_peer(), unknown, {10, 20});
    const auto first = peer->said<Get>();
    const auto second = peer->said<Get>();
    ASSERT_TRUE(first && second);
    peer->send(Data{second->token, as_bytes("0123456789")});
    peer->send(Data{second->token, as_bytes("0123456789")});
    EXPECT_EQ(failure(fetched), ErrorKind::Corrupt);
    EXPECT_TRUE(is_dropped(*peer));
}

TEST_F(RudePeer, SilenceEndsTheGetAsTransientAndTheConnection) {
    auto peer = guest();
    auto& fetched = get(self, self.only_peer(), unknown, {0, 10});
    EXPECT_EQ(failure(fetched), ErrorKind::Transient);
    EXPECT_TRUE(is_dropped(*peer));
    EXPECT_TRUE(is_banned());
}

TEST_F(RudePeer, SlowlyArrivingDataIsNotSilence) {
    auto peer = guest();
    auto& fetched = get(self, self.only_peer(), unknown, {0, 1000});
    const auto asked = peer->said<Get>();
    ASSERT_TRUE(asked);
    const auto data = encode(Data{asked->token, noise(1000, 1)});
    std::string frame = RawPeer::number(static_cast<std::uint32_t>(data.size() + 2)) + '\x14' +
                        static_cast<char>(peer->their_id) + std::string(as_text(data));
    for (std::size_t at = 0; at < frame.size(); at += 120) {
        ASSERT_TRUE(peer->write(frame.substr(at, 120)));
        EXPECT_FALSE(wait([&] { return fetched.result.has_value() && at + 120 < frame.size(); }, Millis(300)));
    }
    ASSERT_TRUE(wait([&] { return fetched.result.has_value(); }));
    EXPECT_TRUE(*fetched.result);
    EXPECT_EQ(fetched.bytes, noise(1000, 1));
}

TEST_F(RudePeer, TooManyConnectionsFromOneAddressAreNotLetIn) {
    std::vector<std::unique_ptr<RawPeer>> crowd;
    int met = 0;
    for (int i = 0; i < limits::max_address_links + 4; ++i) {
        crowd.push_back(std::make_unique<RawPeer>("127.0.0.9", self.address, self.swarm->port()));
        met +=
            crowd.back()->handshake(lineage) && crowd.back()->extend() && crowd.back()->said<Hello>(2'000).has_value()
                ? 1
                : 0;
    }
    EXPECT_LE(met, limits::max_address_links);
    EXPECT_GE(met, 1);
}

// Ninety begin a message of a megabyte and do not end it.
TEST_F(RudePeer, MessagesThatAreNotFinishedHaveABoundOverAllConnections) {
    const auto file = self.share(noise(1000, 1));
    auto honest = guest();
    std::vector<std::unique_ptr<RawPeer>> crowd;
    for (int host = 20; host < 26; ++host)
        for (int i = 0; i < 15; ++i) {
            auto peer = raw(host);
            if (peer->meet(lineage, static_cast<std::uint16_t>(100 + i))) crowd.push_back(std::move(peer));
        }
    ASSERT_GT(crowd.size(), 80U);
    const std::string begun = RawPeer::number(1'000'000) + '\x14' + '\0' + std::string(990'000, 'x');
    for (auto& peer : crowd) peer->write(begun);
    const auto kept = limits::max_all_buffers / 990'000;
    ASSERT_TRUE(wait([&] { return self.record.down.size() + static_cast<std::size_t>(kept) >= crowd.size(); }));
    EXPECT_LT(self.record.down.size(), crowd.size()) << "what is within the bound stays";
    ASSERT_TRUE(honest->send(Ask{5, {file.digest()}}));
    EXPECT_TRUE(honest->said<Tell>()) << "whoever keeps to the rules is served";
}

TEST_F(RudePeer, WrongBlocksAreNotTakenAndTheirGiverIsDropped) {
    const auto bytes = noise(4 << 20, 1);
    const auto digest = verify::digest_of(bytes);
    const auto hashes = hashes_of(bytes);
    RawSeed seed("127.0.0.9", hashes.size());
    auto liar = guest(seed.port());
    Agent& honest = agent(knowing(settings(3), self));
    honest.share(bytes);
    honest.be_in();
    ASSERT_TRUE(wait([&] { return self.record.up.size() == 2; }));
    auto liar_id = broker::PeerId::none, honest_id = broker::PeerId::none;
    for (const auto& [id, view] : self.record.up) (view.endpoint == honest.endpoint() ? honest_id : liar_id) = id;

    broker::PeerOffer offer{liar_id, broker::Reach::lan, digest, static_cast<ByteCount>(bytes.size()), hashes};
    auto& joined = join(self, offer);
    ASSERT_TRUE(wait([&] { return self.record.down.count(liar_id) == 1; }));
    EXPECT_GT(seed.requests(), 0);
    EXPECT_TRUE(joined.done.empty());
    self.swarm->add_peer(joined.id, honest_id);
    ASSERT_TRUE(wait([&] { return joined.done.size() == hashes.size(); }, Millis(60'000)));
    EXPECT_EQ(joined.digest(), digest);
    for (const auto& [piece, from] : joined.done) EXPECT_EQ(from, honest_id);
    EXPECT_TRUE(liar->closes());
}

// Two givers of one piece: who lied shows when a third has given it right.
TEST_F(RudePeer, WrongBlocksAmongRightOnesAreLaidAtTheRightDoor) {
    const auto bytes = noise(16 << 20, 2);  // 64 KiB pieces of four blocks
    const auto hashes = hashes_of(bytes);
    RawSeed seed("127.0.0.9", hashes.size());
    auto liar = guest(seed.port());
    const auto liar_id = self.only_peer();
    auto slow = knowing(settings(3), self);
    slow.lan_networks = {};
    slow.upload_limit = 3'000'000;
    Agent& honest = agent(slow);
    honest.share(bytes);
    honest.be_in();
    ASSERT_TRUE(wait([&] { return self.record.up.size() == 2; }));
    auto honest_id = broker::PeerId::none;
    for (const auto& [id, view] : self.record.up)
        if (id != liar_id) honest_id = id;
    auto& joined = join(
        self, {honest_id, broker::Reach::lan, verify::digest_of(bytes), static_cast<ByteCount>(bytes.size()), hashes});
    ASSERT_TRUE(wait([&] { return joined.done.size() > 4; }));
    self.swarm->add_peer(joined.id, liar_id);
    ASSERT_TRUE(wait([&] { return joined.done.size() == hashes.size(); }, Millis(60'000)));
    EXPECT_EQ(joined.digest(), verify::digest_of(bytes));
    EXPECT_GT(seed.requests(), 0);
    EXPECT_TRUE(wait([&] { return self.record.down.count(liar_id) == 1; }));
    EXPECT_EQ(self.record.down.count(honest_id), 0U);
    for (const auto& [piece, from] : joined.done) EXPECT_EQ(from, honest_id);
}

TEST_F(RudePeer, WrongBlocksDoNotSpoilAPieceThatAMirrorGives) {
    const auto bytes = noise(1 << 20, 1);
    const auto hashes = hashes_of(bytes);
    RawSeed seed("127.0.0.9", hashes.size());
    auto liar = guest(seed.port());
    broker::PeerOffer offer{self.only_peer(), broker::Reach::lan, verify::digest_of(bytes),
                            static_cast<ByteCount>(bytes.size()), hashes};
    auto& joined = join(self, offer);
    for (std::size_t piece = 0; piece < hashes.size(); ++piece) {
        const auto range = core::piece_range(offer.size, piece);
        self.swarm->feed(joined.id, piece, {bytes.begin() + range.begin, bytes.begin() + range.end});
    }
    ASSERT_TRUE(wait([&] { return joined.done.size() == hashes.size(); }, Millis(60'000)));
    EXPECT_EQ(joined.digest(), offer.digest);
    EXPECT_TRUE(joined.wrong.empty());
}

}  // namespace
}  // namespace packswarm::test
