#include "p2p/core/parcel.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::core {
namespace {

const std::string head = "packswarm-bundle 1\n";
const std::string hex = std::string(64, 'a');

Digest digest_of(char c) { return *Digest::parse(std::string(64, c)); }

ErrorKind kind_of(const std::string& text) {
    const auto parcel = read_manifest(text);
    EXPECT_FALSE(parcel) << text.substr(0, 200);
    return parcel ? ErrorKind::Broken : parcel.error().kind;
}

Parcel example() {
    ParcelRepository one{"debian", "stable", {}, {digest_of('a'), 1200, "dists/stable/InRelease"}, {}, {}};
    one.provenance.contents = {{0x0123456789abcdefULL, WallTime(Seconds(1'780'000'000))}, {7, WallTime(Seconds(5))}};
    one.provenance.addresses = {0xffffffffffffffffULL};
    one.indexes = {{digest_of('b'), 0, "dists/stable/main/binary-amd64/Packages"}};
    one.packages = {{digest_of('c'), 16, "pool/main/h/a name.deb"}, {digest_of('d'), limits::max_artifact, ""}};
    ParcelRepository other{"pacman", "extra", {}, {digest_of('e'), 3, "extra.db"}, {}, {}};
    return {{one, other}};
}

TEST(Parcel, ReadsWhatItWrites) {
    const auto again = read_manifest(manifest_of(example()));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, example());
    EXPECT_EQ(*read_manifest(head), Parcel{});
}

TEST(Parcel, LeavesOutLinesOfALaterProgram) {
    const auto parcel = read_manifest(head + "repository debian stable\nsize of all 7\nroot " + hex + " 5\n");
    ASSERT_TRUE(parcel);
    EXPECT_EQ(parcel->repositories.front().root.size, 5);
}

TEST(Parcel, OfAnotherVersionIsRefusedAndAnotherTextIsNone) {
    EXPECT_EQ(kind_of("packswarm-bundle 2\n"), ErrorKind::Refused);
    EXPECT_EQ(kind_of(""), ErrorKind::Corrupt);
    EXPECT_EQ(kind_of("hello\n"), ErrorKind::Corrupt);
    EXPECT_EQ(kind_of("packswarm-bundle 1"), ErrorKind::Corrupt) << "cut off";
}

TEST(Parcel, LinesThatCannotBeReadAreCorrupt) {
    const std::string begun = head + "repository debian stable\n";
    const std::vector<std::string> wrong{"root x 5",
                                         "root " + hex + " -1",
                                         "root " + hex + " 0",
                                         "root " + hex + " 99999999999999999999",
                                         "root " + hex,
                                         "root " + hex + " 5 a\x01" + "b",
                                         "package " + hex + " 17179869185 x",
                                         "content 1",
                                         "content zz 5",
                                         "content 1 -5",
                                         "address ",
                                         "address 1x",
                                         std::string(600, 'w')};
    for (const auto& line : wrong) EXPECT_EQ(kind_of(begun + line + "\n"), ErrorKind::Corrupt) << line;
    EXPECT_EQ(kind_of(head + "root " + hex + " 5\n"), ErrorKind::Corrupt) << "of no repository";
    EXPECT_EQ(kind_of(head + "repository debian\n"), ErrorKind::Corrupt);
    EXPECT_EQ(kind_of(begun), ErrorKind::Corrupt) << "without a root";
    const auto root = "root " + hex + " 5\n";
    EXPECT_EQ(kind_of(begun + root + root), ErrorKind::Corrupt) << "two roots";
}

TEST(Parcel, HasABoundForEverythingThatMayGrow) {
    std::string marks, addresses, repositories;
    for (std::size_t i = 0; i <= limits::max_sightings; ++i) marks += "content 1 5\n", addresses += "address 1\n";
    for (std::size_t i = 0; i <= limits::max_parcel_repositories; ++i)
        repositories += "repository debian stable\nroot " + hex + " 5\n";
    EXPECT_EQ(kind_of(head + "repository debian stable\n" + marks), ErrorKind::Refused);
    EXPECT_EQ(kind_of(head + "repository debian stable\n" + addresses), ErrorKind::Refused);
    EXPECT_EQ(kind_of(head + repositories), ErrorKind::Refused);
    std::string files = head + "repository debian stable\nroot " + hex + " 5\n";
    for (std::size_t i = 0; i < limits::max_parcel_files; ++i) files += "package " + hex + " 1 x\n";
    EXPECT_EQ(kind_of(files), ErrorKind::Refused);
    EXPECT_EQ(kind_of(std::string(static_cast<std::size_t>(limits::max_parcel_manifest) + 1, '\n')),
              ErrorKind::Refused);
}

TEST(Parcel, NamesFilesByDigestAlone) { EXPECT_EQ(place_in_parcel(digest_of('a')), "files/aa/" + hex); }

}  // namespace
}  // namespace packswarm::core
