#include "formats/mirror_folder.hpp"

#include <gtest/gtest.h>

#include "tests/support/formats.hpp"
#include "tests/support/signed_repo.hpp"
#include "verify/keyring.hpp"

namespace packswarm::formats {
namespace {

namespace fs = std::filesystem;

class MirrorFolder : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        gpg = new test::GpgHome;
        keys = new test::TempDir;
        key = gpg->make_key();
        test::write_file(keyring(), gpg->export_keys({key}));
    }
    static void TearDownTestSuite() {
        delete gpg;
        delete keys;
    }
    static fs::path keyring() { return keys->path() / "keys.gpg"; }

    void write(const std::string& suite, const std::vector<std::string>& endings = {"", "gz", "xz"}) {
        const std::map<std::string, std::string> pool = {{"pool/b_2_amd64.deb", "content of b"},
                                                         {"pool/a_1_amd64.deb", "content of a"}};
        test::write_debian_repository(mirror.path(), suite, pool, *gpg, key, {.suite = suite, .codename = suite},
                                      endings);
    }
    Result<FolderIndex> read(core::Repository repository, const fs::path& below = {}) {
        repository.keyring = keyring_or_default(repository.format, {keyring()}, "");
        return read_repository(keyrings, mirror.path() / below, repository);
    }
    static core::Repository debian(const std::string& suite) {
        core::Repository repository;
        repository.format = test::debian();
        repository.suite = suite;
        return repository;
    }
    static std::vector<std::string> paths(const FolderIndex& index) {
        std::vector<std::string> out;
        for (const auto& package : index.packages) out.push_back(package.path);
        return out;
    }
    std::vector<std::string> suites() {
        std::vector<std::string> out;
        for (const auto& found : find_repositories(mirror.path())) out.push_back(found.repository.suite);
        return out;
    }
    fs::path packages(const std::string& suite, const std::string& ending) const {
        return mirror.path() / "dists" / suite / "main/binary-amd64" / ("Packages" + ending);
    }

    inline static test::GpgHome* gpg = nullptr;
    inline static test::TempDir* keys = nullptr;
    inline static std::string key;
    test::TempDir mirror;
    verify::Keyrings keyrings;
};

TEST_F(MirrorFolder, FindsEverySuiteOnceAndNoLegacyReleaseOfAComponent) {
    write("bookworm");
    write("bookworm/updates");
    fs::create_directory_symlink("bookworm", mirror.path() / "dists/stable");
    test::write_file(mirror.path() / "dists/bookworm/main/binary-amd64/Release", "Archive: stable\n");
    test::write_file(mirror.path() / "pool/Release", "not one\n");
    EXPECT_EQ(suites(), (std::vector<std::string>{"bookworm", "bookworm/updates"}));
}

TEST_F(MirrorFolder, ListsThePackagesOfASignedSuiteInOrder) {
    write("bookworm");
    const auto index = read(debian("bookworm"));
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_EQ(paths(*index), (std::vector<std::string>{"pool/a_1_amd64.deb", "pool/b_2_amd64.deb"}));
    EXPECT_TRUE(index->problems.empty());
    EXPECT_EQ(index->root.signers, std::vector<core::Fingerprint>{key});
    EXPECT_EQ(index->packages[0].digest.hex(), test::sha256_hex("content of a"));
}

TEST_F(MirrorFolder, IsContentWithAnyOneFormOfAnIndexFileAlsoByHash) {
    write("bookworm");
    fs::remove(packages("bookworm", ""));
    fs::remove(packages("bookworm", ".xz"));
    EXPECT_EQ(read(debian("bookworm"))->packages.size(), 2u);
    fs::remove(packages("bookworm", ".gz"));
    EXPECT_EQ(read(debian("bookworm"))->packages.size(), 2u) << "by hash";
}

TEST_F(MirrorFolder, ReadsReleaseWithItsDetachedSignature) {
    write("bookworm");
    fs::remove(mirror.path() / "dists/bookworm/InRelease");
    EXPECT_EQ(suites(), std::vector<std::string>{"bookworm"});
    EXPECT_EQ(read(debian("bookworm"))->packages.size(), 2u);
    fs::remove(mirror.path() / "dists/bookworm/Release.gpg");
    EXPECT_FALSE(read(debian("bookworm")));
}

TEST_F(MirrorFolder, TakesNothingFromAnIndexFileThatTheRootDoesNotList) {
    write("bookworm", {""});
    fs::remove_all(packages("bookworm", "").parent_path() / "by-hash");
    auto text = test::read_file(packages("bookworm", ""));
    text[text.find("Version: 1") + 9] = '9';
    test::write_file(packages("bookworm", ""), text);
    const auto index = read(debian("bookworm"));
    ASSERT_TRUE(index);
    EXPECT_TRUE(index->packages.empty());
    ASSERT_EQ(index->problems.size(), 1u);
    EXPECT_NE(index->problems[0].find("not the file that the root lists"), std::string::npos) << index->problems[0];
}

TEST_F(MirrorFolder, RefusesARootThatAnotherKeySignedOrNobody) {
    write("bookworm");
    const auto stranger = gpg->make_key();
    test::write_file(mirror.path() / "dists/bookworm/InRelease",
                     gpg->clearsign(test::read_file(mirror.path() / "dists/bookworm/Release"), {stranger}));
    EXPECT_FALSE(read(debian("bookworm")));
    EXPECT_EQ(read(debian("trixie")).error().kind, ErrorKind::Absent);
}

TEST_F(MirrorFolder, ReadsOnlyWantedComponentsAndArchitectures) {
    write("bookworm");
    auto other = debian("bookworm");
    other.architectures = {"arm64"};
    EXPECT_TRUE(read(other)->packages.empty());
    other = debian("bookworm");
    other.components = {"contrib"};
    EXPECT_TRUE(read(other)->packages.empty());
}

TEST_F(MirrorFolder, ReadsAFlatRepository) {
    const auto stanzas = test::packages_stanza("a", "1", "./a_1_amd64.deb", "content of a");
    test::write_file(mirror.path() / "Packages", stanzas);
    test::write_file(mirror.path() / "InRelease", gpg->clearsign(test::release_text({{"Packages", stanzas}}), {key}));
    ASSERT_EQ(suites(), std::vector<std::string>{"./"});
    const auto index = read(debian("./"));
    ASSERT_TRUE(index) << index.error().message;
    ASSERT_EQ(index->packages.size(), 1u);
    EXPECT_EQ(index->packages[0].name, "a");
}

TEST_F(MirrorFolder, ReadsPacmanDatabasesAndSaysWhichAreSigned) {
    const auto package = test::pacman_package_file("hello", "1-1", "x86_64", "payload");
    const auto database = test::pacman_database({{.name = "hello", .file = package, .signature = "s"}});
    const auto folder = mirror.path() / "core/os/x86_64";
    test::write_file(folder / "core.db.tar.gz", database);
    fs::create_symlink("core.db.tar.gz", folder / "core.db");
    auto found = find_repositories(mirror.path());
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].base, folder);
    EXPECT_EQ(found[0].repository.suite, "core");
    EXPECT_FALSE(found[0].repository.signed_database);
    auto index = read(found[0].repository, "core/os/x86_64");
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_FALSE(index->root.is_signed);
    EXPECT_EQ(paths(*index), std::vector<std::string>{"hello-1-1-x86_64.pkg.tar.zst"});

    test::write_file(folder / "core.db.sig", gpg->sign_detached(database, {key}, {.armor = false}));
    found = find_repositories(mirror.path());
    ASSERT_EQ(found.size(), 1u);
    EXPECT_TRUE(found[0].repository.signed_database);
    index = read(found[0].repository, "core/os/x86_64");
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_TRUE(index->root.is_signed);
    test::write_file(folder / "core.db.tar.gz", database + "x");
    EXPECT_FALSE(read(found[0].repository, "core/os/x86_64"));
}

TEST_F(MirrorFolder, AnswersAnEmptyListForAFolderThatIsNone) {
    EXPECT_TRUE(find_repositories(mirror.path() / "absent").empty());
    EXPECT_TRUE(find_repositories(mirror.path()).empty());
}

}  // namespace
}  // namespace packswarm::formats
