#include "p2p/broker/desks/holding.hpp"

#include "tests/unit/broker/desk_fixture.hpp"

namespace packswarm::broker {
namespace {

class HoldingTest : public DeskFixture {};

TEST_F(HoldingTest, GivesAllAskersTheSameBytesOnceTheyAreWritten) {
    const auto one = ask("/a"), two = ask("/a");
    holding_->deliver({one->id, two->id}, bytes_of("a root"), {nullptr, 0, {}, std::nullopt, {}}, "a reason");
    EXPECT_EQ(one->ends() + two->ends(), 0) << "never inside the call";
    loop_.drain();
    EXPECT_EQ(one->bytes, "a root");
    EXPECT_EQ(two->bytes, "a root");
}

TEST_F(HoldingTest, WithoutRoomTheAskersAreToldSo) {
    vault_->set_limits(1, 0);
    const auto one = ask("/a");
    holding_->deliver({one->id}, Bytes(100'000), {nullptr, 0, {}, std::nullopt, {}}, "a reason");
    EXPECT_EQ(one->ends(), 0);
    loop_.drain();
    EXPECT_EQ(one->failed, 1);
    EXPECT_EQ(one->error.kind, ErrorKind::Refused);
}

TEST_F(HoldingTest, AnAnswerAfterItsEndFindsNobody) {
    const auto one = ask("/a");
    holding_->deliver({one->id}, bytes_of("a root"), {nullptr, 0, {}, std::nullopt, {}}, "a reason");
    holding_.reset();
    loop_.drain();
    EXPECT_EQ(one->ends(), 0);
}

}  // namespace
}  // namespace packswarm::broker
