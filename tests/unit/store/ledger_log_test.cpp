// The ledger's write-ahead log, when a worker shortens it.
#include "p2p/store/ledger.hpp"
#include "tests/unit/store/vault_fixture.hpp"

namespace packswarm::store {
namespace {

struct LaterWorkers : Workers {
    void run(std::function<Task()> job) override { jobs.push_back(std::move(job)); }
    std::vector<std::function<Task()>> jobs;
};

TEST(LedgerLog, IsShortenedByAWorkerAlsoWhereTheFolderIsALink) {
    const Folder folder;
    std::filesystem::create_directory(folder.path() / "real");
    std::filesystem::create_directory_symlink(folder.path() / "real", folder.path() / "state");
    const auto size_of = [&](const char* name) { return std::filesystem::file_size(folder.path() / "real" / name); };
    LaterWorkers workers;
    auto ledger = Ledger::open({folder.path() / "state", 1000, &workers});
    ASSERT_TRUE(ledger) << ledger.error().message;
    const auto record_some = [&] {
        for (int i = 0; i < 600; ++i) (*ledger)->record({});
    };
    record_some();
    ASSERT_EQ(workers.jobs.size(), 1u) << "one at a time";
    const auto before = size_of("ledger.db");
    workers.jobs[0]()();
    EXPECT_GT(size_of("ledger.db"), before) << "what was committed is in the file";
    const auto log = size_of("ledger.db-wal");
    record_some();
    EXPECT_LT(size_of("ledger.db-wal"), log + log / 2) << "and the log begins anew";
}

}  // namespace
}  // namespace packswarm::store
