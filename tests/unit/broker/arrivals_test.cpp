// Bytes on their way into a file, through IncomingFile over a real store whose worker is one task of the fake loop.
#include "p2p/broker/transfer/arrivals.hpp"

#include "tests/unit/broker/case_fixture.hpp"

namespace packswarm::broker {
namespace {

using limits::mib;

class ArrivalsTest : public CaseFixture {
  protected:
    void bring(plan::SourceId from, ByteRange range, bool lies = false) {
        ASSERT_TRUE(file_->stage());
        file_->write(from, range.begin, lies ? wrong(range) : right(range), [this](Result<core::RangeSet> fresh) {
            ASSERT_TRUE(fresh);
            landed_ += fresh->total();
        });
    }
    ByteCount landed_ = 0;
};

TEST_F(ArrivalsTest, WhatIsNotWrittenYetIsNotHereAndNobodyNeedsToGiveItAgain) {
    want(4 * mib, 2);
    bring(mirror(1), {0, mib});
    EXPECT_TRUE(wanted().done.empty());
    EXPECT_EQ(wanted().here().total(), mib);
    EXPECT_EQ(wanted().taken().total(), mib);
    EXPECT_EQ(wanted().given.at(mirror(1)), mib);
    bring(mirror(2), {0, mib}, true);
    EXPECT_EQ(file_->shares().at(mirror(2)).wasted, mib) << "the first one's stand";
    loop_.drain();
    EXPECT_EQ(wanted().done.total(), mib);
    EXPECT_TRUE(wanted().arriving.empty());
    EXPECT_EQ(landed_, mib);
    EXPECT_EQ(*file_->read({0, mib}), right({0, mib}));
}

TEST_F(ArrivalsTest, OfALiarNothingCountsThatWasOnItsWay) {
    want(4 * mib, 2);
    bring(mirror(1), {0, mib}, true);        // in the worker's hand
    bring(mirror(1), {mib, 2 * mib}, true);  // behind it
    bring(mirror(2), {2 * mib, 3 * mib});
    EXPECT_TRUE(file_->forget(mirror(1)).empty()) << "nothing of it stood in the file";
    EXPECT_EQ(file_->shares().at(mirror(1)).wasted, 2 * mib);
    EXPECT_EQ(wanted().given.count(mirror(1)), 0u);
    bring(mirror(2), {0, 2 * mib});
    loop_.drain();
    EXPECT_EQ(wanted().done.total(), 3 * mib);
    EXPECT_EQ(*file_->read({0, 3 * mib}), right({0, 3 * mib})) << "written after the liar's";
    EXPECT_EQ(file_->given_by(mirror(2)).total(), 3 * mib);
    EXPECT_EQ(landed_, 3 * mib);
}

TEST_F(ArrivalsTest, WhatMayBeOverwrittenLaterIsNotWrittenFirstWhenMuchWaits) {
    want(32 * mib, 2);
    bring(mirror(1), {0, mib}, true);
    file_->forget(mirror(1));
    bring(mirror(2), {0, 26 * mib});  // more than may wait
    EXPECT_TRUE(wanted().done.empty());
    loop_.drain();
    EXPECT_EQ(*file_->read({0, 26 * mib}), right({0, 26 * mib}));
    EXPECT_EQ(context_->arrivals.sum(), 0u);
}

TEST_F(ArrivalsTest, WhenMuchWaitsWhoBringsMoreWritesIt) {
    want(32 * mib, 1);
    bring(mirror(1), {0, mib});
    EXPECT_EQ(context_->arrivals.sum(), static_cast<std::size_t>(mib));
    bring(mirror(1), {mib, 26 * mib});
    EXPECT_EQ(wanted().done.total(), 25 * mib) << "all but what the worker has in hand";
    loop_.drain();
    EXPECT_EQ(wanted().done.total(), 26 * mib);
    EXPECT_EQ(*file_->read({0, 26 * mib}), right({0, 26 * mib}));
    EXPECT_EQ(context_->arrivals.sum(), 0u);
}

TEST_F(ArrivalsTest, AHeadNeverComesAfterTheWholeThatTakesItsPlace) {
    want(32 * mib, 2);
    ASSERT_TRUE(file_->stage());
    std::vector<std::string> order;
    file_->write_head(wrong({0, 1000}), [&](const Result<void>& written) { order.push_back(written ? "head" : "-"); });
    bring(mirror(2), {mib, 27 * mib});  // so that nothing more may wait
    file_->write_whole(mirror(1), right({0, mib}),
                       [&](const Result<void>& written) { order.push_back(written ? "whole" : "-"); });
    EXPECT_TRUE(order.empty());
    loop_.drain();
    EXPECT_EQ(order, (std::vector<std::string>{"head", "whole"}));
    EXPECT_EQ(*file_->read({0, mib}), right({0, mib}));
    EXPECT_EQ(file_->given_by(mirror(1)).total(), mib) << "what nobody answers for is nobody's";
    EXPECT_EQ(context_->arrivals.sum(), 0u);
}

TEST_F(ArrivalsTest, AnEmptyFileIsThereAtOnce) {
    want(0, 1);
    ASSERT_TRUE(file_->stage());
    bool is_there = false;
    file_->write_whole(mirror(1), {}, [&](const Result<void>& written) { is_there = written.has_value(); });
    EXPECT_TRUE(is_there);
}

TEST_F(ArrivalsTest, AFileThatOthersWriteToIsWrittenAtOnceWhenTheWorkerHasEnded) {
    want(4 * mib, 1);
    bring(mirror(1), {0, mib});
    bring(mirror(1), {mib, 2 * mib});
    bool is_shared = false;
    file_->share([&] { is_shared = true; });
    EXPECT_FALSE(is_shared);
    loop_.drain();
    EXPECT_TRUE(is_shared);
    EXPECT_EQ(wanted().done.total(), 2 * mib);
    bring(mirror(1), {2 * mib, 3 * mib});
    EXPECT_EQ(wanted().done.total(), 3 * mib);
}

TEST_F(ArrivalsTest, WhoTakesTheFileOverHearsWhenNobodyWritesThereAnyMore) {
    want(4 * mib, 1);
    bring(mirror(1), {0, mib});
    const auto staged = *file_->staged();
    bool is_free = false;
    file_->when_landed([&] { is_free = true; });
    file_.reset();
    EXPECT_FALSE(is_free);
    loop_.drain();
    EXPECT_TRUE(is_free);
    EXPECT_EQ(landed_, 0) << "who asked is gone";
    Bytes here(mib);
    ASSERT_TRUE(read_at(staged.handle(), 0, here));
    EXPECT_EQ(here, right({0, mib}));
}

}  // namespace
}  // namespace packswarm::broker
