#include "p2p/broker/index_book.hpp"

#include "tests/support/lineages.hpp"
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

using core::Sharing;

class IndexBookTest : public BookFixture {};

TEST_F(IndexBookTest, OffersWhatTheNewestIndexListsAndTheStoreHoldsAndNothingElse) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}, {"pool/b.deb", "b"}});
    keep("a", "pool/a.deb");
    EXPECT_TRUE(shelf_has("a")) << "a new file is offered at once";
    keep("stranger", "pool/stranger.deb");
    settle();
    EXPECT_FALSE(shelf_has("b"));
    EXPECT_FALSE(shelf_has("stranger"));
    EXPECT_EQ(peers_.shelf.at(digest_of("a")), *peers_.swarms().begin());
    EXPECT_EQ(book().offered(), peers_.shelf.size());
    EXPECT_EQ(peers_.shelf.size(), 3U) << "the root and the index of packages go with it";
}

TEST_F(IndexBookTest, TakesBackWhatANewerIndexNoLongerLists) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a_1.deb", "a1"}, {"pool/b.deb", "b"}}, 1);
    keep("a1", "pool/a_1.deb");
    keep("b", "pool/b.deb");
    update("stable", {{"pool/a_2.deb", "a2"}, {"pool/b.deb", "b"}}, 2);
    settle();
    EXPECT_FALSE(shelf_has("a1"));
    EXPECT_TRUE(shelf_has("b"));
    EXPECT_FALSE(book().is_current(digest_of("a1")));
    vault_->remove(digest_of("b"));
    loop_.drain();
    EXPECT_FALSE(shelf_has("b")) << "what is gone is not offered";
}

TEST_F(IndexBookTest, OffersAWholeArchiveInSteps) {
    Pool pool;
    for (int i = 0; i < 1'200; ++i) pool[fmt::format("pool/{}.deb", i)] = fmt::format("content of {}", i);
    use({repository("stable", Sharing::allowed)});
    for (const auto& [path, content] : pool) {
        const auto staged = vault_->stage(static_cast<ByteCount>(content.size())).value();
        ASSERT_TRUE(staged.write(0, as_bytes(content)));
        vault_->publish(verify::FileVerifier::check_all(staged, digest_of(content)).value(),
                        {{}, 0, path, lineage_of("public"), {}, {}, false}, [](auto) {});
    }
    loop_.drain();
    update("stable", pool);
    settle();
    EXPECT_TRUE(book().is_settled());
    EXPECT_EQ(peers_.shelf.size(), 1'202U);
    EXPECT_LE(peers_.largest_offer, 1'100U) << "the loop has others to serve";
    book().allow_sharing(false);
    settle();
    EXPECT_TRUE(peers_.shelf.empty());
    EXPECT_EQ(peers_.lineages.front().root, Digest{}) << "nor is a root shown";
    book().allow_sharing(true);
    settle();
    EXPECT_EQ(peers_.shelf.size(), 1'202U);
    EXPECT_NE(peers_.lineages.front().root, Digest{});
}

TEST_F(IndexBookTest, OffersLargeArtifactsOnlyWithTheirPieceHashes) {
    const std::string with(2 << 20, 'w'), without(2 << 20, 'o');
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/with.deb", with}, {"pool/without.deb", without}});
    keep(with, "pool/with.deb");
    const auto staged = vault_->stage(static_cast<ByteCount>(without.size())).value();
    ASSERT_TRUE(staged.write(0, as_bytes(without)));
    vault_->publish(verify::FileVerifier::check_all(staged, digest_of(without)).value(),
                    {{}, 0, "x", lineage_of("public"), {}, {}, false},
                    [&](Result<StoredFile> stored) { book().stored(*stored); });
    loop_.drain();
    settle();
    EXPECT_TRUE(shelf_has(with));
    EXPECT_FALSE(shelf_has(without));
    keep(without, "pool/without.deb");
    EXPECT_TRUE(shelf_has(without)) << "published again, with them";
}

TEST_F(IndexBookTest, WhatPeersSoughtOrToldIsKeptAsTheirReplicas) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}});
    for (const int number : {1, 2}) {
        broker::PeerView peer;
        peer.id = broker::PeerId{static_cast<std::uint64_t>(number)};
        peer.endpoint = "192.0.2." + std::to_string(number) + ":1";
        peers_.observer->peer_up(peer);
        peers_.observer->peer_seeks(peer.id, {digest_of("a")});
    }
    mirrors_.files["/pool/a.deb"] = "a";
    broker::Request request;
    request.url = "http://stable/pool/a.deb";
    broker::RequestEvents events;
    bool is_here = false;
    events.delivered = [&](const broker::Delivered&) { is_here = true; };
    events.failed = [](const Error& error) { FAIL() << error.message; };
    broker_->get(request, events);
    ASSERT_TRUE(loop_.advance_until([&] { return is_here; }, Millis(60'000)));
    settle();
    EXPECT_EQ(vault_->record(digest_of("a"))->replicas, 2U);
}

TEST_F(IndexBookTest, LeavesEverySwarmWhenPeersAreNotToBeAskedEither) {
    use({repository("stable", Sharing::allowed)});
    update("stable", {{"pool/a.deb", "a"}});
    EXPECT_FALSE(peers_.lineages.empty());
    book().allow_peers(false);
    EXPECT_TRUE(peers_.lineages.empty());
    book().allow_peers(true);
    EXPECT_FALSE(peers_.lineages.empty());
}

}  // namespace
}  // namespace packswarm::test
