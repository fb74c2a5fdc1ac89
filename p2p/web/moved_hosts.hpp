// MovedHosts: looks a mirror's name up anew when a connection that was kept open says nothing, and tells whether the
// name leads elsewhere by now: another network, a resumed machine, a mirror that moved. Not here: connections
// (curl_thread.hpp). CurlThread's; each lookup has a thread of its own, since it may take seconds.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/loop.hpp"

namespace packswarm::web {

class MovedHosts {
  public:
    explicit MovedHosts(Task wake) : known_(std::make_shared<Known>()), wake_(std::move(wake)) {}

    // Begins a lookup, at most one a second for each name; wake runs on its thread when it has ended.
    void doubt(const std::string& host, TimePoint now);
    // By the last lookup since `asked`. Nothing was found, or it still runs: no.
    bool leads_elsewhere(const std::string& host, const std::string& address, TimePoint asked) const;
    void moved(const std::string& host, TimePoint now) { moved_[host] = now; }
    std::optional<TimePoint> moved_at(const std::string& host) const;

  private:
    struct Answer {
        std::vector<std::string> addresses;
        TimePoint asked{};
        bool is_there = false;
    };
    struct Known {
        std::mutex mutex;
        std::map<std::string, Answer> answers;
    };
    std::shared_ptr<Known> known_;
    Task wake_;
    std::map<std::string, TimePoint> moved_;
};

}  // namespace packswarm::web
