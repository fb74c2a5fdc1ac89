// Every point at which a publication can be cut short, by SIGKILL in a child process; then the folder is opened again.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

class VaultCrashTest : public VaultTest, public ::testing::WithParamInterface<std::tuple<Step, int>> {
  protected:
    void SetUp() override {}

    // Publishes all contents in a child that dies before the given occurrence of a step.
    void publish_and_die(const std::vector<std::string>& contents, Step at, int occurrence) {
        const pid_t child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            run_child(contents, at, occurrence);
            ::_exit(3);  // it should have died
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
    }

    void run_child(const std::vector<std::string>& contents, Step at, int occurrence) {
        auto dying = settings();
        dying.on_step = [at, occurrence, seen = 0](Step step) mutable {
            if (step == at && ++seen == occurrence) ::kill(::getpid(), SIGKILL);
        };
        auto opened = Vault::open(dying, loop, loop);
        if (!opened) ::_exit(4);
        vault = std::move(*opened);
        for (const auto& content : contents) {
            auto file = verified(content);
            if (!file) ::_exit(5);
            vault->publish(std::move(*file), {{}, 0, "name", lineage_of("stable"), {}, {}, false}, [](auto) {});
        }
        loop.drain();
    }

    void expect_right_or_absent(const std::string& content) {
        const auto found = find(digest_of(content));
        if (found) EXPECT_EQ(content_of(*found), content);
        const bool on_disk = std::filesystem::exists(path_of(content));
        bool orphan = false;
        for (const auto& record : vault->orphans()) orphan = orphan || record.digest == digest_of(content);
        EXPECT_EQ(on_disk, found.has_value() || orphan) << "a file that nobody counts";
    }
};

TEST_P(VaultCrashTest, LeavesNothingWrongBehind) {
    const auto [step, occurrence] = GetParam();
    const std::vector<std::string> contents = {"first", "second", filler(200'000, 3)};
    publish_and_die(contents, step, occurrence);
    open();
    EXPECT_TRUE(std::filesystem::is_empty(root / "store" / "staging"));
    for (const auto& content : contents) expect_right_or_absent(content);
    // All of it can be stored now, and an orphan needs no second fetch.
    for (const auto& orphan : vault->orphans()) {
        auto staged = vault->reclaim(orphan.digest);
        ASSERT_TRUE(staged);
        auto again = verify::FileVerifier::check_all(*staged, orphan.digest);
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_TRUE(publish(std::move(*again)));
    }
    for (const auto& content : contents) EXPECT_TRUE(publish(content));
    open();
    ByteCount bytes = 0;
    for (const auto& content : contents) {
        const auto found = find(digest_of(content));
        ASSERT_TRUE(found);
        EXPECT_EQ(content_of(*found), content);
        bytes += found->size();
    }
    EXPECT_EQ(vault->usage().stored, bytes);
    EXPECT_EQ(files_below(root / "store" / "files"), contents.size());
    EXPECT_TRUE(vault->orphans().empty());
}

INSTANTIATE_TEST_SUITE_P(AtEveryStep, VaultCrashTest,
                         ::testing::Combine(::testing::Values(Step::sync_file, Step::rename, Step::sync_folder,
                                                              Step::write_rows, Step::answer),
                                            ::testing::Values(1, 2)));

TEST_F(VaultCrashTest, KeepsWhatWasAnsweredBeforeTheKill) {
    publish_and_die({"first", "second"}, Step::sync_file, 2);
    open();
    const auto found = find(digest_of("first"));
    ASSERT_TRUE(found);
    EXPECT_EQ(content_of(*found), "first");
    EXPECT_EQ(vault->record(digest_of("first"))->lineage, lineage_of("stable"));
    EXPECT_FALSE(find(digest_of("second")));
}

TEST_F(VaultCrashTest, SurvivesBeingKilledAgainAndAgainInTheSameFolder) {
    for (int round = 0; round < 10; ++round) {
        const auto step = static_cast<Step>(round % 5);
        publish_and_die(
            {filler(1000, static_cast<unsigned>(round)), filler(1000, 1000u + static_cast<unsigned>(round))}, step,
            1 + round % 2);
    }
    open();
    for (const auto& digest : vault->digests()) {
        const auto found = find(digest);
        ASSERT_TRUE(found);
        EXPECT_EQ(digest_of(content_of(*found)), digest);
    }
    EXPECT_EQ(files_below(root / "store" / "files"), vault->digests().size() + vault->orphans().size());
}

}  // namespace
}  // namespace packswarm::store
