#include "p2p/core/format.hpp"

#include <gtest/gtest.h>

#include "p2p/core/artifact.hpp"

namespace packswarm::core {
namespace {

TEST(Format, ThatNobodyChoseKnowsNoPathAndOpensNothing) {
    const Format none;
    EXPECT_FALSE(none);
    EXPECT_EQ(to_string(none), "none");
    EXPECT_EQ(none->classify("anything"), PathKind::other);
    EXPECT_EQ(Formats().classify("anything"), PathKind::other);
    EXPECT_EQ(none->read_list(FileHandle(), 0, "anything").error().kind, ErrorKind::Refused);
}

TEST(Format, OnlyNamesThatStayHaveBytesThatChange) {
    for (const auto kind : {PathKind::root, PathKind::signature, PathKind::index}) EXPECT_TRUE(is_rewritten(kind));
    for (const auto kind : {PathKind::index_by_digest, PathKind::package, PathKind::other})
        EXPECT_FALSE(is_rewritten(kind));
}

TEST(Format, IsFoundByItsNameAmongThoseThatARoomWasGiven) {
    const Formats all({Format()});
    EXPECT_EQ(all.find("none"), Format());
    EXPECT_FALSE(all.find("debian"));
    EXPECT_FALSE(Formats().find("none"));
    EXPECT_FALSE(all.is_usual_client("anybody/1.0"));
}

}  // namespace
}  // namespace packswarm::core
