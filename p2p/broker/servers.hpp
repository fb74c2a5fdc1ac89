// Servers: how many of this agent's requests are at each server, whatever repositories it keeps, so that "too many" can
// be told from "not now". A server that takes fewer connections than the agent has to it turns one away (503, 429, a
// closed connection) where a package manager alone would have had one after the other. Not here: what sources are worth
// (SourceBook).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "p2p/base/loop.hpp"
#include "p2p/base/result.hpp"

namespace packswarm::broker {

struct Visit {
    std::string server;
    TimePoint began{};
    std::uint64_t number = 0;  // of all requests to it so far
    bool met_others = false;   // when it began
};

class Servers {
  public:
    Visit begin(const std::string& server, TimePoint now) {
        auto& at = servers_[server];
        return {server, now, ++at.begun, at.open++ > 0};
    }

    void end(const std::string& server) {
        const auto at = servers_.find(server);
        if (at != servers_.end() && at->second.open > 0) --at->second.open;
    }

    bool is_busy(const std::string& server) const {
        const auto at = servers_.find(server);
        return at != servers_.end() && at->second.open > 0;
    }

    // The visit has ended like this, and others of ours may be the reason. What is dead takes its time, or would be
    // asked twice by everybody.
    bool was_crowded_out(const Visit& visit, const Error& error, TimePoint now) const {
        const auto at = servers_.find(visit.server);
        const bool met = visit.met_others || (at != servers_.end() && at->second.begun != visit.number);
        return met && error.kind == ErrorKind::Transient && (error.retry_after || now - visit.began < soon);
    }

  private:
    struct Server {
        int open = 0;
        std::uint64_t begun = 0;
    };
    static constexpr auto soon = Millis(1000);
    std::map<std::string, Server> servers_;
};

}  // namespace packswarm::broker
