#include "formats/debian/packages.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <iostream>

#include "p2p/base/limits.hpp"
#include "p2p/base/stop.hpp"
#include "tests/support/signed_repo.hpp"

namespace packswarm::formats {
namespace {

namespace fs = std::filesystem;

const std::string hash(64, 'a');
const std::string body = "Version: 1:2.0~rc1-1+b1\nArchitecture: amd64\nSize: 12\nSHA256: " + hash + "\n";

std::string stanza(const std::string& name, const std::string& path) {
    return "Package: " + name + "\nFilename: " + path + "\n" + body + "\n";
}

Result<core::PackageList> read(const std::string& text) { return parse_packages(as_bytes(text)); }

TEST(Packages, AreNotReadToTheirEndWhenTheThreadIsStopped) {
    const std::atomic<bool> stopped = true;
    const StopScope scope(stopped);
    EXPECT_EQ(read("Package: a\n\n").error().kind, ErrorKind::Transient);
}

// What the entries alone say.
Result<std::vector<core::IndexEntry>> parse(const std::string& text) {
    auto index = read(text);
    if (!index) return tl::unexpected(index.error());
    return std::move(index->entries);
}

// Between two ordinary paragraphs an odd one is left out and named, and both others are there.
void expect_left_out(const std::string& paragraph, std::string_view part) {
    const auto index = read(stanza("first", "first.deb") + paragraph + "\n\n" + stanza("last", "last.deb"));
    ASSERT_TRUE(index) << index.error().message;
    ASSERT_EQ(index->entries.size(), 2u) << paragraph.substr(0, 100);
    EXPECT_EQ(index->entries[0].name, "first");
    EXPECT_EQ(index->entries[1].name, "last");
    EXPECT_EQ(index->left_out.count, 1u);
    const auto text = index->left_out.text();
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_LT(text.size(), 1000u);
    for (const char c : text) EXPECT_TRUE(c >= ' ' && c < 127) << text;
}

void expect_corrupt(const std::string& text, std::string_view part) {
    const auto entries = parse(text);
    ASSERT_FALSE(entries) << text.substr(0, 100);
    EXPECT_EQ(entries.error().kind, ErrorKind::Corrupt);
    EXPECT_NE(entries.error().message.find(part), std::string::npos) << entries.error().message;
    EXPECT_LT(entries.error().message.size(), 1000u);
}

TEST(Packages, AreReadParagraphByParagraph) {
    const auto entries = parse("\n" + stanza("a", "pool/a.deb") + "\n\n" +
                               stanza("b", "./b+c.deb").substr(0, stanza("b", "./b+c.deb").size() - 2));
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 2u);
    const auto& first = entries->front();
    EXPECT_EQ(first.name, "a");
    EXPECT_EQ(first.version, "1:2.0~rc1-1+b1");
    EXPECT_EQ(first.architecture, "amd64");
    EXPECT_EQ(first.path, "pool/a.deb");
    EXPECT_EQ(first.size, 12);
    EXPECT_EQ(first.digest.hex(), hash);
    EXPECT_EQ(entries->back().path, "b+c.deb");
}

class PackagesCompression : public testing::TestWithParam<const char*> {};

TEST_P(PackagesCompression, IsToldByItsMagic) {
    std::string text;
    for (int i = 0; i < 2000; ++i) text += stanza("p" + std::to_string(i), "pool/" + std::to_string(i) + ".deb");
    const auto entries = parse(test::compress(text, GetParam()));
    ASSERT_TRUE(entries) << entries.error().message;
    ASSERT_EQ(entries->size(), 2000u);
    EXPECT_EQ(entries->back().name, "p1999");
}

TEST_P(PackagesCompression, OfAnEmptyFileIsNoPackage) {
    const auto entries = parse(test::compress("", GetParam()));
    ASSERT_TRUE(entries) << entries.error().message;
    EXPECT_TRUE(entries->empty());
}

TEST_P(PackagesCompression, CutShortIsCorrupt) {
    if (*GetParam() == '\0') GTEST_SKIP() << "a plain file has no end of its own; its digest tells";
    std::string text;
    for (int i = 0; i < 2000; ++i)
        text += stanza("p" + std::to_string(i * 7919), "pool/" + std::to_string(i * 104729) + ".deb");
    const auto whole = test::compress(text, GetParam());
    for (const std::size_t length : {whole.size() / 2, whole.size() - 1}) {
        const auto entries = parse(whole.substr(0, length));
        if (entries) {  // what is missing may be a checksum alone
            EXPECT_EQ(entries->size(), 2000u);
            EXPECT_EQ(length, whole.size() - 1);
        } else {
            EXPECT_EQ(entries.error().kind, ErrorKind::Corrupt);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, PackagesCompression, testing::Values("", "gz", "bz2", "lzma", "xz", "zst", "lz4"),
                         [](const auto& info) {
                             return *info.param == '\0' ? std::string("plain") : std::string(info.param);
                         });

TEST(Packages, InSeveralCompressedPartsAreOneText) {
    EXPECT_EQ(parse(test::compress(stanza("a", "a.deb"), "gz") + test::compress(stanza("b", "b.deb"), "gz"))->size(),
              2u);
    EXPECT_EQ(parse(test::compress(stanza("a", "a.deb"), "xz") + test::compress(stanza("b", "b.deb"), "xz"))->size(),
              2u);
}

TEST(Packages, CompressedTwiceAreCorrupt) {
    expect_corrupt(test::compress(test::compress(stanza("a", "a.deb"), "xz"), "gz"), "more than once");
}

TEST(Packages, AreNamedByTheFirstHalfOfTheirSha512WhereThatIsAll) {
    const std::string start = "Package: a\nFilename: a.deb\nVersion: 1\nArchitecture: amd64\nSize: 12\n",
                      other(64, 'b');
    const auto alone = parse(start + "SHA512: " + hash + other + "\n\n");
    ASSERT_TRUE(alone && alone->size() == 1u);
    EXPECT_EQ(alone->front().digest.hex(), hash);
    const auto both = parse(start + "SHA512: " + other + other + "\nSHA256: " + hash + "\n\n");
    ASSERT_TRUE(both && both->size() == 1u);
    EXPECT_EQ(both->front().digest.hex(), hash);
    expect_left_out(start + "SHA512: " + hash, "a SHA512 that is none");
}

TEST(Packages, LeaveOutWhatHasNoSha256) {
    const auto entries =
        parse("Package: old\nVersion: 1\nArchitecture: all\nFilename: old.deb\nSize: 1\nMD5sum: 00\n\n" +
              stanza("a", "a.deb"));
    ASSERT_TRUE(entries);
    ASSERT_EQ(entries->size(), 1u);
    EXPECT_EQ(entries->front().name, "a");
}

TEST(Packages, ThatAreNoneAreCorrupt) {
    expect_corrupt("no colon here\n\n", "without a field name");
    expect_corrupt("<html>\n<body>captive portal</body>\n</html>\n", "not a Packages file");
}

TEST(Packages, WithAnOddParagraphKeepAllOthers) {
    const std::string start = "Package: a\nFilename: a.deb\nVersion: 1\nArchitecture: all\n";
    expect_left_out("Package: a\nno colon here\n" + body, "without a field name");
    expect_left_out("Package: a\n" + stanza("a", "a.deb"), "a (line 15): a field given twice");
    expect_left_out(stanza("a", "../../etc/passwd"), "Filename that is not allowed: '../../etc/passwd'");
    expect_left_out(stanza("a", "/etc/passwd"), "Filename");
    expect_left_out(stanza("a", "a b.deb"), "Filename that is not allowed: 'a b.deb'");
    expect_left_out(stanza("a", "\xff\xfe.deb"), "Filename");
    expect_left_out(stanza("a", std::string(5000, 'a')), "Filename");
    expect_left_out(stanza("a/b", "a.deb"), "name");
    expect_left_out(stanza("", "a.deb"), "name");
    expect_left_out(stanza(std::string(600, 'a'), "a.deb"), "name");
    expect_left_out(start + "Size: -1\nSHA256: " + hash, "Size that is not allowed: '-1'");
    expect_left_out(start + "Size: 99999999999999\nSHA256: " + hash, "Size");
    expect_left_out(start + "Size: 1\nSHA256: 12", "SHA256 that is none");
    expect_left_out(start + "Size: 1\nMD5sum: 00", "no SHA256");
    expect_left_out(start + "SHA256: " + hash, "no Size");
}

TEST(Packages, WithAnEndlessParagraphOrLineKeepAllOthers) {
    std::string paragraph = "Package: a\n";
    while (paragraph.size() < (1u << 20) + 100) paragraph += " and on and on\n";
    expect_left_out(paragraph, "a (line");
    expect_left_out("Package: a\nDescription: " + std::string(2 << 20, 'x') + "\nFilename: a.deb\n" + body,
                    "paragraph of more than");
    expect_left_out("Package: a\nFilename: " + std::string(2 << 20, 'x') + "\n" + body, "paragraph of more than");
}

TEST(Packages, CountWhatIsLeftOutAndNameTheFirst) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += stanza("odd" + std::to_string(i), "a b.deb");
    const auto index = read(text + stanza("a", "a.deb"));
    ASSERT_TRUE(index);
    EXPECT_EQ(index->entries.size(), 1u);
    EXPECT_EQ(index->left_out.count, 1000u);
    EXPECT_EQ(index->left_out.named.size(), limits::max_named_left_out);
    EXPECT_NE(index->left_out.named[0].find("odd0 "), std::string::npos);
}

TEST(Packages, ThatUnpackToFarMoreThanTheyAreAreCorrupt) {
    const std::string bomb(4 << 20, '\n');
    for (const auto* ending : {"gz", "bz2", "xz", "zst"})
        expect_corrupt(test::compress(bomb, ending), "unpacks to more than");
}

TEST(Packages, OfAFileThatCannotBeReadAreBroken) {
    const FileHandle closed;
    const auto entries = parse_packages(closed, 100);
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().kind, ErrorKind::Broken);
}

fs::path real_list(std::string_view ending) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/var/lib/apt/lists", error))
        if (entry.path().filename().string().find(ending) != std::string::npos) return entry.path();
    return {};
}

// Debian's own main archive, as apt keeps it: every package, in about a second, without holding the text.
TEST(Packages, OfTheRealArchiveAreReadWhole) {
    const auto path = real_list("debian_dists_bookworm_main_binary-amd64_Packages");
    if (path.empty()) GTEST_SKIP() << "apt's lists hold no Packages of bookworm";
    const auto file = open_for_reading(path);
    if (!file) GTEST_SKIP() << file.error().message;
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    const auto start = std::chrono::steady_clock::now();
    const auto entries = parse_packages(*file, file_info(*file)->size);
    const auto seconds = seconds_between(start, std::chrono::steady_clock::now());
    getrusage(RUSAGE_SELF, &after);
    ASSERT_TRUE(entries) << entries.error().message;
    EXPECT_GT(entries->entries.size(), 50'000u);
    std::cout << entries->entries.size() << " packages in " << seconds << " s, memory grew by "
              << (after.ru_maxrss - before.ru_maxrss) / 1024 << " MiB\n";
    EXPECT_LT(seconds, 10.0);
}

}  // namespace
}  // namespace packswarm::formats
