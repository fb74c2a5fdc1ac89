#include "p2p/base/stop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "p2p/base/trusted_file.hpp"

namespace packswarm {
namespace {

TEST(Stop, IsAskedOfTheThreadThatHasTheScopeAndWhileItLives) {
    std::atomic<bool> flag = true;
    EXPECT_FALSE(is_stopped());
    {
        const StopScope scope(flag);
        EXPECT_TRUE(is_stopped());
        EXPECT_EQ(unless_stopped().error().kind, ErrorKind::Transient);
        std::thread([] { EXPECT_FALSE(is_stopped()); }).join();
        std::atomic<bool> other = false;
        const StopScope inner(other);
        EXPECT_TRUE(unless_stopped());
    }
    EXPECT_FALSE(is_stopped());
}

TEST(Stop, EndsACopyBetweenTwoBlocks) {
    char name[] = "/tmp/packswarm-stop-XXXXXX";
    const std::filesystem::path folder = ::mkdtemp(name);
    {
        const auto from = StagedFile::create(folder / "from", 1 << 20), to = StagedFile::create(folder / "to", 1 << 20);
        ASSERT_TRUE(from && to);
        std::atomic<bool> flag = true;
        const StopScope scope(flag);
        EXPECT_EQ(copy_range(from->handle(), to->handle(), {0, 1 << 20}).error().kind, ErrorKind::Transient);
        flag = false;
        EXPECT_TRUE(copy_range(from->handle(), to->handle(), {0, 1 << 20}));
    }
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace packswarm
