#include "p2p/daemon/system_bus.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

#include "p2p/base/file.hpp"
#include "p2p/daemon/machine_state.hpp"
#include "tests/support/nginx.hpp"

namespace packswarm::daemon {
namespace {

// A bus that takes connections and says nothing.
class MuteBus : public ::testing::Test {
  protected:
    void SetUp() override {
        const auto path = (folder_.path() / "socket").string();
        socket_ = FileHandle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        ASSERT_LT(path.size(), sizeof at.sun_path);
        std::memcpy(at.sun_path, path.c_str(), path.size());
        ASSERT_EQ(::bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
        ASSERT_EQ(::listen(socket_.fd(), 8), 0);
        ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1);
    }
    void TearDown() override { ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS"); }

    test::TempDir folder_;
    FileHandle socket_;
};

TEST_F(MuteBus, IsWaitedForNoLongerThanItMayTake) {
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(SystemBus::connect(Millis(200)).error().kind, ErrorKind::Transient);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, Millis(5'000));
}

TEST_F(MuteBus, LeavesItOpenWhatTheConnectionAndTheCurrentCost) {
    EXPECT_EQ(look_at_machine(), MachineState{}) << "neither yes nor no";
}

}  // namespace
}  // namespace packswarm::daemon
