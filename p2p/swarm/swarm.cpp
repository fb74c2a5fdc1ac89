#include "p2p/swarm/swarm.hpp"

#include <algorithm>
#include <future>
#include <libtorrent/extensions.hpp>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/swarm/burdens.hpp"
#include "p2p/swarm/discovery/announcer.hpp"
#include "p2p/swarm/discovery/rendezvous.hpp"
#include "p2p/swarm/doorstep.hpp"
#include "p2p/swarm/torrents/joins.hpp"

namespace packswarm::swarm {

namespace {

constexpr std::chrono::milliseconds last_state_patience{300};
constexpr std::chrono::milliseconds relief_interval{250};

// What libtorrent asks about handshakes for torrents that are not loaded.
class Doorkeeper final : public lt::plugin {
  public:
    Doorkeeper(OnDemand& on_demand, Announcer& announcer, Burdens& burdens)
        : on_demand_(on_demand), announcer_(announcer), burdens_(burdens) {}
    std::shared_ptr<lt::torrent_plugin> new_torrent(const lt::torrent_handle&, lt::client_data_t) override {
        return burdens_.watch();
    }
    lt::feature_flags_t implemented_features() override { return asks_about_unknown_torrents<lt::plugin>(); }
    bool on_unknown_torrent(const lt::info_hash_t& hashes, const lt::peer_connection_handle& from,
                            lt::add_torrent_params& params) override {
        const auto infohash = Infohash::from_raw(hashes.v1.data());
        const bool is_ours = on_demand_.load(infohash, from.remote().address(), params);
        if (is_ours) announcer_.consider(infohash);
        return is_ours;
    }

  private:
    // libtorrent 2.0.10 wants to be told; before that it always asks.
    template <class Plugin>
    static lt::feature_flags_t asks_about_unknown_torrents() {
        if constexpr (requires { Plugin::unknown_torrent_feature; }) return Plugin::unknown_torrent_feature;
        return {};
    }
    OnDemand& on_demand_;
    Announcer& announcer_;
    Burdens& burdens_;
};

Result<void> check_endpoints(const std::vector<std::string>& texts) {
    for (const auto& text : texts)
        if (const auto parts = split_endpoint(text); !parts) return tl::unexpected(parts.error());
    return {};
}

// Two addresses of one product show the newer of their roots.
void show_root(std::vector<RootOnShow>& roots, RootOnShow root) {
    if (root.root == Digest{}) return;
    const auto same = std::find_if(roots.begin(), roots.end(),
                                   [&](const auto& one) { return one.provenance.product == root.provenance.product; });
    if (same == roots.end())
        roots.push_back(std::move(root));
    else if (same->date < root.date)
        *same = std::move(root);
    std::stable_sort(roots.begin(), roots.end(), [](const auto& a, const auto& b) { return a.date > b.date; });
    if (roots.size() > limits::max_roots_on_show) roots.pop_back();
}

Result<void> check(const SwarmSettings& settings) {
    for (const auto* texts : {&settings.static_peers, &settings.dht_nodes, &settings.public_nodes})
        if (auto sane = check_endpoints(*texts); !sane) return sane;
    for (const auto& tracker : settings.trackers) {
        const bool is_known =
            tracker.starts_with("http://") || tracker.starts_with("https://") || tracker.starts_with("udp://");
        if (!is_known)
            return fail(ErrorKind::Refused, "tracker '{}' does not begin with http://, https:// or udp://",
                        printable(tracker));
    }
    if (settings.trackers.size() > limits::max_trackers)
        return fail(ErrorKind::Refused, "more than {} trackers", limits::max_trackers);
    if (settings.upload_limit < 0)
        return fail(ErrorKind::Refused, "an upload limit of {} bytes a second", settings.upload_limit);
    return {};
}

}  // namespace

// From what is spoken to, to who speaks. LoopSide belongs to the loop, all below session to the network thread once it
// runs.
struct Swarm::Parts {
    Loop& loop;
    std::filesystem::path dht_state_file;
    std::set<core::Lineage> lineages;  // the loop's
    std::shared_ptr<LoopSide> loop_side;
    std::unique_ptr<Session> session;
    ToLoop to_loop;
    OfferedFiles offered;
    Lending lending;
    Gate gate;
    Burdens burdens;
    Seats seats;
    Doorstep doorstep;
    Channel channel;
    Dht dht;
    Announcer announcer;
    Rendezvous rendezvous;
    OnDemand on_demand;
    Joins joins;

    Parts(Loop& the_loop, const SwarmSettings& settings, std::unique_ptr<Session> the_session,
          std::unique_ptr<broker::StoreReader> shared, broker::PeerMemory* memory)
        : loop(the_loop),
          dht_state_file(settings.dht_state_file),
          loop_side(std::make_shared<LoopSide>(loop, memory)),
          session(std::move(the_session)),
          to_loop(loop, loop_side, [this] { session->post([this] { channel.resume(); }); }),
          offered(std::move(shared)),
          burdens(*session),
          seats([this](Task task) { session->post(std::move(task)); }),
          doorstep([this](const lt::address& address) { keep_out(address); }, [this] { refuse_utp(); }),
          channel(*session, offered, lending, gate, seats, to_loop,
                  {settings.agent, settings.ban_time, settings.get_timeout}),
          dht(*session, settings,
              [&the_loop, workers = settings.workers, file = dht_state_file](Bytes state) {
                  the_loop.post([workers, file, state] { save_away(workers, file, state); });
              }),
          announcer(*session, dht, gate, settings.internet == Internet::find ? 0 : settings.announce_large),
          rendezvous(*session, channel, doorstep, dht, settings, to_loop),
          on_demand(*session, offered, gate, channel, seats, doorstep),
          joins(*session, channel, on_demand, to_loop, settings.get_timeout) {
        if (settings.memory) burdens.count_in(*settings.memory);
        loop_side->acquaintances().set_reach([this](const std::string& endpoint) { return reach_of(endpoint); });
    }
    ~Parts() {
        if (dht.is_on()) save_last();
        session->close();
    }

    static void save(const std::filesystem::path& file, const Bytes& state) {
        if (file.empty() || state.empty()) return;
        if (auto saved = replace_file(file, state, 0600); !saved)
            spdlog::warn("swarm: the DHT's nodes are not kept: {}", saved.error().message);
    }
    // The disk may take its time.
    static void save_away(Workers* workers, const std::filesystem::path& file, const Bytes& state) {
        if (workers == nullptr) return save(file, state);
        workers->run([file, state]() -> Task {
            save(file, state);
            return [] {};
        });
    }
    void save_last() {
        auto state = std::make_shared<std::promise<Bytes>>();
        auto asked = state->get_future();
        session->post([this, state] { state->set_value(dht.state()); });
        if (asked.wait_for(last_state_patience) == std::future_status::ready) save(dht_state_file, asked.get());
    }

    // The loop's; the local networks never change.
    broker::Reach reach_of(const std::string& endpoint) const {
        const auto parts = split_endpoint(endpoint);
        lt::error_code error;
        const auto address = parts ? lt::make_address(parts->first, error) : lt::address{};
        return parts && !error && session->is_lan(address) ? broker::Reach::lan : broker::Reach::wan;
    }

    void keep_out(const lt::address& address) {
        if (channel.is_named(address)) return;
        spdlog::info("swarm: {} is kept out for a minute: it holds too many connections that say nothing",
                     address.to_string());
        session->ban(address, limits::kept_out);
    }

    void refuse_utp() {
        spdlog::info("swarm: uTP is refused for a minute: too many connections say nothing; TCP is open");
        session->refuse_utp(limits::kept_out);
    }

    Result<void> start() {
        session->on_ban([this](const lt::address& address) {
            const auto endpoint = endpoint_text(address, 0);
            to_loop.tell([host = endpoint.substr(0, endpoint.rfind(':'))](LoopSide& side) {
                side.acquaintances().banned(host);
            });
        });
        auto doorkeeper = std::make_shared<Doorkeeper>(on_demand, announcer, burdens);
        return session->start(std::move(doorkeeper), [this](lt::alert* alert) {
            if (const auto* one = lt::alert_cast<lt::incoming_connection_alert>(alert))
                doorstep.came(
                    one->endpoint, now(),
                    one->socket_type == lt::socket_type_t::utp ? Doorstep::Transport::utp : Doorstep::Transport::tcp);
            dht.on_alert(alert);
            rendezvous.on_alert(alert);
            on_demand.on_alert(alert);
            joins.on_alert(alert);
        });
    }
    void begin() {
        session->every(relief_interval, [this] { burdens.relieve(limits::max_all_buffers); });
        channel.start();
        dht.start();
        announcer.start();
        rendezvous.start();
        on_demand.start();
        joins.start();
    }
};

std::vector<std::string> SwarmSettings::default_lan_networks() {
    return {"10.0.0.0/8",  "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
            "127.0.0.0/8", "fc00::/7",      "fe80::/10",      "::1"};
}

Result<std::unique_ptr<Swarm>> Swarm::open(Loop& loop, SwarmSettings settings,
                                           std::unique_ptr<broker::StoreReader> shared, broker::PeerMemory* memory) {
    if (auto sane = check(settings); !sane) return tl::unexpected(sane.error());
    auto session = Session::make(settings);
    if (!session) return tl::unexpected(session.error());
    auto parts = std::make_unique<Parts>(loop, settings, std::move(*session), std::move(shared), memory);
    if (auto started = parts->start(); !started) return tl::unexpected(started.error());
    parts->session->post([parts = parts.get()] { parts->begin(); });
    return std::unique_ptr<Swarm>(new Swarm(std::move(parts)));
}

Swarm::Swarm(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Swarm::~Swarm() = default;

int Swarm::port() const { return parts_->session->port(); }
const DiscoveryView& Swarm::discovery() const { return parts_->loop_side->discovery(); }
void Swarm::set_upload_limit(ByteCount per_second) { parts_->session->set_upload_limit(per_second); }

Result<void> Swarm::set_static_peers(std::vector<std::string> peers) {
    if (auto sane = check_endpoints(peers); !sane) return sane;
    parts_->session->post([in = parts_.get(), peers = std::move(peers)] { in->rendezvous.set_static_peers(peers); });
    return {};
}

void Swarm::set_observer(broker::PeerObserver* observer) { parts_->loop_side->set_observer(observer); }
std::vector<broker::PeerView> Swarm::view() const { return parts_->loop_side->view(); }
broker::Company Swarm::company(const core::Lineage& lineage) const { return parts_->loop_side->company(lineage); }

void Swarm::set_lineages(std::vector<broker::LineageState> lineages) {
    if (lineages.size() > limits::max_lineages) {
        spdlog::warn("swarm: {} lineages are too many, only the first {} are shared", lineages.size(),
                     limits::max_lineages);
        lineages.resize(limits::max_lineages);
    }
    std::set<core::Lineage> wanted;
    std::vector<LineageWish> wishes;
    for (auto& state : lineages) {
        const auto& lineage = state.lineage;
        if (wanted.insert(lineage).second) {
            wishes.push_back({{lineage, {}}, {}});
            if (parts_->lineages.count(lineage) == 0) {
                wishes.back().first_dials = parts_->loop_side->acquaintances().first_dials(lineage);
                parts_->loop_side->entered(lineage);
            }
        }
        const auto wish =
            std::find_if(wishes.begin(), wishes.end(), [&](const auto& one) { return one.show.lineage == lineage; });
        show_root(wish->show.roots,
                  {state.date.time_since_epoch().count(), state.root, state.root_size, std::move(state.provenance)});
    }
    for (const auto& lineage : parts_->lineages)
        if (wanted.count(lineage) == 0) parts_->loop_side->departed(lineage);
    parts_->lineages = std::move(wanted);
    parts_->session->post([in = parts_.get(), wishes = std::move(wishes)] { in->rendezvous.set_lineages(wishes); });
}

void Swarm::ask(const core::Lineage& lineage, std::vector<Digest> digests, core::Audience whom) {
    if (digests.empty()) return;
    parts_->session->post([in = parts_.get(), id = lineage_id(lineage), digests = std::move(digests), whom] {
        in->channel.ask(id, digests, whom);
    });
}

broker::FetchId Swarm::get(broker::PeerId peer, const Digest& digest, ByteRange range, broker::GetEvents events) {
    const auto id = parts_->loop_side->expect(std::move(events));
    const bool sane = range.begin >= 0 && range.end <= limits::max_artifact;
    if (!sane || range.empty()) {
        const Result<void> result =
            sane ? Result<void>{} : fail(ErrorKind::Refused, "bytes {} to {} of an artifact", range.begin, range.end);
        parts_->to_loop.tell([id, result](LoopSide& side) { side.done(id, result); });
        return id;
    }
    parts_->session->post([in = parts_.get(), id, peer, digest, range] { in->channel.get(id, peer, digest, range); });
    return id;
}

void Swarm::cancel(broker::FetchId fetch) {
    if (!parts_->loop_side->forget(fetch)) return;
    parts_->session->post([in = parts_.get(), fetch] { in->channel.cancel(fetch); });
}

broker::JoinId Swarm::join(broker::Join join, broker::JoinEvents events) {
    const auto id = parts_->loop_side->expect(std::move(events));
    parts_->session->post([in = parts_.get(), id, join = std::move(join)] { in->joins.join(id, join); });
    return id;
}

void Swarm::add_peer(broker::JoinId join, broker::PeerId peer) {
    parts_->session->post([in = parts_.get(), join, peer] { in->joins.add_peer(join, peer); });
}

void Swarm::claim(broker::JoinId join, std::size_t first, std::size_t count) {
    parts_->session->post([in = parts_.get(), join, first, count] { in->joins.claim(join, first, count); });
}

void Swarm::unclaim(broker::JoinId join, std::size_t first, std::size_t count) {
    parts_->session->post([in = parts_.get(), join, first, count] { in->joins.unclaim(join, first, count); });
}

void Swarm::feed(broker::JoinId join, std::size_t piece, Bytes bytes) {
    auto shared = std::make_shared<Bytes>(std::move(bytes));
    parts_->session->post(
        [in = parts_.get(), join, piece, shared] { in->joins.feed(join, piece, std::move(*shared)); });
}

void Swarm::leave(broker::JoinId join, Task left) {
    if (!parts_->loop_side->leave(join, std::move(left))) return;
    parts_->session->post([in = parts_.get(), join] { in->joins.leave(join); });
}

plan::AgentKey Swarm::key() const { return parts_->channel.key(); }

void Swarm::lend(const Digest& digest, const StagedFile& file, const core::Lineage& lineage) {
    parts_->session->post([in = parts_.get(), digest, file, id = lineage_id(lineage)] {
        in->lending.lend(digest, file, id);
        in->channel.news(digest);
    });
}

void Swarm::lend_piece(const Digest& digest, std::size_t piece) {
    parts_->session->post([in = parts_.get(), digest, piece] {
        in->lending.add(digest, piece);
        in->channel.news_of_loans();
    });
}

void Swarm::end_loan(const Digest& digest, Outcome outcome) {
    parts_->session->post([in = parts_.get(), digest, outcome] {
        if (outcome == Outcome::failed) return in->lending.end(digest);
        in->lending.verified(digest, std::chrono::steady_clock::now());
        in->channel.news_of_loans();
    });
}

void Swarm::blame(broker::PeerId peer, broker::Blame why) {
    parts_->session->post([in = parts_.get(), peer, why] { in->channel.blame(peer, why); });
}

void Swarm::offer(const core::Lineage& lineage, std::vector<StoredMark> files) {
    parts_->session->post([in = parts_.get(), id = lineage_id(lineage), files = std::move(files)] {
        for (const auto& file : files) {
            in->offered.put(file, id);
            in->lending.end(file.digest());
            in->channel.news(file.digest());
            if (const auto infohash = in->offered.infohash_of(file.digest())) in->announcer.consider(*infohash);
        }
    });
}

void Swarm::withdraw(std::vector<Digest> digests) {
    parts_->session->post([in = parts_.get(), digests = std::move(digests)] {
        for (const auto& digest : digests) {
            if (const auto infohash = in->offered.infohash_of(digest)) {
                in->on_demand.unload(*infohash);
                in->announcer.forget(*infohash);
            }
            in->offered.withdraw(digest);
        }
    });
}

void Swarm::give_to(core::Audience audience, ByteCount each_network) {
    parts_->session->post([in = parts_.get(), audience, each_network] { in->gate.open_to(audience, each_network); });
}

broker::Giving Swarm::giving() const { return parts_->gate.figures(); }

}  // namespace packswarm::swarm
