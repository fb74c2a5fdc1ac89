#include "hooks/setup/setup.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "hooks/setup/texts.hpp"
#include "p2p/base/file.hpp"

namespace packswarm::hooks {
namespace {

namespace fs = std::filesystem;

constexpr auto pacman_conf = R"(# /etc/pacman.conf
[options]
HoldPkg = pacman glibc
Architecture = auto

[core]
Include = /etc/pacman.d/mirrorlist

[extra]
SigLevel = Required
Server = https://a.example/$repo/os/$arch
Server = https://b.example/$repo/os/$arch

#[testing]
#Include = /etc/pacman.d/mirrorlist

[local]
Server = file:///srv/repo
)";

class Setup : public ::testing::Test {
  protected:
    Setup() {
        std::string pattern = (fs::temp_directory_path() / "packswarm-setup-XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
        options_.root = root_;
        options_.pacman = {6, 1};
        write("usr/libexec/packswarm/packswarm-apt-method", "");
        write("etc/pacman.conf", pacman_conf);
    }
    ~Setup() override { fs::remove_all(root_); }

    void write(const fs::path& path, const std::string& text) {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    std::string read(const fs::path& path) const { return read_text(root_ / path, 1 << 20).value_or("(none)"); }
    void apply(Manager manager) {
        const auto changes = plan_setup(manager, options_);
        ASSERT_TRUE(changes) << changes.error().message;
        ASSERT_TRUE(apply_setup(*changes, options_));
    }
    void undo(Manager manager) {
        const auto changes = plan_undo(manager, options_);
        ASSERT_TRUE(changes) << changes.error().message;
        ASSERT_TRUE(apply_undo(*changes, options_));
    }
    std::vector<std::string> tree() const {
        std::vector<std::string> files;
        for (const auto& entry : fs::recursive_directory_iterator(root_ / "etc"))
            if (entry.is_regular_file()) files.push_back(fs::relative(entry.path(), root_).string());
        std::sort(files.begin(), files.end());
        return files;
    }

    fs::path root_;
    SetupOptions options_;
};

TEST_F(Setup, TellsAptToUseTheMethodAndTakesItBack) {
    apply(Manager::apt);
    const auto text = read("etc/apt/apt.conf.d/90packswarm");
    EXPECT_NE(text.find("Dir::Bin::Methods::http \"/usr/libexec/packswarm/packswarm-apt-method\";"), std::string::npos);
    EXPECT_NE(text.find("Dir::Bin::Methods::https \""), std::string::npos);
    EXPECT_NE(text.find("\nAcquire::Retries::Delay \"false\";\nPackswarm::Retries::Delay \"true\";\n"),
              std::string::npos);
    EXPECT_TRUE(plan_setup(Manager::apt, options_)->empty());
    undo(Manager::apt);
    EXPECT_EQ(tree(), std::vector<std::string>{"etc/pacman.conf"});
    EXPECT_TRUE(plan_undo(Manager::apt, options_)->empty());
}

TEST_F(Setup, RefusesAnAptThatWouldHaveNoMethod) {
    fs::remove(root_ / "usr/libexec/packswarm/packswarm-apt-method");
    const auto changes = plan_setup(Manager::apt, options_);
    ASSERT_FALSE(changes);
    EXPECT_EQ(changes.error().kind, ErrorKind::Refused);
}

TEST_F(Setup, LeavesForeignFilesAlone) {
    write("etc/apt/apt.conf.d/90packswarm", "Acquire::Retries \"9\";\n");
    EXPECT_FALSE(plan_setup(Manager::apt, options_));
    EXPECT_FALSE(plan_undo(Manager::apt, options_));
}

TEST_F(Setup, PutsCacheServersFirstAndServersLastForNewPacman) {
    apply(Manager::pacman);
    const auto text = read("etc/pacman.conf");
    const auto core = text.substr(text.find("[core]"), text.find("[extra]") - text.find("[core]"));
    EXPECT_LT(core.find("\nCacheServer = http://127.0.0.1:7878/$repo/os/$arch\n"), core.find("Include ="));
    EXPECT_GT(core.find("\nServer = http://127.0.0.1:7878/$repo/os/$arch\n"), core.find("Include ="));
    const auto extra = text.substr(text.find("[extra]"), text.find("#[testing]") - text.find("[extra]"));
    EXPECT_GT(extra.find("\nServer = http://127.0.0.1:7878"), extra.find("https://b.example"));
    EXPECT_EQ(text.find("127.0.0.1", text.find("#[testing]")), std::string::npos);
}

TEST_F(Setup, NamesTheMachineWherePacmanHasNoArchitecture) {
    const auto marked = marked_pacman_conf("[options]\n#Architecture = auto\n[core]\nServer = http://a/\n", options_);
    ASSERT_TRUE(marked);
    EXPECT_NE(marked->find("CacheServer = http://127.0.0.1:7878/$repo/os/x86_64\n"), std::string::npos);
}

TEST_F(Setup, PutsAServerFirstForOldPacman) {
    options_.pacman = {6, 0};
    apply(Manager::pacman);
    const auto text = read("etc/pacman.conf");
    EXPECT_EQ(text.find("CacheServer"), std::string::npos);
    const auto extra = text.substr(text.find("[extra]"));
    EXPECT_LT(extra.find("Server = http://127.0.0.1:7878"), extra.find("https://a.example"));
}

TEST_F(Setup, RestoresPacmanConfByteForByteWithItsRights) {
    ::chmod((root_ / "etc/pacman.conf").c_str(), 0640);
    apply(Manager::pacman);
    EXPECT_EQ(tree().size(), 4u);
    undo(Manager::pacman);
    EXPECT_EQ(read("etc/pacman.conf"), pacman_conf);
    EXPECT_EQ(tree(), std::vector<std::string>{"etc/pacman.conf"});
    struct stat st {};
    ASSERT_EQ(::stat((root_ / "etc/pacman.conf").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, 0640u);
}

constexpr auto agent_conf = "etc/packswarm/packswarm.toml";

TEST_F(Setup, TheInternetIsOneLineInTheAgentsFileAndItsUndoIsByteForByte) {
    for (const std::string text : {"", "# nothing\n", "[store]\nquota = \"1 GiB\"", "[swarm]\n  utp = false\n[store]\n",
                                   "log_level = \"info\"\n[swarm] # ours\n", "swarm.utp = false\n[store]\n"}) {
        write(agent_conf, text);
        apply(Manager::internet);
        const auto after = read(agent_conf);
        EXPECT_NE(after.find(text.substr(0, text.find('\n'))), std::string::npos) << "what was there stays: " << after;
        EXPECT_NE(after.find("internet = \"find\"\n"), std::string::npos) << after;
        EXPECT_TRUE(plan_setup(Manager::internet, options_)->empty()) << "a second time changes nothing";
        options_.internet = "find-and-be-found";
        apply(Manager::internet);
        EXPECT_NE(read(agent_conf).find("internet = \"find-and-be-found\"\n"), std::string::npos);
        options_.internet = "find";
        undo(Manager::internet);
        EXPECT_EQ(read(agent_conf), text);
        EXPECT_TRUE(plan_undo(Manager::internet, options_)->empty());
        EXPECT_EQ(tree().size(), 2U) << "no record is left";
    }
}

TEST_F(Setup, TheAgentsFileIsMadeWhereThereIsNoneAndTakenAwayAgain) {
    apply(Manager::internet);
    EXPECT_NE(read(agent_conf).find("[swarm]\ninternet = \"find\"\n"), std::string::npos);
    options_.internet = "find-and-be-found";
    apply(Manager::internet);
    undo(Manager::internet);
    EXPECT_EQ(tree(), std::vector<std::string>{"etc/pacman.conf"});
}

TEST_F(Setup, TheInternetIsTakenBackFromAFileThatWasEditedSince) {
    write(agent_conf, "[swarm]\nutp = false\n");
    apply(Manager::internet);
    write(agent_conf, read(agent_conf) + "shard_at = 100\n");
    undo(Manager::internet);
    EXPECT_EQ(read(agent_conf), "[swarm]\nutp = false\nshard_at = 100\n");
}

TEST_F(Setup, AnOwnersOwnWordAboutTheInternetStands) {
    for (const auto* text : {"[swarm]\ninternet = \"off\"\n", "swarm.internet = \"off\"\n", "swarm = { utp = true }\n",
                             "[swarm]\n# packswarm: end\n"}) {
        write(agent_conf, text);
        const auto changes = plan_setup(Manager::internet, options_);
        ASSERT_FALSE(changes) << text;
        EXPECT_EQ(changes.error().kind, ErrorKind::Refused);
    }
}

TEST_F(Setup, KeepsWhatTheOwnerChangedSince) {
    apply(Manager::pacman);
    const auto edited = read("etc/pacman.conf") + "\n[mine]\nServer = https://mine.example\n";
    write("etc/pacman.conf", edited);
    const auto changes = plan_undo(Manager::pacman, options_);
    ASSERT_TRUE(changes);
    EXPECT_NE(changes->front().note, "");
    ASSERT_TRUE(apply_undo(*changes, options_));
    EXPECT_EQ(read("etc/pacman.conf"), std::string(pacman_conf) + "\n[mine]\nServer = https://mine.example\n");
}

TEST_F(Setup, RefusesToGuessWhatIsOurs) {
    apply(Manager::pacman);
    auto text = read("etc/pacman.conf");
    const std::string mark = "# packswarm: end\n";
    text.erase(text.find(mark), mark.size());
    write("etc/pacman.conf", text);
    const auto changes = plan_undo(Manager::pacman, options_);
    ASSERT_FALSE(changes);
    EXPECT_NE(changes.error().message.find("pacman.conf.before"), std::string::npos);
    EXPECT_EQ(read("etc/packswarm/setup/pacman.conf.before"), pacman_conf);
}

TEST_F(Setup, ChangesFromOneWayToTheOther) {
    apply(Manager::pacman);
    options_.way = PacmanWay::xfer_command;
    apply(Manager::pacman);
    const auto text = read("etc/pacman.conf");
    EXPECT_NE(text.find("\nXferCommand = /usr/bin/packswarm fetch %u %o\n"), std::string::npos);
    EXPECT_EQ(text.find("127.0.0.1"), std::string::npos);
    undo(Manager::pacman);
    EXPECT_EQ(read("etc/pacman.conf"), pacman_conf);
}

TEST_F(Setup, RefusesASecondXferCommand) {
    write("etc/pacman.conf", "[options]\nXferCommand = /usr/bin/curl -o %o %u\n[core]\nServer = http://a\n");
    options_.way = PacmanWay::xfer_command;
    EXPECT_FALSE(plan_setup(Manager::pacman, options_));
}

TEST_F(Setup, FollowsALinkInsteadOfReplacingIt) {
    fs::rename(root_ / "etc/pacman.conf", root_ / "etc/real.conf");
    fs::create_symlink("real.conf", root_ / "etc/pacman.conf");
    apply(Manager::pacman);
    EXPECT_TRUE(fs::is_symlink(root_ / "etc/pacman.conf"));
    undo(Manager::pacman);
    EXPECT_TRUE(fs::is_symlink(root_ / "etc/pacman.conf"));
    EXPECT_EQ(read("etc/real.conf"), pacman_conf);
}

TEST_F(Setup, WorksWhereTheLastLineHasNoEnd) {
    for (const std::string text :
         {"[core]\nServer = http://a", "[core]\nServer = http://a\n", "[options]\n[core]\r\nServer = http://a\r\n"}) {
        const auto marked = marked_pacman_conf(text, options_);
        ASSERT_TRUE(marked) << text;
        const auto plain = without_marks(*marked);
        ASSERT_TRUE(plain) << *marked;
        EXPECT_EQ(*plain, text);
    }
}

TEST_F(Setup, ShowsWhatItWillChange) {
    const Change change{"/etc/x", "a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nd\ne\nnew\nf\ng\nh\n", ""};
    EXPECT_EQ(difference(change), "--- /etc/x\n+++ /etc/x\n@@ -3,6 +3,7 @@\n c\n d\n e\n+new\n f\n g\n h\n");
    EXPECT_EQ(difference({"/etc/x", std::nullopt, "a\n", ""}), "--- /dev/null\n+++ /etc/x\n@@ -0,0 +1,1 @@\n+a\n");
    EXPECT_EQ(difference({"/etc/x", "a\n", std::nullopt, ""}), "--- /etc/x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n");
}

TEST(PacmanHook, IsTheSameInTheTreeAndFromSetup) {
    const auto shipped =
        read_text((fs::path(PACKSWARM_TEST_DATA) / "../../hooks/pacman/packswarm.hook").lexically_normal(), 1 << 16);
    ASSERT_TRUE(shipped);
    EXPECT_EQ(*shipped, pacman_hook_text({}));
}

}  // namespace
}  // namespace packswarm::hooks
