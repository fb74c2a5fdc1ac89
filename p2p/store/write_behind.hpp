// WriteBehind: changes to a database that nobody waits for. A worker makes them in their order, all that wait in one
// transaction; whoever reads has them made first. It also shortens the write-ahead log. Not here: what they change
// (ledger.cpp). Any thread. Errors: Broken; what nobody waits for is logged.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "p2p/base/loop.hpp"
#include "p2p/store/database.hpp"

namespace packswarm::store {

class WriteBehind : public std::enable_shared_from_this<WriteBehind> {
  public:
    using Change = std::function<Result<void>(Database&)>;

    // path: of the database. workers: none, each change is made within its call.
    WriteBehind(std::unique_ptr<Database> database, std::filesystem::path path, Workers* workers);

    // lost: what the log says when it cannot be made ("a transfer is not kept"). When too many wait, the caller waits.
    void later(std::string lost, Change change);
    void catch_up();  // all before this are made
    Result<void> now(Sync sync, const Change& change);

  private:
    struct Waiting {
        std::string lost;
        Change change;
    };
    void give_to_worker();
    bool is_done();  // nothing waits any more, and the next one needs a worker again
    void make(const std::vector<Waiting>& batch);
    void shorten_log();

    const std::filesystem::path path_;
    Workers* const workers_;
    std::mutex writing_;  // the database; taken before the queue
    std::unique_ptr<Database> database_;
    std::mutex queue_;
    std::vector<Waiting> waiting_;
    bool has_worker_ = false;
};

}  // namespace packswarm::store
