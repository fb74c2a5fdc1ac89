#include <set>

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

// Room for ten files of a thousand bytes.
class VaultRoomTest : public VaultTest {
  protected:
    VaultRoomTest() { quota = 10'000; }

    std::string file(unsigned number) const { return filler(1000, number); }
    void store(unsigned number, bool is_root = false) {
        const auto stored = publish(file(number), {{}, 0, std::to_string(number), {}, {}, {}, is_root});
        ASSERT_TRUE(stored) << stored.error().message;
    }
    std::set<unsigned> left() {
        std::set<unsigned> out;
        for (const auto& digest : vault->digests())
            out.insert(static_cast<unsigned>(std::stoul(vault->record(digest)->name)));
        return out;
    }
};

TEST_F(VaultRoomTest, EvictsWhatMostPeersHaveAndRemembersThatOverARestart) {
    for (unsigned i = 0; i < 10; ++i) {
        broker::ArtifactRecord record{{}, 0, std::to_string(i), {}, {}, {}, false};
        record.replicas = i == 3 ? 900 : i == 7 ? 2 : 0;
        ASSERT_TRUE(publish(file(i), record));
    }
    open();
    EXPECT_EQ(vault->record(digest_of(file(7)))->replicas, 2U);
    ASSERT_TRUE(find(digest_of(file(3))));
    store(10);
    EXPECT_EQ(left().count(3), 0U) << "used last, but others have it";
    EXPECT_EQ(left().count(7), 1U);
    store(11);
    EXPECT_EQ(left().count(7), 0U);
    EXPECT_EQ(left().count(0), 1U) << "nobody else is known to have it";
}

TEST_F(VaultRoomTest, OfManySmallFilesThatGoForOneLargeAWorkerDeletesMost) {
    quota = 300'000;
    open();
    for (unsigned i = 0; i < 300; ++i) store(i);
    auto large = vault->stage(200'000);
    ASSERT_TRUE(large && vault->arrive(*large, 200'000));
    const auto kept = vault->digests().size();
    EXPECT_LE(kept, 100U);
    EXPECT_LE(vault->usage().stored + vault->usage().staged, quota);
    EXPECT_GE(files_below(root / "store" / "files"), 200U) << "deleted on the loop";
    const auto again = publish(file(0));  // one that had to go, before its file went
    ASSERT_TRUE(again);
    EXPECT_EQ(content_of(*again), file(0));
    loop.drain();
    EXPECT_EQ(files_below(root / "store" / "files"), vault->digests().size());
    open();
    EXPECT_TRUE(find(digest_of(file(0))));
    EXPECT_TRUE(vault->orphans().empty());
}

// A worker moves it into its place; until the vault hears of that it is neither staged there nor stored.
TEST_F(VaultRoomTest, WhatIsOnItsWayIntoTheStoreCounts) {
    for (unsigned i = 0; i < 9; ++i) store(i);
    auto file_on_its_way = verified(file(9));
    ASSERT_TRUE(file_on_its_way);
    bool is_stored = false;
    vault->publish(std::move(*file_on_its_way), {}, [&](Result<StoredFile> stored) { is_stored = stored.has_value(); });
    while (!std::filesystem::exists(path_of(file(9)))) ASSERT_TRUE(loop.step());
    ASSERT_FALSE(is_stored);
    auto next = vault->stage(1000);
    ASSERT_TRUE(next && vault->arrive(*next, 1000));
    loop.drain();
    EXPECT_TRUE(is_stored);
    const auto usage = vault->usage();
    EXPECT_LE(usage.stored + usage.staged, quota);
    EXPECT_EQ(usage.staged, 1000);
}

// The same once more: its copy goes with who holds it.
TEST_F(VaultRoomTest, WhatIsThereAlreadyIsNotCountedTwice) {
    store(1);
    store(1);
    EXPECT_EQ(vault->usage().stored, 1000);
    EXPECT_EQ(vault->usage().staged, 0);
}

TEST_F(VaultRoomTest, EvictsTheLeastRecentlyUsedPackage) {
    for (unsigned i = 0; i < 10; ++i) store(i);
    ASSERT_TRUE(find(digest_of(file(0))));
    std::vector<Digest> gone;
    vault->set_removed([&](const Digest& digest) { gone.push_back(digest); });
    store(10);
    EXPECT_EQ(left(), (std::set<unsigned>{0, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
    EXPECT_EQ(gone, std::vector<Digest>({digest_of(file(1))}));
    EXPECT_FALSE(std::filesystem::exists(path_of(file(1))));
}

TEST_F(VaultRoomTest, RemembersUsesOverARestart) {
    for (unsigned i = 0; i < 10; ++i) store(i);
    ASSERT_TRUE(find(digest_of(file(0))));
    open();
    store(10);
    EXPECT_TRUE(left().contains(0));
    EXPECT_FALSE(left().contains(1));
}

TEST_F(VaultRoomTest, EvictsSupersededVersionsFirstAndCurrentIndexesLast) {
    store(0, true);
    store(1, true);
    for (unsigned i = 2; i < 10; ++i) store(i);
    vault->set_current(
        [&](const Digest& digest) { return digest != digest_of(file(9)) && digest != digest_of(file(1)); });
    store(10);
    EXPECT_FALSE(left().contains(1)) << "a superseded index goes like anything superseded";
    store(11);
    EXPECT_FALSE(left().contains(9));
    for (unsigned i = 12; i < 19; ++i) store(i);
    EXPECT_TRUE(left().contains(0)) << "the current index outlives packages";
    EXPECT_EQ(left().size(), 10u);
}

TEST_F(VaultRoomTest, EvictsWhatSomebodyReadsOnlyAfterTheRest) {
    for (unsigned i = 0; i < 10; ++i) store(i);
    const auto reading = find(digest_of(file(0)));
    for (unsigned i = 1; i < 10; ++i) ASSERT_TRUE(find(digest_of(file(i))));
    for (unsigned i = 10; i < 15; ++i) store(i);
    EXPECT_TRUE(left().contains(0));
    EXPECT_EQ(content_of(*reading), file(0));
    const auto everything = vault->stage(10'000);
    ASSERT_TRUE(everything) << everything.error().message;
    EXPECT_EQ(vault->usage().files, 10u) << "a promise takes nobody's place";
    ASSERT_TRUE(vault->arrive(*everything, 1));
    EXPECT_EQ(vault->usage().files, 0u);
    EXPECT_EQ(content_of(*reading), file(0)) << "a reader keeps what it opened";
}

TEST_F(VaultRoomTest, CountsFilesInTheMakingAndForgetsDroppedOnes) {
    auto big = vault->stage(6000);
    ASSERT_TRUE(big);
    EXPECT_EQ(vault->usage().staged, 0);
    ASSERT_TRUE(vault->arrive(*big, 1));
    EXPECT_EQ(vault->usage().staged, 6000) << "room is made ahead of the bytes, a MiB at least";
    const auto second = vault->stage(6000);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::Refused);
    EXPECT_NE(second.error().message.find("no room for 6000 bytes"), std::string::npos) << second.error().message;
    big = fail(ErrorKind::Absent, "dropped");
    EXPECT_TRUE(vault->stage(6000));
}

TEST_F(VaultRoomTest, RefusesWhatCannotFitWithoutEvictingAnything) {
    for (unsigned i = 0; i < 5; ++i) store(i);
    const auto huge = vault->stage(10'001);
    ASSERT_FALSE(huge);
    EXPECT_EQ(huge.error().kind, ErrorKind::Refused);
    EXPECT_FALSE(vault->stage(-1));
    EXPECT_FALSE(vault->stage(std::numeric_limits<ByteCount>::max()));
    EXPECT_EQ(left().size(), 5u);
}

// Staged files that nobody is at work on.
struct Idle : broker::Spare {
    std::vector<StagedFile> files;
    ByteCount bytes() const override {
        ByteCount out = 0;
        for (const auto& file : files) out += file.size();
        return out;
    }
    void give_up(ByteCount needed) override {
        for (; needed > 0 && !files.empty(); files.pop_back()) needed -= files.back().size();
    }
};

TEST_F(VaultRoomTest, TakesTheRoomOfWhatIsSpareBeforeItEvictsAnything) {
    for (unsigned i = 0; i < 6; ++i) store(i);
    Idle idle;
    vault->set_spare(&idle);
    for (int i = 0; i < 2; ++i) {
        idle.files.push_back(*vault->stage(2000));
        ASSERT_TRUE(vault->arrive(idle.files.back(), 2000));
    }
    EXPECT_EQ(vault->room(), 4000) << "as if it were free";
    const auto first = vault->stage(1500);
    ASSERT_TRUE(first && vault->arrive(*first, 1500));
    EXPECT_EQ(idle.files.size(), 1U);
    const auto second = vault->stage(2500);
    ASSERT_TRUE(second && vault->arrive(*second, 2500));
    EXPECT_TRUE(idle.files.empty());
    EXPECT_EQ(left().size(), 6U);
    const auto third = vault->stage(1000);
    ASSERT_TRUE(third && vault->arrive(*third, 1000));
    EXPECT_EQ(left().size(), 5U);
}

TEST_F(VaultRoomTest, MakesRoomForALargeFileAsItComes) {
    constexpr ByteCount mib = 1 << 20;
    quota = 40 * mib;
    open();
    for (unsigned i = 0; i < 20; ++i) ASSERT_TRUE(publish(filler(static_cast<std::size_t>(mib), i)));
    const auto promised = vault->stage(40 * mib);
    ASSERT_TRUE(promised);
    EXPECT_EQ(vault->room(), 0) << "what was promised is not promised twice";
    EXPECT_EQ(vault->arrive(*promised, 1).value(), mib + 1);
    EXPECT_EQ(vault->usage().files, 20u);
    EXPECT_EQ(vault->arrive(*promised, 8 * mib).value(), 16 * mib) << "as much again";
    EXPECT_EQ(vault->usage().files, 20u);
    EXPECT_EQ(vault->arrive(*promised, 12 * mib).value(), 16 * mib);
    EXPECT_EQ(vault->arrive(*promised, 17 * mib).value(), 34 * mib);
    EXPECT_LE(vault->usage().files, 6u);
    EXPECT_GE(vault->usage().files, 5u);
}

TEST_F(VaultRoomTest, RefusesPromisesThatCouldNotBeKeptTogether) {
    for (unsigned i = 0; i < 8; ++i) store(i);
    const auto first = vault->stage(6000), second = vault->stage(4000);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(vault->stage(1));
    EXPECT_EQ(left().size(), 8u);
}

// ---- What no index lists

TEST_F(VaultRoomTest, LetsWhatNoIndexListsPassBesideTheQuotaAndTakeNobodysPlace) {
    constexpr ByteCount mib = 1 << 20;
    for (unsigned i = 0; i < 10; ++i) store(i);
    vault->set_current([](const Digest&) { return true; });
    const auto first = vault->stage(200 * mib, broker::Promise::loose),
               second = vault->stage(200 * mib, broker::Promise::loose);
    ASSERT_TRUE(first && second) << "nothing of them has come yet";
    ASSERT_TRUE(vault->arrive(*first, 100 * mib));
    EXPECT_EQ(vault->usage().loose, 200 * mib);
    EXPECT_EQ(vault->usage().staged, 0);
    const auto more = vault->arrive(*second, 60 * mib);
    ASSERT_FALSE(more) << "256 MiB at most where the quota is small";
    EXPECT_EQ(more.error().kind, ErrorKind::Refused);
    EXPECT_NE(more.error().message.find("no index lists"), std::string::npos) << more.error().message;
    EXPECT_FALSE(vault->stage(257 * mib, broker::Promise::loose));
    EXPECT_EQ(left().size(), 10u);
    store(10);
    EXPECT_EQ(left().size(), 10u) << "what an index lists comes in as ever";
}

TEST_F(VaultRoomTest, GivesBackTheRoomOfWhatNobodyHoldsAnyMore) {
    constexpr ByteCount mib = 1 << 20;
    auto first = vault->stage(200 * mib, broker::Promise::loose);
    ASSERT_TRUE(first && vault->arrive(*first, 190 * mib));
    const auto second = vault->stage(200 * mib, broker::Promise::loose);
    ASSERT_TRUE(second);
    EXPECT_FALSE(vault->arrive(*second, 190 * mib));
    first = fail(ErrorKind::Absent, "dropped");
    EXPECT_TRUE(vault->arrive(*second, 190 * mib));
}

TEST_F(VaultRoomTest, KeepsWhatNoIndexListsOnlyWhereNothingListedMakesWay) {
    const auto publish_loose = [this](unsigned i) {
        auto staged = vault->stage(1000, broker::Promise::loose);
        EXPECT_TRUE(staged && staged->write(0, as_bytes(file(i))));
        return publish(*verify::FileVerifier::check_all(*staged, digest_of(file(i))),
                       {{}, 0, std::to_string(i), {}, {}, {}, false});
    };
    vault->set_current([this](const Digest& digest) {
        for (unsigned i = 0; i < 9; ++i)
            if (digest == digest_of(file(i))) return true;
        return false;
    });
    for (unsigned i = 0; i < 9; ++i) store(i);
    EXPECT_TRUE(publish_loose(20)) << "there is room";
    EXPECT_TRUE(publish_loose(21)) << "of another one that no index lists";
    EXPECT_EQ(left().size(), 10u);
    EXPECT_FALSE(left().contains(20));
    vault->set_current([this](const Digest& digest) { return digest != digest_of(file(22)); });
    const auto refused = publish_loose(22);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Refused);
    EXPECT_EQ(vault->usage().staged, 0);
    EXPECT_EQ(vault->usage().loose, 0);
    EXPECT_EQ(left().size(), 10u);
}

TEST_F(VaultRoomTest, ShrinksWhenTheOwnerLowersTheQuota) {
    for (unsigned i = 0; i < 10; ++i) store(i);
    vault->set_limits(3000, 0);
    EXPECT_EQ(left(), (std::set<unsigned>{7, 8, 9}));
    loop.drain();
    quota = 3000;
    open();
    EXPECT_EQ(left(), (std::set<unsigned>{7, 8, 9}));
}

TEST_F(VaultRoomTest, EvictsOrphansBeforeAnythingElse) {
    for (unsigned i = 0; i < 10; ++i) store(i);
    vault.reset();
    write_text(path_of(file(9)), file(9).substr(1));
    open();
    ASSERT_EQ(vault->orphans().size(), 1u);
    EXPECT_EQ(vault->usage().stored, 9'999);
    store(10);
    EXPECT_TRUE(vault->orphans().empty());
    EXPECT_FALSE(std::filesystem::exists(path_of(file(9))));
    EXPECT_EQ(vault->usage().files, 10u);
}

TEST_F(VaultRoomTest, KeepsAReserveOfTheDiskFree) {
    reserve = std::numeric_limits<ByteCount>::max() / 2;
    open();
    const auto staged = vault->stage(10);
    ASSERT_FALSE(staged);
    EXPECT_EQ(staged.error().kind, ErrorKind::Refused);
}

}  // namespace
}  // namespace packswarm::store
