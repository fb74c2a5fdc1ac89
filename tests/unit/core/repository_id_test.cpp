#include "p2p/core/repository_id.hpp"

#include <gtest/gtest.h>

#include <set>
#include <type_traits>
#include <unordered_set>

namespace packswarm::core {
namespace {

const RepositoryId stable("debian:stable:amd64:1"), testing("debian:testing:amd64:1");

TEST(RepositoryId, IsNoTextAndNoOtherName) {
    static_assert(!std::is_convertible_v<std::string, RepositoryId>);
    static_assert(!std::is_convertible_v<const char*, RepositoryId>);
    static_assert(!std::is_convertible_v<RepositoryId, std::string>);
    using Other = Name<struct OtherKind>;
    static_assert(!std::is_constructible_v<RepositoryId, Other>);
    static_assert(!std::is_invocable_v<std::equal_to<>, RepositoryId, Other>);
    static_assert(!std::is_invocable_v<std::equal_to<>, RepositoryId, std::string>);
    EXPECT_EQ(RepositoryId(stable.text()), stable);
}

TEST(RepositoryId, IsOrderedFoundAndPrintedAsItsText) {
    EXPECT_LT(stable, testing);
    EXPECT_EQ((std::set{testing, stable}.begin()->text()), "debian:stable:amd64:1");
    EXPECT_TRUE((std::unordered_set{stable, testing}.contains(RepositoryId("debian:testing:amd64:1"))));
    EXPECT_EQ(fmt::format("{}: {:>23}", stable, testing), "debian:stable:amd64:1:  debian:testing:amd64:1");
}

TEST(RepositoryId, IsEmptyUntilItIsNamed) {
    EXPECT_TRUE(RepositoryId().empty());
    EXPECT_FALSE(stable.empty());
}

}  // namespace
}  // namespace packswarm::core
