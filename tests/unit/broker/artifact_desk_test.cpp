#include "p2p/broker/desks/artifact_desk.hpp"

#include "tests/unit/broker/live_fixture.hpp"

namespace packswarm::broker {
namespace {

class ArtifactDeskTest : public LiveFixture {
  protected:
    void SetUp() override {
        LiveFixture::SetUp();
        signatures_ = std::make_unique<SignatureDesk>(
            *context_, *book_, Millis(0),
            SignatureDesk::Packages{[this](const Digest& digest) { return publishing_->bytes_of(digest); },
                                    [this](const Digest& digest) { return transfers_->has(digest); }});
        publishing_ = std::make_unique<Publishing>(*context_, *book_, *proofs_, *signatures_, remains_);
        desk_ = std::make_unique<ArtifactDesk>(
            *context_, *book_, *reader_, *askers_, *transfers_, *publishing_, *graveyard_, formats::all(),
            [this](RequestId id, const Digest&, const std::optional<Error>&) { return looks_again_ == id; });
        on_verified_ = [this](plan::WantId want, const VerifiedFile& file) { desk_->verified(want, file); };
        on_failed_ = [this](plan::WantId want, const Error& error) { desk_->failed(want, error); };
    }
    std::shared_ptr<Outcome> get(const std::string& content, const std::string& asker = "test") {
        auto request = request_of("/pool/a.deb", asker);
        request.digest = digest_of(content);
        request.size = static_cast<ByteCount>(content.size());
        const auto outcome = ask(request);
        desk_->serve(outcome->id, reader_->read(request).value());
        return outcome;
    }

    RequestId looks_again_ = RequestId::none;
    std::unique_ptr<SignatureDesk> signatures_;
    std::unique_ptr<Publishing> publishing_;
    std::unique_ptr<ArtifactDesk> desk_;
};

TEST_F(ArtifactDeskTest, OneTransferServesAllAndIsStored) {
    const auto content = content_of(50'000);
    mirrors_.files["/pool/a.deb"] = content;
    const auto one = get(content), two = get(content);
    EXPECT_EQ(begun_.size(), 1u);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(one->bytes, content);
    EXPECT_EQ(two->bytes, content);
    EXPECT_EQ(two->sources.at(0).kind, SourceKind::cache) << "the bytes were fetched once";
    EXPECT_TRUE(vault_->find(digest_of(content)));
    EXPECT_TRUE(transfers_->is_empty());
}

TEST_F(ArtifactDeskTest, AFailureIsToldToAll) {
    const auto one = get("missing everywhere"), two = get("missing everywhere");
    loop_.advance(Millis(20'000));
    EXPECT_EQ(one->failed + two->failed, 2);
    EXPECT_TRUE(transfers_->is_empty());
    EXPECT_TRUE(board_.wants.empty());
}

TEST_F(ArtifactDeskTest, WhatWasAbsentAMomentAgoIsNotAskedForAgainForWhoHasAnotherWay) {
    const auto first = get("missing everywhere", "apt");
    loop_.advance(Millis(5'000));
    ASSERT_EQ(first->failed, 1);
    const auto asked = mirrors_.urls.size();
    const auto second = get("missing everywhere", "apt");
    EXPECT_EQ(second->failed, 1);
    EXPECT_EQ(mirrors_.urls.size(), asked);
    get("missing everywhere", "pacman");
    loop_.advance(Millis(5'000));
    EXPECT_GT(mirrors_.urls.size(), asked) << "it has no other way";
}

TEST_F(ArtifactDeskTest, WhoLooksAtTheIndexAgainWaitsForThatInstead) {
    const auto content = content_of(50'000);
    mirrors_.files["/pool/a.deb"] = content;
    for (auto& [origin, manner] : mirrors_.mirrors) manner.fault = test::MirrorManner::Fault::wrong_bytes;
    const auto one = get(content), two = get(content);
    looks_again_ = one->id;
    loop_.advance(Millis(60'000));
    EXPECT_EQ(one->ends(), 0);
    EXPECT_EQ(two->failed, 1);
}

TEST_F(ArtifactDeskTest, WhatIsWantedFromPeersAloneAsksNoMirror) {
    auto request = request_of("/pool/a.deb");
    request.digest = digest_of("only peers");
    request.size = 10;
    request.from = From::peers;
    const auto one = ask(request);
    desk_->serve(one->id, reader_->read(request).value());
    loop_.advance(Millis(20'000));
    EXPECT_EQ(one->failed, 1);
    EXPECT_TRUE(mirrors_.urls.empty());
}

TEST_F(ArtifactDeskTest, WhoComesToWaitForWhatIsWantedFromPeersAloneAsksMirrorsAtOnce) {
    const auto content = content_of(3'000'000);
    mirrors_.files["/pool/a.deb"] = content;
    auto request = request_of("/pool/a.deb");
    request.digest = digest_of(content);
    request.size = static_cast<ByteCount>(content.size());
    request.from = From::peers;
    const auto ahead = ask(request);
    desk_->serve(ahead->id, reader_->read(request).value());
    const auto asked = get(content);
    loop_.advance(Millis(20'000));
    EXPECT_EQ(asked->delivered, 1);
    EXPECT_EQ(ahead->delivered, 1);
}

}  // namespace
}  // namespace packswarm::broker
