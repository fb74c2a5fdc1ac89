#include "p2p/base/file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "p2p/base/trusted_file.hpp"

namespace packswarm {
namespace {

class Files : public ::testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/packswarm-base-XXXXXX";
        folder_ = ::mkdtemp(name);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::filesystem::path folder_;
};

TEST_F(Files, ReplaceLeavesTheOldContentOrTheNewAndNoLeftovers) {
    const auto path = folder_ / "floor";
    ASSERT_TRUE(replace_file(path, as_bytes("one")));
    ASSERT_TRUE(replace_file(path, as_bytes("two")));
    EXPECT_EQ(read_text(path, 100).value(), "two");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
    EXPECT_EQ(replace_file(folder_ / "none" / "x", as_bytes("y")).error().kind, ErrorKind::Absent);
}

TEST_F(Files, ReadTextIsBoundedAndSaysWhatIsMissing) {
    ASSERT_TRUE(replace_file(folder_ / "a", as_bytes("12345")));
    EXPECT_EQ(read_text(folder_ / "a", 4).error().kind, ErrorKind::Refused);
    EXPECT_EQ(read_text(folder_ / "b", 4).error().kind, ErrorKind::Absent);
}

TEST_F(Files, LinksAndFoldersAreNotOpened) {
    std::filesystem::create_symlink("/etc/passwd", folder_ / "link");
    EXPECT_FALSE(open_for_reading(folder_ / "link"));
    EXPECT_FALSE(open_for_reading(folder_));
}

TEST_F(Files, CopyRangeCopiesJustTheRange) {
    auto from = StagedFile::create(folder_ / "from", 300'000);
    auto to = StagedFile::create(folder_ / "to", 300'000);
    ASSERT_TRUE(from && to);
    ASSERT_TRUE(from->write(100'000, Bytes(100'000, 'x')));
    ASSERT_TRUE(copy_range(from->handle(), to->handle(), {100'000, 200'000}));
    char edges[4];
    ASSERT_TRUE(read_at(to->handle(), 99'998, std::span(edges, 4)));
    EXPECT_EQ(std::string(edges, 4), std::string("\0\0xx", 4));
    EXPECT_FALSE(copy_range(from->handle(), to->handle(), {0, 300'001}));
}

TEST_F(Files, StagedFilesVanishUnlessKeptAndRefuseBytesBeyondTheirEnd) {
    {
        auto file = StagedFile::create(folder_ / "gone", 10);
        ASSERT_TRUE(file);
        EXPECT_EQ(file->write(8, as_bytes("abc")).error().kind, ErrorKind::Refused);
        EXPECT_EQ(file->write(-1, as_bytes("abc")).error().kind, ErrorKind::Refused);
        EXPECT_FALSE(StagedFile::create(folder_ / "gone", 10)) << "a path is never taken twice";
        const StagedFile copy = *file;
        file = StagedFile::create(folder_ / "other", 1);
        EXPECT_TRUE(std::filesystem::exists(folder_ / "gone"));
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "gone"));
    auto kept = StagedFile::create(folder_ / "kept", 1);
    kept->keep();
    kept = StagedFile::create(folder_ / "third", 1);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "kept"));
}

}  // namespace
}  // namespace packswarm
