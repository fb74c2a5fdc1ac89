#include "formats/debian/apt_keys.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/signed_repo.hpp"
#include "verify/keyring.hpp"

namespace packswarm::formats {
namespace {

TEST(AptVersion, IsWhatDpkgSaysIsInstalled) {
    const test::TempDir folder;
    const auto status = folder.path() / "status";
    EXPECT_EQ(installed_apt(status), std::nullopt);
    const std::string other = "Package: apt-utils\nStatus: install ok installed\nVersion: 9.9\n\n";
    test::write_file(status, other +
                                 "Package: apt\nStatus: install ok installed\nPriority: important\nVersion: "
                                 "2.6.1+deb12u1\nDescription: x\n Version: 7\n\n" +
                                 other);
    EXPECT_EQ(installed_apt(status), "2.6.1+deb12u1");
    test::write_file(status, other + "Package: apt\nStatus: deinstall ok config-files\nVersion: 2.6.1\n\n" + other);
    EXPECT_EQ(installed_apt(status), std::nullopt);
}

TEST(AptVersion, IsComparedByItsNumbers) {
    for (const char* later : {"2.9.24", "2.9.24ubuntu1", "2.9.30", "2.10", "3.0", "3.0.3+deb13u1", "10.0"})
        EXPECT_TRUE(is_apt_at_least(later, "2.9.24")) << later;
    for (const char* earlier : {"2.9.23", "2.9", "2.6.1+deb12u1", "1.99.99", ""})
        EXPECT_FALSE(is_apt_at_least(earlier, "2.9.24")) << earlier;
}

TEST(AptKeys, AreThoseThatTheInstalledVersionTrusts) {
    const test::TempDir folder;
    test::GpgHome gpg;
    const auto old = gpg.make_key({.name = "old"}), plain = gpg.make_key({.name = "plain"}),
               odd = gpg.make_key({.name = "odd"});
    test::write_file(folder.path() / "trusted.gpg", gpg.export_keys({old}));
    test::write_file(folder.path() / "trusted.gpg.d/vendor-1:2_a.gpg", gpg.export_keys({plain}));
    test::write_file(folder.path() / "trusted.gpg.d/my vendor (2024).gpg", gpg.export_keys({odd}));
    const auto trusted = [&](std::optional<std::string> version) {
        const auto keys = verify::Keyring::load(apt_keyring(folder.path(), version))->primaries();
        return std::set<std::string>(keys.begin(), keys.end());
    };
    EXPECT_EQ(trusted("2.6.1"), (std::set{old, plain, odd}));
    EXPECT_EQ(trusted("2.9.15"), (std::set{old, plain}));
    EXPECT_EQ(trusted("2.9.24"), (std::set{plain}));
    EXPECT_EQ(trusted("3.0.3"), (std::set{plain}));
    EXPECT_EQ(trusted(std::nullopt), (std::set{plain}));
    std::filesystem::remove_all(folder.path() / "trusted.gpg.d");
    EXPECT_TRUE(apt_keyring(folder.path(), "3.0.3").files.empty());
}

}  // namespace
}  // namespace packswarm::formats
