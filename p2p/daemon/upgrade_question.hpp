// UpgradeQuestion: asks the package managers of this machine, one after the other, what an upgrade would download, and
// finds it in the verified indexes. What they print is a hint: only what an index lists counts. Whatever goes wrong,
// nothing is wanted of that package manager. Not here: how one is asked (apt_upgrade.hpp, pacman_upgrade.hpp). Loop's
// thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/daemon/apt_upgrade.hpp"
#include "p2p/daemon/bounded_run.hpp"
#include "p2p/daemon/pacman_upgrade.hpp"
#include "p2p/store/vault.hpp"

namespace packswarm::daemon {

struct PackageManagers {
    std::optional<AptUpgrade> apt;
    std::optional<PacmanUpgrade> pacman;
};

class UpgradeQuestion {
  public:
    struct World {
        boost::asio::io_context& io;
        Loop& loop;
        Workers& workers;
        broker::Broker& broker;
        store::Vault& vault;
    };
    using Files = std::vector<core::CatalogHit>;
    // then: those of security suites first. Never inside this call; not after the destructor.
    UpgradeQuestion(const World& world, PackageManagers managers, std::function<void(Files)> then);
    ~UpgradeQuestion();
    UpgradeQuestion(const UpgradeQuestion&) = delete;
    UpgradeQuestion& operator=(const UpgradeQuestion&) = delete;

  private:
    using Printed = std::function<void(const Result<std::string>&)>;
    struct Folder {
        std::filesystem::path path;
        FolderPlan plan;
    };
    void ask_apt();
    void apt_printed(const std::string& text);
    void ask_pacman();
    void pacman_printed(const std::string& text);
    void ask(std::vector<Folder> folders, const BoundedRun::Program& program,
             void (UpgradeQuestion::*take)(const std::string&), Task next);
    void add(const core::Repository& repository, const std::string& path);
    void end();

    World world_;
    PackageManagers managers_;
    std::function<void(Files)> then_;
    Files found_;
    std::unique_ptr<BoundedRun> run_;
    Lifetime lifetime_;
};

}  // namespace packswarm::daemon
