#include "p2p/broker/desks/root_desk.hpp"

#include "tests/unit/broker/unsigned_lab_fixture.hpp"

namespace packswarm::broker {
namespace {

class RootDeskTest : public UnsignedLabFixture {
  protected:
    void SetUp() override {
        UnsignedLabFixture::SetUp();
        publish({package("hello")});
        desk_ = std::make_unique<RootDesk>(
            *context_, *book_, *reader_, *askers_, *holding_,
            RootDesk::Needs{[this](const core::RepositoryId& repository) { told_.push_back(repository); },
                            [this](RequestId id, const Meaning&) { handed_through_.push_back(id); }});
    }
    bool serve(const Outcome& outcome) {
        return desk_->serve(outcome.id, reader_->read(askers_->at(outcome.id).request).value());
    }
    std::shared_ptr<Outcome> get(const std::string& file, const std::string& asker = "pacman") {
        const auto outcome = ask(lab_request(file, asker));
        EXPECT_TRUE(serve(*outcome));
        return outcome;
    }
    std::unique_ptr<RootDesk> desk_;
    std::vector<core::RepositoryId> told_;
    std::vector<RequestId> handed_through_;
};

TEST_F(RootDeskTest, OnlyRootsAreItsBusiness) {
    EXPECT_FALSE(serve(*ask(lab_request(package("hello").file_name()))));
    EXPECT_FALSE(serve(*ask(request_of("/readme"))));
}

TEST_F(RootDeskTest, OneFetchServesAllWhoAskAtOneAddress) {
    const auto one = get("lab.db"), two = get("lab.db");
    loop_.advance(Millis(5'000));
    EXPECT_EQ(one->bytes, mirrors_.files["/lab.db"]);
    EXPECT_EQ(two->bytes, mirrors_.files["/lab.db"]);
    EXPECT_EQ(mirrors_.asked["/lab.db"], 1);
    EXPECT_EQ(told_, std::vector<core::RepositoryId>{lab_.id});
}

TEST_F(RootDeskTest, WhatIsNotBelievedHereIsHandedThroughToWhoHasNoOtherWay) {
    mirrors_.files["/lab.db"] = "no database at all";
    const auto pacman = get("lab.db", "pacman"), apt = get("lab.db", "apt");
    loop_.advance(Millis(20'000));
    EXPECT_EQ(handed_through_, std::vector<RequestId>{pacman->id});
    EXPECT_EQ(apt->failed, 1);
    EXPECT_TRUE(told_.empty());
}

TEST_F(RootDeskTest, AnAddressThatWasServedAnotherRootIsBehind) {
    const auto at = [this] { return book_->table().locate(*Url::parse("http://lab/lab.db")).at(0); };
    EXPECT_FALSE(desk_->is_behind(at())) << "nothing is known of it";
    get("lab.db");
    loop_.advance(Millis(5'000));
    EXPECT_FALSE(desk_->is_behind(at()));
    mirrors_.files["/lab.db"] = "no database at all";
    get("lab.db");
    loop_.advance(Millis(20'000));
    EXPECT_TRUE(desk_->is_behind(at()));
}

TEST_F(RootDeskTest, WhoHasLeftIsForgottenAndTheLastEndsTheFetch) {
    const auto one = get("lab.db");
    askers_->take(one->id);
    desk_->leave(one->id);
    loop_.advance(Millis(5'000));
    EXPECT_EQ(one->ends(), 0);
    EXPECT_TRUE(told_.empty());
}

TEST_F(RootDeskTest, AnAnswerAfterItsEndFindsNobody) {
    const auto one = get("lab.db");
    desk_.reset();
    loop_.advance(Millis(5'000));
    EXPECT_EQ(one->ends(), 0);
}

}  // namespace
}  // namespace packswarm::broker
