// What the ledger's worker writes, and the write-ahead log that it shortens.
#include "p2p/store/write_behind.hpp"

#include "p2p/store/ledger.hpp"
#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

struct LaterWorkers : Workers {
    void run(std::function<Task()> job) override { jobs.push_back(std::move(job)); }
    void run_all() {
        for (auto& job : std::exchange(jobs, {}))
            if (const auto task = job()) task();
    }
    std::vector<std::function<Task()>> jobs;
};

constexpr const char* one_table[] = {"CREATE TABLE numbers (number INTEGER PRIMARY KEY)"};

class WriteBehindTest : public ::testing::Test {
  protected:
    void open(Workers* with) {
        auto opened = Database::open(path, one_table);
        ASSERT_TRUE(opened) << opened.error().message;
        writer = std::make_shared<WriteBehind>(std::move(*opened), path, with);
    }
    static WriteBehind::Change put(int number) {
        return [number](Database& database) {
            return database.statement("INSERT INTO numbers VALUES (?)").bind(number).run();
        };
    }
    std::vector<std::int64_t> numbers() const {
        std::vector<std::int64_t> out;
        auto reading = Database::open_reading(path);
        EXPECT_TRUE(reading);
        auto query = (*reading)->statement("SELECT number FROM numbers ORDER BY number");
        while (query.step().value_or(false)) out.push_back(query.integer(0));
        return out;
    }
    using Numbers = std::vector<std::int64_t>;

    Folder folder;
    const std::filesystem::path path = folder.path() / "numbers.db";
    LaterWorkers workers;
    std::shared_ptr<WriteBehind> writer;
};

TEST_F(WriteBehindTest, LeavesWhatWaitsToOneJobUntilSomebodyReads) {
    open(&workers);
    writer->later("lost", put(1));
    writer->later("lost", put(2));
    EXPECT_EQ(workers.jobs.size(), 1u);
    EXPECT_EQ(numbers(), Numbers{}) << "nobody waited for the disk";
    workers.run_all();
    EXPECT_EQ(numbers(), (Numbers{1, 2}));
    writer->later("lost", put(3));
    EXPECT_EQ(workers.jobs.size(), 1u) << "the one before has ended";
    writer->catch_up();
    EXPECT_EQ(numbers(), (Numbers{1, 2, 3}));
    workers.run_all();
    EXPECT_EQ(numbers(), (Numbers{1, 2, 3}));
}

TEST_F(WriteBehindTest, OneThatFailsTakesNoOtherWithIt) {
    open(&workers);
    writer->later("lost", put(1));
    writer->later("lost", put(2));
    writer->later("lost", put(1));
    writer->later("lost", put(3));
    writer->catch_up();
    EXPECT_EQ(numbers(), (Numbers{1, 2, 3}));
}

TEST_F(WriteBehindTest, WhoWritesWaitsWhereThereAreNoWorkersOrTooManyChangesWait) {
    open(nullptr);
    writer->later("lost", put(1));
    EXPECT_EQ(numbers(), Numbers{1});
    writer = nullptr;
    open(&workers);
    for (int i = 2; i <= 600; ++i) writer->later("lost", put(i));
    const auto made = numbers().size();
    EXPECT_GT(made, 500u) << "what waits has a bound";
    EXPECT_LT(made, 600u);
}

TEST_F(WriteBehindTest, WhatMustNotWaitIsMadeAtOnceAndSaysWhetherItWas) {
    open(&workers);
    EXPECT_TRUE(writer->now(Sync::full, put(1)));
    EXPECT_FALSE(writer->now(Sync::normal, put(1)));
    EXPECT_TRUE(writer->now(Sync::normal, put(2)));
    EXPECT_EQ(numbers(), (Numbers{1, 2}));
    EXPECT_TRUE(workers.jobs.empty());
}

TEST_F(WriteBehindTest, ThreadsAndReadersLoseNothing) {
    test::FakeLoop loop;
    test::TestWorkers pool(loop);
    open(&pool);
    for (int i = 1; i <= 3000; ++i) {
        writer->later("lost", put(i));
        if (i % 100 == 0) {
            writer->catch_up();
            ASSERT_EQ(numbers().size(), static_cast<std::size_t>(i));
        }
    }
}

TEST(LedgerLog, IsShortenedByAWorkerAlsoWhereTheFolderIsALink) {
    const Folder folder;
    std::filesystem::create_directory(folder.path() / "real");
    std::filesystem::create_directory_symlink(folder.path() / "real", folder.path() / "state");
    const auto size_of = [&](const char* name) { return std::filesystem::file_size(folder.path() / "real" / name); };
    LaterWorkers workers;
    auto ledger = Ledger::open({folder.path() / "state", 1000, &workers});
    ASSERT_TRUE(ledger) << ledger.error().message;
    const auto record_some = [&] {
        for (int i = 0; i < 600; ++i) {
            (*ledger)->record({});
            (*ledger)->totals();  // one transaction each
        }
    };
    record_some();
    ASSERT_EQ(workers.jobs.size(), 1u) << "one at a time";
    const auto before = size_of("ledger.db");
    workers.run_all();
    EXPECT_GT(size_of("ledger.db"), before) << "what was committed is in the file";
    const auto log = size_of("ledger.db-wal");
    record_some();
    EXPECT_LT(size_of("ledger.db-wal"), log + log / 2) << "and the log begins anew";
}

TEST(LedgerLog, WhatWaitsIsKeptWhenTheLedgerEnds) {
    const Folder folder;
    LaterWorkers workers;
    {
        auto ledger = Ledger::open({folder.path() / "state", 1000, &workers});
        ASSERT_TRUE(ledger) << ledger.error().message;
        (*ledger)->record({});
        (*ledger)->add_sent({5, 2}, WallTime(Seconds(1'790'000'000)));
        EXPECT_EQ((*ledger)->recent_transfers(10).size(), 1u) << "who reads sees all that was written";
        (*ledger)->record({});
    }
    const auto again = Ledger::open({folder.path() / "state", 1000});
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->recent_transfers(10).size(), 2u);
    EXPECT_EQ((*again)->sent(), (Sent{5, 2}));
}

}  // namespace
}  // namespace packswarm::store
