// Which keys gpg finds in apt's folders as each version of apt reads them.
#include "formats/debian/apt_keys.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/support/signed_repo.hpp"
#include "verify/keyring.hpp"

namespace packswarm::formats {
namespace {

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
