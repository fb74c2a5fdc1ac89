#include "p2p/daemon/loop_watch.hpp"

#include <gtest/gtest.h>

#include <boost/asio/executor_work_guard.hpp>
#include <cstdlib>
#include <thread>

#include "p2p/base/mishap.hpp"
#include "p2p/daemon/asio_loop.hpp"

namespace packswarm::daemon {
namespace {

using namespace std::chrono_literals;

class LoopWatchTest : public testing::Test {
  protected:
    LoopWatchTest() { ::setenv("PACKSWARM_LOOP_LIMIT_MS", "200", 1); }
    ~LoopWatchTest() override { ::unsetenv("PACKSWARM_LOOP_LIMIT_MS"); }

    // How many mishaps the watch notes while the loop does this.
    std::uint64_t noted(const std::function<void()>& task) {
        boost::asio::io_context io;
        AsioLoop loop(io);
        const auto waiting = boost::asio::make_work_guard(io);
        LoopWatch watch(loop);
        const auto before = mishaps();
        loop.after(30ms, task);
        loop.after(1500ms, [&] { io.stop(); });
        loop.run();
        return mishaps() - before;
    }
};

TEST_F(LoopWatchTest, NotesALoopThatSleeps) {
    EXPECT_GE(noted([] { std::this_thread::sleep_for(600ms); }), 1u);
}

TEST_F(LoopWatchTest, NotesALoopThatIsBusyWithOneThing) {
    EXPECT_GE(noted([] {
                  for (const auto end = std::chrono::steady_clock::now() + 900ms;
                       std::chrono::steady_clock::now() < end;) {
                  }
              }),
              1u);
}

TEST_F(LoopWatchTest, NobodyLooksOnUnlessALimitIsSet) {
    ::unsetenv("PACKSWARM_LOOP_LIMIT_MS");
    EXPECT_EQ(noted([] { std::this_thread::sleep_for(600ms); }), 0u);
}

}  // namespace
}  // namespace packswarm::daemon
