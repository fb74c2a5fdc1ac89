// StaticPeers: the peers that the owner named, "host:port", and where their names lead. Not here: dialling them
// (rendezvous.hpp). Network thread.
#pragma once

#include <functional>
#include <libtorrent/socket.hpp>
#include <memory>

#include "p2p/swarm/session.hpp"

namespace packswarm::swarm {

class StaticPeers {
  public:
    using IsLinked = std::function<bool(const lt::tcp::endpoint&)>;

    StaticPeers(Session& session, std::function<void()> found) : session_(session), found_(std::move(found)) {}

    void set(const std::vector<std::string>& peers);
    std::vector<lt::tcp::endpoint> endpoints() const;
    // Looks up again the names of which nobody is linked, each at most once a minute; found runs when something came of
    // it.
    void look_up(const IsLinked& is_linked);

  private:
    struct Peer {
        std::string host;
        int port = 0;
        std::vector<lt::tcp::endpoint> endpoints;
        bool is_name = false;
        TimePoint look_up_at{};
    };
    Session& session_;
    std::function<void()> found_;
    std::vector<std::shared_ptr<Peer>> peers_;
};

}  // namespace packswarm::swarm
