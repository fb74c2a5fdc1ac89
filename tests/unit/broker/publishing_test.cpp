#include "p2p/broker/desks/publishing.hpp"

#include "tests/unit/broker/unsigned_lab_fixture.hpp"

namespace packswarm::broker {
namespace {

class PublishingTest : public UnsignedLabFixture {
  protected:
    void SetUp() override {
        UnsignedLabFixture::SetUp();
        signatures_ = std::make_unique<SignatureDesk>(
            *context_, *book_, Millis(0),
            SignatureDesk::Packages{[this](const Digest& digest) { return publishing_->bytes_of(digest); },
                                    [](const Digest&) { return false; }});
        publishing_ = std::make_unique<Publishing>(*context_, *book_, *proofs_, *signatures_, remains_);
    }
    // The lab's index lists the package, and nobody signed that index.
    test::PacmanPackage list(const std::string& name) {
        const auto out = package(name);
        publish({out});
        const auto& database = mirrors_.files["/lab.db"];
        book_->accept({lab_, bytes_of(database), std::nullopt}, {}, [](const auto& answer) { ASSERT_TRUE(answer); });
        loop_.drain();
        return out;
    }
    std::optional<Result<bool>> judge(const std::string& content) {
        std::optional<Result<bool>> out;
        publishing_->judge(verified(content), [&](Result<bool> may_share) { out = std::move(may_share); });
        loop_.advance(Millis(30'000));
        return out;
    }

    Remains remains_;
    std::unique_ptr<SignatureDesk> signatures_;
    std::unique_ptr<Publishing> publishing_;
};

TEST_F(PublishingTest, WhatADigestVouchesForMayBeSharedAtOnce) {
    const auto may_share = judge("a file");
    ASSERT_TRUE(may_share && *may_share);
    EXPECT_TRUE(may_share->value());
    EXPECT_FALSE(publishing_->is_vouching());
}

TEST_F(PublishingTest, APackageOfAnUnsignedIndexIsNotSharedWithoutItsSignature) {
    const auto listed = list("hello");
    const auto may_share = judge(listed.file);
    ASSERT_TRUE(may_share);
    EXPECT_FALSE(*may_share) << "there is no signature to be had";
    EXPECT_FALSE(publishing_->is_vouching());
}

TEST_F(PublishingTest, WhereTheOwnerDemandsNoSignatureItIsHandedOutAndNotShared) {
    lab_.package_signatures = core::PackageSignatures::not_demanded;
    book_->set_repositories(core::RepositoryTable({lab_}));
    const auto listed = list("hello");
    const auto may_share = judge(listed.file);
    ASSERT_TRUE(may_share && *may_share);
    EXPECT_FALSE(may_share->value());
    EXPECT_EQ(mirrors_.asked["/" + listed.file_name() + ".sig"], 0);
}

TEST_F(PublishingTest, IsAtHandFromVerifiedToStored) {
    const std::string content = "a file";
    const auto file = verified(content);
    EXPECT_EQ(publishing_->fresh(file.digest()), nullptr);
    publishing_->begin(file, std::nullopt);
    ASSERT_NE(publishing_->fresh(file.digest()), nullptr);
    EXPECT_EQ(publishing_->fresh(file.digest())->size, 6);
    ArtifactRecord record;
    record.digest = file.digest();
    record.size = 6;
    publishing_->keep(file, record);
    loop_.drain();
    EXPECT_EQ(publishing_->fresh(file.digest()), nullptr);
    EXPECT_TRUE(vault_->find(file.digest()));
    EXPECT_NE(publishing_->bytes_of(file.digest()), nullptr);
}

TEST_F(PublishingTest, AnImportIsStoredUnderItsNameWithItsPieces) {
    const std::string content(3'000'000, 'x');
    std::optional<Result<StoredFile>> stored;
    publishing_->publish(verified(content), "pool/large.deb", std::nullopt,
                         [&](Result<StoredFile> result) { stored = std::move(result); });
    loop_.drain();
    ASSERT_TRUE(stored && *stored);
    const auto record = vault_->record(digest_of(content));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->name, "pool/large.deb");
    EXPECT_FALSE(record->pieces.empty());
}

TEST_F(PublishingTest, WhatIsNotHereHasNoBytes) { EXPECT_EQ(publishing_->bytes_of(digest_of("nothing")), nullptr); }

TEST_F(PublishingTest, AnAnswerAfterItsEndFindsNobody) {
    const auto listed = list("hello");
    publishing_->judge(verified(listed.file), [](const Result<bool>&) { FAIL(); });
    EXPECT_TRUE(publishing_->is_vouching());
    publishing_.reset();
    signatures_.reset();
    loop_.advance(Millis(30'000));
}

}  // namespace
}  // namespace packswarm::broker
