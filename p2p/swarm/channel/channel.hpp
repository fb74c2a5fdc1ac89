// Channel: all live links, and the peers behind them: one peer may be linked in several lineages. Carries the loop's
// asks and gets to links, and what peers say to the loop. Not here: one connection's protocol (link.hpp), dialling
// (rendezvous.hpp). Network thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <unordered_map>

#include "p2p/swarm/channel/link.hpp"
#include "p2p/swarm/gate.hpp"
#include "p2p/swarm/loop_side.hpp"
#include "p2p/swarm/session.hpp"

namespace packswarm::swarm {

struct ChannelSettings {
    std::string agent;
    Seconds ban_time{3600};
    Millis get_timeout{10'000};
};

// A lineage as hellos show it.
struct LineageShow {
    core::Lineage lineage;
    std::vector<RootOnShow> roots;  // the newest first, one for each product
    friend bool operator==(const LineageShow&, const LineageShow&) = default;
};

class Channel final : public LinkKeeper {
  public:
    Channel(Session& session, OfferedFiles& offered, Lending& lending, Gate& gate, Seats& seats, const ToLoop& loop,
            ChannelSettings settings);

    using Met = std::function<void(const LineageId&, const lt::tcp::endpoint& listens_at)>;
    void on_met(Met met) { met_ = std::move(met); }  // a link is up
    using Gone = std::function<void(const lt::address&)>;
    void on_gone(Gone gone) { gone_ = std::move(gone); }  // the last link of an address has ended
    using Unreached = std::function<void(const Meet&, const lt::tcp::endpoint&)>;
    void on_unreached(Unreached unreached) { unreached_ = std::move(unreached); }  // TCP did not get there
    using Called = std::function<void(const Meet&, const lt::tcp::endpoint&)>;
    void on_called(Called called) { called_ = std::move(called); }  // a common friend: who listens there dials us now
    using Named = std::function<std::vector<lt::tcp::endpoint>()>;
    void set_named(Named named) { named_ = std::move(named); }  // by the owner
    const lt::address& gossip() const { return gossip_; }       // who names endpoints by PEX right now
    void start();                                               // timers; once the session runs
    void show(const LineageId& lineage, LineageShow state);
    void forget(const LineageId& lineage);
    std::shared_ptr<Link> connect(const Meet& where, const lt::peer_connection_handle& connection);

    void ask(const LineageId& lineage, const std::vector<Digest>& digests, core::Audience whom);
    void get(broker::FetchId fetch, broker::PeerId peer, const Digest& digest, ByteRange range);
    void cancel(broker::FetchId fetch);
    void blame(broker::PeerId peer, broker::Blame why);
    void news(const Digest& digest);      // it is offered now
    void news_of_loans();                 // soon
    plan::AgentKey key() const;           // any thread
    void resume();                        // the loop has read what it had
    void give_up_dials(Millis patience);  // over TCP, that nobody has answered for so long
    // Asks a few friends of the lineage, this one first, to introduce us to who listens there.
    void wish_to_meet(const LineageId& lineage, const lt::tcp::endpoint& endpoint, std::optional<lt::address> first);

    std::size_t links(const LineageId& lineage) const;   // that have said hello
    std::size_t rising(const LineageId& lineage) const;  // being dialled, or not introduced yet
    bool is_linked(const LineageId& lineage, const lt::tcp::endpoint& listens_at) const;
    bool is_connected(const LineageId& torrent, const lt::address& address) const;  // not: being dialled
    int dialled(const LineageId& torrent) const;  // connections that we made there, or are making
    bool is_dialled(const LineageId& lineage,
                    const lt::tcp::endpoint& endpoint) const;              // connected or being connected by us
    bool is_named(const lt::address& address) const;                       // by the owner, with whatever port
    bool gives_to(broker::Reach reach, const lt::address& address) const;  // the owner's rules allow it now
    // Who wants a seat with this connection; none: it needs no seat.
    std::optional<Seats::Sitter> sitter(const LineageId& torrent, const lt::peer_connection_handle& connection) const;
    std::optional<lt::tcp::endpoint> torrent_endpoint(broker::PeerId peer) const;
    // Whose torrent connection comes from there: the one that listens there, else the only one at that address.
    broker::PeerId peer_at(const lt::tcp::endpoint& endpoint) const;
    void count(broker::PeerId peer, ByteCount received, ByteCount sent);  // bytes of artifacts beside the channel
    bool is_self(const lt::tcp::endpoint& listens_at) const { return self_.count(listens_at) > 0; }

    const AgentId& agent_id() const override { return agent_id_; }
    Hello hello_for(const LineageId& lineage) const override;
    void dialled_by(Link& link, const AgentId& number, const lt::tcp::endpoint& listens_at) override;
    bool greeted(Link& link, const Hello& hello) override;
    void asked(Link& link, const Ask& ask) override;
    void gossips(Link& link) override { gossip_ = link.address(); }
    void introduced(Link& link, const Introduction& introduction) override;
    void active(Link& link) override;
    void breached(Link& link, const std::string& what) override;
    void closed(Link& link) override;

  private:
    struct Peer {
        broker::PeerId id = broker::PeerId::none;
        lt::address address;
        AgentId agent_id{};
        std::uint16_t port = 0;
        std::string agent;
        broker::Reach reach = broker::Reach::wan;
        std::vector<Link*> links;
        ByteCount received = 0, sent = 0;  // of links that are gone, and of torrents
        ByteCount shown_received = 0, shown_sent = 0;
    };

    void tick();
    void pump_blocked();
    Peer& peer_of(const Link& link, const Hello& hello);
    void open(Link& link, Peer& peer);
    void leave(const Peer& peer);
    TakerEvents taker_events(const Peer& peer);
    broker::PeerView view(const Peer& peer) const;
    void show_counters(Peer& peer);
    void tell_snapshot(const Link& link, const Hello& hello);
    bool crowded(const lt::address& address) const;
    bool is_stranger(const Peer& peer) const;

    Session& session_;
    OfferedFiles& offered_;
    Lending& lending_;
    Gate& gate_;
    Seats& seats_;
    AskedByAll asked_by_all_;
    ToLoop loop_;
    ChannelSettings settings_;
    Met met_;
    Gone gone_;
    Unreached unreached_;
    Called called_;
    Named named_;
    lt::address gossip_;
    AgentId agent_id_{};
    std::unordered_map<LineageId, LineageShow> shows_;
    std::vector<std::shared_ptr<Link>> links_;
    std::map<broker::PeerId, Peer> peers_;
    std::deque<std::pair<broker::PeerId, lt::tcp::endpoint>> departed_;  // the last ones that left
    std::set<lt::tcp::endpoint> self_;
    std::set<Link*> blocked_;
    Millis pump_delay_{2};
    bool pumping_ = false;
    bool loan_news_due_ = false;
    std::uint64_t last_peer_ = 0;
};

}  // namespace packswarm::swarm
