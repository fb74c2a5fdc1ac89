#include "p2p/swarm/channel/channel.hpp"

#include <algorithm>
#include <random>

#include "p2p/base/log.hpp"
#include "p2p/swarm/unwanted.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr Millis shortest_pump{2};
constexpr Millis longest_pump{50};
constexpr ByteCount wan_room = limits::max_peer_queue / 16;  // what waits here delays every later answer to the peer
constexpr Taker::Window lan_window{limits::max_data_block, 4 * limits::mib};
constexpr Taker::Window wan_window{32 * limits::kib, 1 * limits::mib};
constexpr std::size_t max_own_addresses = 64;
constexpr std::size_t max_departed = 256;  // peers that left and can still be blamed
constexpr Millis loan_news{150};           // between two reports of what more can be lent
constexpr int silent_share =
    12;  // silence is held against a peer for this part of the ban time when the broker says so,
constexpr int stalled_share = 120;  // and for this part when an answer failed to come

AgentId random_agent_id() {
    std::random_device device;
    AgentId out;
    for (auto& byte : out) byte = static_cast<std::uint8_t>(device());
    return out;
}

plan::AgentKey key_of(const AgentId& id) {
    plan::AgentKey out = 0;
    for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | id[i];
    return out;
}

}  // namespace

Channel::Channel(Session& session, OfferedFiles& offered, Lending& lending, Gate& gate, Seats& seats,
                 const ToLoop& loop, ChannelSettings settings)
    : session_(session),
      offered_(offered),
      lending_(lending),
      gate_(gate),
      seats_(seats),
      loop_(loop),
      settings_(std::move(settings)),
      agent_id_(random_agent_id()) {}

void Channel::start() {
    session_.every(std::clamp<Millis>(settings_.get_timeout / 4, 20ms, 500ms), [this] { tick(); });
}

// ---- What we show

void Channel::show(const LineageId& lineage, LineageShow state) {
    auto& shown = shows_[lineage];
    if (shown == state) return;
    shown = std::move(state);
    std::vector<Digest> roots;
    for (const auto& root : shown.roots) roots.push_back(root.root);
    offered_.set_roots(lineage, std::move(roots));
    for (const auto& link : links_) {
        if (link->lineage() != lineage || !link->is_up()) continue;
        link->say_hello();
        link->flush();
    }
}

void Channel::forget(const LineageId& lineage) {
    shows_.erase(lineage);
    offered_.forget_lineage(lineage);
}

Hello Channel::hello_for(const LineageId& lineage) const {
    Hello hello;
    hello.agent_id = agent_id_;
    hello.listen_port = static_cast<std::uint16_t>(session_.port());
    hello.agent = settings_.agent;
    const auto at = shows_.find(lineage);
    if (at == shows_.end() || at->second.roots.empty()) return hello;
    hello.root = at->second.roots.front();
    hello.others.assign(at->second.roots.begin() + 1, at->second.roots.end());
    return hello;
}

// ---- Links come and go

bool Channel::crowded(const lt::address& address) const {
    const auto same =
        std::count_if(links_.begin(), links_.end(), [&](const auto& link) { return link->address() == address; });
    return same >= limits::max_address_links * static_cast<std::ptrdiff_t>(std::max<std::size_t>(shows_.size(), 1));
}

std::shared_ptr<Link> Channel::connect(const Meet& where, const lt::peer_connection_handle& connection) {
    const auto address = plain(connection.remote().address());
    std::unique_ptr<Seats::Seat> seat;
    bool is_welcome = !crowded(address) && !session_.is_banned(address);
    if (const auto who = sitter(where.torrent, connection); who && is_welcome) {
        seat = seats_.take(*who, now());
        is_welcome = seat != nullptr;
    }
    if (!is_welcome) return std::make_shared<Link>(*this, where, connection, Link::Welcome::no);
    auto link = links_.emplace_back(std::make_shared<Link>(*this, where, connection, Link::Welcome::yes));
    if (!seat) return link;
    seat->when_lost([weak = std::weak_ptr(link)] {
        if (const auto one = weak.lock()) one->close(unwanted());
    });
    link->sit(std::move(seat));
    return link;
}

bool Channel::is_named(const lt::address& address) const {
    const auto named = named_ ? named_() : std::vector<lt::tcp::endpoint>();
    return std::any_of(named.begin(), named.end(), [&](const auto& one) { return plain(one.address()) == address; });
}

// Whom the owner named takes as much as there is.
bool Channel::gives_to(broker::Reach reach, const lt::address& address) const {
    return gate_.lets(reach) && (!gate_.has_had_its_part(reach, address) || is_named(address));
}

// Not those that we dialled, nor those from addresses that the owner named.
std::optional<Seats::Sitter> Channel::sitter(const LineageId& torrent,
                                             const lt::peer_connection_handle& connection) const {
    const auto address = plain(connection.remote().address());
    if (connection.is_outgoing() || is_named(address)) return std::nullopt;
    return Seats::Sitter{torrent, address.to_string(), session_.is_lan(address)};
}

// When both have dialled, libtorrent would end the connection that came in at either side, and thereby both. The
// greater number's stays.
void Channel::dialled_by(Link& link, const AgentId& number, const lt::tcp::endpoint& listens_at) {
    if (number <= agent_id_) return;  // then the one that came in goes
    for (const auto& other : std::vector(links_))
        if (other.get() != &link && other->lineage() == link.lineage() && other->dials(listens_at))
            other->close(unwanted());
}

bool Channel::greeted(Link& link, const Hello& hello) {
    if (hello.agent_id == agent_id_) {
        if (hello.listen_port == session_.port() && self_.size() < max_own_addresses)
            self_.insert({link.address(), hello.listen_port});
        link.close(unwanted());
        return false;
    }
    const bool is_news = !link.is_up() || hello.root != link.peer_hello.root || hello.others != link.peer_hello.others;
    if (!link.is_up()) open(link, peer_of(link, hello));
    if (is_news) tell_snapshot(link, hello);
    return true;
}

// An agent is known by its address and the number it chose: nobody else can speak in its name from elsewhere.
Channel::Peer& Channel::peer_of(const Link& link, const Hello& hello) {
    for (auto& [id, peer] : peers_)
        if (peer.agent_id == hello.agent_id && peer.address == link.address() && peer.port == hello.listen_port)
            return peer;
    const auto id = broker::PeerId{++last_peer_};
    Peer& peer = peers_[id];
    peer.id = id;
    peer.address = link.address();
    peer.agent_id = hello.agent_id;
    peer.port = hello.listen_port;
    peer.agent = printable(hello.agent, limits::max_agent_name);
    peer.reach = session_.is_lan(peer.address) ? broker::Reach::lan : broker::Reach::wan;
    return peer;
}

void Channel::open(Link& link, Peer& peer) {
    link.peer = peer.id;
    peer.links.push_back(&link);
    const bool lan = peer.reach == broker::Reach::lan;
    const auto any_link = [this, id = peer.id](const auto& is_so) {
        const auto& [reach, address, links] = std::tie(peers_.at(id).reach, peers_.at(id).address, peers_.at(id).links);
        if (!gives_to(reach, address)) return false;
        return std::any_of(links.begin(), links.end(), [&](const Link* one) { return is_so(one->lineage()); });
    };
    Giver::Rights rights;
    rights.may_see = [this, any_link](const OfferedFile& entry) {
        return any_link([&](const LineageId& id) { return offered_.shared_with(entry, id); });
    };
    rights.is_in = [any_link](const LineageId& lineage) {
        return any_link([&](const LineageId& id) { return id == lineage; });
    };
    rights.gave = [this, reach = peer.reach, address = peer.address](ByteCount bytes) {
        gate_.count(reach, address, bytes, now());
    };
    link.start(std::make_unique<Giver>(link, offered_, lending_, asked_by_all_, std::move(rights),
                                       lan ? limits::max_peer_queue : wan_room),
               taker_events(peer), lan ? lan_window : wan_window);
    loop_.tell([view = view(peer)](LoopSide& side) { side.peer_up(view); });
    if (met_) met_(link.lineage(), {peer.address, peer.port});
}

TakerEvents Channel::taker_events(const Peer& peer) {
    TakerEvents events;
    events.told = [this, id = peer.id, reach = peer.reach](std::vector<Told> told) {
        std::vector<broker::PeerOffer> offers;
        offers.reserve(told.size());
        for (auto& entry : told)
            offers.push_back({id, reach, entry.digest, entry.size, std::move(entry.pieces), entry.signature});
        loop_.tell([offers = std::move(offers)](LoopSide& side) { side.offers(offers); });
    };
    events.lends = [this, id = peer.id](const Have& have) {
        loop_.tell(
            [loan = broker::PeerLoan{id, have.digest, have.size, have.pieces}](LoopSide& side) { side.lends(loan); });
    };
    events.data = [this](broker::FetchId fetch, ByteCount offset, Bytes bytes) {
        const auto size = static_cast<ByteCount>(bytes.size());
        if (size >= wan_window.block) session_.much_came();
        auto shared = std::make_shared<Bytes>(std::move(bytes));
        loop_.tell_data(size,
                        [fetch, offset, shared](LoopSide& side) { side.data(fetch, offset, std::move(*shared)); });
    };
    events.done = [this](broker::FetchId fetch, Result<void> result) {
        loop_.tell([fetch, result = std::move(result)](LoopSide& side) { side.done(fetch, result); });
    };
    events.congested = [this] { return loop_.congested(); };
    return events;
}

void Channel::tell_snapshot(const Link& link, const Hello& hello) {
    const auto shown = shows_.find(link.lineage());
    if (shown == shows_.end()) return;
    auto roots = hello.others;
    roots.insert(roots.begin(), hello.root);
    for (auto& root : roots) {
        if (root.root == Digest{}) continue;
        const broker::PeerSnapshot snapshot{link.peer, shown->second.lineage, WallTime(Seconds(root.date)),
                                            root.root, root.root_size,        std::move(root.provenance)};
        loop_.tell([snapshot](LoopSide& side) { side.snapshot(snapshot); });
    }
}

void Channel::breached(Link& link, const std::string& what) {
    spdlog::info("swarm: peer {} is dropped: {}", endpoint_text(link.address(), link.peer_hello.listen_port),
                 printable(what));
    if (link.is_up()) link.taker().fail_all({ErrorKind::Corrupt, "the peer broke the protocol: " + printable(what)});
    session_.ban(link.address(), settings_.ban_time);
}

void Channel::closed(Link& link) {
    blocked_.erase(&link);
    if (link.is_up()) {
        link.taker().fail_all({ErrorKind::Transient, "the peer is gone"});
        Peer& peer = peers_.at(link.peer);
        std::erase(peer.links, &link);
        peer.received += link.taker().received();
        peer.sent += link.giver().sent();
        const bool gone = peer.links.empty();
        loop_.tell(
            [gone, view = view(peer)](LoopSide& side) { gone ? side.peer_down(view.id) : side.peer_changed(view); });
        if (gone) leave(peer);
    }
    // The caller still stands in the link.
    const auto at = std::find_if(links_.begin(), links_.end(), [&](const auto& one) { return one.get() == &link; });
    if (at == links_.end()) return;
    session_.post([last = *at] {});
    links_.erase(at);
    if (unreached_ && link.is_unreached())
        session_.post([this, where = link.where(), to = link.remote()] { unreached_(where, to); });
    const bool is_last =
        std::none_of(links_.begin(), links_.end(), [&](const auto& one) { return one->address() == link.address(); });
    if (is_last && gone_) gone_(link.address());
}

// What it gave may be found wrong when it is long gone.
void Channel::leave(const Peer& peer) {
    departed_.push_back({peer.id, {peer.address, peer.port}});
    if (departed_.size() > max_departed) departed_.pop_front();
    peers_.erase(peer.id);
}

// ---- What the loop wants

bool Channel::is_stranger(const Peer& peer) const {
    if (peer.reach != broker::Reach::wan) return false;
    const auto named = named_ ? named_() : std::vector<lt::tcp::endpoint>();
    return std::find(named.begin(), named.end(), lt::tcp::endpoint(peer.address, peer.port)) == named.end();
}

void Channel::ask(const LineageId& lineage, const std::vector<Digest>& digests, core::Audience whom) {
    if (whom == core::Audience::nobody) return;
    for (const auto& link : std::vector(links_)) {
        if (link->lineage() != lineage || !link->is_up()) continue;
        if (whom == core::Audience::neighbours && is_stranger(peers_.at(link->peer))) continue;
        link->taker().ask(digests);
        active(*link);
    }
}

void Channel::get(broker::FetchId fetch, broker::PeerId peer, const Digest& digest, ByteRange range) {
    const auto at = peers_.find(peer);
    if (at == peers_.end()) {
        loop_.tell([fetch](LoopSide& side) { side.done(fetch, fail(ErrorKind::Transient, "the peer is gone")); });
        return;
    }
    Link& link = *at->second.links.front();
    link.taker().get(fetch, digest, range);
    active(link);
}

void Channel::cancel(broker::FetchId fetch) {
    for (const auto& link : links_) {
        if (!link->is_up() || !link->taker().cancel(fetch)) continue;
        return active(*link);
    }
}

void Channel::blame(broker::PeerId peer, broker::Blame why) {
    const auto at = peers_.find(peer);
    const auto was =
        std::find_if(departed_.begin(), departed_.end(), [peer](const auto& one) { return one.first == peer; });
    if (at == peers_.end() && was == departed_.end()) return;
    const auto endpoint = at != peers_.end() ? lt::tcp::endpoint(at->second.address, at->second.port) : was->second;
    const bool silent = why == broker::Blame::silent;
    spdlog::info("swarm: peer {} is dropped: {}", endpoint_text(endpoint.address(), endpoint.port()),
                 silent                              ? "silent"
                 : why == broker::Blame::wrong_bytes ? "wrong bytes"
                                                     : "wrong piece hashes");
    session_.ban(endpoint.address(), silent ? settings_.ban_time / silent_share : settings_.ban_time);
    if (was != departed_.end()) departed_.erase(was);
    if (at == peers_.end()) return;
    for (auto* link : std::vector(at->second.links)) link->close(unwanted());
}

// What we cannot give we may want ourselves: then both share the work.
void Channel::asked(Link& link, const Ask& ask) {
    std::vector<Digest> sought;
    for (const auto& digest : ask.digests)
        if (offered_.find(digest) == nullptr) sought.push_back(digest);
    if (!sought.empty())
        loop_.tell([peer = link.peer, sought = std::move(sought)](LoopSide& side) { side.seeks(peer, sought); });
}

void Channel::news(const Digest& digest) {
    for (const auto& link : std::vector(links_)) {
        if (!link->is_up()) continue;
        link->giver().news(digest, now());
        active(*link);
    }
}

void Channel::news_of_loans() {
    if (std::exchange(loan_news_due_, true)) return;
    session_.after(loan_news, [this] {
        loan_news_due_ = false;
        for (const auto& digest : lending_.changed()) news(digest);
    });
}

plan::AgentKey Channel::key() const { return key_of(agent_id_); }

void Channel::resume() {
    for (const auto& link : std::vector(links_))
        if (link->is_up()) active(*link);
}

// ---- Time

void Channel::active(Link& link) {
    if (!link.is_up()) return;
    link.taker().pump(now());
    const bool is_blocked = link.giver().pump();
    link.flush();
    if (!is_blocked) {
        blocked_.erase(&link);
        return;
    }
    blocked_.insert(&link);
    if (pumping_) return;
    pumping_ = true;
    session_.after(pump_delay_, [this] { pump_blocked(); });
}

void Channel::pump_blocked() {
    pumping_ = false;
    ByteCount before = 0, after = 0;
    for (auto* link : std::set(blocked_)) {
        if (blocked_.count(link) == 0) continue;
        before += link->giver().sent();
        active(*link);
        after += link->giver().sent();
    }
    pump_delay_ = after > before ? shortest_pump : std::min(pump_delay_ * 2, longest_pump);
}

void Channel::tick() {
    for (const auto& link : std::vector(links_)) {
        if (!link->is_up()) {
            if (now() - link->since() > limits::max_hello_wait) link->close(unwanted());
            continue;
        }
        if (link->taker().is_silent(now(), settings_.get_timeout)) {
            link->taker().fail_all({ErrorKind::Transient, "the peer is silent"});
            session_.ban(link->address(), settings_.ban_time / stalled_share);
            link->close(lt::errors::make_error_code(lt::errors::timed_out_inactivity));
            continue;
        }
        active(*link);
    }
    for (auto& [id, peer] : peers_) show_counters(peer);
    lending_.expire(now());
}

// ---- Peers

broker::PeerView Channel::view(const Peer& peer) const {
    broker::PeerView out{peer.id,    endpoint_text(peer.address, peer.port),
                         peer.agent, peer.reach,
                         {},         peer.received,
                         peer.sent,  key_of(peer.agent_id)};
    for (auto* link : peer.links) {
        if (const auto shown = shows_.find(link->lineage()); shown != shows_.end())
            out.lineages.push_back(shown->second.lineage);
        if (!link->is_up()) continue;
        out.received += link->taker().received();
        out.sent += link->giver().sent();
    }
    return out;
}

void Channel::show_counters(Peer& peer) {
    const auto now_shown = view(peer);
    if (now_shown.received == peer.shown_received && now_shown.sent == peer.shown_sent) return;
    peer.shown_received = now_shown.received;
    peer.shown_sent = now_shown.sent;
    loop_.tell([now_shown](LoopSide& side) { side.peer_changed(now_shown); });
}

void Channel::count(broker::PeerId peer, ByteCount received, ByteCount sent) {
    const auto at = peers_.find(peer);
    if (at == peers_.end()) return;
    at->second.received += received;
    at->second.sent += sent;
}

std::size_t Channel::links(const LineageId& lineage) const {
    return static_cast<std::size_t>(std::count_if(
        links_.begin(), links_.end(), [&](const auto& link) { return link->lineage() == lineage && link->is_up(); }));
}

std::size_t Channel::rising(const LineageId& lineage) const {
    return static_cast<std::size_t>(std::count_if(
        links_.begin(), links_.end(), [&](const auto& link) { return link->lineage() == lineage && !link->is_up(); }));
}

bool Channel::is_linked(const LineageId& lineage, const lt::tcp::endpoint& listens_at) const {
    return std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
        return link->lineage() == lineage && link->is_up() && link->address() == listens_at.address() &&
               link->peer_hello.listen_port == listens_at.port();
    });
}

bool Channel::is_connected(const LineageId& torrent, const lt::address& address) const {
    return std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
        return link->torrent() == torrent && link->address() == plain(address) &&
               (link->is_up() || !link->is_dialled_in(torrent));
    });
}

int Channel::dialled(const LineageId& torrent) const {
    return static_cast<int>(
        std::count_if(links_.begin(), links_.end(), [&](const auto& link) { return link->is_dialled_in(torrent); }));
}

bool Channel::is_dialled(const LineageId& lineage, const lt::tcp::endpoint& endpoint) const {
    return std::any_of(links_.begin(), links_.end(),
                       [&](const auto& link) { return link->lineage() == lineage && link->dials(endpoint); });
}

std::optional<lt::tcp::endpoint> Channel::torrent_endpoint(broker::PeerId peer) const {
    const auto at = peers_.find(peer);
    if (at == peers_.end() || at->second.port == 0) return std::nullopt;
    return lt::tcp::endpoint(at->second.address, at->second.port);
}

broker::PeerId Channel::peer_at(const lt::tcp::endpoint& endpoint) const {
    const auto address = plain(endpoint.address());
    auto only = broker::PeerId::none;
    int count = 0;
    for (const auto& [id, peer] : peers_) {
        if (peer.address != address) continue;
        if (peer.port == endpoint.port()) return id;
        only = id;
        ++count;
    }
    return count == 1 ? only : broker::PeerId::none;
}

}  // namespace packswarm::swarm
