// What peers are given of what an earlier start stored, and indexes that rotted.
#include "tests/support/rot.hpp"
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {
namespace {

class ProofsSharing : public BookFixture {
  protected:
    void SetUp() override {
        BookFixture::SetUp();
        repositories_ = {repository("stable", core::Sharing::allowed), repository("secret", core::Sharing::forbidden)};
        use(repositories_);
        update("stable", {{"pool/one.deb", one_}, {"pool/two.deb", two_}});
        update("secret", {{"pool/three.deb", three_}});
        for (const auto* content : {&one_, &two_, &three_}) keep(*content, "a");
        settle();
    }
    void restart(const std::function<void()>& meanwhile = [] {}) {
        broker_.reset();
        loop_.drain();
        vault_.reset();
        meanwhile();
        peers_.shelf.clear();
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        broker_ = std::make_unique<broker::Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                                   broker::BrokerSettings{Millis(0), true, formats::all()});
        use(repositories_);
        book().restore();
        settle();
    }
    std::filesystem::path path_of(const Digest& digest) const {
        return folder_.path() / "files" / digest.hex().substr(0, 2) / digest.hex();
    }
    // As an agent of that lineage does, whom we shared nothing with yet.
    void ask(const std::string& content) {
        peers_.observer->peer_up({broker::PeerId{7}, "192.0.2.7:6881"});
        peers_.observer->peer_seeks(broker::PeerId{7}, {digest_of(content)});
        settle();
    }
    const std::string one_ = "the first package", two_ = "the second package", three_ = "a private package";
    std::vector<core::Repository> repositories_;
};

TEST_F(ProofsSharing, NothingIsOfferedThatThisStartHasNotHashed) {
    ASSERT_TRUE(shelf_has(one_));
    restart();
    EXPECT_FALSE(shelf_has(one_));
    EXPECT_FALSE(shelf_has(two_));
}

TEST_F(ProofsSharing, WhatAPeerAsksForIsHashedAndOffered) {
    restart();
    ask(one_);
    EXPECT_TRUE(shelf_has(one_));
    EXPECT_FALSE(shelf_has(two_)) << "nobody asked for it";
}

TEST_F(ProofsSharing, APeerMakesUsHashNothingThatItWouldNotBeGiven) {
    restart();
    const auto unproven = vault_->usage().unproven;
    ask(three_);
    EXPECT_EQ(vault_->usage().unproven, unproven);
    EXPECT_FALSE(shelf_has(three_));
}

TEST_F(ProofsSharing, APeerIsNotOfferedWhatHasRotted) {
    restart([this] { rot(path_of(digest_of(one_)), 3); });
    ask(one_);
    EXPECT_FALSE(shelf_has(one_));
    EXPECT_EQ(vault_->usage().rotten, 1U);
}

TEST_F(ProofsSharing, WhatWasTouchedWhileItWasOfferedIsHashedAgainWhenAPeerAsks) {
    rot(path_of(digest_of(one_)), 3);
    ask(one_);
    EXPECT_FALSE(shelf_has(one_));
    EXPECT_EQ(vault_->usage().rotten, 1U);
}

TEST_F(ProofsSharing, KeptIndexesAreReadAgainAndOffered) {
    const auto bundle = book().state_of(core::RepositoryId("stable")).root->bundle_digest;
    restart();
    ASSERT_TRUE(book().state_of(core::RepositoryId("stable")).root);
    EXPECT_TRUE(book().find(digest_of(one_))) << "the list of packages was read too";
    EXPECT_EQ(peers_.shelf.count(bundle), 1U);
}

TEST_F(ProofsSharing, AKeptIndexThatRottedIsDropped) {
    const auto bundle = book().state_of(core::RepositoryId("stable")).root->bundle_digest;
    restart([&] { rot(path_of(bundle), 100); });
    EXPECT_FALSE(book().state_of(core::RepositoryId("stable")).root);
    EXPECT_FALSE(std::filesystem::exists(path_of(bundle)));
    EXPECT_EQ(peers_.shelf.count(bundle), 0U);
    update("stable", {{"pool/one.deb", one_}, {"pool/two.deb", two_}});
    ASSERT_TRUE(book().state_of(core::RepositoryId("stable")).root);
    EXPECT_TRUE(vault_->brief(book().state_of(core::RepositoryId("stable")).root->bundle_digest)) << "it is kept again";
}

TEST_F(ProofsSharing, AKeptListOfPackagesThatRottedIsDropped) {
    const auto packages = book().state_of(core::RepositoryId("stable")).root->index.files.front().digest;
    ASSERT_TRUE(vault_->brief(packages));
    restart([&] { rot(path_of(packages), 30); });
    EXPECT_TRUE(book().state_of(core::RepositoryId("stable")).root);
    EXPECT_FALSE(book().find(digest_of(one_)));
    EXPECT_FALSE(vault_->brief(packages));
}

}  // namespace
}  // namespace packswarm::test
