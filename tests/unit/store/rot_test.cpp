// What the vault takes for proven, and what becomes of files and signatures that rotted.
#include <sqlite3.h>

#include "p2p/core/canonical.hpp"
#include "tests/support/rot.hpp"
#include "tests/unit/store/vault_fixture.hpp"
#include "verify/file_prover.hpp"

namespace packswarm::store {
namespace {

class RotTest : public VaultTest {
  protected:
    Result<ProvenFile> hash(const KeptFile& file, PieceHashes pieces = {}) {
        verify::FileProver prover(file, std::move(pieces));
        while (!prover.is_complete())
            if (auto hashed = prover.go_on(100'000); !hashed) return tl::unexpected(hashed.error());
        return prover.finish();
    }
    void execute(const char* sql) {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open((root / "store" / "artifacts.db").c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
        sqlite3_close(database);
    }
    const Digest hello_ = digest_of("hello");
};

TEST_F(RotTest, WhatWasJustVerifiedIsProven) {
    ASSERT_TRUE(publish("hello"));
    EXPECT_TRUE(vault->find(hello_));
    EXPECT_TRUE(vault->brief(hello_)->mark.is_proven());
    EXPECT_EQ(vault->usage().unproven, 0U);
}

TEST_F(RotTest, WhatAnEarlierStartStoredIsNotHandedOutBeforeItIsHashed) {
    ASSERT_TRUE(publish("hello"));
    open();
    EXPECT_FALSE(vault->find(hello_));
    EXPECT_FALSE(vault->brief(hello_)->mark.is_proven());
    EXPECT_EQ(vault->usage().unproven, 1U);
    const auto kept = vault->kept(hello_);
    ASSERT_TRUE(kept);
    const auto proven = hash(*kept);
    ASSERT_TRUE(proven);
    EXPECT_TRUE(vault->take_proof(*proven));
    ASSERT_TRUE(vault->find(hello_));
    EXPECT_EQ(content_of(*vault->find(hello_)), "hello");
}

// As after cp -a to another disk: same bytes and times, other inodes; and after a copy that keeps no times.
TEST_F(RotTest, ACopiedFolderIsTakenInAgainOnceItIsHashed) {
    ASSERT_TRUE(publish("hello", {{}, 0, "pool/hello.deb", lineage_of("stable"), {}, {}, false}));
    ASSERT_TRUE(publish("root", {{}, 0, "root", {}, {}, {}, true}));
    vault.reset();
    for (const auto* content : {"hello", "root"}) {
        std::filesystem::copy_file(path_of(content), root / "copy");
        std::filesystem::rename(root / "copy", path_of(content));
    }
    for (int start = 0; start < 2; ++start) {
        open();
        loop.drain();
        EXPECT_TRUE(vault->orphans().empty());
        EXPECT_EQ(vault->usage().stored, 9);
        EXPECT_EQ(vault->usage().unproven, 2U);
        EXPECT_FALSE(vault->find(hello_)) << "nobody has hashed it";
        ASSERT_EQ(vault->roots().size(), 1U);
        const auto proven = hash(*vault->kept(hello_));
        ASSERT_TRUE(proven);
        EXPECT_TRUE(vault->take_proof(*proven));
        ASSERT_TRUE(vault->find(hello_));
        EXPECT_EQ(vault->record(hello_)->lineage, lineage_of("stable"));
    }
}

TEST_F(RotTest, WhatWasChangedInACopyIsDroppedWhenItIsHashed) {
    ASSERT_TRUE(publish("hello"));
    vault.reset();
    write_text(root / "other", "HELLO");
    std::filesystem::rename(root / "other", path_of("hello"));
    open();
    EXPECT_FALSE(vault->find(hello_));
    const auto kept = vault->kept(hello_);
    ASSERT_TRUE(kept);
    const auto proven = hash(*kept);
    ASSERT_FALSE(proven);
    vault->drop_rotten(*kept, proven.error());
    loop.drain();
    EXPECT_FALSE(vault->brief(hello_));
    EXPECT_FALSE(std::filesystem::exists(path_of("hello")));
}

TEST_F(RotTest, AFileThatRottedIsDroppedAndCounted) {
    ASSERT_TRUE(publish("hello"));
    open();
    test::rot(path_of("hello"), 2);
    const auto kept = vault->kept(hello_);
    ASSERT_TRUE(kept) << "size and time are as recorded";
    const auto proven = hash(*kept);
    ASSERT_FALSE(proven);
    EXPECT_EQ(proven.error().kind, ErrorKind::Corrupt);
    vault->drop_rotten(*kept, proven.error());
    loop.drain();
    EXPECT_FALSE(vault->brief(hello_));
    EXPECT_FALSE(std::filesystem::exists(path_of("hello")));
    EXPECT_EQ(vault->usage().rotten, 1U);
    EXPECT_EQ(vault->usage().stored, 0);
}

TEST_F(RotTest, AProofEndsWhenSomebodyTouchesTheFile) {
    ASSERT_TRUE(publish("hello"));
    test::rot(path_of("hello"), 2);
    EXPECT_FALSE(vault->find(hello_));
    EXPECT_FALSE(vault->brief(hello_)->mark.is_proven());
    EXPECT_TRUE(vault->kept(hello_));
}

TEST_F(RotTest, WhatWasTouchedWhileItWasHashedIsNotProven) {
    ASSERT_TRUE(publish("hello"));
    open();
    const auto proven = hash(*vault->kept(hello_));
    ASSERT_TRUE(proven);
    test::rot(path_of("hello"), 2);
    EXPECT_FALSE(vault->take_proof(*proven));
    EXPECT_FALSE(vault->find(hello_));
}

TEST_F(RotTest, AVerifiedCopyTakesThePlaceOfWhatNobodyHashed) {
    ASSERT_TRUE(publish("hello"));
    open();
    test::rot(path_of("hello"), 2);
    ASSERT_TRUE(publish("hello"));
    ASSERT_TRUE(vault->find(hello_));
    EXPECT_EQ(content_of(*vault->find(hello_)), "hello");
    EXPECT_EQ(vault->usage().files, 1U);
    EXPECT_EQ(vault->usage().stored, 5);
}

TEST_F(RotTest, PiecesBeforeARottenOneAreRight) {
    const auto content = filler(300'000, 1);
    ASSERT_TRUE(publish(content));
    auto pieces =
        *verify::piece_hashes(vault->find(digest_of(content))->handle(), {0, 300'000}, core::piece_length(300'000));
    open();
    test::rot(path_of(content), 200'000);
    verify::FileProver prover(*vault->kept(digest_of(content)), pieces);
    ASSERT_TRUE(prover.go_on(1'000'000));
    EXPECT_TRUE(prover.is_complete());
    EXPECT_EQ(prover.checked(), 3 * 65'536);
    EXPECT_FALSE(prover.finish());
}

TEST_F(RotTest, PieceHashesThatRottedAreNotGivenToPeers) {
    const auto content = filler(300'000, 1);
    broker::ArtifactRecord record;
    record.lineage = lineage_of("stable");
    ASSERT_TRUE(publish(content));
    record.pieces =
        *verify::piece_hashes(vault->find(digest_of(content))->handle(), {0, 300'000}, core::piece_length(300'000));
    ASSERT_TRUE(publish(content, record));
    open();
    auto pieces = record.pieces;
    pieces[1].bytes[0] ^= 1;
    const auto proven = hash(*vault->kept(digest_of(content)), pieces);
    ASSERT_TRUE(proven) << "the file is right";
    EXPECT_TRUE(vault->take_proof(*proven));
    EXPECT_FALSE(vault->brief(digest_of(content))->mark.has_pieces());
}

TEST_F(RotTest, WhatHasALineageThatIsNoneIsNotShared) {
    broker::ArtifactRecord record;
    record.lineage = lineage_of("stable");
    ASSERT_TRUE(publish("hello", record));
    ASSERT_TRUE(vault->brief(hello_)->may_be_shared);
    execute("UPDATE artifacts SET lineage = 'debian/F'");
    open();
    EXPECT_TRUE(vault->record(hello_)->lineage.empty());
    EXPECT_FALSE(vault->brief(hello_)->may_be_shared);
}

TEST_F(RotTest, ASignatureThatRottedIsNotGivenOutAndMakesWayForAnother) {
    broker::ArtifactRecord record;
    record.signature = {'g', 'o', 'o', 'd'};
    ASSERT_TRUE(publish("hello", record));
    EXPECT_EQ(vault->record(hello_)->signature, record.signature);
    execute("UPDATE signatures SET signature = CAST('goad' AS BLOB)");
    EXPECT_TRUE(vault->record(hello_)->signature.empty());
    auto reader = vault->reader();
    ASSERT_TRUE(reader);
    EXPECT_TRUE((*reader)->signature_of(hello_).empty());
    bool kept = false;
    vault->keep_signature(hello_, record.signature, [&] { kept = true; });
    loop.drain();
    EXPECT_TRUE(kept);
    EXPECT_EQ(vault->record(hello_)->signature, record.signature);
}

TEST_F(RotTest, ASignatureThatStandsBesideAnotherPackageIsNotGivenOut) {
    broker::ArtifactRecord one, two;
    one.signature = {'o', 'n', 'e'};
    two.signature = {'t', 'w', 'o'};
    ASSERT_TRUE(publish("hello", one));
    ASSERT_TRUE(publish("other", two));
    execute(
        "UPDATE signatures SET (signature, sum) = (SELECT signature, sum FROM signatures ORDER BY signature LIMIT 1)");
    EXPECT_EQ(vault->record(hello_)->signature, one.signature);
    EXPECT_TRUE(vault->record(digest_of("other"))->signature.empty());
}

}  // namespace
}  // namespace packswarm::store
