#include "formats/format.hpp"

#include <gtest/gtest.h>

#include "p2p/core/repository_table.hpp"
#include "tests/support/formats.hpp"

namespace packswarm::formats {
namespace {

using core::PathKind;

TEST(FormatTable, NamesEachFormatOnceAndFindsItByThatName) {
    for (const auto format : all()) {
        EXPECT_TRUE(format);
        EXPECT_EQ(all().find(format->name()), format);
        EXPECT_FALSE(folder_rules(format).root_shape().empty());
    }
    EXPECT_EQ(all().find("debian"), test::debian());
    EXPECT_EQ(all().find("pacman"), test::pacman());
    EXPECT_EQ(all().find("rpm"), std::nullopt);
    EXPECT_NE(test::debian(), test::pacman());
    EXPECT_LT(test::debian(), test::pacman());
    EXPECT_NE(std::hash<core::Format>()(test::debian()), std::hash<core::Format>()(test::pacman()));
}

TEST(FormatTable, KnowsWhatAPathIsByItsName) {
    EXPECT_EQ(all().classify("dists/stable/InRelease"), PathKind::root);
    EXPECT_EQ(all().classify("core.db"), PathKind::root);
    EXPECT_EQ(all().classify("core.db.sig"), PathKind::signature);
    EXPECT_EQ(all().classify("dists/stable/Release.gpg"), PathKind::signature);
    EXPECT_EQ(all().classify("dists/stable/main/binary-amd64/by-hash/SHA256/ab"), PathKind::index_by_digest);
    EXPECT_EQ(all().classify("dists/stable/main/binary-amd64/Packages.xz"), PathKind::index);
    EXPECT_EQ(all().classify("core.files"), PathKind::index);
    EXPECT_EQ(all().classify("pool/main/h/hello_1.deb"), PathKind::package);
    EXPECT_EQ(all().classify("linux-6.1-x86_64.pkg.tar.zst"), PathKind::package);
    EXPECT_EQ(all().classify("linux-6.1-x86_64.pkg.tar.zst.sig"), PathKind::signature);
    EXPECT_EQ(all().classify("README"), PathKind::other);
}

TEST(FormatTable, OnlyNamesThatStayAreRewritten) {
    for (const char* path : {"dists/s/InRelease", "dists/s/main/binary-amd64/Packages.gz", "core.db", "core.db.sig"})
        EXPECT_TRUE(core::is_rewritten(all().classify(path))) << path;
    for (const char* path : {"dists/s/main/binary-amd64/by-hash/SHA256/ab", "pool/a.deb", "a.pkg.tar.zst", "README"})
        EXPECT_FALSE(core::is_rewritten(all().classify(path))) << path;
}

TEST(DebianFormat, KnowsTheRootOfAFlatRepositoryHoweverItsFolderIsWritten) {
    core::Repository flat;
    flat.format = test::debian();
    for (const auto& [suite, path] : {std::pair("./", "InRelease"),
                                      {"/", "InRelease"},
                                      {"sub/", "sub/InRelease"},
                                      {"./sub/", "sub/InRelease"},
                                      {"a/./b/", "a/b/InRelease"}}) {
        flat.suite = suite;
        EXPECT_EQ(core::root_path(flat), path) << suite;
    }
}

TEST(DebianFormat, KnowsWhichRootCarriesItsSignatureAndWhereTheOthersLies) {
    core::Repository stable;
    stable.format = test::debian();
    stable.suite = "stable";
    EXPECT_EQ(core::root_paths(stable), (std::vector<std::string>{"dists/stable/InRelease", "dists/stable/Release"}));
    EXPECT_EQ(stable.format->root_signature(stable, "dists/stable/InRelease"), "");
    EXPECT_EQ(stable.format->root_signature(stable, "dists/stable/Release"), "dists/stable/Release.gpg");
    EXPECT_EQ(stable.format->root_signed_at(stable, "dists/stable/Release.gpg"), "dists/stable/Release");
    EXPECT_EQ(stable.format->root_signed_at(stable, "dists/other/Release.gpg"), std::nullopt);
}

TEST(DebianFormat, AsksForListsByTheirDigestWhereTheRootSaysSo) {
    core::Repository stable;
    stable.format = test::debian();
    stable.suite = "stable";
    stable.components = {"main"};
    stable.architectures = {"amd64", "arm64"};
    core::IndexRoot root;
    for (const char* path : {"main/binary-amd64/Packages", "main/binary-amd64/Packages.xz", "main/binary-i386/Packages",
                             "main/binary-amd64/Release"})
        root.files.emplace_back().path = path;
    const auto lists = stable.format->package_lists(stable, root);
    ASSERT_EQ(lists.size(), 1u) << "only what the root names, and this machine uses";
    ASSERT_EQ(lists[0].forms.size(), 2u);
    EXPECT_EQ(lists[0].forms[1].path, "dists/stable/main/binary-amd64/Packages.xz");
    ASSERT_TRUE(lists[0].plain);
    root.by_hash = true;
    const auto by_digest = stable.format->package_lists(stable, root);
    EXPECT_EQ(by_digest[0].forms[0].path,
              "dists/stable/main/binary-amd64/by-hash/SHA256/" + root.files[0].digest.hex());
    EXPECT_EQ(by_digest[0].plain->path, "dists/stable/main/binary-amd64/Packages");
}

TEST(PacmanFormat, KnowsItsDatabaseAndTheSignaturesOfBoth) {
    core::Repository core;
    core.format = test::pacman();
    core.suite = "core";
    EXPECT_EQ(core::root_paths(core), std::vector<std::string>{"core.db"});
    EXPECT_EQ(core.format->root_signature(core, "core.db"), "core.db.sig");
    EXPECT_EQ(core.format->root_signed_at(core, "core.db.sig"), "core.db");
    EXPECT_EQ(core.format->package_signature("a.pkg.tar.zst"), "a.pkg.tar.zst.sig");
    EXPECT_EQ(core.format->package_signed_at("a.pkg.tar.zst.sig"), "a.pkg.tar.zst");
    EXPECT_EQ(core.format->package_signed_at("a.pkg.tar.zst"), std::nullopt);
    EXPECT_FALSE(core::nobody_signs(core));
    core.signed_database = false;
    EXPECT_TRUE(core::nobody_signs(core));
    EXPECT_EQ(core.format->root_signature(core, "core.db"), "");
}

TEST(PacmanFormat, ReadsThePathsOfTheGateway) {
    const auto package = test::pacman()->at_gateway("/core/os/x86_64/a-1-1-x86_64.pkg.tar.zst");
    ASSERT_TRUE(package);
    EXPECT_EQ(package->repository, "core");
    EXPECT_EQ(package->architecture, "x86_64");
    EXPECT_EQ(package->path, "a-1-1-x86_64.pkg.tar.zst");
    EXPECT_EQ(package->signature, "a-1-1-x86_64.pkg.tar.zst.sig");
    EXPECT_EQ(test::pacman()->at_gateway("/core/os/x86_64/core.db")->signature, "");
    for (const char* odd : {"/core/os/x86_64", "/core/x86_64/os/core.db", "/core/os/x86_64/", "/core/os/x86_64/a b"})
        EXPECT_FALSE(test::pacman()->at_gateway(odd)) << odd;
    EXPECT_FALSE(test::debian()->at_gateway("/core/os/x86_64/core.db"));
}

}  // namespace
}  // namespace packswarm::formats
