#include "p2p/broker/desks/root_errands.hpp"

#include "tests/unit/broker/unsigned_lab_fixture.hpp"

namespace packswarm::broker {
namespace {

class RootErrandsTest : public UnsignedLabFixture {
  protected:
    void SetUp() override {
        UnsignedLabFixture::SetUp();
        publish({package("hello")});
        errands_ = std::make_unique<RootErrands>(*context_, *book_);
    }
    bool looks_before(const std::string& file) {
        const auto at = book_->table().locate(*Url::parse("http://lab/" + file)).at(0);
        return errands_->looks().holds(at, false, [this] { ++looked_; });
    }
    std::unique_ptr<RootErrands> errands_;
    int looked_ = 0;
};

TEST_F(RootErrandsTest, ARefreshBringsTheNewestIndex) {
    std::optional<Result<RootAnswer>> answer;
    errands_->refresh(lab_.id, [&](Result<RootAnswer> result) { answer = std::move(result); });
    loop_.advance(Millis(5'000));
    ASSERT_TRUE(answer && *answer) << (answer ? answer->error().message : "no answer");
    EXPECT_TRUE(book_->catalog().find(lab_.id, package("hello").file_name()));
}

TEST_F(RootErrandsTest, ARepositoryThatNobodyConfiguredIsAbsent) {
    std::optional<Result<RootAnswer>> answer;
    errands_->refresh(core::RepositoryId("another"), [&](Result<RootAnswer> result) { answer = std::move(result); });
    ASSERT_TRUE(answer && !*answer);
    EXPECT_EQ(answer->error().kind, ErrorKind::Absent);
}

TEST_F(RootErrandsTest, APackageWaitsForALookAtTheIndex) {
    EXPECT_TRUE(looks_before(package("hello").file_name()));
    EXPECT_EQ(looked_, 0);
    loop_.advance(Millis(1'000));
    EXPECT_EQ(looked_, 1);
    EXPECT_EQ(mirrors_.asked["/lab.db"], 1);
    EXPECT_FALSE(looks_before(package("hello").file_name())) << "one look in a minute";
}

TEST_F(RootErrandsTest, AMirrorThatIsSilentIsNotWaitedForLong) {
    mirrors_.mirrors["http://lab"].fault = test::MirrorManner::Fault::silent;
    EXPECT_TRUE(looks_before(package("hello").file_name()));
    loop_.advance(Millis(4'000));
    EXPECT_EQ(looked_, 1);
}

TEST_F(RootErrandsTest, AnAnswerAfterItsEndFindsNobody) {
    errands_->refresh(lab_.id, [](const Result<RootAnswer>&) { FAIL(); });
    looks_before(package("hello").file_name());
    errands_.reset();
    loop_.advance(Millis(10'000));
    EXPECT_EQ(looked_, 0);
}

}  // namespace
}  // namespace packswarm::broker
