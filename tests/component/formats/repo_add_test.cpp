// A database as pacman's own tool makes it.
#include <gtest/gtest.h>

#include "formats/pacman/pacman_db.hpp"
#include "tests/support/signed_repo.hpp"
#include "verify/hasher.hpp"

namespace packswarm::formats {
namespace {

TEST(PacmanDatabase, MadeByRepoAddIsRead) {
    test::TempDir folder;
    const auto package = test::pacman_package_file("tool", "1.2-1", "x86_64", "payload");
    const auto file = folder.path() / "tool-1.2-1-x86_64.pkg.tar.zst";
    test::write_file(file, package);
    test::run_program({"repo-add", "-q", (folder.path() / "core.db.tar.gz").string(), file.string()});
    const auto bytes = test::read_file(folder.path() / "core.db.tar.gz");
    const auto database = parse_pacman_db(as_bytes(bytes));
    ASSERT_TRUE(database) << database.error().message;
    ASSERT_EQ(database->entries.size(), 1u);
    EXPECT_EQ(database->entries[0].name, "tool");
    EXPECT_EQ(database->entries[0].size, static_cast<ByteCount>(package.size()));
    EXPECT_EQ(database->entries[0].digest, verify::digest_of(as_bytes(package)));
}

}  // namespace
}  // namespace packswarm::formats
