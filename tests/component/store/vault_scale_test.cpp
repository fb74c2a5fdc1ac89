// A store of many files: ten thousand take seconds to be written.
#include <filesystem>

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

TEST(VaultAtScale, HoldsTenThousandArtifactsAndChoosesAmongThemQuickly) {
    constexpr unsigned files = 10'000;
    const Folder folder(std::filesystem::exists("/dev/shm") ? "/dev/shm"
                                                            : "/tmp");  // memory: flushes are not what is looked at
    test::FakeLoop loop;
    const VaultSettings settings{folder.path(), files * 64, 0, {}};
    auto vault = Vault::open(settings, loop, loop);
    ASSERT_TRUE(vault);
    unsigned stored = 0;
    for (unsigned i = 0; i < files; ++i) {
        const auto content = filler(64, i);
        auto staged = (*vault)->stage(64);
        ASSERT_TRUE(staged && staged->write(0, as_bytes(content)));
        (*vault)->publish(*verify::FileVerifier::check_all(*staged, digest_of(content)), {},
                          [&](auto answer) { stored += answer.has_value(); });
        if (i % 500 == 499) loop.drain();
    }
    ASSERT_EQ(stored, files);
    vault->reset();
    loop.drain();

    const auto start = std::chrono::steady_clock::now();
    vault = Vault::open(settings, loop, loop);
    ASSERT_TRUE(vault);
    const auto opened = std::chrono::steady_clock::now();
    EXPECT_EQ((*vault)->usage().files, files);
    EXPECT_TRUE((*vault)->orphans().empty());
    for (unsigned i = 0; i < files; ++i) ASSERT_TRUE((*vault)->kept(digest_of(filler(64, i))));
    const auto found = std::chrono::steady_clock::now();
    std::vector<StagedFile> staged;
    for (unsigned i = 0; i < 1000; ++i) {
        auto file = (*vault)->stage(64);
        ASSERT_TRUE(file && (*vault)->arrive(*file, 64)) << file.error().message;
        staged.push_back(*file);
    }
    const auto evicted = std::chrono::steady_clock::now();
    EXPECT_LE((*vault)->usage().files, files - 1000);
    EXPECT_GE((*vault)->usage().files, files - 1000 - files / 32) << "a little more than needed, not everything";
    loop.drain();
    std::printf("10,000 files: open %.3f s, find each %.1f us, stage with eviction %.1f us\n",
                seconds_between(start, opened), seconds_between(opened, found) * 1e6 / files,
                seconds_between(opened, evicted) * 1e6 / 1000);
}

}  // namespace
}  // namespace packswarm::store
