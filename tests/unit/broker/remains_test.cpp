#include "p2p/broker/transfer/remains.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "tests/support/nginx.hpp"

namespace packswarm::broker {
namespace {

using limits::gib;
using limits::mib;

constexpr auto mirror = plan::SourceId{1}, peer = plan::SourceId{2};

class RemainsTest : public ::testing::Test {
  protected:
    static Digest digest(unsigned char number) {
        Digest out;
        out.bytes.fill(number);
        return out;
    }
    // The first bytes of a file, all from one source.
    void keep(unsigned char number, ByteCount size, ByteCount here, plan::SourceId from = mirror) {
        Remnant remnant{StagedFile::create(folder_.path() / std::to_string(++files_), size).value(), {}, {}};
        remnant.given[from].add({0, here});
        remains_.keep(digest(number), std::move(remnant), now_);
    }
    bool has(unsigned char number, ByteCount size) { return remains_.take(digest(number), size).has_value(); }
    std::size_t files_on_disk() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
    }

    test::TempDir folder_;
    Remains remains_;
    TimePoint now_{std::chrono::hours(1000)};
    int files_ = 0;
};

TEST_F(RemainsTest, GivesWhatWasKeptToOneAskerOnly) {
    keep(1, 8 * mib, 3 * mib, peer);
    EXPECT_FALSE(has(2, 8 * mib));
    EXPECT_FALSE(has(1, 9 * mib)) << "another size is another file";
    const auto remnant = remains_.take(digest(1), 8 * mib);
    ASSERT_TRUE(remnant);
    EXPECT_EQ(remnant->here(), 3 * mib);
    EXPECT_TRUE(remnant->given.at(peer).covers({0, 3 * mib}));
    EXPECT_FALSE(has(1, 8 * mib));
}

TEST_F(RemainsTest, ALiarsBytesGoAndAFileWithoutBytesGoesWithThem) {
    keep(1, 8 * mib, 3 * mib, peer);
    keep(2, 8 * mib, 2 * mib, mirror);
    remains_.forget(peer);
    EXPECT_EQ(files_on_disk(), 1U);
    EXPECT_TRUE(has(2, 8 * mib));
}

TEST_F(RemainsTest, NothingIsKeptForLongerThanItsTime) {
    keep(1, 8 * mib, mib);
    now_ += Seconds(60);
    keep(2, 8 * mib, mib);
    remains_.expire(now_ - Seconds(60) + limits::remains_kept);
    EXPECT_EQ(files_on_disk(), 1U);
    EXPECT_TRUE(has(2, 8 * mib));
}

TEST_F(RemainsTest, OfTooManyFilesThatWithTheFewestBytesGoes) {
    for (unsigned char number = 0; number <= limits::max_remains; ++number)
        keep(number, 8 * mib, number == 5 ? 1 : mib);
    EXPECT_EQ(remains_.files(), limits::max_remains);
    EXPECT_EQ(files_on_disk(), limits::max_remains);
    EXPECT_FALSE(has(5, 8 * mib));
}

TEST_F(RemainsTest, TheSizeThatFilesWillHaveIsBoundedAsWell) {
    keep(1, 3 * gib, 3 * mib);
    keep(2, gib, mib);
    keep(3, gib, 2 * mib);
    EXPECT_EQ(remains_.bytes(), 4 * gib);
    EXPECT_FALSE(has(2, gib));
    keep(4, limits::max_remains_bytes + 1, 4 * mib);
    EXPECT_EQ(remains_.files(), 2U) << "what can never be kept pushes nothing out";
}

TEST_F(RemainsTest, GivesUpNoMoreThanIsNeeded) {
    keep(1, 8 * mib, 3 * mib);
    keep(2, 8 * mib, mib);
    keep(3, 8 * mib, 2 * mib);
    remains_.give_up(9 * mib);
    EXPECT_EQ(files_on_disk(), 1U);
    EXPECT_TRUE(has(1, 8 * mib));
    remains_.give_up(gib);
    EXPECT_EQ(remains_.bytes(), 0);
}

}  // namespace
}  // namespace packswarm::broker
