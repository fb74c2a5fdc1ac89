// PacmanPrefetch: pacman names a few files at a time; what else its transaction will fetch is asked of pacman itself,
// printing, when the first package is asked for, and is wanted ahead (broker/prefetch.hpp) for as long as that pacman
// runs and asks. Whatever goes wrong here, the agent works as if it were switched off. Not here: which processes count
// (pacman_process.hpp). Loop's thread.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/daemon/bounded_run.hpp"
#include "p2p/daemon/pacman_process.hpp"

namespace packswarm::daemon {

class PacmanPrefetch {
  public:
    struct Settings {
        bool enabled = true;
        std::filesystem::path proc = "/proc";
        std::string program = "/usr/bin/pacman";
    };
    PacmanPrefetch(boost::asio::io_context& io, Loop& loop, Workers& workers, broker::Broker& broker,
                   Settings settings);
    ~PacmanPrefetch();
    void set_enabled(bool enabled);

  private:
    using PackageFile = std::pair<std::string, std::string>;  // its repository's name, and its own
    struct Asked {
        PackageFile file;
        TimePoint at{};
    };
    void asked(const core::CatalogHit& hit);
    void look();
    void try_next();
    void printed(const PacmanProcess& process, const Result<std::string>& text);
    bool fits(const PacmanProcess& process, const std::set<PackageFile>& files) const;
    void begin(PacmanProcess process, const std::vector<core::PrintedPackage>& packages);
    void watch();
    void end(const char* reason);
    void nothing_found();

    boost::asio::io_context& io_;
    Loop& loop_;
    Workers& workers_;
    broker::Broker& broker_;
    Settings settings_;
    std::vector<Asked> asked_;  // since the last transaction that was known ended
    bool is_looking_ = false;
    TimePoint looked_at_{}, look_not_before_{};
    std::vector<PacmanProcess> candidates_;
    std::unique_ptr<BoundedRun> run_;
    std::optional<PacmanProcess> process_;  // whose transaction is known
    TimePoint last_awaited_{};
    TimerId timer_ = TimerId::none;
    Lifetime lifetime_;
};

}  // namespace packswarm::daemon
