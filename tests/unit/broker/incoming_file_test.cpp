#include "p2p/broker/transfer/incoming_file.hpp"

#include "tests/unit/broker/case_fixture.hpp"

namespace packswarm::broker {
namespace {

using limits::mib;

class IncomingFileTest : public CaseFixture {};

TEST_F(IncomingFileTest, WhatAnotherGaveFirstStandsAndIsItsToAnswerFor) {
    want(4 * mib, 2);
    give(mirror(1), {0, 2 * mib});
    give(mirror(2), {mib, 3 * mib}, true);
    EXPECT_EQ(file_->given_by(mirror(1)).total(), 2 * mib);
    EXPECT_EQ(file_->given_by(mirror(2)).total(), mib);
    EXPECT_EQ(file_->shares().at(mirror(2)).wasted, mib);
    EXPECT_EQ(*file_->read({mib, 2 * mib}), right({mib, 2 * mib}));
    EXPECT_EQ(wanted().done.total(), 3 * mib);
    EXPECT_EQ(wanted().given.at(mirror(2)), mib);
}

TEST_F(IncomingFileTest, WhatALiarGaveIsMissingAgain) {
    want(4 * mib, 2);
    give(mirror(1), {0, mib});
    give(mirror(2), {mib, 4 * mib});
    const auto gone = file_->forget(mirror(2));
    EXPECT_EQ(gone.total(), 3 * mib);
    EXPECT_EQ(wanted().done.prefix(), mib);
    EXPECT_EQ(wanted().given.count(mirror(2)), 0u);
    EXPECT_EQ(file_->givers(), (plan::Given{{mirror(1), mib}}));
    EXPECT_TRUE(file_->forget(mirror(2)).empty());
}

TEST_F(IncomingFileTest, APieceOfTheTorrentIsItsGiversWhoeverGaveItBefore) {
    want(4 * mib, 1);
    give(mirror(1), {0, 2 * mib});
    file_->take_from_givers({mib, 2 * mib});
    file_->brought(peer(1), {mib, 2 * mib});
    EXPECT_EQ(file_->given_by(mirror(1)).total(), mib);
    EXPECT_EQ(file_->shares().at(mirror(1)).wasted, mib);
    EXPECT_EQ(file_->given_by(peer(1)).total(), mib);
}

TEST_F(IncomingFileTest, TheDigestSpeaksAlsoAfterBytesWereReplaced) {
    want(4 * mib, 2);
    give(mirror(2), {0, 2 * mib}, true);
    file_->hash_what_is_here();
    give(mirror(1), {2 * mib, 4 * mib});
    file_->forget(mirror(2));
    give(mirror(1), {0, 2 * mib});
    file_->hash_what_is_here();
    std::optional<Result<VerifiedFile>> verdict;
    file_->check([&](Result<VerifiedFile> file) { verdict = std::move(file); });
    loop_.advance_until([&] { return verdict.has_value(); }, Millis(1000));
    ASSERT_TRUE(verdict && *verdict);
    EXPECT_EQ((**verdict).digest(), target_.digest);
    EXPECT_FALSE(file_->is_being_checked());
}

TEST_F(IncomingFileTest, AWrongByteIsCorruptAndTheCheckBeginsAnew) {
    want(2 * mib, 1);
    give(mirror(1), {0, 2 * mib}, true);
    std::optional<Result<VerifiedFile>> verdict;
    file_->check([&](Result<VerifiedFile> file) { verdict = std::move(file); });
    loop_.advance_until([&] { return verdict.has_value(); }, Millis(1000));
    ASSERT_TRUE(verdict && !*verdict);
    EXPECT_EQ(verdict->error().kind, ErrorKind::Corrupt);
    file_->begin_check();
    EXPECT_TRUE(file_->is_being_checked());
}

TEST_F(IncomingFileTest, RemainsAreAdoptedWithTheirGivers) {
    want(4 * mib, 1);
    core::RangeSet here;
    here.add({mib, 2 * mib});
    file_->adopt(mirror(1), here);
    EXPECT_TRUE(wanted().done.covers({mib, 2 * mib}));
    EXPECT_EQ(wanted().given.at(mirror(1)), mib);
    EXPECT_EQ(file_->shares().at(mirror(1)).bytes, mib);
}

}  // namespace
}  // namespace packswarm::broker
