#include "p2p/broker/desks/crowd_ear.hpp"

#include "tests/support/lineages.hpp"
#include "tests/unit/broker/live_fixture.hpp"

namespace packswarm::broker {
namespace {

class CrowdEarTest : public LiveFixture {
  protected:
    void SetUp() override {
        LiveFixture::SetUp();
        ear_ = std::make_unique<CrowdEar>(
            *context_, *transfers_,
            CrowdEar::Listeners{[this](PeerId) { ++downs_; }, [this](const PeerOffer&) { ++offers_; },
                                [this](const Digest& digest) { sought_.push_back(digest); },
                                [this](const PeerSnapshot&) { ++snapshots_; }});
        on_begun_ = [this](plan::WantId want, Transfer& transfer) { ear_->join(want, transfer); };
        for (auto& [origin, manner] : mirrors_.mirrors) manner.fault = test::MirrorManner::Fault::silent;
    }
    void TearDown() override {
        ear_.reset();
        LiveFixture::TearDown();
    }
    plan::SourceId comes(std::uint64_t number, Reach reach = Reach::wan) {
        ear_->peer_up({PeerId{number}, "192.0.2.1:" + std::to_string(number), "", reach, {}, 0, 0, number});
        return sources_->find_peer(PeerId{number}).value();
    }
    const plan::Want& want() const { return board_.wants.begin()->second; }

    std::unique_ptr<CrowdEar> ear_;
    int downs_ = 0, offers_ = 0, snapshots_ = 0;
    std::vector<Digest> sought_;
    const std::string content_ = std::string(1'000, 'x');
};

TEST_F(CrowdEarTest, AnOfferReachesTheTransferThatWantsIt) {
    const auto peer = comes(7);
    begin(content_, test::lineage_of("stable"));
    ear_->peer_offers({{PeerId{7}, Reach::wan, digest_of(content_), 1'000, {}},
                       {PeerId{7}, Reach::wan, digest_of("nobody wants it"), 9, {}}});
    EXPECT_EQ(want().peers, std::vector{peer});
    EXPECT_EQ(offers_, 2) << "the signature desk hears of all";
    EXPECT_EQ(transfers_->take_out(begun_.at(0)).holders, 1u);
}

TEST_F(CrowdEarTest, WhoComesIsAskedForWhatIsWanted) {
    begin(content_, test::lineage_of("stable"));
    loop_.advance(Millis(10));
    peers_.asked.clear();
    comes(7);
    loop_.drain();
    EXPECT_EQ(peers_.asked.count({test::lineage_of("stable"), digest_of(content_)}), 1u);
}

TEST_F(CrowdEarTest, WhoSoughtTheSameAMomentAgoIsOfTheCrowd) {
    const auto peer = comes(7);
    ear_->peer_seeks(PeerId{7}, {digest_of(content_)});
    EXPECT_EQ(sought_, std::vector{digest_of(content_)});
    begin(content_, test::lineage_of("stable"));
    EXPECT_EQ(want().crowd.seekers.count(peer), 1u);
    EXPECT_GT(board_.crowd_until, loop_.now());
}

TEST_F(CrowdEarTest, WhoSoughtItLongAgoIsForgotten) {
    comes(7);
    ear_->peer_seeks(PeerId{7}, {digest_of(content_)});
    loop_.advance(Millis(11'000));
    begin(content_, test::lineage_of("stable"));
    EXPECT_TRUE(want().crowd.seekers.empty());
}

TEST_F(CrowdEarTest, WhatStrangersSeekIsRememberedWithinBounds) {
    comes(7);
    std::vector<Digest> many;
    for (int i = 0; i < 5'000; ++i) many.push_back(digest_of("nonsense " + std::to_string(i)));
    many.push_back(digest_of(content_));  // one too many
    ear_->peer_seeks(PeerId{7}, many);
    begin(content_, test::lineage_of("stable"));
    EXPECT_TRUE(want().crowd.seekers.empty());
}

TEST_F(CrowdEarTest, WhoIsGoneIsNoSourceAnyMore) {
    const auto peer = comes(7);
    begin(content_, test::lineage_of("stable"));
    ear_->peer_offers({{PeerId{7}, Reach::wan, digest_of(content_), 1'000, {}}});
    ear_->peer_down(PeerId{7});
    EXPECT_TRUE(want().peers.empty());
    EXPECT_FALSE(sources_->find_peer(PeerId{7}));
    EXPECT_EQ(board_.sources.count(peer), 0u);
    EXPECT_EQ(downs_, 1);
    ear_->peer_down(PeerId{8});
    EXPECT_EQ(downs_, 2) << "of a stranger to the sources too";
}

TEST_F(CrowdEarTest, WhomNobodyIntroducedSeeksInVain) {
    ear_->peer_seeks(PeerId{9}, {digest_of(content_)});
    ear_->peer_lends({PeerId{9}, digest_of(content_), 1'000, {}});
    EXPECT_TRUE(sought_.empty());
}

TEST_F(CrowdEarTest, RootsThatPeersShowArePassedOn) {
    ear_->peer_snapshot({});
    EXPECT_EQ(snapshots_, 1);
}

}  // namespace
}  // namespace packswarm::broker
