#include "p2p/daemon/kept_lists.hpp"

#include <gtest/gtest.h>

#include "p2p/daemon/apt_lists.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/signed_repo.hpp"

namespace packswarm::daemon {
namespace {

class KeptListsTest : public ::testing::Test {
  protected:
    KeptListsTest() {
        repository_.format = test::debian();
        repository_.bases = {"http://one.invalid/debian", "http://two.invalid:8080/debian"};
        plain_.path = "dists/stable/main/binary-amd64/Packages";
        plain_.size = 5;
    }
    void write(const std::string& name, const std::string& text) { test::write_file(folder_.path() / name, text); }

    test::TempDir folder_;
    core::Repository repository_;
    core::IndexEntry plain_;
    KeptLists lists_{folder_.path()};
};

TEST_F(KeptListsTest, NamesAreThoseOfApt) {
    EXPECT_EQ(apt_list_name("http://mirror.example/debian/dists/stable/InRelease"),
              "mirror.example_debian_dists_stable_InRelease");
    EXPECT_EQ(apt_list_name("https://a.invalid:8080/~me/x_y/Packages"), "a.invalid:8080_%7eme_x%5fy_Packages");
}

TEST_F(KeptListsTest, AListIsFoundByAnyOfItsMirrorsPlainOrPacked) {
    EXPECT_EQ(lists_.open(repository_, plain_).error().kind, ErrorKind::Absent);
    write("two.invalid:8080_debian_dists_stable_main_binary-amd64_Packages", "right");
    EXPECT_TRUE(lists_.open(repository_, plain_));
    plain_.size = 6;
    EXPECT_EQ(lists_.open(repository_, plain_).error().kind, ErrorKind::Transient) << "of another size";
    write("one.invalid_debian_dists_stable_main_binary-amd64_Packages.lz4", "packed");
    EXPECT_TRUE(lists_.open(repository_, plain_));
}

TEST_F(KeptListsTest, WhereAptIsAtWorkItIsWaitedFor) {
    lists_.told("relative/folder");
    EXPECT_EQ(lists_.open(repository_, plain_).error().kind, ErrorKind::Absent);
    lists_.told("/nonexistent/lists");
    EXPECT_EQ(lists_.open(repository_, plain_).error().kind, ErrorKind::Transient);
}

TEST_F(KeptListsTest, ALinkIsNoList) {
    write("elsewhere", "right");
    std::filesystem::create_symlink(folder_.path() / "elsewhere",
                                    folder_.path() / "one.invalid_debian_dists_stable_main_binary-amd64_Packages");
    EXPECT_FALSE(lists_.open(repository_, plain_));
}

}  // namespace
}  // namespace packswarm::daemon
