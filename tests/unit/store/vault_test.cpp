#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "p2p/base/stop.hpp"
#include "p2p/store/database.hpp"
#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

TEST_F(VaultTest, StoresAFileUnderItsDigest) {
    const auto stored = publish("hello");
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->path(), path_of("hello"));
    EXPECT_EQ(stored->size(), 5);
    EXPECT_EQ(content_of(*stored), "hello");
    EXPECT_EQ(text_of(path_of("hello")), "hello");
    const auto found = find(digest_of("hello"));
    ASSERT_TRUE(found);
    EXPECT_EQ(content_of(*found), "hello");
    EXPECT_FALSE(find(digest_of("other")));
}

TEST_F(VaultTest, StoresAnEmptyFile) {
    ASSERT_TRUE(publish(""));
    const auto found = find(digest_of(""));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), 0);
}

TEST_F(VaultTest, MakesStoredFilesReadOnlyForEveryoneAndReadableByThePackageManager) {
    ASSERT_TRUE(publish("hello"));
    struct stat st {};
    ASSERT_EQ(::stat(path_of("hello").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0444u);
}

TEST_F(VaultTest, RemembersRecordsOverARestart) {
    const PieceHash piece = verify::piece_hash_of(as_bytes("hello"));
    ASSERT_TRUE(publish(
        "hello", {{}, 0, "pool/h/hello.deb", lineage_of("bookworm"), {piece, piece}, WallTime(Seconds(77)), true}));
    open();
    const auto record = vault->record(digest_of("hello"));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->digest, digest_of("hello"));
    EXPECT_EQ(record->size, 5);
    EXPECT_EQ(record->name, "pool/h/hello.deb");
    EXPECT_EQ(record->lineage.name(), "debian/F/bookworm/amd64");
    EXPECT_EQ(record->pieces, PieceHashes({piece, piece}));
    EXPECT_EQ(record->modified, WallTime(Seconds(77)));
    EXPECT_TRUE(record->is_root);
    EXPECT_TRUE(find(digest_of("hello")));
    EXPECT_EQ(vault->digests().size(), 1u);
    EXPECT_EQ(vault->usage().stored, 5);
    EXPECT_TRUE(vault->orphans().empty());
}

TEST_F(VaultTest, KeepsOneFileWhenADigestIsPublishedTwiceAtOnce) {
    auto first = verified("hello");
    auto second = verified("hello");
    std::vector<Result<StoredFile>> answers;
    const auto then = [&](Result<StoredFile> stored) { answers.push_back(std::move(stored)); };
    ASSERT_TRUE(publish("another, so that the two wait for one batch"));
    vault->publish(*verified("third"), {}, then);
    vault->publish(std::move(*first), {{}, 0, "a", {}, {}, {}, false}, then);
    vault->publish(std::move(*second), {{}, 0, "b", lineage_of("public"), {}, {}, false}, then);
    first.reset();
    second.reset();
    loop.drain();
    ASSERT_EQ(answers.size(), 3u);
    for (const auto& answer : answers) ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(content_of(*answers[1]), "hello");
    EXPECT_EQ(content_of(*answers[2]), "hello");
    EXPECT_EQ(vault->record(digest_of("hello"))->name, "a");
    EXPECT_EQ(vault->record(digest_of("hello"))->lineage, lineage_of("public"));
    answers.clear();
    EXPECT_EQ(files_below(root / "store" / "staging"), 0u);
    open();
    EXPECT_EQ(vault->record(digest_of("hello"))->lineage, lineage_of("public"));
    EXPECT_TRUE(find(digest_of("hello")));
}

TEST_F(VaultTest, LetsALaterPublicationAddWhatTheRecordLacks) {
    const PieceHash piece = verify::piece_hash_of(as_bytes("hello"));
    ASSERT_TRUE(publish("hello", {{}, 0, "first", {}, {}, {}, false}));
    const auto inode = file_info(find(digest_of("hello"))->handle())->inode;
    ASSERT_TRUE(publish("hello", {{}, 0, "second", lineage_of("stable"), {piece}, {}, true}));
    ASSERT_TRUE(publish("hello", {{}, 0, "third", {}, {}, {}, false}));
    open();
    const auto record = vault->record(digest_of("hello"));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->name, "first");
    EXPECT_EQ(record->lineage, lineage_of("stable"));
    EXPECT_EQ(record->pieces.size(), 1u);
    EXPECT_TRUE(record->is_root);
    EXPECT_EQ(file_info(find(digest_of("hello"))->handle())->inode, inode);
    EXPECT_EQ(vault->usage().stored, 5);
}

TEST_F(VaultTest, SharesOneDescriptorAmongReaders) {
    ASSERT_TRUE(publish("hello"));
    const auto one = find(digest_of("hello"));
    const auto two = find(digest_of("hello"));
    EXPECT_EQ(one->handle().fd(), two->handle().fd());
}

TEST_F(VaultTest, DropsAFileWhoseContentWasChanged) {
    ASSERT_TRUE(publish("hello"));
    ::chmod(path_of("hello").c_str(), 0644);
    const FileHandle file(::open(path_of("hello").c_str(), O_WRONLY));
    ASSERT_TRUE(write_at(file, 0, as_bytes("HELLO")));
    EXPECT_FALSE(find(digest_of("hello")));
    EXPECT_FALSE(vault->record(digest_of("hello")));
    EXPECT_EQ(vault->usage().stored, 0);
    EXPECT_FALSE(std::filesystem::exists(path_of("hello")));
    loop.drain();
    open();
    EXPECT_FALSE(find(digest_of("hello")));
    EXPECT_TRUE(publish("hello"));
}

TEST_F(VaultTest, DropsAFileThatWasReplacedEvenByOneOfTheSameSizeAndTime) {
    ASSERT_TRUE(publish("hello"));
    struct stat st {};
    ASSERT_EQ(::stat(path_of("hello").c_str(), &st), 0);
    const auto held = open_for_reading(path_of("hello"));  // its inode number stays taken
    write_text(root / "evil", "HELLO");
    std::filesystem::rename(root / "evil", path_of("hello"));
    const timespec times[] = {st.st_atim, st.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path_of("hello").c_str(), times, 0), 0);
    EXPECT_FALSE(find(digest_of("hello")));
}

TEST_F(VaultTest, NeverFollowsALinkPutInTheFilesPlace) {
    ASSERT_TRUE(publish("hello"));
    std::filesystem::remove(path_of("hello"));
    write_text(root / "secret", "HELLO");
    std::filesystem::create_symlink(root / "secret", path_of("hello"));
    EXPECT_FALSE(find(digest_of("hello")));
    open();
    EXPECT_FALSE(find(digest_of("hello")));
    EXPECT_EQ(text_of(root / "secret"), "HELLO");
}

TEST_F(VaultTest, DropsTheRecordOfAFileThatIsGone) {
    ASSERT_TRUE(publish("hello"));
    ASSERT_TRUE(publish("other"));
    std::filesystem::remove(path_of("hello"));
    std::filesystem::remove(path_of("other"));
    EXPECT_FALSE(find(digest_of("hello")));
    open();
    EXPECT_FALSE(vault->record(digest_of("other")));
    EXPECT_EQ(vault->usage().files, 0u);
    EXPECT_EQ(vault->usage().stored, 0);
}

TEST_F(VaultTest, FindsOutWhenItOpensAFileThatItWasChangedWhileNoAgentRan) {
    ASSERT_TRUE(publish("hello"));
    vault.reset();
    ::chmod(path_of("hello").c_str(), 0644);
    const FileHandle file(::open(path_of("hello").c_str(), O_WRONLY));
    ASSERT_TRUE(write_at(file, 0, as_bytes("HELLO")));
    open();
    EXPECT_TRUE(vault->brief(digest_of("hello"))) << "a start looks at names only";
    EXPECT_FALSE(find(digest_of("hello")));
    EXPECT_FALSE(vault->brief(digest_of("hello")));
}

TEST_F(VaultTest, GivesAnotherThreadPathsAndPieceHashesOfWhatIsPublishedLater) {
    const PieceHash piece = verify::piece_hash_of(as_bytes("hello"));
    auto reader = vault->reader();
    ASSERT_TRUE(reader);
    EXPECT_TRUE((*reader)->pieces_of(digest_of("hello")).empty());
    bool has_answered = false;
    ASSERT_TRUE(publish("hello", {{}, 0, "first", {}, {}, {}, false}));
    EXPECT_FALSE(vault->brief(digest_of("hello"))->mark.has_pieces());
    auto again = verified("hello");
    vault->publish(std::move(*again), {{}, 0, "", lineage_of("stable"), {piece}, {}, false},
                   [&](Result<StoredFile> stored) {
                       has_answered = stored.has_value();
                       EXPECT_EQ((*reader)->pieces_of(digest_of("hello")), PieceHashes({piece}))
                           << "told before they could be read";
                       EXPECT_TRUE(vault->brief(digest_of("hello"))->mark.has_pieces());
                       EXPECT_TRUE(vault->brief(digest_of("hello"))->may_be_shared);
                   });
    loop.drain();
    EXPECT_TRUE(has_answered);
    EXPECT_EQ((*reader)->path_of(digest_of("hello")), path_of("hello"));
    vault->remove(digest_of("hello"));
    loop.drain();
    EXPECT_TRUE((*reader)->pieces_of(digest_of("hello")).empty());
}

TEST_F(VaultTest, KeepsASignatureBesideItsArtifactForAsLongAsThatIsThere) {
    const Bytes signature{'g', 'o', 'o', 'd', '\0', '!'};
    auto reader = vault->reader();
    bool is_kept = false;
    vault->keep_signature(digest_of("hello"), signature, [&] { is_kept = true; });
    loop.drain();
    EXPECT_FALSE(is_kept) << "nothing is there that it could belong to";
    ASSERT_TRUE(publish("hello", {{}, 0, "first", {}, {}, {}, false}));
    EXPECT_FALSE(vault->brief(digest_of("hello"))->mark.has_signature());
    vault->keep_signature(digest_of("hello"), signature, [&] {
        is_kept = true;
        EXPECT_EQ((*reader)->signature_of(digest_of("hello")), signature) << "told before it could be read";
        EXPECT_TRUE(vault->brief(digest_of("hello"))->mark.has_signature());
    });
    loop.drain();
    EXPECT_TRUE(is_kept);
    vault.reset();
    open();
    EXPECT_TRUE(vault->brief(digest_of("hello"))->mark.has_signature());
    EXPECT_EQ(vault->record(digest_of("hello"))->signature, signature);
    EXPECT_EQ(vault->record(digest_of("hello"))->name, "first");
    vault->remove(digest_of("hello"));
    loop.drain();
    EXPECT_TRUE((*reader)->signature_of(digest_of("hello")).empty());
}

TEST_F(VaultTest, TakesOverATableThatKeptThePieceHashesInItsRows) {
    ASSERT_TRUE(publish("hello"));
    ASSERT_TRUE(publish("small"));
    vault.reset();
    const auto place = root / "store" / "artifacts.db";
    for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(place.string() + ending);
    const PieceHash piece = verify::piece_hash_of(as_bytes("hello"));
    {
        const char* const first[] = {
            "CREATE TABLE artifacts (digest BLOB PRIMARY KEY, size INTEGER NOT NULL, inode INTEGER NOT NULL, mtime_ns "
            "INTEGER NOT NULL,"
            " name TEXT NOT NULL, lineage TEXT NOT NULL, pieces BLOB NOT NULL, modified INTEGER NOT NULL, is_root "
            "INTEGER NOT NULL, use INTEGER NOT NULL)"};
        auto old = Database::open(place, first);
        ASSERT_TRUE(old);
        for (const std::string content : {"hello", "small"}) {
            const auto info = file_info(open_for_reading(path_of(content)).value()).value();
            const Blob pieces{content == "hello" ? piece.raw() : std::string_view("")};
            ASSERT_TRUE((*old)
                            ->statement("INSERT INTO artifacts VALUES (?,?,?,?,?,?,?,?,?,?)")
                            .bind(Blob{digest_of(content).raw()}, info.size, static_cast<std::int64_t>(info.inode),
                                  info.modified_ns, "name", lineage_of("stable").name(), pieces, 77, 0, 5)
                            .run());
        }
    }
    open();
    const auto record = vault->record(digest_of("hello"));
    ASSERT_TRUE(record);
    EXPECT_EQ(record->pieces, PieceHashes({piece}));
    EXPECT_EQ(record->lineage, lineage_of("stable"));
    EXPECT_EQ(record->modified, WallTime(Seconds(77)));
    EXPECT_TRUE(vault->brief(digest_of("hello"))->mark.has_pieces());
    EXPECT_FALSE(vault->brief(digest_of("small"))->mark.has_pieces());
    EXPECT_TRUE(find(digest_of("hello")));
}

TEST_F(VaultTest, KeepsReadersOfARemovedFileReading) {
    const auto stored = publish("hello");
    std::vector<Digest> gone;
    vault->set_removed([&](const Digest& digest) { gone.push_back(digest); });
    vault->remove(digest_of("hello"));
    EXPECT_TRUE(gone.empty()) << "called back inside the call";
    EXPECT_FALSE(find(digest_of("hello")));
    EXPECT_FALSE(std::filesystem::exists(path_of("hello")));
    EXPECT_EQ(content_of(*stored), "hello");
    loop.drain();
    EXPECT_EQ(gone, std::vector<Digest>({digest_of("hello")}));
    open();
    EXPECT_TRUE(vault->digests().empty());
}

TEST_F(VaultTest, ObeysTheOrderOfPublicationsAndRemovalsThatOvertakeTheWorkers) {
    int answers = 0;
    const auto then = [&](Result<StoredFile> stored) { answers += stored.has_value(); };
    vault->publish(*verified("a"), {}, then);
    vault->remove(digest_of("a"));
    vault->publish(*verified("b"), {}, then);
    vault->remove(digest_of("b"));
    vault->publish(*verified("b"), {}, then);
    loop.drain();
    EXPECT_EQ(answers, 3);
    EXPECT_FALSE(find(digest_of("a")));
    EXPECT_TRUE(find(digest_of("b")));
    open();
    EXPECT_FALSE(find(digest_of("a")));
    const auto b = find(digest_of("b"));
    ASSERT_TRUE(b);
    EXPECT_EQ(content_of(*b), "b");
    EXPECT_EQ(files_below(root / "store" / "files"), 1u);
}

TEST_F(VaultTest, ReplacesAChangedFileWhenTheDigestIsPublishedAgain) {
    ASSERT_TRUE(publish("hello"));
    auto again = verified("hello");
    write_text(path_of("hello"), "HELLO");
    const auto stored = publish(std::move(*again));
    ASSERT_TRUE(stored);
    EXPECT_EQ(content_of(*stored), "hello");
    EXPECT_EQ(text_of(path_of("hello")), "hello");
    open();
    EXPECT_TRUE(find(digest_of("hello")));
}

TEST_F(VaultTest, ClearsStagingWhenItStarts) {
    std::filesystem::create_directories(root / "store" / "staging" / "folder");
    write_text(root / "store" / "staging" / "left-over", "half a package");
    write_text(root / "store" / "staging" / "folder" / "more", "half a package");
    open();
    EXPECT_TRUE(std::filesystem::is_empty(root / "store" / "staging"));
}

TEST_F(VaultTest, RemovesStagedFilesThatNobodyPublished) {
    { const auto dropped = verified("hello"); }
    EXPECT_EQ(files_below(root / "store" / "staging"), 0u);
    EXPECT_EQ(vault->usage().staged, 0);
}

TEST_F(VaultTest, RefusesAFolderThatAnotherAgentUses) {
    const auto second = Vault::open(settings(), loop, loop);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::Broken);
    EXPECT_NE(second.error().message.find("another agent"), std::string::npos);
}

TEST_F(VaultTest, DeletesStrangersAmongItsFilesButNotTheirTargets) {
    write_text(root / "precious", "mine");
    write_text(root / "store" / "files" / "ab" / "notes.txt", "what is this");
    std::filesystem::create_symlink(root / "precious", root / "store" / "files" / "cd" / "link");
    open();
    EXPECT_EQ(files_below(root / "store" / "files"), 0u);
    EXPECT_EQ(text_of(root / "precious"), "mine");
}

TEST_F(VaultTest, OffersFilesOfAnotherSizeForAnotherVerification) {
    ASSERT_TRUE(publish("hello", {{}, 0, "pool/hello.deb", lineage_of("stable"), {}, {}, false}));
    vault.reset();
    // As after a write that was cut short, and was mended since.
    write_text(path_of("hello"), "hell");
    open();
    EXPECT_FALSE(find(digest_of("hello")));
    ASSERT_EQ(vault->orphans().size(), 1u);
    EXPECT_EQ(vault->usage().stored, 4);
    write_text(path_of("hello"), "hello");
    const auto orphan = vault->orphans().front();
    EXPECT_EQ(orphan.lineage, lineage_of("stable"));
    auto staged = vault->reclaim(orphan.digest);
    ASSERT_TRUE(staged) << staged.error().message;
    auto again = verify::FileVerifier::check_all(*staged, orphan.digest);
    ASSERT_TRUE(again);
    ASSERT_TRUE(publish(std::move(*again), orphan));
    EXPECT_EQ(vault->record(orphan.digest)->name, "pool/hello.deb");
    EXPECT_EQ(vault->usage().stored, 5);
    open();
    EXPECT_TRUE(find(orphan.digest));
    EXPECT_TRUE(vault->orphans().empty());
}

TEST_F(VaultTest, PublishesWhatItHasWhenItIsStoppedMeanwhile) {
    const std::atomic<bool> stopped = true;
    {
        auto file = verified("hello");
        const StopScope scope(stopped);
        EXPECT_TRUE(publish(std::move(*file)));
    }
    open();
    EXPECT_TRUE(find(digest_of("hello")));
}

TEST_F(VaultTest, LosesNothingButTimeWhenItsTableIsDestroyed) {
    ASSERT_TRUE(publish("hello"));
    ASSERT_TRUE(publish("other"));
    vault.reset();
    for (const char* name : {"artifacts.db-wal", "artifacts.db-shm"}) std::filesystem::remove(root / "store" / name);
    write_text(root / "store" / "artifacts.db", filler(5000, 1));
    open();
    EXPECT_TRUE(std::filesystem::exists(root / "store" / "artifacts.db.damaged"));
    EXPECT_TRUE(vault->digests().empty());
    ASSERT_EQ(vault->orphans().size(), 2u);
    auto staged = vault->reclaim(digest_of("hello"));
    ASSERT_TRUE(staged);
    ASSERT_TRUE(publish(*verify::FileVerifier::check_all(*staged, digest_of("hello"))));
    // One that arrives anew takes the place of the orphan.
    ASSERT_TRUE(publish("other"));
    EXPECT_TRUE(vault->orphans().empty());
    EXPECT_EQ(vault->usage().stored, 10);
    open();
    EXPECT_EQ(vault->digests().size(), 2u);
    EXPECT_TRUE(vault->orphans().empty());
}

TEST(Vault, PublishesFromRealThreadsWithoutLosingOne) {
    const Folder folder;
    test::TestLoop loop;
    auto workers = std::make_unique<test::TestWorkers>(loop);
    auto vault = Vault::open({folder.path(), 1 << 30, 0, {}}, loop, *workers);
    ASSERT_TRUE(vault);
    int right = 0;
    constexpr int files = 300;
    for (int i = 0; i < files; ++i) {
        const auto content = filler(100 + static_cast<std::size_t>(i), static_cast<unsigned>(i));
        auto staged = (*vault)->stage(static_cast<ByteCount>(content.size()));
        ASSERT_TRUE(staged && staged->write(0, as_bytes(content)));
        auto file = verify::FileVerifier::check_all(*staged, digest_of(content));
        ASSERT_TRUE(file);
        (*vault)->publish(*file, {}, [&right, content](Result<StoredFile> stored) {
            right += stored && content_of(*stored) == content;
        });
    }
    ASSERT_TRUE(loop.run_until([&] { return right == files; }, Millis(60'000))) << right;
    vault->reset();
    workers.reset();
    EXPECT_EQ(files_below(folder.path() / "staging"), 0u);
}

TEST(Vault, DropsAnswersThatComeAfterItsEnd) {
    const Folder folder;
    test::FakeLoop loop;
    auto vault = Vault::open({folder.path(), 1 << 20, 0, {}}, loop, loop);
    ASSERT_TRUE(vault);
    auto staged = (*vault)->stage(5);
    ASSERT_TRUE(staged->write(0, as_bytes("hello")));
    bool answered = false;
    (*vault)->publish(*verify::FileVerifier::check_all(*staged, digest_of("hello")), {},
                      [&](auto) { answered = true; });
    vault->reset();
    loop.drain();
    EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace packswarm::store
