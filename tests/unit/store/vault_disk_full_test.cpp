// A file system that is really full: a small tmpfs in a mount namespace of this process alone, gone with it.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "p2p/store/ledger.hpp"
#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

constexpr ByteCount disk_size = 4 << 20;

class FullDiskTest : public VaultTest {
  protected:
    void SetUp() override { mount_and_open("size=4m"); }
    void mount_and_open(const char* options) {
        if (::geteuid() != 0) GTEST_SKIP() << "mounting a tmpfs needs root";
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
            GTEST_SKIP() << "no mount namespace: " << std::strerror(errno);
        if (::mount("tmpfs", root.c_str(), "tmpfs", 0, options) != 0)
            GTEST_SKIP() << "no tmpfs: " << std::strerror(errno);
        mounted_ = true;
        open();
    }
    void TearDown() override {
        vault.reset();
        loop.drain();
        if (mounted_) ::umount2(root.c_str(), MNT_DETACH);
    }

    ByteCount free_bytes() const {
        struct statvfs disk {};
        ::statvfs(root.c_str(), &disk);
        return static_cast<ByteCount>(disk.f_bavail * disk.f_frsize);
    }
    void fill_disk(ByteCount leave) const {
        const auto size = static_cast<std::size_t>(free_bytes() - leave);
        const std::string block(size, 'x');
        const FileHandle file(::open((root / "ballast").c_str(), O_WRONLY | O_CREAT, 0644));
        std::size_t done = 0;
        while (done < size) {
            const auto put = ::write(file.fd(), block.data(), size - done);
            if (put <= 0) return;
            done += static_cast<std::size_t>(put);
        }
    }

    bool mounted_ = false;
};

TEST_F(FullDiskTest, SaysSoWhenAFileIsBegunAndNotInItsMiddle) {
    const auto staged = vault->stage(disk_size * 2);
    ASSERT_FALSE(staged);
    EXPECT_EQ(staged.error().kind, ErrorKind::Refused);
    EXPECT_NE(staged.error().message.find("no room"), std::string::npos) << staged.error().message;
    auto most = vault->stage(3 << 20);
    ASSERT_TRUE(most) << most.error().message;
    EXPECT_FALSE(vault->stage(2 << 20)) << "what the first was promised is set aside";
    const std::string block(3 << 20, 'y');
    EXPECT_TRUE(most->write(0, as_bytes(block)));
}

TEST_F(FullDiskTest, EvictsWhenOthersFillTheDisk) {
    ASSERT_TRUE(publish(filler(1 << 20, 1)));
    fill_disk(64 << 10);
    const auto staged = vault->stage(512 << 10);
    ASSERT_TRUE(staged) << staged.error().message;
    EXPECT_EQ(vault->usage().files, 1u);
    ASSERT_TRUE(vault->arrive(*staged, 1));
    EXPECT_EQ(vault->usage().files, 0u);
}

TEST_F(FullDiskTest, LeavesNoHalfStateWhenTheRowCannotBeWritten) {
    ASSERT_TRUE(publish("before"));
    auto file = verified(filler(100'000, 2));
    ASSERT_TRUE(file);
    broker::ArtifactRecord record;
    record.pieces.resize(1000);  // a row that needs new pages
    fill_disk(0);
    const auto stored = publish(std::move(*file), record);
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().kind, ErrorKind::Broken);
    EXPECT_NE(stored.error().message.find("full"), std::string::npos) << stored.error().message;
    EXPECT_FALSE(find(digest_of(filler(100'000, 2))));
    EXPECT_FALSE(std::filesystem::exists(path_of(filler(100'000, 2))));
    EXPECT_TRUE(find(digest_of("before")));
    std::filesystem::remove(root / "ballast");
    EXPECT_TRUE(publish(filler(100'000, 2), record)) << "the store works again when there is room";
    open();
    EXPECT_TRUE(find(digest_of("before")));
    EXPECT_TRUE(find(digest_of(filler(100'000, 2))));
}

TEST_F(FullDiskTest, DoesNotTakeAFullDiskForADamagedTable) {
    ASSERT_TRUE(publish("before"));
    vault.reset();
    loop.drain();
    fill_disk(0);
    auto opened = Vault::open(settings(), loop, loop);
    if (!opened) EXPECT_EQ(opened.error().kind, ErrorKind::Broken);
    opened = fail(ErrorKind::Absent, "closed");
    EXPECT_FALSE(std::filesystem::exists(root / "store" / "artifacts.db.damaged"));
    std::filesystem::remove(root / "ballast");
    open();
    EXPECT_TRUE(find(digest_of("before")));
}

TEST_F(FullDiskTest, SaysWhenAFloorCannotBeKept) {
    auto ledger = Ledger::open({root / "state", 100});
    ASSERT_TRUE(ledger);
    ASSERT_TRUE(
        raise_floor(**ledger, {core::FloorName("debian/F/bookworm/amd64"), WallTime(Seconds(1000)), digest_of("old")}));
    fill_disk(0);
    bool refused = false;
    for (int i = 1; i <= 2000 && !refused; ++i)  // SQLite's file has some pages to spare
        refused = !raise_floor(**ledger, {core::FloorName("debian/F/bookworm/amd64" + std::to_string(i)),
                                          WallTime(Seconds(2000)), digest_of("new")});
    EXPECT_TRUE(refused);
    std::filesystem::remove(root / "ballast");
    ledger = fail(ErrorKind::Absent, "closed");
    ledger = Ledger::open({root / "state", 100});
    ASSERT_TRUE(ledger) << ledger.error().message;
    ASSERT_FALSE((*ledger)->floors().empty());
    EXPECT_EQ((*ledger)->floors().front().root, digest_of("old"));
}

class FewInodesTest : public FullDiskTest {
  protected:
    void SetUp() override { mount_and_open("size=64m,nr_inodes=300"); }
    void take_inodes(std::int64_t leave) {
        while (disk_room(root)->inodes.value() > leave) {
            taken_.push_back(root / ("empty" + std::to_string(taken_.size())));
            ASSERT_TRUE(replace_file(taken_.back(), {}));
        }
    }
    void give_inodes_back() {
        for (const auto& path : taken_) std::filesystem::remove(path);
    }

  private:
    std::vector<std::filesystem::path> taken_;
};

TEST_F(FewInodesTest, EvictsWhenOthersTakeTheInodes) {
    for (unsigned i = 0; i < 6; ++i) ASSERT_TRUE(publish(filler(1000, i)));
    EXPECT_FALSE(vault->usage().is_short_of_inodes());
    const auto kept = disk_room(root)->inode_reserve;
    take_inodes(kept + 1);
    const auto staged = vault->stage(1000);
    ASSERT_TRUE(staged) << staged.error().message;
    EXPECT_LT(vault->usage().files, 6u);
    EXPECT_GE(*disk_room(root)->inodes, kept);
}

TEST_F(FewInodesTest, GoesOnWithAFileThatHasItsOwn) {
    auto staged = vault->stage(5 << 20);
    ASSERT_TRUE(staged) << staged.error().message;
    take_inodes(disk_room(root)->inode_reserve - 1);
    ASSERT_FALSE(vault->stage(1000));
    ASSERT_TRUE(vault->arrive(*staged, 3 << 20)) << "more of it takes no inode";
    EXPECT_TRUE(staged->write(0, as_bytes(std::string(5 << 20, 'y'))));
}

TEST_F(FewInodesTest, SaysWhatIsMissingAndWorksAgainWhenItIsThere) {
    ASSERT_FALSE(vault->usage().is_short_of_inodes());
    take_inodes(disk_room(root)->inode_reserve - 1);
    EXPECT_TRUE(vault->usage().is_short_of_inodes());
    const auto staged = vault->stage(1000);
    ASSERT_FALSE(staged);
    EXPECT_EQ(staged.error().kind, ErrorKind::Refused);
    EXPECT_NE(staged.error().message.find("inodes"), std::string::npos) << staged.error().message;
    EXPECT_EQ(vault->room(), 0);
    give_inodes_back();
    EXPECT_TRUE(vault->stage(1000));
    EXPECT_GT(vault->room(), 0);
}

TEST(DiskRoom, HasNoInodesToCountWhereNobodyLimitsThem) {
    EXPECT_FALSE(disk_room("/nowhere/at/all"));
    const auto here = disk_room(std::filesystem::temp_directory_path());
    ASSERT_TRUE(here);
    EXPECT_GT(here->bytes, 0);
    EXPECT_LE(here->inode_reserve, 1'000);
}

}  // namespace
}  // namespace packswarm::store
