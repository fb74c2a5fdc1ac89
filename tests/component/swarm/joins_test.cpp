#include <fstream>

#include "p2p/base/limits.hpp"
#include "tests/component/swarm/party.hpp"

namespace packswarm::test {
namespace {

using Clock = std::chrono::steady_clock;

class Joins : public Party {
  protected:
    // An agent that shares bytes, one that wants them, and the offer it got.
    void meet(const Bytes& bytes) {
        std::tie(giver, taker) = pair();
        file = giver->share(bytes);
        const auto told = ask(*taker, file->digest());
        ASSERT_TRUE(told);
        offer = *told;
        count = offer.pieces.size();
    }
    bool complete(const Joined& joined, std::size_t without = 0) {
        return wait([&] { return joined.done.size() + without == count || joined.ended; }, Millis(120'000)) &&
               !joined.ended;
    }
    Bytes piece_of(const Bytes& bytes, std::size_t piece) const {
        const auto range = core::piece_range(static_cast<ByteCount>(bytes.size()), piece);
        return {bytes.begin() + range.begin, bytes.begin() + range.end};
    }

    Agent* giver = nullptr;
    Agent* taker = nullptr;
    std::optional<StoredFile> file;
    broker::PeerOffer offer;
    std::size_t count = 0;
};

TEST_F(Joins, TakesALargeArtifactFromAPeer) {
    meet(noise(32 << 20, 1));
    const auto begin = Clock::now();
    auto& joined = join(*taker, offer);
    ASSERT_TRUE(complete(joined));
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("32 MiB through the torrent: %.0f MB/s\n", 33.55 / seconds);
    EXPECT_EQ(joined.digest(), offer.digest);
    for (const auto& [piece, from] : joined.done) EXPECT_EQ(from, taker->only_peer());
    EXPECT_TRUE(leave(*taker, joined));
    EXPECT_TRUE(std::filesystem::exists(joined.file->path()));
    ASSERT_TRUE(wait([&] {
        return taker->swarm->view().at(0).received >= 32 << 20 && giver->swarm->view().at(0).sent >= 32 << 20;
    }));
}

TEST_F(Joins, TakesALargeArtifactOverUtp) {
    auto first = settings(2), second = settings(3);
    first.outgoing_utp = second.outgoing_utp = true;
    std::tie(giver, taker) = pair(first, second);
    const auto bytes = noise(32 << 20, 1);
    giver->share(bytes);
    const auto told = ask(*taker, verify::digest_of(bytes));
    ASSERT_TRUE(told);
    count = told->pieces.size();
    const auto begin = Clock::now();
    auto& joined = join(*taker, *told);
    ASSERT_TRUE(complete(joined));
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("32 MiB through the torrent over uTP: %.0f MB/s\n", 33.55 / seconds);
    EXPECT_EQ(joined.digest(), told->digest);
    auto& fetched = get(*taker, told->peer, told->digest, {0, told->size});
    const auto begin_get = Clock::now();
    ASSERT_TRUE(wait([&] { return fetched.result.has_value(); }, Millis(120'000)));
    const auto get_seconds = std::chrono::duration<double>(Clock::now() - begin_get).count();
    std::printf("32 MiB over the channel over uTP: %.0f MB/s\n", 33.55 / get_seconds);
    EXPECT_EQ(fetched.bytes, bytes);
}

TEST_F(Joins, StartsWithoutWaitingForTheNextSecond) {
    meet(noise(2 << 20, 1));
    // One that did wait would begin the next right after a tick, and so on: at most one in a row is quick by chance.
    int quick = 0;
    for (int i = 0; i < 20 && quick < 3; ++i) {
        const auto begin = Clock::now();
        auto& joined = join(*taker, offer);
        ASSERT_TRUE(complete(joined));
        const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        std::printf("2 MiB through the torrent: %.0f ms\n", seconds * 1000);
        quick += seconds < 0.4 ? 1 : 0;
        ASSERT_TRUE(leave(*taker, joined));
    }
    EXPECT_EQ(quick, 3);
}

TEST_F(Joins, HalfOfThePiecesComeFromMirrors) {
    const auto bytes = noise(16 << 20, 2);
    meet(bytes);
    auto& joined = join(*taker, offer);
    taker->swarm->claim(joined.id, count / 2, count - count / 2);
    for (std::size_t piece = count - 1; piece >= count / 2; --piece)
        taker->swarm->feed(joined.id, piece, piece_of(bytes, piece));
    ASSERT_TRUE(complete(joined));
    EXPECT_EQ(joined.digest(), offer.digest);
    for (const auto& [piece, from] : joined.done) EXPECT_EQ(from == broker::PeerId::none, piece >= count / 2) << piece;
    EXPECT_TRUE(joined.wrong.empty());
    ASSERT_TRUE(leave(*taker, joined));
}

TEST_F(Joins, ClaimedPiecesAreLeftAloneUntilTheyAreGivenBack) {
    meet(noise(8 << 20, 3));
    auto& joined = join(*taker, offer);
    taker->swarm->claim(joined.id, 10, count - 10);
    ASSERT_TRUE(wait([&] { return joined.done.size() >= 10; }));
    // Requests that left before the claim are still answered; no more than those.
    EXPECT_FALSE(wait([&] { return joined.done.size() > count / 2; }, Millis(1'500)))
        << "claimed pieces were taken from a peer";
    taker->swarm->unclaim(joined.id, 10, count - 10);
    ASSERT_TRUE(complete(joined));
    EXPECT_EQ(joined.digest(), offer.digest);
}

TEST_F(Joins, AllClaimedAtFirstStillWorksWhenGivenBack) {
    meet(noise(4 << 20, 4));
    auto& joined = join(*taker, offer);
    taker->swarm->claim(joined.id, 0, count);
    EXPECT_FALSE(wait([&] { return joined.done.size() > count / 2; },
                      Millis(1'500)));  // what was asked before the claim may come
    taker->swarm->unclaim(joined.id, 0, count);
    ASSERT_TRUE(complete(joined));
    EXPECT_EQ(joined.digest(), offer.digest);
}

TEST_F(Joins, PiecesThatAreThereAreNotTakenAgain) {
    const auto bytes = noise(8 << 20, 5);
    meet(bytes);
    const auto staged = taker->vault->stage(offer.size).value();
    std::vector<bool> have(count, false);
    for (std::size_t piece = 0; piece < count; piece += 2) {
        have[piece] = true;
        ASSERT_TRUE(staged.write(core::piece_range(offer.size, piece).begin, piece_of(bytes, piece)));
    }
    auto& joined = join(*taker, offer, staged, have);
    ASSERT_TRUE(complete(joined, (count + 1) / 2));
    for (const auto& [piece, from] : joined.done) EXPECT_EQ(piece % 2, 1U);
    EXPECT_EQ(joined.digest(), offer.digest);
}

TEST_F(Joins, AFedPieceThatTheHintsDenyIsNamedAndDoesNoHarm) {
    const auto bytes = noise(4 << 20, 6);
    meet(bytes);
    auto& joined = join(*taker, offer);
    taker->swarm->claim(joined.id, 5, 3);
    auto wrong = piece_of(bytes, 5);
    wrong[77] ^= 1;
    taker->swarm->feed(joined.id, 5, wrong);
    auto too_short = piece_of(bytes, 6);
    too_short.pop_back();
    taker->swarm->feed(joined.id, 6, too_short);
    ASSERT_TRUE(complete(joined, 3));
    ASSERT_TRUE(wait([&] { return joined.wrong.size() == 2; }));
    EXPECT_EQ(joined.wrong, (std::vector<std::size_t>{5, 6}));
    taker->swarm->unclaim(joined.id, 5, 3);
    ASSERT_TRUE(complete(joined));
    EXPECT_EQ(joined.digest(), offer.digest);
    EXPECT_EQ(taker->record.up.size(), 1U) << "the peer is not to blame for the mirror";
}

TEST_F(Joins, GivesNothingWhileNothingIsVerified) {
    const auto bytes = noise(4 << 20, 7);
    meet(bytes);
    auto& joined = join(*taker, offer);
    ASSERT_TRUE(complete(joined));
    giver->swarm->withdraw({offer.digest});
    auto impatient = settings(4);
    impatient.get_timeout = Millis(2'000);
    Agent& third = agent(knowing(impatient, *taker));
    third.be_in();
    ASSERT_TRUE(wait([&] { return third.peer(*taker) != broker::PeerId::none; }));
    auto from_taker = offer;
    from_taker.peer = third.peer(*taker);
    auto& hopeless = join(third, from_taker);
    ASSERT_TRUE(wait([&] { return hopeless.ended.has_value(); }));
    EXPECT_TRUE(hopeless.done.empty());
    EXPECT_EQ(hopeless.ended->kind, ErrorKind::Transient);
}

TEST_F(Joins, WhoIsNotInTheAudienceIsCutOffInTheMiddleOfATorrent) {
    auto slow = settings(2);
    slow.lan_networks = {"127.0.0.4/32"};
    slow.upload_limit = 500'000;
    const auto bytes = noise(8 << 20, 3);
    std::tie(giver, taker) = pair(slow, settings(3));
    const auto told = ask(*taker, giver->share(bytes).digest());
    ASSERT_TRUE(told);
    auto& joined = join(*taker, *told);
    ASSERT_TRUE(wait([&] { return joined.done.size() > 2; }));
    EXPECT_EQ(giver->swarm->giving().torrents, 1U);
    giver->swarm->give_to(core::Audience::neighbours, 0);
    ASSERT_TRUE(wait([&] { return joined.ended.has_value(); }, Millis(30'000)));
    EXPECT_LT(joined.done.size(), told->pieces.size());
    const auto given = giver->swarm->giving();
    EXPECT_GT(given.sent_far, 0);
    EXPECT_LT(given.sent_far, static_cast<ByteCount>(bytes.size()));
    EXPECT_EQ(given.sent_near, 0);
    auto& refused = get(*taker, taker->only_peer(), told->digest, {0, 1'000});
    EXPECT_EQ(failure(refused), ErrorKind::Absent);
    giver->swarm->give_to(core::Audience::everybody, 0);
    auto& taken = get(*taker, taker->only_peer(), told->digest, {0, 1'000});
    ASSERT_TRUE(wait([&] { return taken.result.has_value(); }));
    EXPECT_TRUE(*taken.result);
}

TEST_F(Joins, ANetworkThatHadItsPartGetsNoMoreByTorrentOrChannelAndOthersDo) {
    auto elsewhere = settings(3);
    elsewhere.listen_address = "127.0.1.3";
    auto own = settings(2);
    own.static_peers = {"127.0.2.4:9"};  // whom the owner named
    own.lan_networks = {"127.0.9.0/24"};
    own.upload_limit = 2'000'000;  // a torrent is looked at once a second
    std::tie(giver, taker) = pair(own, settings(3));
    auto friendly = elsewhere;
    friendly.listen_address = "127.0.2.4";
    Agent& other = agent(knowing(elsewhere, *giver));
    Agent& named = agent(knowing(friendly, *giver));
    for (auto* one : {&other, &named}) one->be_in();
    ASSERT_TRUE(wait([&] { return other.record.up.size() == 1 && named.record.up.size() == 1; }));
    const auto small = giver->share(noise(100'000, 1)), large = giver->share(noise(8 << 20, 2));
    giver->swarm->give_to(core::Audience::everybody, 1'000'000);
    const auto took = [&](Agent& by, const StoredFile& what) -> std::string {
        auto& taken = get(by, by.peer(*giver), what.digest(), {0, what.size()});
        const bool has_ended = wait([&] { return taken.result.has_value(); });
        return !has_ended ? "no answer" : taken.result->has_value() ? "" : taken.result->error().message;
    };
    EXPECT_EQ(took(*taker, small), "");
    const auto told = ask(*taker, large.digest());
    ASSERT_TRUE(told);
    auto& joined = join(*taker, *told);
    ASSERT_TRUE(wait([&] { return joined.ended.has_value(); }, Millis(30'000))) << "cut off in the middle";
    EXPECT_LT(joined.done.size(), told->pieces.size());
    EXPECT_NE(took(*taker, small), "");
    EXPECT_EQ(took(other, small), "");
    for (int time = 0; time < 12; ++time) EXPECT_EQ(took(named, small), "") << "as often as it wants";
    giver->swarm->give_to(core::Audience::everybody, 0);
    EXPECT_EQ(took(*taker, small), "") << "the owner took the bound away";
}

TEST_F(Joins, BytesThatAreNotWhatTheHintsSayAreNeverGivenNorTaken) {
    const auto bytes = noise(4 << 20, 8);
    std::tie(giver, taker) = pair();
    auto other = bytes;
    other[3 << 20] ^= 1;
    const auto stored = giver->store(other, hashes_of(bytes));  // hashes that its bytes do not have
    giver->offer(stored.digest());
    const auto told = ask(*taker, stored.digest());
    ASSERT_TRUE(told);
    auto& joined = join(*taker, *told);
    count = told->pieces.size();
    EXPECT_FALSE(wait([&] { return joined.done.size() == count; }, Millis(1'500)));
    EXPECT_EQ(joined.done.count((3U << 20) / static_cast<std::size_t>(core::piece_length(4 << 20))), 0U);
    const auto good = giver->share(noise(1'000, 1));
    taker->record.offers.clear();
    taker->swarm->ask(a_lineage(), {stored.digest(), good.digest()}, core::Audience::everybody);
    ASSERT_TRUE(wait([&] { return !taker->record.offers.empty(); }));
    EXPECT_EQ(taker->record.offers.size(), 1U) << "what failed its hash is still offered";
    EXPECT_EQ(taker->record.offers[0].digest, good.digest());
}

TEST_F(Joins, AFileThatChangedOnTheShelfIsNeitherGivenNorRepaired) {
    const auto bytes = noise(4 << 20, 9);
    meet(bytes);
    {
        std::fstream stream(file->path(), std::ios::in | std::ios::out | std::ios::binary);
        stream.seekp(1 << 20);
        stream << "stale";
    }
    auto& joined = join(*taker, offer);
    EXPECT_FALSE(wait([&] { return !joined.done.empty(); }, Millis(1'500)));
    Bytes now(5);
    ASSERT_TRUE(read_at(open_for_reading(file->path()).value(), 1 << 20, now));
    EXPECT_EQ(as_text(now), "stale");
}

TEST_F(Joins, APeerThatJoinsLaterHelps) {
    const auto bytes = noise(4 << 20, 10);
    meet(bytes);
    giver->swarm->withdraw({offer.digest});
    auto& joined = join(*taker, offer);
    Agent& helper = agent(knowing(settings(4), *taker));
    helper.share(bytes);
    helper.be_in();
    ASSERT_TRUE(wait([&] { return taker->record.up.size() == 2; }));
    for (const auto& [id, view] : taker->record.up)
        if (view.endpoint == helper.endpoint()) taker->swarm->add_peer(joined.id, id);
    ASSERT_TRUE(complete(joined));
    EXPECT_EQ(joined.digest(), offer.digest);
}

TEST_F(Joins, TwoPeersGiveTogether) {
    const auto bytes = noise(12 << 20, 11);  // some seconds: the second one is dialled within the first two
    auto slow = settings(2);
    slow.lan_networks = {};
    slow.upload_limit = 2'000'000;
    auto also_slow = settings(4);
    also_slow.lan_networks = {};
    also_slow.upload_limit = 2'000'000;
    std::tie(giver, taker) = pair(slow, settings(3));
    Agent& second = agent(knowing(also_slow, *taker));
    second.be_in();
    ASSERT_TRUE(wait([&] { return taker->record.up.size() == 2; }));
    giver->share(bytes);
    second.share(bytes);
    taker->swarm->ask(a_lineage(), {verify::digest_of(bytes)}, core::Audience::everybody);
    ASSERT_TRUE(wait([&] { return taker->record.offers.size() == 2; }));
    offer = taker->record.offers[0];
    count = offer.pieces.size();
    auto& joined = join(*taker, offer);
    taker->swarm->add_peer(joined.id, taker->record.offers[1].peer);
    ASSERT_TRUE(complete(joined));
    std::map<broker::PeerId, int> given;
    for (const auto& [piece, from] : joined.done) ++given[from];
    EXPECT_EQ(given.size(), 2U);
    EXPECT_EQ(joined.digest(), offer.digest);
}

TEST_F(Joins, LeavingEarlyFreesTheFileAndIsTheLastWord) {
    meet(noise(32 << 20, 12));
    auto& joined = join(*taker, offer);
    ASSERT_TRUE(wait([&] { return joined.done.size() > 3; }));
    const auto path = joined.file->path();
    bool left = false;
    std::size_t done_at_leave = 0;
    done_at_leave = joined.done.size();
    taker->swarm->leave(joined.id, [&] { left = true; });
    joined.file.reset();
    ASSERT_TRUE(wait([&] { return left; }));
    EXPECT_EQ(joined.done.size(), done_at_leave);
    EXPECT_TRUE(wait([&] { return !std::filesystem::exists(path); })) << "the last handle went with the torrent";
}

TEST_F(Joins, AJoinThatDoesNotFitEndsAsBroken) {
    meet(noise(2 << 20, 13));
    auto bad = offer;
    bad.pieces.pop_back();
    auto& joined = join(*taker, bad);
    ASSERT_TRUE(wait([&] { return joined.ended.has_value(); }));
    EXPECT_EQ(joined.ended->kind, ErrorKind::Broken);
    EXPECT_TRUE(leave(*taker, joined));
}

TEST_F(Joins, WhatWasTakenCanBeSharedAtOnce) {
    const auto bytes = noise(4 << 20, 14);
    meet(bytes);
    auto& joined = join(*taker, offer);
    ASSERT_TRUE(complete(joined));
    ASSERT_TRUE(leave(*taker, joined));
    giver->swarm->withdraw({offer.digest});
    taker->share(bytes);
    const auto back = ask(*giver, offer.digest);
    ASSERT_TRUE(back);
    auto& again = join(*giver, *back);
    ASSERT_TRUE(complete(again));
    EXPECT_EQ(again.digest(), offer.digest);
}

}  // namespace
}  // namespace packswarm::test
