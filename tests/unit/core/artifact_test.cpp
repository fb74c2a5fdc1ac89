#include "p2p/core/artifact.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

TEST(Lineage, IsNamedByFormatSignerSuiteAndArchitecture) {
    EXPECT_EQ((Lineage{Format(), "ABCD", "bookworm", "amd64"}).name(), "none/ABCD/bookworm/amd64");
}

TEST(Lineage, OfAnotherSuiteOrArchitectureIsAnotherOne) {
    const Lineage one{Format(), "ABCD", "bookworm", "amd64"};
    EXPECT_EQ(one, (Lineage{Format(), "ABCD", "bookworm", "amd64"}));
    EXPECT_NE(one, (Lineage{Format(), "ABCE", "bookworm", "amd64"}));
    EXPECT_NE(one, (Lineage{Format(), "ABCD", "trixie", "amd64"}));
    EXPECT_NE(one, (Lineage{Format(), "ABCD", "bookworm", "arm64"}));
}

TEST(Repository, OnlyAFormatThatAllowsItHasRootsThatNobodySigns) {
    Repository repository;
    repository.signed_database = false;
    EXPECT_FALSE(nobody_signs(repository)) << "a format that says nothing";
    EXPECT_EQ(root_path(repository), root_paths(repository).front());
    EXPECT_EQ(index_folder(repository), "");
}

}  // namespace
}  // namespace packswarm::core
