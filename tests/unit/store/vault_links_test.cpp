#include <sys/stat.h>

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

// One folder of somebody's with one file in it, which links in the store lead to.
struct Somebodys {
    explicit Somebodys(const std::filesystem::path& root) : folder(root / "somebody"), file(folder / "precious") {
        std::filesystem::create_directories(folder);
        write_text(file, "precious");
    }
    bool is_untouched() const {
        return text_of(file) == "precious" && std::distance(std::filesystem::directory_iterator(folder), {}) == 1;
    }
    std::filesystem::path folder, file;
};

TEST_F(VaultTest, UsesNothingThatLiesInThePlaceOfItsFoldersOrFiles) {
    ASSERT_TRUE(publish("hello"));
    const Somebodys somebody(root);
    const auto bucket = path_of("hello").parent_path();
    for (const auto& place : {root / "store" / "files", bucket, root / "store" / "staging", root / "store" / "lock",
                              root / "store" / "artifacts.db"}) {
        SCOPED_TRACE(place);
        vault.reset();
        loop.drain();
        const auto kept = root / "kept";
        std::filesystem::rename(place, kept);
        const bool is_folder = std::filesystem::is_directory(kept);
        const auto expect_refused = [&](const std::string& word) {
            const auto opened = Vault::open(settings(), loop, loop);
            ASSERT_FALSE(opened);
            EXPECT_TRUE(opened.error().message.starts_with(place.string() + " is ")) << opened.error().message;
            EXPECT_NE(opened.error().message.find(word), std::string::npos) << opened.error().message;
            EXPECT_TRUE(somebody.is_untouched());
            std::filesystem::remove(place);
        };
        std::filesystem::create_symlink(is_folder ? somebody.folder : somebody.file, place);
        expect_refused("symbolic link");
        std::filesystem::create_symlink(root / "nowhere", place);
        expect_refused("symbolic link");
        ASSERT_EQ(::mkfifo(place.c_str(), 0600), 0);
        expect_refused("named pipe");
        std::filesystem::create_hard_link(somebody.file, place);
        expect_refused(is_folder ? "a file" : "hard link");
        std::filesystem::rename(kept, place);
        EXPECT_FALSE(std::filesystem::exists(root / "nowhere"));
    }
    open();
    EXPECT_TRUE(find(digest_of("hello")));
}

TEST_F(VaultTest, FollowsNoLinkThatIsLaidIntoItWhileItRuns) {
    ASSERT_TRUE(publish("hello"));
    ASSERT_TRUE(publish("other"));
    const Somebodys somebody(root);
    const auto bucket = path_of("hello").parent_path();
    std::filesystem::rename(bucket, root / "kept");
    std::filesystem::create_directory_symlink(somebody.folder, bucket);
    write_text(root / "copy", "hello");
    std::filesystem::rename(root / "copy", somebody.folder / path_of("hello").filename());
    EXPECT_FALSE(find(digest_of("hello")));
    loop.drain();
    EXPECT_EQ(text_of(somebody.folder / path_of("hello").filename()), "hello") << "deleted where the link leads";
    EXPECT_FALSE(publish("hello")) << "nothing is written there either";
    std::filesystem::remove(somebody.folder / path_of("hello").filename());
    EXPECT_TRUE(somebody.is_untouched());

    std::filesystem::remove(path_of("other"));
    std::filesystem::create_symlink(somebody.file, path_of("other"));
    EXPECT_FALSE(find(digest_of("other")));
    ASSERT_TRUE(publish("other")) << "the link itself makes way";
    EXPECT_TRUE(find(digest_of("other")));
    EXPECT_TRUE(somebody.is_untouched());
}

TEST_F(VaultTest, ClearsUpWithoutFollowingLinks) {
    ASSERT_TRUE(publish("hello"));
    vault.reset();
    loop.drain();
    const Somebodys somebody(root);
    const auto staging = root / "store" / "staging", files = root / "store" / "files";
    std::filesystem::create_symlink(somebody.file, staging / "1");
    write_text(staging / "1.note", "a note");
    std::filesystem::create_hard_link(somebody.file, staging / "2");
    write_text(staging / "2.note", "a note");
    write_text(staging / "3", "a staged file");
    std::filesystem::create_symlink(somebody.file, staging / "3.note");
    ASSERT_EQ(::mkfifo((staging / "4").c_str(), 0600), 0);
    write_text(staging / "4.note", "a note");
    write_text(staging / "5", "a staged file");
    ASSERT_EQ(::mkfifo((staging / "5.note").c_str(), 0600), 0);
    std::filesystem::create_directory_symlink(somebody.folder, staging / "folder");
    std::filesystem::create_directory_symlink(somebody.folder, files / "more");
    std::filesystem::create_directory_symlink(somebody.folder, path_of("hello").parent_path() / "strange");
    std::filesystem::create_symlink(somebody.file, path_of("none").parent_path() / path_of("none").filename());
    open();
    EXPECT_TRUE(std::filesystem::is_empty(staging));
    EXPECT_TRUE(vault->leftovers().empty());
    EXPECT_TRUE(find(digest_of("hello")));
    EXPECT_TRUE(somebody.is_untouched());
}

}  // namespace
}  // namespace packswarm::store
