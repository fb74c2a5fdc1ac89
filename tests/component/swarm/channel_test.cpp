#include <fstream>

#include "p2p/base/limits.hpp"
#include "tests/component/swarm/party.hpp"
#include "tests/support/rot.hpp"
#include "verify/file_prover.hpp"

namespace packswarm::test {
namespace {

class Channel : public Party {};

using Clock = std::chrono::steady_clock;

TEST_F(Channel, StaticPeersMeetAndNameThemselves) {
    auto first = settings(2);
    first.agent = "packswarm/0.1 first\n";
    const auto [a, b] = pair(first, settings(3));
    const auto& view = b->record.up.begin()->second;
    EXPECT_EQ(view.endpoint, a->endpoint());
    EXPECT_EQ(view.agent.find('\n'), std::string::npos);
    EXPECT_EQ(view.agent.substr(0, 13), "packswarm/0.1");
    EXPECT_EQ(view.reach, broker::Reach::lan);
    EXPECT_EQ(view.lineages, std::vector{a_lineage()});
    EXPECT_EQ(b->swarm->view().size(), 1U);
}

TEST_F(Channel, NeighboursFindEachOtherWithoutBeingNamed) {
    auto one = settings(2), other = settings(3);
    one.lan_discovery = other.lan_discovery = true;
    Agent& a = agent(one);
    Agent& b = agent(other);
    a.be_in();
    loop_.run_for(Millis(200));  // two that dial each other in the same instant lose both connections, and wait ten
                                 // seconds to dial again
    b.be_in();
    EXPECT_TRUE(wait([&] { return a.record.up.size() == 1 && b.record.up.size() == 1; }));
}

TEST_F(Channel, AgentsOfDifferentLineagesDoNotMeet) {
    Agent& a = agent(settings(2));
    a.be_in(a_lineage("bookworm"));
    Agent& b = agent(knowing(settings(3), a));
    Agent& c = agent(knowing(settings(4), a));
    b.be_in(a_lineage("trixie"));
    c.be_in(a_lineage("bookworm"));
    ASSERT_TRUE(wait([&] { return c.record.up.size() == 1; }));
    EXPECT_TRUE(b.record.up.empty());
    EXPECT_EQ(a.record.up.size(), 1U);
}

TEST_F(Channel, APeerInTwoLineagesIsOnePeer) {
    const std::vector<broker::LineageState> both{{a_lineage("bookworm"), {}, {}, 0},
                                                 {a_lineage("bookworm-updates"), {}, {}, 0}};
    Agent& a = agent(settings(2));
    a.swarm->set_lineages(both);
    Agent& b = agent(knowing(settings(3), a));
    b.swarm->set_lineages(both);
    ASSERT_TRUE(wait([&] { return b.record.up.size() == 1 && b.record.up.begin()->second.lineages.size() == 2; }));
    EXPECT_EQ(b.swarm->view().size(), 1U);
}

TEST_F(Channel, ASnapshotReachesPeersAtOnceAndWhenItChanges) {
    Agent& a = agent(settings(2));
    const Digest root = verify::digest_of(as_bytes("first"));
    a.swarm->set_lineages({{a_lineage(), WallTime(Seconds(1'790'000'000)), root, 1234}});
    Agent& b = agent(knowing(settings(3), a));
    b.be_in();
    ASSERT_TRUE(wait([&] { return b.record.snapshots.size() == 1; }));
    EXPECT_EQ(b.record.snapshots[0].root, root);
    EXPECT_EQ(b.record.snapshots[0].size, 1234);
    EXPECT_EQ(b.record.snapshots[0].date, WallTime(Seconds(1'790'000'000)));
    EXPECT_EQ(b.record.snapshots[0].lineage, a_lineage());
    EXPECT_EQ(b.record.snapshots[0].peer, b.only_peer());
    const Digest newer = verify::digest_of(as_bytes("second"));
    a.swarm->set_lineages({{a_lineage(), WallTime(Seconds(1'790'000'001)), newer, 1235}});
    ASSERT_TRUE(wait([&] { return b.record.snapshots.size() == 2; }));
    EXPECT_EQ(b.record.snapshots[1].root, newer);
    EXPECT_TRUE(a.record.snapshots.empty()) << "b has nothing to show";
}

TEST_F(Channel, TellsOfAThousandDigestsThoseOnTheShelf) {
    const auto [a, b] = pair();
    std::vector<Digest> digests;
    std::set<Digest> shared;
    for (unsigned i = 0; i < 1000; ++i) {
        const auto bytes = noise(100 + i, i);
        digests.push_back(verify::digest_of(bytes));
        if (i % 5 != 0) continue;
        a->share(bytes);
        shared.insert(digests.back());
    }
    const auto begin = Clock::now();
    b->swarm->ask(a_lineage(), digests, core::Audience::everybody);
    ASSERT_TRUE(wait([&] { return b->record.offers.size() == shared.size(); }));
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    RecordProperty("ms_for_1000_digests", std::to_string(seconds * 1000));
    std::printf("ask/tell of 1000 digests: %.2f ms\n", seconds * 1000);
    for (const auto& offer : b->record.offers) EXPECT_EQ(shared.erase(offer.digest), 1U);
}

TEST_F(Channel, AnOfferCarriesSizeAndPieceHashes) {
    const auto [a, b] = pair();
    const auto bytes = noise(3'000'000, 1);
    a->share(bytes);
    const auto offer = ask(*b, verify::digest_of(bytes));
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->size, 3'000'000);
    EXPECT_EQ(offer->pieces, hashes_of(bytes));
    EXPECT_EQ(offer->peer, b->only_peer());
    EXPECT_EQ(offer->reach, broker::Reach::lan);
}

TEST_F(Channel, GetsAnyRangeOfASharedFile) {
    const auto [a, b] = pair();
    const auto bytes = noise(700'001, 2);
    const auto file = a->share(bytes);
    for (const ByteRange range : {ByteRange{0, 700'001}, {0, 1}, {700'000, 700'001}, {131'071, 400'000}}) {
        auto& fetched = get(*b, b->only_peer(), file.digest(), range);
        ASSERT_TRUE(wait([&] { return fetched.result.has_value(); }));
        ASSERT_TRUE(*fetched.result) << fetched.result->error().message;
        EXPECT_TRUE(std::equal(fetched.bytes.begin(), fetched.bytes.end(), bytes.begin() + range.begin)) << range.begin;
    }
    auto& nothing = get(*b, b->only_peer(), file.digest(), {5, 5});
    ASSERT_TRUE(wait([&] { return nothing.result.has_value(); }));
    EXPECT_TRUE(*nothing.result);
}

// Behind the artifact's end, told with its size.
TEST_F(Channel, GivesTheSignatureThatIsKeptBesideAnArtifact) {
    const auto [a, b] = pair();
    const auto bytes = noise(5'000, 2), signature = noise(566, 3);
    const auto file = a->share(bytes);
    ASSERT_TRUE(ask(*b, file.digest()));
    EXPECT_EQ(ask(*b, file.digest())->signature, 0);
    EXPECT_EQ(failure(get(*b, b->only_peer(), file.digest(), {5'000, 5'566})), ErrorKind::Absent);
    bool is_kept = false;
    a->vault->keep_signature(file.digest(), signature, [&] { is_kept = true; });
    ASSERT_TRUE(wait([&] { return is_kept; }));
    a->offer(file.digest());
    b->record.offers.clear();
    EXPECT_EQ(ask(*b, file.digest())->signature, 566);
    auto& fetched = get(*b, b->only_peer(), file.digest(), {5'000, 5'566});
    ASSERT_TRUE(wait([&] { return fetched.result.has_value(); }));
    ASSERT_TRUE(*fetched.result) << fetched.result->error().message;
    EXPECT_EQ(fetched.bytes, signature);
    for (const ByteRange range :
         {ByteRange{5'000, 5'565}, {5'000, 5'567}, {5'001, 5'566}, {4'999, 5'566}, {20'000, 20'566}})
        EXPECT_EQ(failure(get(*b, b->only_peer(), file.digest(), range)), ErrorKind::Absent) << range.begin;
    EXPECT_TRUE(b->record.down.empty());
}

TEST_F(Channel, FourHundredSmallFilesPipelined) {
    const auto [a, b] = pair();
    constexpr int count = 400;
    std::vector<std::pair<Digest, Bytes>> files;
    for (unsigned i = 0; i < count; ++i) {
        auto bytes = noise(64 * 1024, i);
        files.emplace_back(a->share(bytes).digest(), std::move(bytes));
    }
    const auto begin = Clock::now();
    for (const auto& [digest, bytes] : files)
        get(*b, b->only_peer(), digest, {0, static_cast<ByteCount>(bytes.size())});
    ASSERT_TRUE(wait([&] {
        return std::all_of(fetched_.begin(), fetched_.end(), [](const auto& one) { return one.result.has_value(); });
    }));
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("%d files of 64 KiB: %.0f files/s, %.0f MB/s\n", count, count / seconds, count * 65536e-6 / seconds);
    auto file = files.begin();
    for (const auto& fetched : fetched_) EXPECT_EQ(fetched.bytes, (file++)->second);
    ASSERT_TRUE(wait([&] {
        return b->swarm->view().at(0).received == count * 65536 && a->swarm->view().at(0).sent == count * 65536;
    }));
}

TEST_F(Channel, ALargeGetDoesNotHoldUpSmallOnes) {
    const auto [a, b] = pair();
    const auto large = a->share(noise(64 << 20, 1));
    const auto small = a->share(noise(10'000, 2));
    auto& long_one = get(*b, b->only_peer(), large.digest(), {0, large.size()});
    auto& short_one = get(*b, b->only_peer(), small.digest(), {0, small.size()});
    const auto begin = Clock::now();
    ASSERT_TRUE(wait([&] { return short_one.result.has_value(); }));
    EXPECT_FALSE(long_one.result.has_value());
    ASSERT_TRUE(wait([&] { return long_one.result.has_value(); }));
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("64 MiB over the channel: %.0f MB/s\n", 67.1 / seconds);
    EXPECT_EQ(verify::digest_of(long_one.bytes), large.digest());
}

TEST_F(Channel, RoundTripOfAskAndTell) {
    const auto [a, b] = pair();
    const auto digest = a->share(noise(100, 1)).digest();
    std::vector<double> micros;
    for (int i = 0; i < 200; ++i) {
        b->record.offers.clear();
        const auto begin = Clock::now();
        b->swarm->ask(a_lineage(), {digest}, core::Audience::everybody);
        ASSERT_TRUE(wait([&] { return !b->record.offers.empty(); }));
        micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
    }
    std::sort(micros.begin(), micros.end());
    std::printf("ask/tell: median %.0f us, p90 %.0f us\n", micros[100], micros[180]);
    EXPECT_LT(micros[0], 20'000) << "not one round trip on loopback went without waiting for a timer";
}

TEST_F(Channel, NothingOfAnotherLineageIsToldOrGiven) {
    Agent& a = agent(settings(2));
    a.swarm->set_lineages({{a_lineage("bookworm"), {}, {}, 0}, {a_lineage("secret"), {}, {}, 0}});
    Agent& b = agent(knowing(settings(3), a));
    b.be_in(a_lineage("bookworm"));
    ASSERT_TRUE(wait([&] { return b.record.up.size() == 1; }));
    const auto hidden = a.share(noise(5'000, 1), a_lineage("secret"));
    const auto open = a.share(noise(5'000, 2), a_lineage("bookworm"));
    b.swarm->ask(a_lineage("bookworm"), {hidden.digest(), open.digest()}, core::Audience::everybody);
    ASSERT_TRUE(wait([&] { return !b.record.offers.empty(); }));
    EXPECT_EQ(b.record.offers.size(), 1U);
    EXPECT_EQ(b.record.offers[0].digest, open.digest());
    EXPECT_EQ(failure(get(b, b.only_peer(), hidden.digest(), {0, 5'000})), ErrorKind::Absent);
}

TEST_F(Channel, WhatWasNotOfferedOrWasWithdrawnIsAbsent) {
    const auto [a, b] = pair();
    const auto kept = a->store(noise(5'000, 1));
    const auto taken_back = a->share(noise(5'000, 2));
    ASSERT_TRUE(ask(*b, taken_back.digest()));
    a->swarm->withdraw({taken_back.digest()});
    EXPECT_EQ(failure(get(*b, b->only_peer(), taken_back.digest(), {0, 5'000})), ErrorKind::Absent);
    EXPECT_EQ(failure(get(*b, b->only_peer(), kept.digest(), {0, 5'000})), ErrorKind::Absent);
    EXPECT_EQ(failure(get(*b, b->only_peer(), verify::digest_of(as_bytes("x")), {0, 5'000})), ErrorKind::Absent);
    const auto again = a->share(noise(5'000, 2));
    EXPECT_EQ(failure(get(*b, b->only_peer(), again.digest(), {0, 5'001})), ErrorKind::Absent) << "beyond the end";
    EXPECT_TRUE(b->record.down.empty());
}

TEST_F(Channel, AChangedFileIsNotGivenAndNotTouched) {
    const auto [a, b] = pair();
    const auto file = a->share(noise(50'000, 1));
    {
        std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(100);
        stream << "somebody wrote here";
    }
    EXPECT_EQ(failure(get(*b, b->only_peer(), file.digest(), {0, 50'000})), ErrorKind::Absent);
    Bytes now(50'000);
    ASSERT_TRUE(read_at(open_for_reading(file.path()).value(), 0, now));
    EXPECT_EQ(std::string_view(now.data() + 100, 19), "somebody wrote here");
}

TEST_F(Channel, AFileThatRottedSinceItWasOfferedIsNotGiven) {
    const auto [a, b] = pair();
    const auto file = a->share(noise(50'000, 1));
    rot(file.path(), 100);
    EXPECT_EQ(failure(get(*b, b->only_peer(), file.digest(), {0, 50'000})), ErrorKind::Absent);
    EXPECT_EQ(b->record.up.size(), 1U) << "nobody is blamed";
}

TEST_F(Channel, WhatIsNotHashedIsNotGivenUntilItIs) {
    const auto [a, b] = pair();
    const auto file = a->store(noise(50'000, 1));
    rot(file.path(), 100);
    rot(file.path(), 100);  // the same bytes as before
    ASSERT_FALSE(a->vault->find(file.digest())) << "it was touched";
    a->offer(file.digest());
    EXPECT_EQ(failure(get(*b, b->only_peer(), file.digest(), {0, 50'000})), ErrorKind::Absent);
    b->swarm->ask(a_lineage(), {file.digest()}, core::Audience::everybody);
    ASSERT_TRUE(wait([&] { return a->record.sought.count(file.digest()) == 1; })) << "the loop hears what to hash";
    verify::FileProver prover(*a->vault->kept(file.digest()), {});
    ASSERT_TRUE(prover.go_on(50'000));
    ASSERT_TRUE(a->vault->take_proof(*prover.finish()));
    a->offer(file.digest());
    EXPECT_TRUE(wait([&] { return b->record.offers.size() == 1; })) << "who asked hears of it";
    auto& fetched = get(*b, b->only_peer(), file.digest(), {0, 50'000});
    ASSERT_TRUE(wait([&] { return fetched.result.has_value(); }));
    EXPECT_EQ(fetched.bytes, noise(50'000, 1));
}

TEST_F(Channel, ARootIsGivenToEveryLineageThatNamesIt) {
    Agent& a = agent(settings(2));
    const auto bytes = noise(9'000, 1);
    const auto digest = verify::digest_of(bytes);
    a.swarm->set_lineages({{a_lineage("bookworm"), {}, digest, 9'000}, {a_lineage("trixie"), {}, digest, 9'000}});
    a.offer(a.store(bytes).digest(), a_lineage("trixie"));
    Agent& b = agent(knowing(settings(3), a));
    b.be_in(a_lineage("bookworm"));
    ASSERT_TRUE(wait([&] { return b.record.snapshots.size() == 1; }));
    auto& fetched = get(b, b.only_peer(), digest, {0, 9'000});
    ASSERT_TRUE(wait([&] { return fetched.result.has_value(); }));
    EXPECT_EQ(fetched.bytes, bytes);
}

TEST_F(Channel, ACancelledGetIsSilentAndTheNextOneWorks) {
    const auto [a, b] = pair();
    const auto large = a->share(noise(16 << 20, 1));
    const auto small = a->share(noise(10'000, 2));
    int calls = 0;
    broker::FetchId id = broker::FetchId::none;
    int calls_at_cancel = -1;
    broker::GetEvents events;
    events.data = [&](ByteCount, Bytes) {
        if (++calls == 3) {
            b->swarm->cancel(id);
            calls_at_cancel = calls;
        }
    };
    events.done = [&](Result<void>) { ++calls; };
    id = b->swarm->get(b->only_peer(), large.digest(), {0, large.size()}, std::move(events));
    ASSERT_TRUE(wait([&] { return calls_at_cancel == 3; }));
    auto& next = get(*b, b->only_peer(), small.digest(), {0, small.size()});
    ASSERT_TRUE(wait([&] { return next.result.has_value(); }));
    EXPECT_TRUE(*next.result);
    EXPECT_EQ(calls, 3);
    EXPECT_TRUE(b->record.down.empty() && a->record.down.empty());
}

TEST_F(Channel, APeerThatEndsFailsItsGetsAsTransient) {
    auto slow = settings(2);
    slow.lan_networks = {};
    slow.upload_limit = 20'000;
    const auto [a, b] = pair(slow, settings(3));
    const auto file = a->share(noise(4 << 20, 1));
    auto& fetched = get(*b, b->only_peer(), file.digest(), {0, file.size()});
    ASSERT_TRUE(wait([&] { return b->record.up.size() == 1; }));
    a->swarm.reset();
    EXPECT_EQ(failure(fetched), ErrorKind::Transient);
    ASSERT_TRUE(wait([&] { return b->record.down.size() == 1; }));
    EXPECT_EQ(failure(get(*b, *b->record.down.begin(), file.digest(), {0, 10})), ErrorKind::Transient);
}

TEST_F(Channel, TheUploadLimitHoldsForDistantPeersAndNotForNeighbours) {
    constexpr ByteCount limit = 1'000'000;
    auto giver = settings(2);
    giver.lan_networks = {"127.0.0.4/32"};
    giver.upload_limit = limit;
    Agent& a = agent(giver);
    a.be_in();
    Agent& distant = agent(knowing(settings(3), a));
    Agent& near = agent(knowing(settings(4), a));
    distant.be_in();
    near.be_in();
    ASSERT_TRUE(wait([&] { return distant.peer(a) != broker::PeerId::none && near.peer(a) != broker::PeerId::none; }));
    const auto file = a.share(noise(4'000'000, 1));
    const auto timed = [&](Agent& by) {
        const auto begin = Clock::now();
        auto& fetched = get(by, by.peer(a), file.digest(), {0, file.size()});
        EXPECT_TRUE(wait([&] { return fetched.result.has_value(); }));
        EXPECT_TRUE(fetched.result && *fetched.result);
        return std::chrono::duration<double>(Clock::now() - begin).count();
    };
    const double far_s = timed(distant);
    const double near_s = timed(near);
    std::printf("4 MB at a limit of 1 MB/s: distant %.2f s, near %.2f s\n", far_s, near_s);
    EXPECT_GT(far_s, 2.5);
    EXPECT_LT(near_s, far_s);
}

TEST_F(Channel, BlameEndsThePeerAndKeepsItAwayUntilTheBanEnds) {
    auto second = settings(3);
    second.ban_time = Seconds(2);
    const auto [a, b] = pair(settings(2), second);
    b->swarm->blame(b->only_peer(), broker::Blame::wrong_bytes);
    const auto begin = Clock::now();
    ASSERT_TRUE(wait([&] { return b->record.up.empty(); }));
    EXPECT_FALSE(wait([&] { return !b->record.up.empty(); }, Millis(1'500))) << "dialled in spite of the ban";
    ASSERT_TRUE(wait([&] { return !b->record.up.empty(); }, Millis(60'000)));
    EXPECT_GT(std::chrono::duration<double>(Clock::now() - begin).count(), 1.9);
}

TEST_F(Channel, WhoHasGoneIsBlamedAllTheSame) {
    const auto [a, b] = pair(settings(2), settings(3));
    const auto peer = b->only_peer();
    a->swarm.reset();
    ASSERT_TRUE(wait([&] { return b->record.up.empty(); }));
    b->swarm->blame(peer, broker::Blame::wrong_bytes);
    agent(knowing(settings(2), *b)).be_in();
    EXPECT_FALSE(wait([&] { return !b->record.up.empty(); }, Millis(1'500))) << "let in again in spite of the ban";
}

TEST_F(Channel, AnAgentThatNamesItselfAsPeerDoesNotBecomeOne) {
    auto self = settings(2);
    self.port = 26'999;
    self.static_peers = {"127.0.0.2:26999", "localhost.invalid:1"};
    Agent& a = agent(self);
    a.be_in();
    Agent& b = agent(knowing(settings(3), a));
    b.be_in();
    ASSERT_TRUE(wait([&] { return a.record.up.size() == 1; }));
    EXPECT_NE(a.record.up.begin()->second.endpoint, a.endpoint());
}

TEST_F(Channel, NamesOfPeersAreResolved) {
    auto first = settings(2);
    first.listen_address = "127.0.0.1";
    Agent& a = agent(first);
    a.be_in();
    auto second = settings(3);
    second.static_peers = {"localhost:" + std::to_string(a.swarm->port())};
    Agent& b = agent(second);
    b.be_in();
    EXPECT_TRUE(wait([&] { return b.record.up.size() == 1; }));
}

TEST_F(Channel, EndsWithPeersAndTransfersAtWork) {
    const auto [a, b] = pair();
    const auto file = a->share(noise(64 << 20, 1));
    auto& fetched = get(*b, b->only_peer(), file.digest(), {0, file.size()});
    ASSERT_TRUE(wait([&] { return fetched.bytes.front() != 0 || fetched.bytes[1] != 0; }));
    for (auto* one : {b, a}) {
        const auto begin = Clock::now();
        one->swarm.reset();
        const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        std::printf("ended in %.2f s\n", seconds);
        EXPECT_LT(seconds, 10) << "it waits for its peers";
    }
}

TEST_F(Channel, SettingsThatMakeNoSenseAreRefused) {
    const auto refused = [&](auto change) {
        auto bad = settings(2);
        change(bad);
        const auto opened = swarm::Swarm::open(loop_, bad, nullptr);
        return !opened && opened.error().kind == ErrorKind::Refused;
    };
    EXPECT_TRUE(refused([](auto& bad) { bad.static_peers = {"example.org"}; }));
    EXPECT_TRUE(refused([](auto& bad) { bad.static_peers = {"example.org:0"}; }));
    EXPECT_TRUE(refused([](auto& bad) { bad.static_peers = {"2001:db8::1:80"}; }));
    EXPECT_TRUE(refused([](auto& bad) { bad.lan_networks = {"10.0.0.0/33"}; }));
    EXPECT_TRUE(refused([](auto& bad) { bad.banned_networks = {"everybody"}; }));
    EXPECT_TRUE(refused([](auto& bad) { bad.port = 70'000; }));
    EXPECT_TRUE(refused([](auto& bad) { bad.listen_address = "here"; }));
    EXPECT_TRUE(refused([](auto& bad) { bad.upload_limit = -1; }));
}

TEST_F(Channel, APortInUseIsBroken) {
    Agent& a = agent(settings(2));
    auto same = settings(2);
    same.port = a.swarm->port();
    const auto opened = swarm::Swarm::open(loop_, same, nullptr);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::Broken);
}

TEST_F(Channel, BannedNetworksStayOut) {
    auto first = settings(2);
    first.banned_networks = {"127.0.0.3"};
    Agent& a = agent(first);
    a.be_in();
    Agent& banned = agent(knowing(settings(3), a));
    banned.be_in();
    Agent& welcome = agent(knowing(settings(4), a));
    welcome.be_in();
    ASSERT_TRUE(wait([&] { return welcome.record.up.size() == 1; }));
    EXPECT_TRUE(banned.record.up.empty());
}

}  // namespace
}  // namespace packswarm::test
