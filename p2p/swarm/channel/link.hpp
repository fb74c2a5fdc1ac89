// Link: one rendezvous connection to another agent: the BEP 10 extension under the peer channel, hello first, then both
// halves of the conversation. Whoever is no agent, or claims to have the piece that nobody can have, is dropped. Not
// here: who the peer is and what it may see (channel.hpp). Network thread.
#pragma once

#include <libtorrent/extensions.hpp>
#include <libtorrent/peer_connection_handle.hpp>
#include <memory>

#include "p2p/broker/ports/peer_views.hpp"
#include "p2p/swarm/channel/giver.hpp"
#include "p2p/swarm/channel/introduction.hpp"
#include "p2p/swarm/channel/taker.hpp"
#include "p2p/swarm/seats.hpp"

namespace packswarm::swarm {

class Link;

// Where a connection was made: in which lineage, and in which torrent of it (the lineage's own, or a shard's).
struct Meet {
    LineageId lineage, torrent;
};

// What a link needs from whoever keeps the links.
class LinkKeeper {
  public:
    virtual ~LinkKeeper() = default;
    virtual const AgentId& agent_id() const = 0;
    virtual Hello hello_for(const LineageId& lineage) const = 0;
    virtual void dialled_by(Link& link, const AgentId& number,
                            const lt::tcp::endpoint& listens_at) = 0;  // before it is up
    virtual bool greeted(Link& link, const Hello& hello) = 0;  // false: not to be talked to; the link is closed by then
    virtual void asked(Link& link, const Ask& ask) = 0;
    virtual void gossips(Link& link) = 0;  // what PEX names from here on is of this link
    virtual void introduced(Link& link, const Introduction& introduction) = 0;
    virtual void active(Link& link) = 0;  // something arrived: send what can be sent
    virtual void breached(Link& link, const std::string& what) = 0;
    virtual void closed(Link& link) = 0;  // last
};

class Link final : public lt::peer_plugin, public Wire {
  public:
    enum class Welcome { yes, no };  // no: dropped once the handshake is done

    Link(LinkKeeper& keeper, const Meet& where, lt::peer_connection_handle connection, Welcome welcome);
    void sit(std::unique_ptr<Seats::Seat> seat) { seat_ = std::move(seat); }  // until it is closed

    // Only after the peer's hello.
    void start(std::unique_ptr<Giver> giver, TakerEvents events, Taker::Window window);
    bool is_up() const { return is_open_ && taker_ != nullptr; }
    void say_hello();
    void flush();  // what was sent leaves together
    void close(const lt::error_code& why);
    bool introduces() const { return is_up() && their_meet_id_ > 0; }  // it understands introductions
    void introduce(const Introduction& introduction);

    Giver& giver() { return *giver_; }
    Taker& taker() { return *taker_; }
    const LineageId& lineage() const { return where_.lineage; }
    const LineageId& torrent() const { return where_.torrent; }
    bool is_dialled_in(const LineageId& torrent) const {
        return where_.torrent == torrent && connection_.is_outgoing();
    }
    const lt::address& address() const { return address_; }
    bool dials(const lt::tcp::endpoint& endpoint) const {
        return is_open_ && connection_.is_outgoing() && connection_.remote() == endpoint;
    }
    TimePoint since() const { return since_; }
    // Dialled by us, over TCP, and not answered: so far, or ever.
    bool is_unreached() const { return is_open_ && is_dial_ && !is_connected_ && !is_utp(); }
    lt::tcp::endpoint remote() const { return connection_.remote(); }
    const Meet& where() const { return where_; }
    Hello peer_hello;  // the last one
    broker::PeerId peer = broker::PeerId::none;

    void send(Bytes framed) override;
    ByteCount queued() override;
    void breach(const std::string& what) override;

    void add_handshake(lt::entry& handshake) override;
    bool on_handshake(lt::span<const char> reserved) override;
    bool on_extension_handshake(const lt::bdecode_node& handshake) override;
    bool on_extended(int length, int id, lt::span<const char> body) override;
    void on_connected() override { is_connected_ = true; }
    void on_disconnect(const lt::error_code& why) override;
    bool can_disconnect(const lt::error_code& why) override;
    bool on_have(lt::piece_index_t piece) override;
    bool on_bitfield(const lt::bitfield& pieces) override;
    bool on_have_all() override;
    bool on_piece(const lt::peer_request& request, lt::span<const char> bytes) override;

  private:
    void take(const Message& message);
    void take(const Hello& hello);
    bool is_utp() const;
    bool take_introduction(int length, lt::span<const char> body);
    bool liar();

    LinkKeeper& keeper_;
    const Meet where_;
    lt::peer_connection_handle connection_;
    lt::address address_;
    Welcome welcome_;
    std::unique_ptr<Seats::Seat> seat_;  // none: it is not counted
    int their_id_ = 0, their_meet_id_ = 0;
    bool is_open_ = true;
    bool is_dial_ = false, is_connected_ = false;
    bool has_breached_ = false;
    Bytes pending_;
    std::unique_ptr<Giver> giver_;
    std::unique_ptr<Taker> taker_;
    Allowance hellos_{limits::max_hellos, 1};
    Allowance introductions_{limits::introduction_burst, limits::introductions_per_second};
    TimePoint since_ = std::chrono::steady_clock::now();
};

}  // namespace packswarm::swarm
