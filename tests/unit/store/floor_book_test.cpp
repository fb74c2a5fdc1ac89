// Floors that a worker writes. What becomes of them over a restart: ledger_test.cpp.
#include "p2p/store/ledger.hpp"

#include <gtest/gtest.h>

#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

class FloorBookTest : public ::testing::Test {
  protected:
    FloorBookTest() {
        auto opened = Ledger::open({folder.path() / "state", 100, &loop});
        EXPECT_TRUE(opened);
        if (opened) ledger = std::move(*opened);
    }
    static broker::Floor floor(const std::string& name, int seconds) {
        return {core::FloorName(name), WallTime(Seconds(seconds)), digest_of(name + std::to_string(seconds))};
    }
    void raise(std::vector<broker::Floor> floors, const std::string& name) {
        ledger->raise_floors(std::move(floors), [this, name](const Result<void>& raised) {
            told.push_back(raised ? name : name + ": " + raised.error().message);
        });
    }
    std::string text() const { return text_of(folder.path() / "state" / "floors.txt"); }

    Folder folder;
    test::FakeLoop loop;
    std::unique_ptr<Ledger> ledger;
    std::vector<std::string> told;
};

TEST_F(FloorBookTest, TellsNobodyBeforeTheTextIsWritten) {
    raise({floor("a", 1000)}, "first");
    EXPECT_TRUE(told.empty());
    EXPECT_EQ(text().find("1000 "), std::string::npos) << "whoever raises does not wait for the disk";
    while (told.empty() && loop.step()) {
        if (!told.empty()) EXPECT_NE(text().find("1000 "), std::string::npos);
    }
    EXPECT_EQ(told, std::vector<std::string>{"first"});
    EXPECT_EQ(ledger->floors().size(), 1u);
}

TEST_F(FloorBookTest, AnswersInTheOrderOfTheCallsAlsoWhereNothingIsRaised) {
    raise({floor("a", 1000)}, "first");
    raise({floor("a", 1000)}, "the same");
    raise({floor("b", 5), floor("a", 2000)}, "two");
    raise({}, "none");
    raise({floor("a", 1500)}, "an older one");
    EXPECT_TRUE(told.empty());
    loop.drain();
    EXPECT_EQ(told, (std::vector<std::string>{"first", "the same", "two", "none", "an older one"}));
    ASSERT_EQ(ledger->floors().size(), 2u);
    EXPECT_EQ(ledger->floors().front().root, digest_of("a2000"));
    raise({}, "nothing is under way");
    EXPECT_EQ(told.back(), "nothing is under way");
}

TEST_F(FloorBookTest, RefusesANameThatWouldForgeALineAndKeepsNoneOfThem) {
    raise({floor("a", 1000), floor("b\n9999999999 00 c", 1)}, "forged");
    EXPECT_EQ(told.size(), 1u);
    EXPECT_NE(told.front(), "forged");
    loop.drain();
    EXPECT_TRUE(ledger->floors().empty());
}

TEST_F(FloorBookTest, GoesOnWithTheTableWhereTheTextCannotBeWritten) {
    const auto path = folder.path() / "state" / "floors.txt";
    std::filesystem::create_directories(path / "in the way");
    raise({floor("a", 1000)}, "first");
    loop.drain();
    EXPECT_EQ(told, std::vector<std::string>{"first"});
    ledger.reset();
    std::filesystem::remove_all(path);
    auto opened = Ledger::open({folder.path() / "state", 100});
    ASSERT_TRUE(opened);
    EXPECT_EQ((*opened)->floors().size(), 1u);
}

TEST_F(FloorBookTest, ALedgerThatIsGoneTellsNobody) {
    raise({floor("a", 1000)}, "first");
    ledger.reset();
    loop.drain();
    EXPECT_TRUE(told.empty());
    EXPECT_NE(text().find("1000 "), std::string::npos) << "it is kept all the same";
}

}  // namespace
}  // namespace packswarm::store
