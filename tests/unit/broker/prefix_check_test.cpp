#include "p2p/broker/transfer/prefix_check.hpp"

#include "tests/unit/broker/case_fixture.hpp"

namespace packswarm::broker {
namespace {

using limits::mib;

class PrefixCheckTest : public CaseFixture, public PrefixCheck::Needs {
  protected:
    ByteView in_memory(plan::ClaimId claim) const override { return memory.at(claim); }
    void go_solo(plan::SourceId, const char*) override { ++solos; }
    void shown() override { ++shows; }
    void withdrawn() override { ++withdrawals; }

    PrefixCheck& check() {
        if (!check_) check_ = std::make_unique<PrefixCheck>(*case_, static_cast<PrefixCheck::Needs&>(*this));
        return *check_;
    }
    ByteCount head() const { return plan::head_length(target_.size); }

    std::map<plan::ClaimId, Bytes> memory;
    int solos = 0, shows = 0, withdrawals = 0;
    std::unique_ptr<PrefixCheck> check_;
};

TEST_F(PrefixCheckTest, WhatTwoMirrorsAgreeOnMayGoOut) {
    want(4 * mib, 2);
    give(mirror(1), {0, mib});
    check().settle();
    EXPECT_EQ(check().safe(), 0);
    check().compare(mirror(2), right({0, head()}));
    EXPECT_EQ(check().safe(), head());
    EXPECT_TRUE(wanted().head_agreed);
    EXPECT_TRUE(check().was_true());
}

TEST_F(PrefixCheckTest, OfThreeWhoDiffersIsBlamedAndItsBytesGo) {
    want(4 * mib, 3);
    give(mirror(1), {0, mib}, true);
    check().compare(mirror(2), right({0, head()}));
    EXPECT_TRUE(blamed.empty());
    check().compare(mirror(3), right({0, head()}));
    EXPECT_EQ(blamed, (std::map<plan::SourceId, ErrorKind>{{mirror(1), ErrorKind::Corrupt}}));
    EXPECT_EQ(forgotten, std::vector{mirror(1)});
    EXPECT_EQ(check().safe(), 0);  // the head is not here any more
}

TEST_F(PrefixCheckTest, WhereAllDifferOneMirrorIsAskedAlone) {
    want(4 * mib, 2);
    give(mirror(1), {0, mib}, true);
    check().compare(mirror(2), right({0, head()}));
    EXPECT_EQ(solos, 1);
    EXPECT_EQ(check().safe(), 0);
}

TEST_F(PrefixCheckTest, TheOnlyMirrorsBytesGoOutButForTheLast) {
    want(2 * mib, 1);
    give(mirror(1), {0, 2 * mib});
    check().trust_the_only_mirror();
    EXPECT_EQ(check().safe(), 2 * mib - 1);
}

TEST_F(PrefixCheckTest, WhatWasLostDoesNotGoOutUntilItIsHereAgain) {
    want(4 * mib, 2);
    give(mirror(1), {0, mib});
    check().compare(mirror(2), right({0, head()}));
    core::RangeSet gone = file_->given_by(mirror(1));
    check().lost(gone);
    EXPECT_EQ(check().safe(), 0);
    file_->forget(mirror(1));
    give(mirror(2), {0, mib});
    check().settle();
    EXPECT_EQ(check().safe(), head());
}

TEST_F(PrefixCheckTest, ASmallOneShowsItsFirstBytesToWhoHasWaited) {
    want(100'000, 1);
    ASSERT_TRUE(file_->stage());
    wanted().streamed = true;
    const plan::ClaimId claim{1};
    plan::Claim at{mirror(1), {0, 100'000}, 0, loop_.now(), loop_.now(), loop_.now(), plan::Purpose::work};
    memory[claim] = right({0, 50'000});
    check().arriving(at, memory[claim]);
    EXPECT_EQ(shows, 0);
    loop_.advance(Millis(4'500));
    check().arriving(at, memory[claim]);
    check().arriving(at, memory[claim]);
    EXPECT_EQ(check().safe(), 0) << "they do not stand in the file yet";
    loop_.drain();
    EXPECT_EQ(shows, 1);
    EXPECT_GT(check().safe(), 0);
    check().replaced_by(wrong({0, 100'000}));
    EXPECT_EQ(withdrawals, 1);
    EXPECT_EQ(check().safe(), 0);
}

TEST_F(PrefixCheckTest, OfASmallOneThatIsHereMeanwhileNoHeadIsShown) {
    want(100'000, 1);
    ASSERT_TRUE(file_->stage());
    wanted().streamed = true;
    const plan::ClaimId claim{1};
    plan::Claim at{mirror(1), {0, 100'000}, 0, loop_.now(), loop_.now(), loop_.now(), plan::Purpose::work};
    memory[claim] = wrong({0, 50'000});
    loop_.advance(Millis(4'500));
    check().arriving(at, memory[claim]);
    check().replaced_by(right({0, 100'000}));
    loop_.drain();
    EXPECT_EQ(shows, 0);
    EXPECT_EQ(withdrawals, 0) << "nothing of it had gone out";
    EXPECT_EQ(check().safe(), 0);
    EXPECT_TRUE(check().was_true());
}

}  // namespace
}  // namespace packswarm::broker
