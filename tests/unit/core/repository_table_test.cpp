#include "p2p/core/repository_table.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

Repository debian(std::string suite, std::vector<std::string> bases) {
    Repository out;
    out.id = RepositoryId(suite + bases.front());
    out.suite = std::move(suite);
    out.architectures = {"amd64"};
    out.components = {"main"};
    out.bases = std::move(bases);
    return out;
}

// Vendors sign several products with one key and call all of them stable.
TEST(RepositoryTable, EqualNamesAndKeysUnderTwoAddressesJoinNothing) {
    RepositoryTable table({debian("stable", {"http://v/code"}), debian("stable", {"http://v/edge"}),
                           debian("stable", {"http://v/code"})});
    ASSERT_EQ(table.all().size(), 2u);
    EXPECT_EQ(table.all()[0].bases, std::vector<std::string>{"http://v/code"});
    EXPECT_EQ(table.all()[1].bases, std::vector<std::string>{"http://v/edge"});
    const auto found = table.locate(*Url::parse("http://v/edge/pool/x.deb"));
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].repository, &table.all()[1]);
}

TEST(RepositoryTable, EntriesThatShareABaseAreOneWithTheBasesAndComponentsOfAll) {
    auto more = debian("stable", {"http://b/debian", "http://c/debian"});
    more.components = {"contrib"};
    more.architectures = {"i386"};
    auto bridge = debian("stable", {"http://a/debian", "http://c/debian"});
    RepositoryTable table({debian("stable", {"http://a/debian"}), more, debian("other", {"http://a/debian"}), bridge});
    ASSERT_EQ(table.all().size(), 2u);
    EXPECT_EQ(table.all()[0].bases,
              (std::vector<std::string>{"http://a/debian", "http://c/debian", "http://b/debian"}));
    EXPECT_EQ(table.all()[0].components, (std::vector<std::string>{"main", "contrib"}));
    EXPECT_EQ(table.all()[0].architectures, (std::vector<std::string>{"amd64", "i386"}));
    auto other_key = debian("stable", {"http://a/debian"});
    other_key.keyring.files = {"/other.gpg"};
    EXPECT_EQ(RepositoryTable({debian("stable", {"http://a/debian"}), other_key}).all().size(), 2u);
}

TEST(RepositoryTable, FindsWhatLiesBelowItsBases) {
    RepositoryTable table(
        {debian("stable", {"http://a/debian", "https://b/pub/debian"}), debian("other", {"http://a/debian"})});
    const auto found = table.locate(*Url::parse("https://b/pub/debian/pool/main/x%2by.deb"));
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].path, "pool/main/x+y.deb");
    EXPECT_EQ(address("http://a/debian", found[0].path), "http://a/debian/pool/main/x%2By.deb");
    EXPECT_EQ(table.locate(*Url::parse("http://a/debian/x")).size(), 2u) << "several suites have one base";
    EXPECT_TRUE(table.locate(*Url::parse("http://a/debian-security/x")).empty())
        << "a base is a folder, not a prefix of text";
}

TEST(RepositoryTable, FindsARepositoryByItsNameAndArchitecture) {
    const RepositoryTable table({debian("core", {"https://m/core/os/x86_64"})});
    EXPECT_NE(table.find(Format(), "core", "amd64"), nullptr);
    EXPECT_EQ(table.find(Format(), "core", "aarch64"), nullptr);
    EXPECT_EQ(table.find(Format(), "extra", "amd64"), nullptr);
}

TEST(RepositoryTable, TheLongestBaseOfAnAddressComesFirst) {
    const RepositoryTable table({debian("all", {"http://m/debian"}), debian("own", {"http://m/debian/own"})});
    const auto found = table.locate(*Url::parse("http://m/debian/own/x.deb"));
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].path, "x.deb");
    EXPECT_EQ(found[1].path, "own/x.deb");
    EXPECT_TRUE(table.locate(*Url::parse("http://m/debian/")).empty()) << "the base itself is no file below it";
}

TEST(RepositoryTable, WhatOneEntryForbidsToShareIsForbiddenForAllThatStandTogether) {
    auto one = debian("stable", {"http://a/debian"});
    one.sharing = Sharing::allowed;
    auto other = one;
    other.sharing = Sharing::forbidden;
    EXPECT_EQ(RepositoryTable({one, other}).all().front().sharing, Sharing::forbidden);
    EXPECT_EQ(RepositoryTable({other, one}).all().front().sharing, Sharing::forbidden);
}

}  // namespace
}  // namespace packswarm::core
