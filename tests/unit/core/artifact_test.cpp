#include "p2p/core/artifact.hpp"

#include <gtest/gtest.h>

namespace packswarm::core {
namespace {

TEST(Repository, OnlyAFormatThatAllowsItHasRootsThatNobodySigns) {
    Repository repository;
    repository.signed_database = false;
    EXPECT_FALSE(nobody_signs(repository)) << "a format that says nothing";
    EXPECT_EQ(root_path(repository), root_paths(repository).front());
    EXPECT_EQ(index_folder(repository), "");
}

}  // namespace
}  // namespace packswarm::core
