#include "p2p/core/lineage.hpp"

#include <gtest/gtest.h>

#include <set>
#include <type_traits>
#include <unordered_set>

namespace packswarm::core {
namespace {

Lineage parsed(const std::string& name) { return Lineage::parse(name).value(); }

TEST(Lineage, IsMadeOfItsParts) {
    const Lineage lineage(Format(), "KEY", "bookworm", "amd64");  // of the format that has no name
    EXPECT_EQ(lineage.name(), std::string(to_string(Format())) + "/KEY/bookworm/amd64");
    EXPECT_EQ(lineage.format(), to_string(Format()));
    EXPECT_EQ(lineage.signer(), "KEY");
    EXPECT_EQ(lineage.suite(), "bookworm");
    EXPECT_EQ(lineage.architecture(), "amd64");
}

TEST(Lineage, OfAnotherSuiteOrArchitectureIsAnotherOne) {
    const Lineage one{Format(), "ABCD", "bookworm", "amd64"};
    EXPECT_EQ(one, (Lineage{Format(), "ABCD", "bookworm", "amd64"}));
    EXPECT_NE(one, (Lineage{Format(), "ABCE", "bookworm", "amd64"}));
    EXPECT_NE(one, (Lineage{Format(), "ABCD", "trixie", "amd64"}));
    EXPECT_NE(one, (Lineage{Format(), "ABCD", "bookworm", "arm64"}));
}

TEST(Lineage, ANameThatWasKeptHasTheSameParts) {
    const auto lineage = parsed("pacman/unsigned-database/core/x86_64");
    EXPECT_EQ(lineage.format(), "pacman");
    EXPECT_EQ(lineage.signer(), "unsigned-database");
    EXPECT_EQ(lineage.suite(), "core");
    EXPECT_EQ(lineage.architecture(), "x86_64");
    EXPECT_EQ(parsed(lineage.name()), lineage);
}

// apt's "deb http://m/ ./" and "deb http://m/debian-security bookworm/updates main".
TEST(Lineage, ASuiteMayHaveSlashesInIt) {
    for (const std::string suite : {"./", "/", "bookworm/updates", "a//b"}) {
        const Lineage lineage(Format(), "KEY", suite, "amd64");
        EXPECT_EQ(lineage.suite(), suite);
        EXPECT_EQ(lineage.architecture(), "amd64");
        EXPECT_EQ(parsed("debian/KEY/" + suite + "/amd64").suite(), suite);
        EXPECT_EQ(parsed("debian/KEY/" + suite + "/amd64").architecture(), "amd64");
    }
}

TEST(Lineage, ANameOfAnotherFormIsNone) {
    for (const std::string name :
         {"", "/", "//", "///", "l", "debian/KEY", "debian/KEY/bookworm", "/KEY/bookworm/amd64",
          "debian//bookworm/amd64", "debian/KEY//amd64", "debian/KEY/bookworm/"})
        EXPECT_FALSE(Lineage::parse(name)) << name;
}

TEST(Lineage, NoneIsEmptyInAllItsParts) {
    const Lineage none;
    EXPECT_TRUE(none.empty());
    for (const auto part : {none.format(), none.signer(), none.suite(), none.architecture()}) EXPECT_EQ(part, "");
    EXPECT_FALSE(parsed("debian/KEY/bookworm/amd64").empty());
}

TEST(Lineage, IsComparedAndPrintedByItsName) {
    static_assert(!std::is_convertible_v<std::string, Lineage>);
    static_assert(!std::is_convertible_v<Lineage, std::string>);
    static_assert(!std::is_invocable_v<std::equal_to<>, Lineage, std::string>);
    const auto one = parsed("debian/KEY/bookworm/amd64"), other = parsed("debian/KEY/trixie/amd64");
    EXPECT_LT(one, other);
    EXPECT_EQ(*(std::set{other, one}.begin()), one);
    EXPECT_TRUE((std::unordered_set{one, other}.contains(parsed("debian/KEY/trixie/amd64"))));
    EXPECT_EQ(fmt::format("{}", one), one.name());
}

}  // namespace
}  // namespace packswarm::core
