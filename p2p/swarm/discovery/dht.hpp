// Dht: this agent's part in the distributed hash table (BEP 5): the nodes it begins with, what it remembers of them
// over a restart, announces and look-ups. Not here: when a swarm is announced (rendezvous.hpp). Network thread, but for
// what says otherwise.
#pragma once

#include <filesystem>
#include <libtorrent/session_params.hpp>
#include <set>

#include "p2p/swarm/session.hpp"

namespace packswarm::swarm {

class Dht {
  public:
    // Before the session starts: the settings, the nodes remembered and named. A damaged file is a warning.
    static void prepare(lt::session_params& params, const SwarmSettings& settings, const Networks& lan);

    Dht(Session& session, const SwarmSettings& settings, std::function<void(Bytes)> save);

    void start();
    void on_alert(lt::alert* alert);
    bool is_on() const { return is_on_; }
    std::size_t nodes() const { return nodes_; }   // in the routing table, as of the last look
    void announce(const lt::sha1_hash& infohash);  // answers come as dht_get_peers_reply_alert
    void look_up(const lt::sha1_hash& infohash);   // the same without being announced
    Bytes state() const;                           // what prepare reads; empty while there is nothing worth keeping

  private:
    struct Node {
        std::string host;
        int port = 0;
        std::vector<lt::udp::endpoint> endpoints;
    };
    void look_around();
    void begin_again();
    void ask_public_nodes();
    void add(std::vector<Node>& nodes);
    static std::vector<Node> nodes_of(const std::vector<std::string>& texts);

    Session& session_;
    std::function<void(Bytes)> save_;
    bool is_on_;
    bool was_heard_ = false;  // somebody has answered since the start
    std::vector<Node> named_, public_;
    std::size_t nodes_ = 0;
};

}  // namespace packswarm::swarm
