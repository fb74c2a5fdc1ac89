#include "formats/debian/apt_keys.hpp"

#include <gtest/gtest.h>

#include "tests/support/signed_repo.hpp"

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

}  // namespace
}  // namespace packswarm::formats
