#include "p2p/core/catalog.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

IndexEntry entry(std::string path, char fill) {
    IndexEntry out;
    out.path = std::move(path);
    out.size = fill;
    out.digest.bytes.fill(static_cast<std::uint8_t>(fill));
    out.name = "name-" + out.path;
    out.version = "1:2-3";
    out.architecture = "amd64";
    out.signature = std::string("sig\0x", 5);
    return out;
}

TEST(Catalog, FindsByDigestPathAndNameAndGivesBackWhatWasPutIn) {
    Catalog catalog;
    std::vector<IndexEntry> entries;
    for (int i = 0; i < 100; ++i) entries.push_back(entry("pool/" + std::to_string(i), static_cast<char>(i)));
    catalog.set(RepositoryId("repo"), "sheet", entries);
    for (const auto& one : entries) {
        const auto by_digest = catalog.find(one.digest);
        ASSERT_TRUE(by_digest);
        EXPECT_EQ(by_digest->entry.path, one.path);
        EXPECT_EQ(by_digest->entry.signature, one.signature);
        EXPECT_EQ(by_digest->entry.version, one.version);
        ASSERT_TRUE(catalog.find(RepositoryId("repo"), one.path));
    }
    EXPECT_EQ(catalog.named("name-pool/7").size(), 1u);
    EXPECT_FALSE(catalog.find(RepositoryId("repo"), "pool/100"));
    EXPECT_FALSE(catalog.find(RepositoryId("other"), "pool/1"));
    catalog.set(RepositoryId("repo"), "sheet", {entries[0]});
    EXPECT_FALSE(catalog.find(entries[1].digest)) << "a newer sheet replaces the older whole";
    catalog.keep_only(RepositoryId("repo"), {});
    EXPECT_FALSE(catalog.find(entries[0].digest));
}

TEST(Catalog, FindsAPathWithTwoDigestsByNeitherAndCountsIt) {
    IndexEntry one, other, third;
    one.path = other.path = "pool/a.deb";
    one.digest.bytes[0] = 1;
    other.digest.bytes[0] = 2;
    third.path = "pool/b.deb";
    third.digest.bytes[0] = 3;
    LeftOut odd;
    odd.add("c: no Size");
    Catalog catalog;
    catalog.set(RepositoryId("r"), "s", {one, other, third, third}, odd);
    EXPECT_FALSE(catalog.find(RepositoryId("r"), "pool/a.deb"));
    EXPECT_TRUE(catalog.find(RepositoryId("r"), "pool/b.deb"));
    EXPECT_TRUE(catalog.find(one.digest));
    EXPECT_TRUE(catalog.find(other.digest));
    const auto left_out = catalog.left_out(RepositoryId("r"));
    EXPECT_EQ(left_out.count, 2u);
    EXPECT_EQ(left_out.text().find("2 entries are left out: c: no Size; pool/a.deb is listed with two digests"), 0u)
        << left_out.text();
}

TEST(Catalog, HoldsOnlyTheSheetsThatAreKept) {
    Catalog catalog;
    catalog.set(RepositoryId("repo"), "main", {entry("a", 1)});
    catalog.set(RepositoryId("repo"), "contrib", {entry("b", 2)});
    catalog.set(RepositoryId("other"), "main", {entry("c", 3)});
    catalog.keep_only(RepositoryId("repo"), {"main"});
    EXPECT_TRUE(catalog.has_sheet(RepositoryId("repo"), "main"));
    EXPECT_FALSE(catalog.has_sheet(RepositoryId("repo"), "contrib"));
    EXPECT_FALSE(catalog.find(RepositoryId("repo"), "b"));
    EXPECT_TRUE(catalog.find(RepositoryId("other"), "c")) << "of another repository";
}

TEST(Catalog, ADigestThatOneRepositoryListsIsNotTheOthers) {
    Catalog catalog;
    catalog.set(RepositoryId("repo"), "main", {entry("a", 1)});
    catalog.set(RepositoryId("other"), "main", {entry("b", 2)});
    EXPECT_TRUE(catalog.has(entry("a", 1).digest));
    EXPECT_TRUE(catalog.has(RepositoryId("repo"), entry("a", 1).digest));
    EXPECT_FALSE(catalog.has(RepositoryId("other"), entry("a", 1).digest));
    EXPECT_FALSE(catalog.find_in(RepositoryId("other"), entry("a", 1).digest));
}

TEST(Catalog, CountsPackagesAndNoIndexFiles) {
    auto index = entry("Packages", 1);
    index.name.clear();
    Catalog catalog;
    catalog.set(RepositoryId("repo"), "root", {index});
    catalog.set(RepositoryId("repo"), "main", {entry("a", 2), entry("b", 3)});
    EXPECT_EQ(catalog.packages(RepositoryId("repo")), 2u);
    EXPECT_EQ(catalog.packages(RepositoryId("other")), 0u);
}

}  // namespace
}  // namespace packswarm::core
