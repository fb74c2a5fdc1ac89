#include "p2p/core/floor_name.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

// Kept in floors.txt and the ledger: another text is another floor, and the old one protects nobody any more.
TEST(FloorName, IsTheLineageTheProductsMarkAndTheAddress) {
    const auto lineage = Lineage::parse("debian/KEY/bookworm/amd64").value();
    EXPECT_EQ(floor_name(lineage, Digest{}, "http://m/debian").text(),
              fmt::format("debian/KEY/bookworm/amd64 {:016x} http://m/debian", mark_of(Digest{})));
    EXPECT_EQ(floor_name(lineage, Digest{}, "http://m/debian").text().find(' '), 25U);
    EXPECT_EQ(floor_name(lineage, Digest{}, "http://m/debian").text().size(), 25U + 18U + 15U);
}

TEST(FloorName, IsAnotherOneForEveryLineageProductAndAddress) {
    const auto one = Lineage::parse("debian/KEY/bookworm/amd64").value();
    const auto other = Lineage::parse("debian/KEY/bookworm/arm64").value();
    const Digest product = Digest::from_raw("abcdefghijklmnopqrstuvwxyz012345");
    EXPECT_NE(floor_name(one, {}, "http://m"), floor_name(other, {}, "http://m"));
    EXPECT_NE(floor_name(one, {}, "http://m"), floor_name(one, product, "http://m"));
    EXPECT_NE(floor_name(one, {}, "http://m"), floor_name(one, {}, "http://n"));
    EXPECT_EQ(floor_name(one, product, "http://m"), floor_name(one, product, "http://m"));
}

}  // namespace
}  // namespace packswarm::core
