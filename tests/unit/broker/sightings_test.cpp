#include <gtest/gtest.h>

#include "p2p/broker/sightings.hpp"
#include "p2p/store/ledger.hpp"
#include "tests/support/nginx.hpp"

namespace packswarm::broker {
namespace {

const std::string address = "http://m.test/debian/dists/stable/InRelease";

Digest digest_of(std::uint8_t byte) {
    std::array<std::uint8_t, Digest::size> raw{};
    raw.fill(byte);
    return Digest::from_raw(raw.data());
}

WallTime at(int seconds) { return WallTime(Seconds(seconds)); }

class SightingsTest : public ::testing::Test {
  protected:
    void saw(std::uint8_t file, int modified) {
        core::Sighting one;
        one.address = address;
        one.file = one.content = one.bundle = digest_of(file);
        one.modified = at(modified);
        one.confirmed = at(++now_);
        sightings_->saw(one);
    }
    void restart() {
        sightings_.reset();
        ledger_.reset();
        open();
    }
    void open() {
        ledger_ = std::move(*store::Ledger::open({folder_.path()}));
        sightings_ = std::make_unique<Sightings>(*ledger_);
    }
    void SetUp() override { open(); }
    std::optional<WallTime> asked(std::uint8_t file, std::optional<WallTime> since) const {
        return sightings_->revalidates(address, digest_of(file), since);
    }

    test::TempDir folder_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<Sightings> sightings_;
    int now_ = 1000;
};

TEST_F(SightingsTest, AsksWithTheAskersDateWhereTheSameBytesCameAgainWithALaterOne) {
    saw(1, 10);
    saw(1, 20);
    EXPECT_EQ(asked(1, at(10)), at(10));
    EXPECT_EQ(asked(1, at(20)), at(20));
    EXPECT_EQ(asked(1, at(15)), at(20)) << "a date that the address never gave with this file";
    EXPECT_EQ(asked(1, at(25)), std::nullopt) << "the asker has had a later one past this agent";
    EXPECT_EQ(asked(1, std::nullopt), at(20));
    EXPECT_EQ(asked(2, at(10)), std::nullopt);
    restart();
    EXPECT_EQ(asked(1, at(10)), at(10));
    EXPECT_EQ(asked(1, std::nullopt), at(20));
}

TEST_F(SightingsTest, ADateOfBeforeAnotherFileCountsNoMore) {
    saw(1, 10);
    saw(2, 20);
    saw(1, 30);
    EXPECT_EQ(asked(1, at(10)), at(30)) << "the address showed another file since";
}

TEST_F(SightingsTest, AnAddressWithANewDateEachTimePushesOutNoOtherFile) {
    saw(2, 1);
    for (int date = 10; date < 100; ++date) saw(1, date);
    EXPECT_EQ(ledger_->sightings().size(), 3U) << "the other file, and the first and the last date of this one";
    EXPECT_EQ(asked(1, at(10)), at(10));
    EXPECT_EQ(asked(1, std::nullopt), at(99));
    restart();
    EXPECT_EQ(asked(1, at(10)), at(10));
    EXPECT_EQ(asked(1, std::nullopt), at(99));
}

}  // namespace
}  // namespace packswarm::broker
