#include "p2p/base/deleted_files.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "p2p/base/file.hpp"
#include "p2p/base/own_files.hpp"

namespace packswarm {
namespace {

using namespace std::chrono_literals;

struct DeletedFiles : ::testing::Test {
    DeletedFiles() {
        std::string name = (std::filesystem::temp_directory_path() / "packswarm-deleted.XXXXXX").string();
        folder = ::mkdtemp(name.data());
    }
    ~DeletedFiles() override { std::filesystem::remove_all(folder); }

    FileHandle made(const std::string& name, std::size_t size) const {
        FileHandle file(::open((folder / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
        EXPECT_TRUE(write_at(file, 0, std::string(size, 'x')));
        return file;
    }
    static bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }
    static bool are_freed_soon() {
        for (int i = 0; i < 500 && being_freed().files > 0; ++i) std::this_thread::sleep_for(10ms);
        return being_freed().files == 0 && being_freed().bytes == 0;
    }

    std::filesystem::path folder;
};

TEST_F(DeletedFiles, AreClosedSoonHoweverMany) {
    std::vector<int> closed;
    for (int i = 0; i < 300; ++i) {
        auto file = made("large", i % 2 == 0 ? 1 << 20 : 1000);
        closed.push_back(file.fd());
        std::filesystem::remove(folder / "large");
    }
    EXPECT_TRUE(are_freed_soon());
    for (const int fd : closed) EXPECT_FALSE(is_open(fd));
}

TEST_F(DeletedFiles, ThatHaveNoBlocksOrHaveANameAreClosedAtOnce) {
    for (const auto& [name, size] : {std::pair{"empty", 0}, std::pair{"named", 1 << 20}}) {
        auto file = made(name, static_cast<std::size_t>(size));
        if (size == 0) std::filesystem::remove(folder / name);
        const int fd = file.fd();
        file = FileHandle();
        EXPECT_FALSE(is_open(fd)) << name;
        EXPECT_EQ(being_freed().files, 0) << name;
    }
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    { const FileHandle reads(ends[0]), writes(ends[1]); }
    EXPECT_FALSE(is_open(ends[0]));
}

TEST_F(DeletedFiles, NobodyWaitsForWhatADeletionFrees) {
    made("large", 4 << 20);
    ASSERT_TRUE(delete_own(folder / "large"));
    EXPECT_FALSE(std::filesystem::exists(folder / "large"));
    EXPECT_TRUE(are_freed_soon());
    EXPECT_FALSE(delete_own(folder / "large")) << "there is none any more";
}

}  // namespace
}  // namespace packswarm
