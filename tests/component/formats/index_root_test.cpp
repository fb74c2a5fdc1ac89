#include "formats/index_root.hpp"

#include <gtest/gtest.h>

#include "tests/support/formats.hpp"
#include "tests/support/signed_repo.hpp"
#include "verify/hasher.hpp"
#include "verify/keyring.hpp"

namespace packswarm::formats {
namespace {

namespace fs = std::filesystem;

class IndexRoots : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        gpg = new test::GpgHome;
        folder = new test::TempDir;
        key = gpg->make_key({.at = "20250101T000000"});
        stranger = gpg->make_key();
        test::write_file(folder->path() / "keys.gpg", gpg->export_keys({key}));
        test::write_debian_repository(folder->path() / "repo", "bookworm", {{"pool/a_1.0-1_amd64.deb", "content of a"}},
                                      *gpg, key);
    }
    static void TearDownTestSuite() {
        delete gpg;
        delete folder;
    }
    static std::string file(const std::string& name) {
        return test::read_file(folder->path() / "repo/dists/bookworm" / name);
    }
    static core::Repository debian(std::string suite = "bookworm") {
        core::Repository repository;
        repository.format = test::debian();
        repository.suite = std::move(suite);
        repository.keyring.files = {folder->path() / "keys.gpg"};
        return repository;
    }
    static core::Repository pacman(bool signed_database = true) {
        core::Repository repository;
        repository.format = test::pacman();
        repository.suite = "core";
        repository.architectures = {"x86_64"};
        repository.keyring.files = {folder->path() / "keys.gpg"};
        repository.signed_database = signed_database;
        return repository;
    }
    Result<core::IndexRoot> open(const core::Repository& repository, const std::string& root) {
        return open_root(keyrings, repository, as_bytes(root), std::nullopt);
    }
    Result<core::IndexRoot> open(const core::Repository& repository, const std::string& root,
                                 const std::string& signature) {
        return open_root(keyrings, repository, as_bytes(root), as_bytes(signature));
    }
    static void expect_error(const Result<core::IndexRoot>& root, ErrorKind kind, std::string_view part) {
        ASSERT_FALSE(root);
        EXPECT_EQ(root.error().kind, kind) << root.error().message;
        EXPECT_NE(root.error().message.find(part), std::string::npos) << root.error().message;
    }

    inline static test::GpgHome* gpg = nullptr;
    inline static test::TempDir* folder = nullptr;
    inline static std::string key, stranger;
    verify::Keyrings keyrings;
};

TEST_F(IndexRoots, OfDebianComeFromInRelease) {
    const auto root = open(debian(), file("InRelease"));
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_TRUE(root->is_signed);
    EXPECT_EQ(root->signers, std::vector{key});
    EXPECT_EQ(root->digest, verify::digest_of(as_bytes(file("InRelease"))));
    EXPECT_EQ(root->codename, "bookworm");
    EXPECT_TRUE(root->by_hash);
    ASSERT_EQ(root->files.size(), 3u);
    EXPECT_EQ(root->files[0].digest, verify::digest_of(as_bytes(file("main/binary-amd64/Packages"))));
}

TEST_F(IndexRoots, OfDebianComeFromReleaseAndItsSignature) {
    const auto root = open(debian(), file("Release"), file("Release.gpg"));
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_EQ(root->signers, std::vector{key});
    EXPECT_EQ(root->files.size(), 3u);
}

TEST_F(IndexRoots, HaveOneContentInEveryEnvelope) {
    const auto once = open(debian(), file("InRelease"));
    const auto again = open(debian(), gpg->clearsign(file("Release"), {stranger, key}));
    const auto detached = open(debian(), file("Release"), file("Release.gpg"));
    std::string with_returns;
    for (const char c : file("InRelease")) with_returns += c == '\n' ? std::string("\r\n") : std::string(1, c);
    const auto returns = open(debian(), with_returns);
    ASSERT_TRUE(once && again && detached && returns);
    EXPECT_NE(once->digest, again->digest);
    EXPECT_EQ(once->content, again->content);
    EXPECT_EQ(once->content, detached->content);
    EXPECT_EQ(once->content, returns->content);
    const auto other = gpg->clearsign(file("Release") + " " + std::string(64, 'a') + " 1 main/more\n", {key});
    EXPECT_NE(once->content, open(debian(), other)->content);
}

TEST_F(IndexRoots, OfAnotherSuiteAreCorrupt) {
    expect_error(open(debian("bookworm-updates"), file("InRelease")), ErrorKind::Corrupt, "not of 'bookworm-updates'");
    expect_error(open(debian("trixie"), file("Release"), file("Release.gpg")), ErrorKind::Corrupt, "not of 'trixie'");
    EXPECT_TRUE(open(debian("stable"), file("InRelease")));
}

TEST_F(IndexRoots, ThatWereTamperedWithAreCorruptAndNameTheFile) {
    auto text = file("InRelease");
    text.replace(text.find("Components: main"), 16, "Components: evil");
    expect_error(open(debian(), text), ErrorKind::Corrupt, "dists/bookworm/InRelease: ");
    expect_error(open(debian(), file("Release") + " ", file("Release.gpg")), ErrorKind::Corrupt, "altered");
}

TEST_F(IndexRoots, MixedFromTwoSnapshotsAreCorrupt) {
    const auto other = test::release_text({{"main/binary-amd64/Packages", "other"}});
    expect_error(open(debian(), other, file("Release.gpg")), ErrorKind::Corrupt, "altered");
}

TEST_F(IndexRoots, WronglySignedNameTheKey) {
    expect_error(open(debian(), gpg->clearsign(file("Release"), {stranger})), ErrorKind::Absent, "not in the keyring");
}

TEST_F(IndexRoots, WithoutAKeyringAreRefused) {
    auto repository = debian();
    repository.keyring.files = {"/nonexistent/keyring.gpg"};
    expect_error(open(repository, file("InRelease")), ErrorKind::Refused, "/nonexistent/keyring.gpg");
}

TEST_F(IndexRoots, ThatAreNoIndexAreCorrupt) {
    expect_error(open(debian(), "<html>captive portal</html>"), ErrorKind::Corrupt, "clearsigned");
    expect_error(open(debian(), ""), ErrorKind::Corrupt, "clearsigned");
    expect_error(open(debian(), std::string(5 << 20, 'x'), file("Release.gpg")), ErrorKind::Corrupt, "at most");
    expect_error(open(debian(), gpg->clearsign("hello\n", {key})), ErrorKind::Corrupt, "line");
}

test::PacmanPackage tool() {
    test::PacmanPackage package;
    package.name = "tool";
    package.file = "bytes";
    return package;
}

TEST_F(IndexRoots, OfPacmanCarryTheSignaturesTime) {
    const auto bytes = test::pacman_database({tool()}, "zst");
    const auto root =
        open(pacman(), bytes, gpg->sign_detached(bytes, {key}, {.at = "20260101T000000", .armor = false}));
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_TRUE(root->is_signed);
    EXPECT_EQ(root->signers, std::vector{key});
    EXPECT_EQ(root->suite, "core");
    EXPECT_EQ(root->content, root->digest);
    EXPECT_EQ(root->date.time_since_epoch().count(), 1767225600);
    EXPECT_EQ(root->entries.size(), 1u);
}

TEST_F(IndexRoots, OfPacmanWithoutSignatureAreHintsWhereSigLevelAllows) {
    const auto bytes = test::pacman_database({tool()});
    expect_error(open(pacman(), bytes), ErrorKind::Absent, "core.db has no signature");
    const auto root = open(pacman(false), bytes);
    ASSERT_TRUE(root) << root.error().message;
    EXPECT_FALSE(root->is_signed);
    EXPECT_TRUE(root->signers.empty());
    EXPECT_EQ(root->date.time_since_epoch().count(), tool().build_date);
}

TEST_F(IndexRoots, OfPacmanWithABadSignatureAreCorruptEvenWhereNoneIsNeeded) {
    const auto bytes = test::pacman_database({tool()});
    expect_error(open(pacman(false), bytes, gpg->sign_detached("other", {key})), ErrorKind::Corrupt, "altered");
    expect_error(open(pacman(), bytes, gpg->sign_detached("other", {key})), ErrorKind::Corrupt, "altered");
}

// This machine's own lists, as apt fetched and believed them.
TEST_F(IndexRoots, OfThisMachineAreBelieved) {
    const std::string keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    std::error_code error;
    int read = 0;
    for (const auto& entry : fs::directory_iterator("/var/lib/apt/lists", error)) {
        const auto name = entry.path().filename().string();
        const auto at = name.find("_dists_bookworm");
        if (!name.ends_with("_InRelease") || at == std::string::npos || !fs::exists(keyring)) continue;
        auto repository = debian(name.substr(at + 7, name.size() - at - 7 - 10));
        repository.keyring.files = {keyring};
        const auto root = open(repository, test::read_file(entry.path()));
        ASSERT_TRUE(root) << root.error().message;
        EXPECT_EQ(root->codename, repository.suite);
        EXPECT_FALSE(root->signers.empty());
        EXPECT_EQ(root->not_shared, "");
        EXPECT_GT(root->files.size(), 10u);
        repository.suite = "trixie";
        EXPECT_FALSE(open(repository, test::read_file(entry.path())));
        ++read;
    }
    if (read == 0)
        GTEST_SKIP() << "apt's lists hold no InRelease of bookworm, or the archive's keyring is not installed";
}

}  // namespace
}  // namespace packswarm::formats
