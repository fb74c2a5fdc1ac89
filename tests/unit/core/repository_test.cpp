#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "p2p/core/bundle.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/core/catalog.hpp"
#include "p2p/core/mirror_health.hpp"
#include "p2p/core/repository_table.hpp"

namespace packswarm::core {
namespace {

Repository debian(std::string suite, std::vector<std::string> bases) {
    Repository out;
    out.id = suite + bases.front();
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

TEST(Format, ThatNobodyChoseKnowsNoPathAndOpensNothing) {
    const Format none;
    EXPECT_FALSE(none);
    EXPECT_EQ(to_string(none), "none");
    EXPECT_EQ(none->classify("anything"), PathKind::other);
    EXPECT_EQ(Formats().classify("anything"), PathKind::other);
    EXPECT_EQ(none->read_list(FileHandle(), 0, "anything").error().kind, ErrorKind::Refused);
}

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
    catalog.set("repo", "sheet", entries);
    for (const auto& one : entries) {
        const auto by_digest = catalog.find(one.digest);
        ASSERT_TRUE(by_digest);
        EXPECT_EQ(by_digest->entry.path, one.path);
        EXPECT_EQ(by_digest->entry.signature, one.signature);
        EXPECT_EQ(by_digest->entry.version, one.version);
        ASSERT_TRUE(catalog.find("repo", one.path));
    }
    EXPECT_EQ(catalog.named("name-pool/7").size(), 1u);
    EXPECT_FALSE(catalog.find("repo", "pool/100"));
    EXPECT_FALSE(catalog.find("other", "pool/1"));
    catalog.set("repo", "sheet", {entries[0]});
    EXPECT_FALSE(catalog.find(entries[1].digest)) << "a newer sheet replaces the older whole";
    catalog.keep_only("repo", {});
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
    catalog.set("r", "s", {one, other, third, third}, odd);
    EXPECT_FALSE(catalog.find("r", "pool/a.deb"));
    EXPECT_TRUE(catalog.find("r", "pool/b.deb"));
    EXPECT_TRUE(catalog.find(one.digest));
    EXPECT_TRUE(catalog.find(other.digest));
    const auto left_out = catalog.left_out("r");
    EXPECT_EQ(left_out.count, 2u);
    EXPECT_EQ(left_out.text().find("2 entries are left out: c: no Size; pool/a.deb is listed with two digests"), 0u)
        << left_out.text();
}

TEST(Canonical, PieceLengthIsAFunctionOfSizeAlone) {
    EXPECT_EQ(piece_length(1), 64 * limits::kib);
    EXPECT_EQ(piece_length(32 * limits::mib), 64 * limits::kib);
    EXPECT_EQ(piece_length(32 * limits::mib + 1), 128 * limits::kib);
    EXPECT_EQ(piece_length(100 * limits::gib), 16 * limits::mib);
    EXPECT_EQ(piece_count(64 * limits::kib + 1), 2u);
    EXPECT_EQ(piece_range(64 * limits::kib + 1, 1), (ByteRange{64 * limits::kib, 64 * limits::kib + 1}));
    EXPECT_EQ(piece_count(0), 0u);
}

TEST(Bundle, CarriesRootAndSignatureAndRefusesBrokenOnes) {
    const Bundle bundle{Bytes{'d', 'b', '\n', '9'}, Bytes{'s'}};
    const auto packed = pack_bundle(bundle);
    const auto back = unpack_bundle(packed);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->root, bundle.root);
    EXPECT_EQ(back->signature, bundle.signature);
    EXPECT_EQ(unpack_bundle(pack_bundle({Bytes{'x'}, std::nullopt}))->root, Bytes{'x'});
    for (const std::string bad :
         {"packswarm-root-1\n", "packswarm-root-1\n99\nab", "packswarm-root-1\nx\n", "packswarm-root-1\n1"})
        EXPECT_EQ(unpack_bundle(Bytes(bad.begin(), bad.end())).error().kind, ErrorKind::Corrupt) << bad;
}

TEST(MirrorHealth, BlamesByKindAndForgivesWithTime) {
    const WallTime now{Seconds(1000)};
    MirrorHealth health;
    note_failure(health, ErrorKind::Absent, now);
    note_failure(health, ErrorKind::Absent, now);
    EXPECT_TRUE(is_usable(health, now)) << "a mirror in mid-sync lacks a file or two";
    note_failure(health, ErrorKind::Absent, now);
    EXPECT_FALSE(is_usable(health, now));
    EXPECT_TRUE(is_usable(health, now + Seconds(61)));
    note_success(health);
    EXPECT_TRUE(is_usable(health, now));
    note_failure(health, ErrorKind::Corrupt, now);
    EXPECT_FALSE(is_usable(health, now + Seconds(599)));
    MirrorHealth flaky;
    for (int i = 0; i < 30; ++i) note_failure(flaky, ErrorKind::Transient, now);
    EXPECT_TRUE(is_usable(flaky, now + Seconds(301))) << "never set back for longer than five minutes";
}

TEST(MirrorHealth, LearnsItsPatienceFromWhatItSaw) {
    MirrorHealth health;
    for (int i = 0; i < 50; ++i) note_first_byte(health, 0.02);
    EXPECT_NEAR(health.first_byte_s, 0.02, 0.001);
    EXPECT_LT(first_byte_p95(health), 0.06);
    note_first_byte(health, 1.0);
    EXPECT_GT(first_byte_p95(health), 0.5);
}

}  // namespace
}  // namespace packswarm::core
