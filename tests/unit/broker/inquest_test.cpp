#include "p2p/broker/transfer/inquest.hpp"

#include "tests/unit/broker/case_fixture.hpp"

namespace packswarm::broker {
namespace {

using limits::mib;

class InquestTest : public CaseFixture, public Inquest::Needs {
  protected:
    bool names_the_hints() override { return hints_lied; }
    bool questions_lenders() override { return lenders_are_questioned; }
    void borrow_no_more() override { ++borrowed_no_more; }
    void stop(plan::ClaimId, const char*) override {}

    Inquest& inquest() {
        if (!inquest_) inquest_ = std::make_unique<Inquest>(*case_, static_cast<Inquest::Needs&>(*this));
        return *inquest_;
    }

    bool hints_lied = false, lenders_are_questioned = false;
    int borrowed_no_more = 0;
    std::unique_ptr<Inquest> inquest_;
};

TEST_F(InquestTest, TheOnlyGiverLied) {
    want(2 * mib, 1);
    give(mirror(1), {0, 2 * mib}, true);
    inquest().open();
    EXPECT_EQ(blamed, (std::map<plan::SourceId, ErrorKind>{{mirror(1), ErrorKind::Corrupt}}));
    EXPECT_TRUE(wanted().done.empty());
    EXPECT_TRUE(inquest().has_begun());
}

TEST_F(InquestTest, OfSeveralWhoGaveMostIsLeftOutAndNamedWhenThatHelps) {
    want(3 * mib, 2);
    give(mirror(1), {0, mib});
    give(mirror(2), {mib, 3 * mib}, true);
    inquest().open();
    EXPECT_EQ(forgotten, std::vector{mirror(2)});
    EXPECT_EQ(wanted().barred.count(mirror(2)), 1u);
    EXPECT_TRUE(inquest().suspects_somebody());
    EXPECT_TRUE(blamed.empty());
    inquest().close();
    EXPECT_EQ(blamed, (std::map<plan::SourceId, ErrorKind>{{mirror(2), ErrorKind::Corrupt}}));
}

TEST_F(InquestTest, WhereThatDidNotHelpTheSuspectIsCalledBackAndOneIsTriedAlone) {
    want(3 * mib, 2);
    give(mirror(1), {0, mib}, true);
    give(mirror(2), {mib, 3 * mib});
    inquest().open();
    give(mirror(1), {mib, 3 * mib}, true);
    inquest().open();  // the only giver now, and wrong
    EXPECT_EQ(blamed, (std::map<plan::SourceId, ErrorKind>{{mirror(1), ErrorKind::Corrupt}}));
    EXPECT_EQ(wanted().barred.count(mirror(2)), 0u);
}

TEST_F(InquestTest, LendersAreComparedBeforeAnybodyElseIsSuspected) {
    want(3 * mib, 2);
    give(mirror(1), {0, mib});
    give(peer(1), {mib, 3 * mib}, true);
    lenders_are_questioned = true;
    inquest().open();
    EXPECT_TRUE(forgotten.empty());
    EXPECT_FALSE(inquest().suspects_somebody());
}

TEST_F(InquestTest, AloneMeansOneMirrorAndNobodysBytesBesideItsOwn) {
    want(3 * mib, 3);
    give(mirror(1), {0, mib});
    give(mirror(2), {mib, 2 * mib});
    inquest().go_solo(mirror(1), "a test");
    EXPECT_EQ(wanted().mirrors, std::vector{mirror(1)});
    EXPECT_EQ(forgotten, std::vector{mirror(2)});
    EXPECT_EQ(borrowed_no_more, 1);
    EXPECT_TRUE(inquest().goes_on());  // the next mirror when this one fails
    EXPECT_EQ(wanted().mirrors, std::vector{mirror(2)});
}

TEST_F(InquestTest, NobodyIsLeftWhenAllHaveBeenTriedAndCalledBack) {
    want(3 * mib, 1);
    EXPECT_FALSE(inquest().goes_on());
}

TEST_F(InquestTest, WhoWasCaughtElsewhereGoesBeforeWhoGaveMost) {
    want(3 * mib, 3);
    give(mirror(1), {0, 2 * mib});
    give(mirror(2), {2 * mib, 3 * mib}, true);
    board_.sources.at(mirror(2)).usable = false;
    inquest().open();
    EXPECT_EQ(forgotten, std::vector{mirror(2)});
    EXPECT_FALSE(inquest().suspects_somebody());
}

}  // namespace
}  // namespace packswarm::broker
