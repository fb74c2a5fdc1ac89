#include "p2p/daemon/prefetch_notes.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/nginx.hpp"

namespace packswarm::daemon {
namespace {

TEST(PrefetchNotes, AreReadAsTheyWereWritten) {
    const test::TempDir folder;
    const auto file = folder.path() / "prefetch.state";
    auto notes = read_prefetch_notes(file);
    EXPECT_NE(notes.installation, Digest{});
    EXPECT_FALSE(notes.is_on);
    EXPECT_NE(read_prefetch_notes(file).installation, notes.installation) << "random bytes, until they are kept";
    for (const auto is_on : {std::optional<bool>(), std::optional(true), std::optional(false)}) {
        notes.is_on = is_on;
        notes.refreshed = WallTime(Seconds(1'790'000'000));
        ASSERT_TRUE(write_prefetch_notes(file, notes));
        EXPECT_EQ(read_prefetch_notes(file), notes);
    }
}

TEST(PrefetchNotes, OfAnotherFormAreBegunAnew) {
    const auto notes = PrefetchNotes::parse("installation xyz\nrefreshed yesterday\nnonsense\nmore of it");
    EXPECT_NE(notes.installation, Digest{});
    EXPECT_EQ(notes.refreshed, WallTime{});
    EXPECT_FALSE(notes.is_on);
}

TEST(PrefetchNotes, AreNeverWrittenThroughALink) {
    const test::TempDir folder;
    std::ofstream(folder.path() / "other") << "mine";
    std::filesystem::create_symlink(folder.path() / "other", folder.path() / "prefetch.state");
    EXPECT_FALSE(write_prefetch_notes(folder.path() / "prefetch.state", {}));
    EXPECT_EQ(std::filesystem::file_size(folder.path() / "other"), 4u);
}

}  // namespace
}  // namespace packswarm::daemon
