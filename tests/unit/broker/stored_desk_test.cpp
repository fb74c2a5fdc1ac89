#include "p2p/broker/desks/stored_desk.hpp"

#include "tests/unit/broker/desk_fixture.hpp"

namespace packswarm::broker {
namespace {

class StoredDeskTest : public DeskFixture {
  protected:
    void SetUp() override {
        DeskFixture::SetUp();
        make_desk();
    }
    void make_desk() {
        signatures_ = std::make_unique<SignatureDesk>(
            *context_, *book_, Millis(0),
            SignatureDesk::Packages{[](const Digest&) { return nullptr; }, [](const Digest&) { return false; }});
        publishing_ = std::make_unique<Publishing>(*context_, *book_, *proofs_, *signatures_, remains_);
        desk_ = std::make_unique<StoredDesk>(*vault_, *book_, *proofs_, *publishing_, *askers_,
                                             [this](RequestId id) { again_.push_back(id); });
    }
    void store(const std::string& content, std::optional<WallTime> modified = std::nullopt) {
        publishing_->publish(verified(content), "pool/a.deb", modified,
                             [](const Result<StoredFile>& stored) { ASSERT_TRUE(stored); });
        loop_.drain();
    }
    // The agent starts anew on the same folder: what it kept is not proven.
    void restart() {
        desk_.reset();
        publishing_.reset();
        signatures_.reset();
        holding_.reset();
        reader_.reset();
        book_.reset();
        proofs_.reset();
        context_.reset();
        vault_.reset();
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        context_ = std::unique_ptr<TransferContext>(new TransferContext{loop_, mirrors_, peers_, *vault_, trust_,
                                                                        board_, *sources_, [] {}, [] { return true; },
                                                                        [](plan::SourceId) {}});
        proofs_ = std::make_unique<Proofs>(loop_, *vault_, trust_);
        book_ = std::make_unique<IndexBook>(loop_, *vault_, *ledger_, trust_, peers_, *proofs_);
        make_desk();
        loop_.drain();
    }

    Remains remains_;
    std::unique_ptr<SignatureDesk> signatures_;
    std::unique_ptr<Publishing> publishing_;
    std::unique_ptr<StoredDesk> desk_;
    std::vector<RequestId> again_;
};

TEST_F(StoredDeskTest, WhatIsNotHereIsNotItsBusiness) {
    const auto one = ask("/pool/a.deb");
    EXPECT_FALSE(desk_->serve(one->id, digest_of("a package")));
    EXPECT_EQ(one->ends(), 0);
}

TEST_F(StoredDeskTest, DeliversWhatIsStored) {
    store("a package");
    const auto one = ask("/pool/a.deb");
    EXPECT_TRUE(desk_->serve(one->id, digest_of("a package")));
    EXPECT_EQ(one->bytes, "a package");
    EXPECT_EQ(one->sources.at(0).kind, SourceKind::cache);
}

TEST_F(StoredDeskTest, DeliversWhatIsOnItsWayIntoTheStore) {
    publishing_->begin(verified("a package"), std::nullopt);
    const auto one = ask("/pool/a.deb");
    EXPECT_TRUE(desk_->serve(one->id, digest_of("a package")));
    EXPECT_EQ(one->bytes, "a package");
}

TEST_F(StoredDeskTest, WhoHasItsDateHasTheFileUnlessItNamesTheDigest) {
    const WallTime date{Seconds(1'780'000'000)};
    store("a package", date);
    auto request = request_of("/pool/a.deb");
    request.if_modified_since = date;
    const auto by_name = ask(request);
    desk_->serve(by_name->id, digest_of("a package"));
    EXPECT_EQ(by_name->not_modified, 1);
    request.digest = digest_of("a package");
    const auto by_digest = ask(request);
    desk_->serve(by_digest->id, digest_of("a package"));
    EXPECT_EQ(by_digest->delivered, 1);
}

TEST_F(StoredDeskTest, WhatWasKeptFromBeforeIsHashedFirst) {
    store("a package");
    restart();
    const auto one = ask("/pool/a.deb");
    EXPECT_TRUE(desk_->serve(one->id, digest_of("a package")));
    EXPECT_EQ(one->ends(), 0);
    loop_.drain();
    EXPECT_EQ(one->bytes, "a package");
    EXPECT_TRUE(again_.empty());
}

TEST_F(StoredDeskTest, WhatTurnsOutToBeRottenIsGotAnew) {
    store("a package");
    restart();
    const auto one = ask("/pool/a.deb");
    EXPECT_TRUE(desk_->serve(one->id, digest_of("a package")));
    vault_->remove(digest_of("a package"));
    loop_.drain();
    EXPECT_EQ(one->ends(), 0);
    EXPECT_EQ(again_, std::vector{one->id});
    EXPECT_FALSE(desk_->serve(one->id, digest_of("a package"))) << "and not hashed twice";
}

TEST_F(StoredDeskTest, WhoHasLeftMeanwhileIsToldNothing) {
    store("a package");
    restart();
    const auto one = ask("/pool/a.deb");
    desk_->serve(one->id, digest_of("a package"));
    askers_->take(one->id);
    loop_.drain();
    EXPECT_EQ(one->ends(), 0);
    EXPECT_TRUE(again_.empty());
}

TEST_F(StoredDeskTest, WhatIsNotToBeSharedIsNotHashedForPeers) {
    store("a package");
    restart();
    desk_->sought_by_peer(digest_of("a package"));
    EXPECT_FALSE(proofs_->holds(digest_of("a package")));
}

}  // namespace
}  // namespace packswarm::broker
