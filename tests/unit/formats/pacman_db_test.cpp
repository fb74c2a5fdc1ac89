#include "formats/pacman/pacman_db.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "formats/pacman/pkginfo.hpp"
#include "tests/support/signed_repo.hpp"
#include "verify/hasher.hpp"

namespace packswarm::formats {
namespace {

const std::string some_hash(64, 'a');

std::string desc(const std::string& name = "tool", const std::string& version = "1:1.2-1",
                 const std::string& extra = "") {
    return "%FILENAME%\n" + name + "-" + version + "-x86_64.pkg.tar.zst\n\n%NAME%\n" + name + "\n\n%VERSION%\n" +
           version + "\n\n%GROUPS%\na\nb\n\n%CSIZE%\n123\n\n%SHA256SUM%\n" + some_hash +
           "\n\n%ARCH%\nx86_64\n\n%BUILDDATE%\n1700000000\n\n%EMPTY%\n\n" + extra;
}

void expect_bad_desc(const std::string& text, std::string_view part, std::string_view folder = "tool-1:1.2-1") {
    const auto parsed = parse_desc(folder, text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::Corrupt);
    EXPECT_NE(parsed.error().message.find(part), std::string::npos) << parsed.error().message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

TEST(PacmanDesc, IsTakenApart) {
    const auto parsed = parse_desc("tool-1:1.2-1", desc("tool", "1:1.2-1", "%PGPSIG%\nYWJjZA==\n"));
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->entry.path, "tool-1:1.2-1-x86_64.pkg.tar.zst");
    EXPECT_EQ(parsed->entry.name, "tool");
    EXPECT_EQ(parsed->entry.version, "1:1.2-1");
    EXPECT_EQ(parsed->entry.architecture, "x86_64");
    EXPECT_EQ(parsed->entry.size, 123);
    EXPECT_EQ(parsed->entry.digest.hex(), some_hash);
    EXPECT_EQ(parsed->entry.signature, "abcd");
    EXPECT_EQ(parsed->build_date.time_since_epoch().count(), 1700000000);
}

TEST(PacmanDesc, ThatIsMalformedIsCorrupt) {
    expect_bad_desc("", "lacks");
    expect_bad_desc("tool\n", "field name");
    expect_bad_desc(desc(), "name and version", "other-1:1.2-1");
    expect_bad_desc(replaced(desc(), "tool-1:1.2-1-x86_64", "../../tool"), "FILENAME");
    expect_bad_desc(replaced(desc(), "tool-1:1.2-1-x86_64", ".tool"), "FILENAME");
    expect_bad_desc(replaced(desc(), "%NAME%\ntool", "%NAME%\n.."), "NAME");
    expect_bad_desc(replaced(desc(), "%NAME%\ntool", "%NAME%\n" + std::string(600, 'a')), "NAME");
    expect_bad_desc(replaced(desc(), "x86_64\n\n%B", "x86 64\n\n%B"), "ARCH");
    expect_bad_desc(replaced(desc(), "123", "-1"), "CSIZE");
    expect_bad_desc(replaced(desc(), "123", "12a"), "CSIZE");
    expect_bad_desc(replaced(desc(), some_hash, some_hash.substr(1)), "SHA256SUM");
    expect_bad_desc(replaced(desc(), "1700000000", "today"), "BUILDDATE");
    expect_bad_desc(desc("tool", "1:1.2-1", "%NAME%\ntool\n"), "repeats");
    expect_bad_desc(desc("tool", "1:1.2-1", "%PGPSIG%\n****\n"), "PGPSIG");
    expect_bad_desc(desc("tool", "1:1.2-1", "%PGPSIG%\nabc\n"), "PGPSIG");
    expect_bad_desc(replaced(desc(), "%CSIZE%\n123\n\n", ""), "lacks");
}

class PacmanCompression : public testing::TestWithParam<const char*> {};

TEST_P(PacmanCompression, IsToldByItsMagic) {
    std::vector<test::PacmanPackage> packages(3);
    for (std::size_t i = 0; i < packages.size(); ++i) {
        packages[i].name = "p" + std::to_string(i);
        packages[i].file = std::string(i + 1, 'x');
        packages[i].build_date += static_cast<long>(i);
    }
    packages[1].signature = std::string("\x89\x01\x00\xff", 4);
    const auto bytes = test::pacman_database(packages, GetParam());
    const auto database = parse_pacman_db(as_bytes(bytes));
    ASSERT_TRUE(database) << database.error().message;
    ASSERT_EQ(database->entries.size(), 3u);
    EXPECT_EQ(database->newest_build.time_since_epoch().count(), packages[2].build_date);
    for (const auto& entry : database->entries) {
        const auto& package = packages[static_cast<std::size_t>(entry.name[1] - '0')];
        EXPECT_EQ(entry.path, package.file_name());
        EXPECT_EQ(entry.digest, verify::digest_of(as_bytes(package.file)));
        EXPECT_EQ(entry.signature, package.signature);
    }
}

INSTANTIATE_TEST_SUITE_P(All, PacmanCompression, testing::Values("", "gz", "bz2", "xz", "zst"), [](const auto& info) {
    return *info.param == '\0' ? std::string("plain") : std::string(info.param);
});

Result<PacmanDatabase> parse_members(const std::map<std::string, std::string>& members,
                                     const std::string& ending = "zst") {
    const auto bytes = test::tar_of(members, ending);
    return parse_pacman_db(as_bytes(bytes));
}

TEST(PacmanDatabase, OfTheOldFormatIgnoresDependsAndFiles) {
    const auto database = parse_members({{"tool-1-1/desc", desc("tool", "1-1")},
                                         {"tool-1-1/depends", "%DEPENDS%\nsh\n"},
                                         {"tool-1-1/files", "%FILES%\nusr/\n"}});
    ASSERT_TRUE(database) << database.error().message;
    EXPECT_EQ(database->entries.size(), 1u);
}

TEST(PacmanDatabase, WithoutPackagesIsEmpty) {
    const auto database = parse_members({}, "gz");
    ASSERT_TRUE(database) << database.error().message;
    EXPECT_TRUE(database->entries.empty());
}

void expect_corrupt_database(const Result<PacmanDatabase>& database, std::string_view part) {
    ASSERT_FALSE(database);
    EXPECT_EQ(database.error().kind, ErrorKind::Corrupt);
    EXPECT_NE(database.error().message.find(part), std::string::npos) << database.error().message;
}

TEST(PacmanDatabase, OneThatNobodySignedMayNotGrowAsLarge) {
    std::vector<test::PacmanPackage> packages(3);
    for (std::size_t i = 0; i < packages.size(); ++i) packages[i].name = "p" + std::to_string(i);
    const auto bytes = test::pacman_database(packages, "");
    const auto size = static_cast<ByteCount>(bytes.size());
    EXPECT_TRUE(parse_pacman_db(as_bytes(bytes), {size, 3}));
    expect_corrupt_database(parse_pacman_db(as_bytes(bytes), {size, 2}), "more than 2 packages");
    expect_corrupt_database(parse_pacman_db(as_bytes(bytes), {size - 1, 3}), "at most");
    EXPECT_LT(DatabaseBounds::of_unsigned().bytes, DatabaseBounds().bytes);
    EXPECT_LT(DatabaseBounds::of_unsigned().entries, DatabaseBounds().entries);
}

TEST(PacmanDatabase, ThatIsNoDatabaseIsCorrupt) {
    const std::string html = "<html>captive portal</html>" + std::string(2000, ' ');
    expect_corrupt_database(parse_pacman_db(as_bytes(html)), "tar");
}

void expect_one_left_out(const std::map<std::string, std::string>& odd, std::string_view part,
                         const std::string& ending = "zst") {
    auto members = odd;
    members.emplace("first-1-1/desc", desc("first", "1-1"));
    members.emplace("zoo-1-1/desc", desc("zoo", "1-1"));
    const auto database = parse_members(members, ending);
    ASSERT_TRUE(database) << database.error().message;
    ASSERT_EQ(database->entries.size(), 2u) << database->left_out.text();
    EXPECT_EQ(database->entries[0].name, "first");
    EXPECT_EQ(database->entries[1].name, "zoo");
    EXPECT_EQ(database->left_out.count, 1u);
    EXPECT_NE(database->left_out.text().find(part), std::string::npos) << database->left_out.text();
}

TEST(PacmanDatabase, WithAnOddEntryKeepsAllOthers) {
    expect_one_left_out({{"tool-1-1/desc", "rubbish"}}, "tool-1-1: its field name is 'rubbish'");
    expect_one_left_out({{"a/tool-1-1/desc", desc("tool", "1-1")}}, "name and version");
    expect_one_left_out({{"tool-1-1/desc", replaced(desc("tool", "1-1"), "tool-1-1-x86_64", "tool 1-1-x86_64")}},
                        "FILENAME is 'tool 1-1-x86_64.pkg.tar.zst'");
    expect_one_left_out({{"tool-1-1/desc", replaced(desc("tool", "1-1"), "tool-1-1-x86_64", "../tool")}}, "FILENAME");
    expect_one_left_out({{"tool-1-1/desc", replaced(desc("tool", "1-1"), "tool-1-1-x86_64", "\xff\xfe")}}, "FILENAME");
    expect_one_left_out({{"tool-1-1/desc", replaced(desc("tool", "1-1"), some_hash, "12")}}, "SHA256SUM");
    expect_one_left_out({{"tool-1-1/desc", replaced(desc("tool", "1-1"), "%SHA256SUM%", "%MD5SUM%")}}, "SHA256SUM");
    expect_one_left_out({{"tool-1-1/desc", replaced(desc("tool", "1-1"), "123", "-1")}}, "CSIZE");
    expect_one_left_out({{"tool-1-1/desc", desc("tool", "1-1", "%X%\n" + std::string(2 << 20, 'x'))}}, "more than", "");
}

TEST(PacmanDatabase, ThatListsAPackageTwiceKeepsTheFirst) {
    const auto database =
        parse_members({{"tool-1-1/desc", desc("tool", "1-1")}, {"tool-2-1/desc", desc("tool", "2-1")}});
    ASSERT_TRUE(database) << database.error().message;
    ASSERT_EQ(database->entries.size(), 1u);
    EXPECT_EQ(database->entries[0].version, "1-1");
    EXPECT_EQ(database->left_out.count, 1u);
    // Under one file name: which bytes a server has there, nobody can tell.
    const auto same_file =
        replaced(replaced(desc("tool", "2-1"), "tool-2-1-x86_64", "tool-1-1-x86_64"), some_hash, std::string(64, 'b'));
    const auto neither = parse_members({{"tool-1-1/desc", desc("tool", "1-1")}, {"tool-2-1/desc", same_file}});
    ASSERT_TRUE(neither);
    EXPECT_TRUE(neither->entries.empty());
}

TEST(PacmanDatabase, IsAsOldAsItsNewestPackageWhetherThatIsOddOrNot) {
    const auto odd = replaced(replaced(desc("tool", "1-1"), "1700000000", "1800000000"), "tool-1-1-x86_64", "a b");
    const auto database = parse_members({{"tool-1-1/desc", odd}, {"zoo-1-1/desc", desc("zoo", "1-1")}});
    ASSERT_TRUE(database);
    EXPECT_EQ(database->newest_build.time_since_epoch().count(), 1800000000);
}

TEST(PacmanDatabase, CutShortIsCorrupt) {
    std::vector<test::PacmanPackage> packages(20);
    for (std::size_t i = 0; i < packages.size(); ++i) packages[i].name = "p" + std::to_string(i);
    for (const auto* ending : {"", "gz", "zst"}) {
        const auto whole = test::pacman_database(packages, ending);
        EXPECT_FALSE(parse_pacman_db(as_bytes(std::string_view(whole).substr(0, whole.size() / 2 + 100)))) << ending;
    }
}

TEST(PacmanDatabase, WithAMemberThatUnpacksWithoutEndIsCorrupt) {
    // far more than its packed size, in a member that nobody reads
    expect_corrupt_database(parse_members({{"tool-1-1/files", std::string(8 << 20, '\0')}}, "gz"),
                            "unpacks to more than");
}

TEST(PkgInfo, NamesThePackage) {
    const auto info =
        parse_pkginfo("# comment\r\npkgname = tool\npkgver=1:2-1\narch =x86_64\npkgdesc = arch = any\nrubbish\n");
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(info->name, "tool");
    EXPECT_EQ(info->version, "1:2-1");
    EXPECT_EQ(info->architecture, "x86_64");
}

TEST(PkgInfo, WithoutOrWithTwoNamesIsCorrupt) {
    for (const auto* text : {"", "pkgname = a\npkgver = 1-1\n", "pkgname = a\npkgname = b\npkgver = 1-1\narch = any\n",
                             "pkgname = ../a\npkgver = 1-1\narch = any\n", "pkgname =\npkgver = 1-1\narch = any\n"}) {
        const auto info = parse_pkginfo(text);
        ASSERT_FALSE(info) << text;
        EXPECT_EQ(info.error().kind, ErrorKind::Corrupt);
    }
}

TEST(PkgInfo, IsFoundInAPackageMadeByTar) {
    test::TempDir folder;
    const auto bytes = test::pacman_package_file("tool", "1.2-1", "any", std::string(1 << 20, 'x'));
    test::write_file(folder.path() / "package", bytes);
    const auto file = open_for_reading(folder.path() / "package");
    const auto info = read_pkginfo(*file, static_cast<ByteCount>(bytes.size()));
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(info->architecture, "any");
}

TEST(PkgInfo, BehindTooManyBytesIsCorrupt) {
    test::TempDir folder;
    test::write_file(folder.path() / ".AAA", "");
    std::filesystem::resize_file(folder.path() / ".AAA", 80 << 20);
    test::write_file(folder.path() / ".PKGINFO", "pkgname = a\npkgver = 1-1\narch = any\n");
    test::run_program({"tar", "--zstd", "-C", folder.path().string(), "-cf", (folder.path() / "package").string(),
                       ".AAA", ".PKGINFO"});
    const auto file = open_for_reading(folder.path() / "package");
    const auto info = read_pkginfo(*file, file_info(*file)->size);
    ASSERT_FALSE(info);
    EXPECT_NE(info.error().message.find("unpacks to more than"), std::string::npos) << info.error().message;
}

}  // namespace
}  // namespace packswarm::formats
