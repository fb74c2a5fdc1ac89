#include "p2p/store/database.hpp"

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

constexpr const char* scripts[] = {
    "CREATE TABLE words (word TEXT PRIMARY KEY)",
    "ALTER TABLE words ADD COLUMN count INTEGER NOT NULL DEFAULT 7",
};
const auto first_version = std::span(scripts).first(1);
const std::span<const char* const> second_version = scripts;

TEST(Database, GrowsAnOlderFileToTodaysShapeAndKeepsItsRows) {
    const Folder folder;
    const auto path = folder.path() / "words.db";
    {
        auto old = Database::open(path, first_version);
        ASSERT_TRUE(old) << old.error().message;
        ASSERT_TRUE((*old)->statement("INSERT INTO words VALUES (?)").bind("hello").run());
    }
    auto database = Database::open(path, second_version);
    ASSERT_TRUE(database) << database.error().message;
    EXPECT_FALSE((*database)->moved_aside());
    auto query = (*database)->statement("SELECT word, count FROM words");
    ASSERT_TRUE(query.step().value_or(false));
    EXPECT_EQ(query.bytes(0), "hello");
    EXPECT_EQ(query.integer(1), 7);
}

TEST(Database, KeepsAFileOfANewerVersionAsideInsteadOfTouchingIt) {
    const Folder folder;
    const auto path = folder.path() / "words.db";
    { ASSERT_TRUE(Database::open(path, second_version)); }
    auto older_program = Database::open(path, first_version);
    ASSERT_TRUE(older_program);
    EXPECT_TRUE((*older_program)->moved_aside());
    EXPECT_TRUE(std::filesystem::exists(path.string() + ".damaged"));
}

TEST(Database, LeavesNothingOfATransactionThatFailed) {
    const Folder folder;
    auto database = Database::open(folder.path() / "words.db", first_version);
    ASSERT_TRUE(database);
    const auto done = (*database)->transaction([&]() -> Result<void> {
        if (auto added = (*database)->statement("INSERT INTO words VALUES (?)").bind("one").run(); !added) return added;
        return (*database)->statement("INSERT INTO words VALUES (?)").bind("one").run();
    });
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::Broken);
    auto query = (*database)->statement("SELECT COUNT(*) FROM words");
    ASSERT_TRUE(query.step().value_or(false));
    EXPECT_EQ(query.integer(0), 0);
}

TEST(Database, BindsValuesAndNeverReadsThemAsSql) {
    const Folder folder;
    auto database = Database::open(folder.path() / "words.db", first_version);
    const std::string nasty("x'); DROP TABLE words; --\0y", 27);
    ASSERT_TRUE((*database)->statement("INSERT INTO words VALUES (?)").bind(nasty).run());
    auto query = (*database)->statement("SELECT word FROM words");
    ASSERT_TRUE(query.step().value_or(false));
    EXPECT_EQ(query.bytes(0), nasty);
}

TEST(Database, AnswersAnErrorForAStatementThatCannotBe) {
    const Folder folder;
    auto database = Database::open(folder.path() / "words.db", first_version);
    const auto row = (*database)->statement("SELECT nothing FROM nowhere").bind(1, "two", 3.0).step();
    ASSERT_FALSE(row);
    EXPECT_EQ(row.error().kind, ErrorKind::Broken);
}

}  // namespace
}  // namespace packswarm::store
