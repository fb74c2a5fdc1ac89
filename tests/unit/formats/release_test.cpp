#include "formats/debian/release.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::formats {
namespace {

const std::string hash_a(64, 'a');
const std::string hash_b(64, 'b');
const std::string head = "Origin: Debian\nSuite: stable\nCodename: bookworm\nDate: Sat, 11 Jul 2026 10:16:37 UTC\n";

void expect_bad_release(const std::string& text, std::string_view part) {
    const auto root = parse_release(text);
    ASSERT_FALSE(root) << text.substr(0, 200);
    EXPECT_EQ(root.error().kind, ErrorKind::Corrupt) << root.error().message;
    EXPECT_NE(root.error().message.find(part), std::string::npos) << root.error().message;
    EXPECT_EQ(root.error().message.find('\n'), std::string::npos);
    EXPECT_LT(root.error().message.size(), 2000u);
}

TEST(Release, IsTakenApart) {
    const auto root = parse_release(
        head + "Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC\nAcquire-By-Hash: yes\nArchitectures: all amd64 arm64\n" +
        "Components: main contrib\nDescription: x\n of two lines\nMD5Sum:\n 00 1 main/a\nSHA256:\n " + hash_a +
        "  1484322 main/binary-amd64/Packages\n " + hash_b + " 20 ./main/binary-amd64/Packages.gz\n");
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_EQ(root->origin, "Debian");
    EXPECT_EQ(root->suite, "stable");
    EXPECT_EQ(root->codename, "bookworm");
    EXPECT_EQ(root->date.time_since_epoch().count(), 1783764997);
    EXPECT_EQ(root->valid_until->time_since_epoch().count(), 1783764997 + 7 * 86400);
    EXPECT_TRUE(root->by_hash);
    EXPECT_EQ(root->architectures, (std::vector<std::string>{"all", "amd64", "arm64"}));
    EXPECT_EQ(root->components, (std::vector<std::string>{"main", "contrib"}));
    ASSERT_EQ(root->files.size(), 2u);
    EXPECT_EQ(root->files[0].path, "main/binary-amd64/Packages");
    EXPECT_EQ(root->files[0].size, 1484322);
    EXPECT_EQ(root->files[0].digest.hex(), hash_a);
    EXPECT_EQ(root->files[1].path, "main/binary-amd64/Packages.gz");
}

TEST(Release, ReadsCarriageReturnsAndAnyCase) {
    const auto root =
        parse_release("suite: x\r\nDATE: Sat, 11 Jul 2026 10:16:37 GMT\r\nacquire-by-hash: Yes\r\nSha256:\r\n " +
                      hash_a + " 1 a\r\n");
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_EQ(root->suite, "x");
    EXPECT_TRUE(root->by_hash);
    EXPECT_EQ(root->files.size(), 1u);
}

TEST(Release, WithoutSha256IsRefused) {
    const auto root = parse_release(head + "MD5Sum:\n 00 1 main/a\n");
    ASSERT_FALSE(root);
    EXPECT_EQ(root.error().kind, ErrorKind::Refused);
}

TEST(Release, WithSha512AloneListsItsFilesByTheFirstHalf) {
    const auto root = parse_release(head + "Acquire-By-Hash: yes\nMD5Sum:\n 00 1 main/a\nSHA512:\n " + hash_a + hash_b +
                                    " 7 main/a\n " + hash_a + " 7 main/b\n");
    ASSERT_TRUE(root) << root.error().message;
    ASSERT_EQ(root->files.size(), 1u);
    EXPECT_EQ(root->files[0].digest.hex(), hash_a);
    EXPECT_EQ(root->files[0].path, "main/a");
    EXPECT_EQ(root->left_out.count, 1u) << "a line with half a hash";
    EXPECT_FALSE(root->by_hash) << "the path would need all of it";
}

TEST(Release, WithBothListsItsFilesBySha256) {
    const auto root =
        parse_release(head + "SHA512:\n " + hash_b + hash_b + " 7 main/a\nSHA256:\n " + hash_a + " 7 main/a\n");
    ASSERT_TRUE(root) << root.error().message;
    ASSERT_EQ(root->files.size(), 1u);
    EXPECT_EQ(root->files[0].digest.hex(), hash_a);
}

TEST(Release, WithSha3AloneListsNothingAndSaysSo) {
    const auto root = parse_release(head + "SHA3-256:\n " + hash_a + " 7 main/a\n");
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_TRUE(root->files.empty());
    EXPECT_NE(root->remark.find("SHA-3"), std::string::npos) << root->remark;
}

TEST(Release, ThatIsMalformedIsCorrupt) {
    expect_bad_release("", "without Date");
    expect_bad_release("<html>nothing here</html>\n", "line");
    expect_bad_release("Suite: a\nSHA256:\n", "without Date");
    expect_bad_release("Date: yesterday\nSHA256:\n", "Date");
    expect_bad_release(head + "Valid-Until: never\nSHA256:\n", "Valid-Until");
}

TEST(Release, WithAnOddHashLineKeepsAllOthers) {
    for (const std::string& line :
         {hash_a + " 1", hash_a + " -1 a", hash_a + " 1 a b", hash_a.substr(1) + " 1 a",
          hash_a + " 99999999999999999999 a", hash_a + " 1 ../a", hash_a + " 1 /etc/passwd", hash_a + " 1 a/",
          hash_a + " 1 a/../../b", hash_a + " 0x1 a", "z" + hash_a.substr(1) + " 1 a", hash_a + " 1 a\x01",
          hash_a + " 1 \xff\xfe", hash_a + " 1 " + std::string(5000, 'a')}) {
        const auto root =
            parse_release(head + "SHA256:\n " + hash_b + " 2 first\n " + line + "\n " + hash_b + " 3 last\n");
        ASSERT_TRUE(root) << line;
        ASSERT_EQ(root->files.size(), 2u) << line;
        EXPECT_EQ(root->files[1].path, "last");
        EXPECT_EQ(root->left_out.count, 1u) << line;
        EXPECT_NE(root->left_out.text().find("SHA256 line"), std::string::npos) << root->left_out.text();
    }
}

// As apt does: of fields and hash sections the last counts, of paragraphs and of lines of one file the first.
TEST(Release, ThatSaysSomethingTwiceIsReadAsByApt) {
    const std::string line = " " + hash_a + " 1 a\n";
    EXPECT_EQ(parse_release(head + "SHA256:\n" + line + line)->files.size(), 1u);
    EXPECT_TRUE(parse_release(head + "SHA256:\n" + line + line)->left_out.empty());
    const auto lines = parse_release(head + "SHA256:\n" + line + " " + hash_b + " 1 a\n");
    ASSERT_TRUE(lines);
    ASSERT_EQ(lines->files.size(), 1u);
    EXPECT_EQ(lines->files[0].digest.hex(), hash_a);
    EXPECT_EQ(lines->left_out.count, 1u);
    const auto sections = parse_release(head + "SHA256:\n" + line + "SHA256:\n " + hash_b + " 1 b\n");
    ASSERT_TRUE(sections);
    ASSERT_EQ(sections->files.size(), 1u);
    EXPECT_EQ(sections->files[0].path, "b");
    const auto fields = parse_release(head + "Suite: other\nSHA256:\n" + line);
    ASSERT_TRUE(fields);
    EXPECT_EQ(fields->suite, "other");
    EXPECT_EQ(fields->left_out.count, 1u);
    const auto paragraphs = parse_release(head + "SHA256:\n" + line + "\nSuite: second\nOrigin: second\n");
    ASSERT_TRUE(paragraphs);
    EXPECT_EQ(paragraphs->suite, "stable");
    EXPECT_EQ(paragraphs->left_out.count, 1u);
}

TEST(Release, WithALineThatIsNoneKeepsTheOthers) {
    const auto root = parse_release(head + ": x\nno colon\nSHA256:\n " + hash_a + " 1 a\n");
    ASSERT_TRUE(root);
    EXPECT_EQ(root->files.size(), 1u);
    EXPECT_EQ(root->left_out.count, 2u);
}

TEST(Release, WithAnEndlessNameHasNone) {
    const auto root = parse_release("Label: l\n" + head + "Origin: " + std::string(1000, 'x') + "\nSHA256:\n");
    ASSERT_TRUE(root);
    EXPECT_TRUE(root->origin.empty());
    EXPECT_EQ(root->suite, "stable");
}

TEST(Release, WithoutEndIsCorrupt) {
    expect_bad_release(head + "Components: " + std::string(20'000, 'x') + "\n", "line of");
    expect_bad_release(std::string(static_cast<std::size_t>(limits::max_release) + 1, 'x'), "at most");
    std::string fields = head;
    for (int i = 0; i < 1000; ++i) fields += "X" + std::to_string(i) + ": y\n";
    expect_bad_release(fields, "too many fields");
    expect_bad_release("Date: Sat, 11 Jul 2026 10:16:37 UTC\nSuite: " + std::string(2000, 'x') + "\nSHA256:\n",
                       "name of 2000");
}

TEST(ReleaseDate, IsReadInTheFormsAptTakes) {
    for (const auto* text : {"Thu, 01 Jan 1970 00:00:10 UTC", "Thu, 1 Jan 1970 0:00:10 GMT",
                             "Thu, 01 jan 1970 00:00:10 +0000", " Thu, 01 Jan 1970 00:00:10 Z "})
        EXPECT_EQ(parse_date(text)->time_since_epoch().count(), 10) << text;
    for (const auto* text :
         {"", "Thu, 01 Jan 1970 00:00:10", "Thu, 01 Jan 1970 00:00:10 +0200", "Thu, 31 Feb 2026 00:00:10 UTC",
          "Thu, 01 Foo 1970 00:00:10 UTC", "Thu, 01 Jan 1970 24:00:10 UTC", "Thu, 01 Jan 1969 00:00:10 UTC",
          "01 Jan 1970 00:00:10 UTC", "Thu, 01 Jan 1970 0010 UTC", "Thu, -1 Jan 1970 00:00:10 UTC",
          "Thu, 01 Jan 1970 00:00:1e1 UTC"})
        EXPECT_FALSE(parse_date(text)) << text;
}

core::IndexRoot named(std::string suite, std::string codename) {
    core::IndexRoot root;
    root.suite = std::move(suite);
    root.codename = std::move(codename);
    return root;
}

TEST(ReleaseSuite, MayBeNamedBySuiteOrCodename) {
    EXPECT_TRUE(check_suite(named("stable", "bookworm"), "bookworm"));
    EXPECT_TRUE(check_suite(named("stable", "bookworm"), "stable"));
    EXPECT_TRUE(check_suite(named("stable-updates", "bookworm-updates"), "bookworm-updates"));
    EXPECT_TRUE(check_suite(named("oldstable-security", "bookworm-security"), "bookworm-security"));
    EXPECT_TRUE(check_suite(named("stable", "buster"), "buster/updates"));
    EXPECT_TRUE(check_suite(named("buster/updates", ""), "buster/updates"));
    EXPECT_TRUE(check_suite(named("experimental", "rc-buggy"), "../project/experimental"));
}

TEST(ReleaseSuite, CannotBePlayedForAnother) {
    for (const auto* suite :
         {"bookworm-updates", "trixie", "bookworm-security", "bookworm-backports", "", "testing/updates"}) {
        const auto same = check_suite(named("stable", "bookworm"), suite);
        ASSERT_FALSE(same) << suite;
        EXPECT_EQ(same.error().kind, ErrorKind::Corrupt);
    }
    EXPECT_FALSE(check_suite(named("", ""), "stable"));
}

TEST(ReleaseSuite, OfAFlatRepositoryNeedNotBeNamedButMayNotBeAnother) {
    EXPECT_TRUE(check_suite(named("", ""), "./"));
    EXPECT_TRUE(check_suite(named("anything", ""), "./"));
    EXPECT_TRUE(check_suite(named("anything", ""), "/"));
    EXPECT_TRUE(check_suite(named("", ""), "stable/"));
    EXPECT_TRUE(check_suite(named("stable", ""), "stable/"));
    EXPECT_FALSE(check_suite(named("testing", ""), "stable/"));
}

}  // namespace
}  // namespace packswarm::formats
