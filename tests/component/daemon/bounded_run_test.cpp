#include "p2p/daemon/bounded_run.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <thread>

#include "p2p/base/limits.hpp"
#include "p2p/daemon/asio_loop.hpp"
#include "tests/support/signed_repo.hpp"

namespace packswarm::daemon {
namespace {

class BoundedRunTest : public ::testing::Test {
  protected:
    Result<std::string> run(const std::string& path, std::vector<std::string> arguments, ByteCount most = limits::mib,
                            Millis deadline = Millis(60'000)) {
        std::optional<Result<std::string>> out;
        const BoundedRun one(io_, loop_, {path, std::move(arguments), most, deadline},
                             [&](Result<std::string> text) { out = std::move(text); });
        EXPECT_FALSE(out) << "answered inside the call";
        io_.restart();
        while (!out && io_.run_one() > 0) {
        }
        if (!out) return fail(ErrorKind::Broken, "the loop ran dry");
        return std::move(*out);
    }
    boost::asio::io_context io_;
    AsioLoop loop_{io_};
};

TEST_F(BoundedRunTest, GivesWhatAProgramWritesAndNothingElse) {
    EXPECT_EQ(run("/bin/sh", {"-c", "echo out; echo error >&2; pwd"}).value(), "out\n/\n");
    EXPECT_EQ(run("/bin/cat", {}).value(), "") << "its input is empty";
    EXPECT_EQ(run("/usr/bin/env", {}).value(), "PATH=/usr/bin:/bin\nLC_ALL=C\n");
    EXPECT_EQ(run("/bin/sh", {"-c", "ls /proc/self/fd | wc -l"}).value(), "4\n") << "0, 1, 2 and ls's own";
    EXPECT_EQ(run("/bin/echo", {"$(id)", "; ls"}).value(), "$(id) ; ls\n");
}

TEST_F(BoundedRunTest, EndsWithAnErrorOfItsOwnKind) {
    EXPECT_EQ(run("/nonexistent/program", {}).error().kind, ErrorKind::Absent);
    EXPECT_EQ(run("/bin/false", {}).error().kind, ErrorKind::Refused);
    EXPECT_EQ(run("/bin/sh", {"-c", "kill -9 $$"}).error().kind, ErrorKind::Refused);
    EXPECT_EQ(run("/usr/bin/yes", {}).error().kind, ErrorKind::Refused);
    EXPECT_EQ(run("/bin/sleep", {"1000"}, limits::mib, Millis(50)).error().kind, ErrorKind::Transient);
    EXPECT_EQ(run("/bin/sh", {"-c", "exec >&-; sleep 1000"}, limits::mib, Millis(200)).error().kind,
              ErrorKind::Transient);
}

TEST_F(BoundedRunTest, TakesItsChildrenAlongWhenItIsDropped) {
    const test::TempDir folder;
    const auto told = folder.path() / "pid";
    {
        const BoundedRun one(io_, loop_,
                             {"/bin/sh",
                              {"-c", "sleep 1000 & echo $! > " + told.string() + ".new; mv " + told.string() + ".new " +
                                         told.string() + "; wait"},
                              1,
                              Millis(60'000)},
                             [](Result<std::string>) { FAIL(); });
        while (!std::filesystem::exists(told)) io_.run_one_for(Millis(10));
    }
    const int child = std::stoi(test::read_file(told));
    const auto is_asleep = [&] {  // killed, it may stay as a zombie until whoever took it over looks
        std::error_code error;
        return !std::filesystem::read_symlink("/proc/" + std::to_string(child) + "/exe", error).empty();
    };
    for (int i = 0; i < 1000 && is_asleep(); ++i) std::this_thread::sleep_for(Millis(10));
    EXPECT_FALSE(is_asleep());
}

}  // namespace
}  // namespace packswarm::daemon
