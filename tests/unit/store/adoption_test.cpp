#include "p2p/store/adoption.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

class AdoptionTest : public VaultTest {
  protected:
    std::filesystem::path cache_file(const std::string& content, mode_t mode = 0644) {
        const auto path = root / "hello_1.0_amd64.deb";
        write_text(path, content);
        ::chmod(path.c_str(), mode);
        return path;
    }
    Result<Adopted> adopt(const std::filesystem::path& path, Adopt how = Adopt::cheapest) {
        auto source = open_for_reading(path);
        if (!source) return tl::unexpected(source.error());
        std::optional<Result<Adopted>> answer;
        vault->adopt(std::move(*source), how, [&](Result<Adopted> adopted) { answer = std::move(adopted); });
        EXPECT_FALSE(answer) << "called back inside the call";
        loop.drain();
        return answer ? *answer : fail(ErrorKind::Broken, "never answered");
    }
    bool file_system_clones() {
        write_text(root / "a", "a");
        const FileHandle from(::open((root / "a").c_str(), O_RDONLY));
        const FileHandle to(::open((root / "b").c_str(), O_RDWR | O_CREAT, 0600));
        return ::ioctl(to.fd(), FICLONE, from.fd()) == 0;
    }
    // What is cheapest here.
    AdoptedBy cheapest() { return file_system_clones() ? AdoptedBy::reflink : AdoptedBy::hardlink; }
};

TEST_F(AdoptionTest, TakesACacheFileWithoutCopyingItsBytes) {
    auto adopted = adopt(cache_file("hello"));
    ASSERT_TRUE(adopted) << adopted.error().message;
    EXPECT_EQ(adopted->by, cheapest());
    EXPECT_EQ(vault->usage().staged, 5);
    auto file = verify::FileVerifier::check_all(adopted->file, digest_of("hello"));
    ASSERT_TRUE(file);
    adopted = fail(ErrorKind::Absent, "let go");
    ASSERT_TRUE(publish(std::move(*file)));
    EXPECT_EQ(text_of(path_of("hello")), "hello");
    EXPECT_EQ(text_of(root / "hello_1.0_amd64.deb"), "hello");
    std::filesystem::remove(root / "hello_1.0_amd64.deb");  // the package manager cleans up
    EXPECT_TRUE(find(digest_of("hello")));
    open();
    EXPECT_TRUE(find(digest_of("hello")));
}

TEST_F(AdoptionTest, LeavesThePackageManagersFileAsItWas) {
    const auto path = cache_file("hello", 0644);
    struct stat before {
    }, after{};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    {
        auto adopted = adopt(path);
        ASSERT_TRUE(adopted);
        EXPECT_FALSE(verify::FileVerifier::check_all(adopted->file, digest_of("something else")));
    }
    EXPECT_EQ(files_below(root / "store" / "staging"), 0u);
    ASSERT_TRUE(publish(*verify::FileVerifier::check_all(adopt(path)->file, digest_of("hello"))));
    ASSERT_EQ(::stat(path.c_str(), &after), 0);
    EXPECT_EQ(before.st_mode, after.st_mode);
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    EXPECT_EQ(text_of(path), "hello");
}

TEST_F(AdoptionTest, CopiesWhatOthersMayWrite) {
    for (const mode_t mode : {0664, 0646, 04755, 02755}) {
        auto adopted = adopt(cache_file("hello", mode));
        ASSERT_TRUE(adopted);
        EXPECT_NE(adopted->by, AdoptedBy::hardlink) << std::oct << mode;
        EXPECT_EQ(*verify::hash_file(adopted->file.handle()), digest_of("hello"));
    }
}

TEST_F(AdoptionTest, CopiesWhatAStrangerOwns) {
    if (::geteuid() != 0) GTEST_SKIP() << "giving a file away needs root";
    const auto path = cache_file("hello", 0644);
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    EXPECT_FALSE(may_link(*open_for_reading(path)));
    auto adopted = adopt(path);
    ASSERT_TRUE(adopted);
    EXPECT_NE(adopted->by, AdoptedBy::hardlink);
}

TEST_F(AdoptionTest, CopiesWhenAskedTo) {
    auto adopted = adopt(cache_file("hello"), Adopt::copy_only);
    ASSERT_TRUE(adopted);
    EXPECT_EQ(adopted->by, AdoptedBy::copy);
    EXPECT_EQ(*verify::hash_file(adopted->file.handle()), digest_of("hello"));
}

TEST_F(AdoptionTest, CopiesAFileOfAnotherFileSystem) {
    const auto elsewhere = [this]() -> std::string {
        struct stat here {
        }, there{};
        for (const char* folder : {"/dev/shm", "/var/tmp"})
            if (::stat(root.c_str(), &here) == 0 && ::stat(folder, &there) == 0 && here.st_dev != there.st_dev)
                return folder;
        return {};
    };
    std::string name = elsewhere() + "/packswarm-store.XXXXXX";
    const FileHandle source(::mkstemp(name.data()));
    if (!source.open()) GTEST_SKIP() << "no second file system at /dev/shm or /var/tmp";
    ASSERT_TRUE(write_at(source, 0, as_bytes(filler(300'000, 7))));
    auto adopted = adopt(name);
    std::filesystem::remove(name);
    ASSERT_TRUE(adopted) << adopted.error().message;
    EXPECT_EQ(adopted->by, AdoptedBy::copy);
    EXPECT_EQ(*verify::hash_file(adopted->file.handle()), digest_of(filler(300'000, 7)));
}

TEST_F(AdoptionTest, RefusesALinkedFileThatChangedAfterItWasTaken) {
    if (cheapest() != AdoptedBy::hardlink) GTEST_SKIP() << "this file system clones: nothing is shared with the source";
    const auto path = cache_file("hello");
    auto file = verify::FileVerifier::check_all(adopt(path)->file, digest_of("hello"));
    ASSERT_TRUE(file);
    const FileHandle writer(::open(path.c_str(), O_WRONLY));
    ASSERT_TRUE(write_at(writer, 0, as_bytes("HELLO")));
    const auto stored = publish(std::move(*file));
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, ErrorKind::Transient);
    EXPECT_FALSE(find(digest_of("hello")));
    EXPECT_EQ(files_below(root / "store" / "files"), 0u);
}

TEST_F(AdoptionTest, DropsALinkedFileThatChangesLater) {
    const auto path = cache_file("hello");
    auto adopted = adopt(path);
    ASSERT_TRUE(publish(*verify::FileVerifier::check_all(adopted->file, digest_of("hello"))));
    const FileHandle writer(::open(path.c_str(), O_WRONLY));
    ASSERT_TRUE(write_at(writer, 0, as_bytes("HELLO")));
    const auto found = find(digest_of("hello"));
    if (found)
        EXPECT_EQ(content_of(*found), "hello");  // a clone of its own
    else
        EXPECT_EQ(adopted->by, AdoptedBy::hardlink);
}

TEST_F(AdoptionTest, RefusesWhatDoesNotFit) {
    quota = 4;
    open();
    const auto adopted = adopt(cache_file("hello"));
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error().kind, ErrorKind::Refused);
}

TEST_F(AdoptionTest, SaysWhenTheFileIsNotAsItWasWhenRoomWasMade) {
    const auto source = open_for_reading(cache_file("hello"));
    ASSERT_TRUE(source);
    const auto adopted = adopt_file(*source, root / "target", 4, Adopt::cheapest);
    ASSERT_FALSE(adopted);
    EXPECT_EQ(adopted.error().kind, ErrorKind::Transient);
    EXPECT_FALSE(std::filesystem::exists(root / "target"));
}

TEST_F(AdoptionTest, CopiesAFileThatHasNoNameAnyMore) {
    const auto path = cache_file("hello");
    auto source = open_for_reading(path);
    std::filesystem::remove(path);
    auto adopted = adopt_file(*source, root / "target", 5, Adopt::cheapest);
    ASSERT_TRUE(adopted) << adopted.error().message;
    EXPECT_NE(adopted->by, AdoptedBy::hardlink);
    EXPECT_EQ(text_of(root / "target"), "hello");
}

}  // namespace
}  // namespace packswarm::store
