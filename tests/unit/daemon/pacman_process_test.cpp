#include "p2p/daemon/pacman_process.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "tests/support/signed_repo.hpp"

namespace packswarm::daemon {
namespace {

constexpr uid_t stranger = 12345;

// A made-up /proc; the machine has been up for 1000 s. Everything on disk belongs to whoever runs the test.
class PacmanProcesses : public ::testing::Test {
  protected:
    void SetUp() override {
        test::write_file(proc_ / "uptime", "1000.00 900.00\n");
        test::write_file(proc_ / "self/net/dev", "");
        test::write_file(config_, "[options]\n");
        ::chmod(folder_.path().c_str(), 0755);
    }
    std::filesystem::path process(int pid, std::vector<std::string> words, uid_t user = 0,
                                  const std::string& name = "pacman", int parent = 1) {
        const auto at = proc_ / std::to_string(pid);
        std::string cmdline;
        for (const auto& word : words) cmdline += word + '\0';
        test::write_file(at / "comm", name + "\n");
        test::write_file(at / "cmdline", cmdline);
        test::write_file(at / "status", fmt::format("Name:\t{}\nUid:\t{}\t{}\t{}\t{}\nNSpid:\t{}\n", name, user, user,
                                                    user, user, pid));
        std::filesystem::create_directories(at / "net");
        std::filesystem::create_hard_link(proc_ / "self/net/dev", at / "net/dev");
        std::string stat = fmt::format("{} ({} ) x) S {}", pid, name, parent);
        for (int field = 5; field < 22; ++field) stat += " 0";
        test::write_file(at / "stat", stat + fmt::format(" {} 0 0\n", 990 * ::sysconf(_SC_CLK_TCK)));
        return at;
    }
    PacmanSearch search() const { return find_pacmans(proc_, ::geteuid()); }

    test::TempDir folder_;
    const std::filesystem::path proc_ = folder_.path() / "proc", config_ = folder_.path() / "pacman.conf";
};

TEST_F(PacmanProcesses, RootsAndOursAreFoundWithTheirAge) {
    process(10, {"pacman", "-Syu"});
    process(11, {"pacman", "-S", "x", "--config", config_.string()}, ::geteuid());
    process(12, {"bash"}, 0, "bash");
    const auto found = search();
    ASSERT_EQ(found.found.size(), 2u) << (found.turned_down.empty() ? "" : found.turned_down[0]);
    for (const auto& one : found.found) {
        EXPECT_NEAR(one.age_s, 10, 0.1);
        EXPECT_TRUE(is_running(proc_, one));
    }
    std::filesystem::remove_all(proc_ / "10");
    EXPECT_EQ(is_running(proc_, found.found[0]), found.found[0].pid != 10);
}

// As the service sees it: ProcSubset=pid leaves nothing of /proc but the processes.
TEST_F(PacmanProcesses, TheirAgeIsKnownWithoutUptime) {
    process(10, {"pacman", "-Syu"});
    std::filesystem::remove(proc_ / "uptime");
    struct timespec now {};
    ASSERT_EQ(::clock_gettime(CLOCK_BOOTTIME, &now), 0);
    ASSERT_EQ(search().found.size(), 1u);
    EXPECT_NEAR(search().found[0].age_s, static_cast<double>(now.tv_sec) - 990, 2);
}

TEST_F(PacmanProcesses, ThoseOfOthersAndTheirChildrenAreNot) {
    process(10, {"pacman", "-Syu"}, stranger);
    EXPECT_TRUE(search().found.empty());
    process(20, {"pacman", "-Syu"});
    process(21, {"pacman", "-Syu"}, 0, "pacman", 20);
    ASSERT_EQ(search().found.size(), 1u);
    EXPECT_EQ(search().found[0].pid, 20);
}

TEST_F(PacmanProcesses, ThoseOfOthersHideNobody) {
    for (int pid = 100; pid < 200; ++pid) process(pid, {"pacman", "-Syu"}, stranger);
    process(300, {"pacman", "-Syu"}, 0, "pacman", 150);
    EXPECT_EQ(search().found.size(), 1u);
    EXPECT_LE(search().turned_down.size(), 16u);
}

TEST_F(PacmanProcesses, WhatAStrangerStartedIsHisAlsoWhereItRunsAsRoot) {
    test::write_file(process(10, {"pacman", "-Syu"}) / "status",
                     fmt::format("Name:\tpacman\nUid:\t{}\t0\t0\t0\nNSpid:\t10\n", stranger));
    EXPECT_TRUE(search().found.empty());
}

TEST_F(PacmanProcesses, ThoseInOtherNamespacesOrFoldersAreNot) {
    const auto elsewhere = process(10, {"pacman", "-Syu"}) / "net/dev";
    std::filesystem::remove(elsewhere);
    test::write_file(elsewhere, "");
    std::filesystem::create_symlink("/srv/chroot", process(11, {"pacman", "-Syu"}) / "root");
    test::write_file(process(12, {"pacman", "-Syu"}) / "status", "Uid:\t0\t0\t0\t0\nNSpid:\t12\t1\n");
    const auto found = search();
    EXPECT_TRUE(found.found.empty());
    EXPECT_EQ(found.turned_down.size(), 3u);
}

TEST_F(PacmanProcesses, NoPathIsTakenThatSomebodyElseCouldChange) {
    process(10, {"pacman", "-Su", "--config", config_.string()});
    ASSERT_EQ(search().found.size(), 1u);
    ::chmod(config_.c_str(), 0666);
    EXPECT_TRUE(search().found.empty());
    ::chmod(config_.c_str(), 0644);
    ::chmod(folder_.path().c_str(), 0777);
    EXPECT_TRUE(search().found.empty());
    ::chmod(folder_.path().c_str(), 0755);
    std::filesystem::create_symlink(config_, folder_.path() / "link");
    EXPECT_EQ(trusted_path((folder_.path() / "link").string(), ::geteuid()).value(),
              std::filesystem::canonical(config_).string());
    EXPECT_FALSE(trusted_path((folder_.path() / "nothing").string(), ::geteuid()));
    if (::geteuid() == 0 && ::chown(config_.c_str(), stranger, 0) == 0) EXPECT_TRUE(search().found.empty());
}

TEST_F(PacmanProcesses, AnUnreadableOrStrangeProcIsNobody) {
    EXPECT_TRUE(find_pacmans(folder_.path() / "nothing", 0).found.empty());
    test::write_file(proc_ / "30/comm", "pacman\n");
    test::write_file(process(31, {"pacman", "-Su"}) / "stat", "31 (pacman");
    EXPECT_TRUE(search().found.empty());
}

}  // namespace
}  // namespace packswarm::daemon
