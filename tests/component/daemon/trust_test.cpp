// What the trust desk says of roots and packages that GnuPG has signed: the broker's own tests have signatures of
// paper.
#include "p2p/daemon/trust.hpp"

#include <gtest/gtest.h>

#include "p2p/core/bundle.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/scripted_requests.hpp"
#include "tests/support/signed_repo.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/hasher.hpp"

namespace packswarm::daemon {
namespace {

class TrustDeskTest : public ::testing::Test {
  protected:
    static void SetUpTestSuite() {
        gpg_ = new test::GpgHome;
        key_ = gpg_->make_key();
        stranger_ = gpg_->make_key({.name = "stranger"});
    }
    static void TearDownTestSuite() { delete std::exchange(gpg_, nullptr); }
    void SetUp() override {
        test::write_file(folder_.path() / "keys.asc", gpg_->export_keys({key_}, true));
        debian_.id = core::RepositoryId("stable");
        debian_.format = test::debian();
        debian_.suite = "stable";
        debian_.components = {"main"};
        debian_.architectures = {"amd64"};
        debian_.keyring.files = {(folder_.path() / "keys.asc").string()};
        pacman_ = debian_;
        pacman_.id = core::RepositoryId("lab");
        pacman_.suite = "lab";
        pacman_.format = test::pacman();
        pacman_.components = {};
        pacman_.architectures = {"x86_64"};
    }
    static Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
    static std::string release_by(const std::string& key) {
        return gpg_->clearsign(test::release_text({{"main/binary-amd64/Packages", "Package: a\n"}}), {key});
    }
    Result<broker::OpenedRoot> open(const core::Repository& repository, const std::string& root,
                                    std::optional<Bytes> signature = {}) {
        std::optional<Result<broker::OpenedRoot>> out;
        desk_.open_root({repository, bytes_of(root), std::move(signature)},
                        [&](auto answer) { out = std::move(answer); });
        loop_.drain();
        return out ? std::move(*out) : fail(ErrorKind::Broken, "no answer");
    }
    Result<void> check(const std::string& package, const std::string& signature) {
        core::IndexEntry entry;
        entry.path = "tool-1-1-x86_64.pkg.tar.zst";
        entry.name = "tool";
        entry.version = "1-1";
        entry.architecture = "x86_64";
        entry.size = static_cast<ByteCount>(package.size());
        std::optional<Result<void>> out;
        desk_.check_package(test::file_with(package), bytes_of(signature), pacman_, entry,
                            [&](auto answer) { out = std::move(answer); });
        loop_.drain();
        return out ? std::move(*out) : fail(ErrorKind::Broken, "no answer");
    }

    static inline test::GpgHome* gpg_ = nullptr;
    static inline std::string key_, stranger_;
    test::TempDir folder_;
    test::FakeLoop loop_;
    TrustDesk desk_{loop_};
    core::Repository debian_, pacman_;
};

TEST_F(TrustDeskTest, ARootThatCarriesItsSignatureIsItsOwnBundle) {
    const auto release = release_by(key_);
    const auto opened = open(debian_, release);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_TRUE(opened->index.is_signed);
    EXPECT_EQ(opened->index.signers, std::vector{key_});
    EXPECT_EQ(opened->bundle, bytes_of(release));
    EXPECT_EQ(opened->bundle_digest, verify::digest_of(as_bytes(release)));
    EXPECT_EQ(opened->signature_digest, Digest{});
}

TEST_F(TrustDeskTest, ARootAndItsDetachedSignatureAreOneBundle) {
    const auto database = test::pacman_database({{.name = "tool", .file = "bytes"}});
    const auto signature = bytes_of(gpg_->sign_detached(database, {key_}, {.armor = false}));
    const auto opened = open(pacman_, database, signature);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->signature_digest, verify::digest_of(signature));
    const auto bundle = core::unpack_bundle(opened->bundle);
    ASSERT_TRUE(bundle);
    EXPECT_EQ(bundle->root, bytes_of(database));
    EXPECT_EQ(bundle->signature, signature);
}

TEST_F(TrustDeskTest, WhatAStrangerSignedOrSomebodyAlteredIsNotBelieved) {
    EXPECT_EQ(open(debian_, release_by(stranger_)).error().kind, ErrorKind::Absent);
    auto altered = release_by(key_);
    altered.replace(altered.find("Origin: "), 8, "Origin:  x");
    EXPECT_EQ(open(debian_, altered).error().kind, ErrorKind::Corrupt);
}

TEST_F(TrustDeskTest, AKeyringIsKnownByItsPrimaryKeys) {
    std::optional<Result<std::vector<core::Fingerprint>>> keys;
    desk_.keyring_fingerprints(debian_.keyring, [&](auto answer) { keys = std::move(answer); });
    loop_.drain();
    ASSERT_TRUE(keys && *keys);
    EXPECT_EQ(**keys, std::vector{key_});
}

TEST_F(TrustDeskTest, APackageHasToBeSignedByAKeyOfTheKeyring) {
    const auto package = test::pacman_package_file("tool", "1-1", "x86_64", "payload");
    const auto signed_by = [&](const std::string& key) {
        return gpg_->sign_detached(package, {key}, {.armor = false});
    };
    EXPECT_TRUE(check(package, signed_by(key_)));
    EXPECT_EQ(check(package, signed_by(stranger_)).error().kind, ErrorKind::Refused);
    EXPECT_FALSE(check(test::pacman_package_file("other", "1-1", "x86_64", "payload"), signed_by(key_)));
}

}  // namespace
}  // namespace packswarm::daemon
