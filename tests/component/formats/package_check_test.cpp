#include "formats/pacman/package_check.hpp"

#include <gtest/gtest.h>

#include "p2p/base/trusted_file.hpp"
#include "tests/support/signed_repo.hpp"
#include "verify/hasher.hpp"
#include "verify/keyring.hpp"

namespace packswarm::formats {
namespace {

StagedFile staged(const test::TempDir& folder, std::string_view content) {
    auto file = StagedFile::create(folder.path() / "staged", static_cast<ByteCount>(content.size()));
    EXPECT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->write(0, as_bytes(content)));
    return *file;
}

// A pacman keyring with a master key, a packager it trusts and one it does not.
class PackageCheck : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        home = new test::GpgHome;
        strangers = new test::GpgHome;
        master = home->make_key({.name = "master"});
        packager = strangers->make_key({.name = "packager"});
        untrusted = strangers->make_key({.name = "untrusted"});
        home->import(strangers->export_keys({packager, untrusted}));
        home->sign_locally(packager);
        retired = strangers->make_key({.name = "retired"});
        home->import(strangers->export_keys({retired}));
        home->sign_locally(retired);
        home->gpg({"--edit-key", retired, "disable", "quit"});
    }
    static void TearDownTestSuite() {
        delete home;
        delete strangers;
    }

    core::IndexEntry entry_of(std::string_view file, std::string name = "tool", std::string version = "1.2-1") const {
        core::IndexEntry entry;
        entry.path = name + "-" + version + "-x86_64.pkg.tar.zst";
        entry.size = static_cast<ByteCount>(file.size());
        entry.digest = verify::digest_of(as_bytes(file));
        entry.name = std::move(name);
        entry.version = std::move(version);
        entry.architecture = "x86_64";
        return entry;
    }
    Result<void> check(std::string_view file, std::string_view signature, const core::IndexEntry& entry) {
        core::KeyringSpec spec;
        spec.gnupg_home = home->path();
        const auto package = staged(folder, file);
        return check_package(keyrings, package.handle(), package.size(), as_bytes(signature), spec, entry);
    }
    static void expect_error(const Result<void>& checked, ErrorKind kind, std::string_view text) {
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().kind, kind) << checked.error().message;
        EXPECT_NE(checked.error().message.find(text), std::string::npos) << checked.error().message;
    }

    inline static test::GpgHome* home = nullptr;
    inline static test::GpgHome* strangers = nullptr;
    inline static std::string master, packager, untrusted, retired;
    const std::string package = test::pacman_package_file("tool", "1.2-1", "x86_64", "payload");
    test::TempDir folder;
    verify::Keyrings keyrings;
};

TEST_F(PackageCheck, VouchesForAPackageOfATrustedPackager) {
    const auto checked =
        check(package, strangers->sign_detached(package, {packager}, {.armor = false}), entry_of(package));
    EXPECT_TRUE(checked) << checked.error().message;
}

TEST_F(PackageCheck, TakesASignatureOfTheMasterKeyItself) {
    EXPECT_TRUE(check(package, home->sign_detached(package, {master}), entry_of(package)));
}

TEST_F(PackageCheck, RefusesAPackagerWithoutTrust) {
    expect_error(check(package, strangers->sign_detached(package, {untrusted}), entry_of(package)), ErrorKind::Refused,
                 "not trusted");
}

TEST_F(PackageCheck, RefusesAKeyThatTheDistributionDisabled) {
    expect_error(check(package, strangers->sign_detached(package, {retired}), entry_of(package)), ErrorKind::Refused,
                 "disabled");
}

TEST_F(PackageCheck, RefusesAMixOfTrustedAndUntrustedAsPacmanDoes) {
    expect_error(check(package, strangers->sign_detached(package, {packager, untrusted}), entry_of(package)),
                 ErrorKind::Refused, "not trusted");
}

TEST_F(PackageCheck, BlamesASignatureOfOtherBytes) {
    expect_error(check(package, strangers->sign_detached("other", {packager}), entry_of(package)), ErrorKind::Corrupt,
                 "altered");
}

TEST_F(PackageCheck, BlamesAnotherPackageWithAGoodSignature) {
    expect_error(check(package, strangers->sign_detached(package, {packager}), entry_of(package, "openssl")),
                 ErrorKind::Corrupt, "holds tool 1.2-1 x86_64, but the database lists openssl");
}

TEST_F(PackageCheck, BlamesAnOlderVersionUnderANewName) {
    expect_error(check(package, strangers->sign_detached(package, {packager}), entry_of(package, "tool", "1.3-1")),
                 ErrorKind::Corrupt, "lists tool 1.3-1");
}

TEST_F(PackageCheck, BlamesASignedFileThatIsNoPackage) {
    const std::string text = "just a text";
    expect_error(check(text, strangers->sign_detached(text, {packager}), entry_of(text)), ErrorKind::Corrupt, "tar");
}

}  // namespace
}  // namespace packswarm::formats
