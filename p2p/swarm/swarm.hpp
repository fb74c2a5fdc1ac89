// Swarm: other agents, found and spoken to over libtorrent: rendezvous swarms, the peer channel, canonical torrents.
// Not here: which peer is asked for what (broker), what may be shared (core policy, broker). All calls and callbacks on
// the loop's thread; the network lives on a thread of its own that ends with this object, within a second.
// Folders: channel/ is what agents say to each other, torrents/ carries large artifacts, discovery/ finds other agents.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "p2p/base/loop.hpp"
#include "p2p/base/memory_sum.hpp"
#include "p2p/broker/peer_memory.hpp"
#include "p2p/broker/ports/channel.hpp"
#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/broker/ports/peers.hpp"
#include "p2p/broker/ports/shelf.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/broker/ports/torrents.hpp"
#include "p2p/swarm/discovery_view.hpp"
#include "p2p/swarm/internet.hpp"

namespace packswarm::swarm {

struct SwarmSettings {
    std::string listen_address;             // "192.0.2.1", "::1"; empty: every address of this machine, IPv4 and IPv6
    int port = 26881;                       // TCP and uTP; 0: any free port, see Swarm::port()
    std::vector<std::string> static_peers;  // "host:port"; "[2001:db8::1]:port"
    bool lan_discovery = true;              // BEP 14
    bool outgoing_utp = true;               // before TCP. Without it, and with an internet that is not off: after TCP
    Internet internet = Internet::off;
    std::vector<std::string> public_nodes;  // of the DHT, as dht_nodes: asked when neither those nor known ones answer
    ByteCount upload_limit = 0;             // bytes per second to WAN peers together; 0: no limit. LAN peers are exempt
    std::string agent = "packswarm/0.1";    // what other agents and BitTorrent peers are told
    std::vector<std::string> banned_networks;  // "203.0.113.0/24", "2001:db8::/32", "198.51.100.7"
    std::vector<std::string> lan_networks = default_lan_networks();
    Seconds ban_time{3600};  // how long a peer that broke the rules is neither dialled nor let in

    Millis get_timeout{
        10'000};  // silence of a peer that owes an answer, before it is dropped; and of all of a torrent's

    bool dht = false;  // take part in the DHT although no node is named: as the first of a network of one's own
    std::vector<std::string> dht_nodes;    // "host:port" to begin with
    std::filesystem::path dht_state_file;  // where nodes are remembered; empty: nowhere
    MemorySum* memory = nullptr;           // where what connections keep counts; null: by its own bound alone
    Workers* workers = nullptr;            // write that file; none: the loop does
    std::vector<std::string> trackers;     // announce addresses for the rendezvous swarms: http, https, udp
    int announce_large = 0;                // announces of single large artifacts to the DHT, at most so many an hour
    std::size_t shard_at = 2000;           // agents in one rendezvous swarm, before some move to shards of it
    Millis dht_interval{900'000}, lan_interval{300'000};  // between announces once somebody was met
    Millis count_interval{30'000};                        // how often it is looked whether a swarm is too large

    static std::vector<std::string> default_lan_networks();
};

class Swarm final : public broker::Peers {
  public:
    // Starts listening. Errors: Refused for settings that make no sense, Broken when the port cannot be had.
    // shared: for what is offered; the network thread has it to itself. memory, when given, outlives the swarm.
    static Result<std::unique_ptr<Swarm>> open(Loop& loop, SwarmSettings settings,
                                               std::unique_ptr<broker::StoreReader> shared,
                                               broker::PeerMemory* memory = nullptr);
    ~Swarm() override;

    int port() const;  // the TCP port it listens on
    const DiscoveryView& discovery() const;
    Result<void> set_static_peers(
        std::vector<std::string> peers);  // Refused: one of them is not host:port; nothing changes

    void set_observer(broker::PeerObserver* observer) override;
    void set_lineages(std::vector<broker::LineageState> lineages) override;
    void ask(const core::Lineage& lineage, std::vector<Digest> digests, core::Audience whom) override;
    broker::FetchId get(broker::PeerId peer, const Digest& digest, ByteRange range, broker::GetEvents events) override;
    void cancel(broker::FetchId fetch) override;
    broker::JoinId join(broker::Join join, broker::JoinEvents events) override;
    void add_peer(broker::JoinId join, broker::PeerId peer) override;
    void claim(broker::JoinId join, std::size_t first, std::size_t count) override;
    void unclaim(broker::JoinId join, std::size_t first, std::size_t count) override;
    void feed(broker::JoinId join, std::size_t piece, Bytes bytes) override;
    void leave(broker::JoinId join, Task left) override;
    void lend(const Digest& digest, const StagedFile& file, const core::Lineage& lineage) override;
    void lend_piece(const Digest& digest, std::size_t piece) override;
    void end_loan(const Digest& digest, Outcome outcome) override;
    plan::AgentKey key() const override;
    void blame(broker::PeerId peer, broker::Blame why) override;
    std::vector<broker::PeerView> view() const override;
    broker::Company company(const core::Lineage& lineage) const override;
    void offer(const core::Lineage& lineage, std::vector<StoredMark> files) override;
    void withdraw(std::vector<Digest> digests) override;
    void give_to(core::Audience audience, ByteCount each_network) override;
    broker::Giving giving() const override;
    void set_upload_limit(ByteCount limit);  // bytes per second to WAN peers together; 0: none

  private:
    struct Parts;
    explicit Swarm(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace packswarm::swarm
