// App: the composition root. Builds every object of the agent from top to bottom and runs the loop until SIGTERM.
#pragma once

#include <memory>

#include "p2p/base/result.hpp"
#include "p2p/daemon/config.hpp"

namespace packswarm::daemon {

class App {
  public:
    // reload gives the configuration anew (SIGHUP); it may fail, then the old one stays.
    using Reload = std::function<Result<Config>()>;
    static Result<std::unique_ptr<App>> build(Config config, Reload reload);
    ~App();
    int run();  // until SIGTERM or SIGINT; the exit status

  private:
    App();
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace packswarm::daemon
