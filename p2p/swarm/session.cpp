#include "p2p/swarm/session.hpp"

#include <boost/asio/post.hpp>
#include <condition_variable>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/fingerprint.hpp>
#include <libtorrent/peer_class.hpp>
#include <libtorrent/peer_class_type_filter.hpp>
#include <libtorrent/posix_disk_io.hpp>
#include <libtorrent/session_params.hpp>
#include <libtorrent/torrent_flags.hpp>
#include <libtorrent/torrent_handle.hpp>
#include <mutex>
#include <optional>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/swarm/discovery/dht.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto close_patience = 800ms;
constexpr auto shortest_nap = 1ms, longest_nap = 4ms;
constexpr auto much_lasts = 10ms;  // a block of 16 KiB in this time: 1.6 MB/s
constexpr auto listen_patience = 5s;
constexpr int never_by_itself = 365 * 86400;  // seconds
constexpr auto leaves_within = 1500ms;        // libtorrent dials once a second
constexpr int usual_reconnect = 10;        // seconds before an endpoint that failed is dialled again, where it may be
constexpr int connect_patience = 7;        // seconds: a few SYN to what is not there
constexpr int max_known_endpoints = 4000;  // of one rendezvous swarm
constexpr auto other_interfaces = 300ms;   // after one interface failed, how long another may still succeed

const lt::address v4_first = lt::address_v4::any();
const lt::address v4_last = lt::address_v4::broadcast();
const lt::address v6_first = lt::address_v6::any();
const lt::address v6_last = lt::make_address_v6("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");

std::string listen_interfaces(const SwarmSettings& settings) {
    const auto port = std::to_string(settings.port);
    if (settings.listen_address.empty()) return "0.0.0.0:" + port + ",[::]:" + port;
    const bool v6 = settings.listen_address.find(':') != std::string::npos;
    return (v6 ? "[" + settings.listen_address + "]" : settings.listen_address) + ":" + port;
}

void set_network(lt::settings_pack& pack, const SwarmSettings& settings) {
    pack.set_str(lt::settings_pack::listen_interfaces, listen_interfaces(settings));
    pack.set_str(lt::settings_pack::outgoing_interfaces, settings.listen_address);
    pack.set_bool(lt::settings_pack::listen_system_port_fallback, false);
    pack.set_int(lt::settings_pack::max_retry_port_bind, 0);
    pack.set_int(lt::settings_pack::listen_queue_size, 2000);  // the default of 5 drops bursts of connections
    pack.set_int(lt::settings_pack::connections_limit, limits::max_connections);
    pack.set_int(lt::settings_pack::connections_slack, 0);
    pack.set_int(lt::settings_pack::connection_speed, 500);
    pack.set_bool(lt::settings_pack::smooth_connects, false);
    pack.set_bool(lt::settings_pack::allow_multiple_connections_per_ip,
                  true);  // agents behind one NAT; the channel has its own bound
    pack.set_int(lt::settings_pack::recv_socket_buffer_size, 1 << 20);  // uTP crawls with the default
    pack.set_int(lt::settings_pack::send_socket_buffer_size,
                 0);  // the kernel's choice: a fixed one would hold seconds of a slow line
    pack.set_bool(lt::settings_pack::enable_outgoing_utp, settings.outgoing_utp);
    pack.set_int(lt::settings_pack::utp_fin_resends, 0);  // or the session's end waits for peers that are gone
    pack.set_int(lt::settings_pack::mixed_mode_algorithm, lt::settings_pack::prefer_tcp);
    pack.set_int(lt::settings_pack::out_enc_policy,
                 lt::settings_pack::pe_disabled);  // torrents loaded on demand need plain handshakes
    pack.set_int(lt::settings_pack::in_enc_policy, lt::settings_pack::pe_enabled);
    pack.set_int(lt::settings_pack::min_reconnect_time, usual_reconnect);
    pack.set_int(lt::settings_pack::peer_connect_timeout, connect_patience);
    pack.set_int(lt::settings_pack::torrent_connect_boost, Session::has_door ? 100 : 0);
    pack.set_int(lt::settings_pack::peer_dscp, 0x04);
    pack.set_bool(lt::settings_pack::rate_limit_ip_overhead, true);
}

void set_discovery(lt::settings_pack& pack, const SwarmSettings& settings) {
    pack.set_bool(lt::settings_pack::enable_lsd, settings.lan_discovery);
    pack.set_int(lt::settings_pack::local_service_announce_interval, never_by_itself);  // the rendezvous decides when
    pack.set_bool(lt::settings_pack::announce_to_all_trackers, true);
    pack.set_bool(lt::settings_pack::announce_to_all_tiers, true);
    pack.set_int(lt::settings_pack::max_peerlist_size, max_known_endpoints);
    pack.set_bool(lt::settings_pack::no_connect_privileged_ports,
                  true);  // strangers name endpoints: nobody's mail or DNS server is dialled
    const bool opens_ports = settings.internet == Internet::find_and_be_found;
    pack.set_bool(lt::settings_pack::enable_upnp, opens_ports);
    pack.set_bool(lt::settings_pack::enable_natpmp, opens_ports);
    pack.set_int(lt::settings_pack::stop_tracker_timeout, 0);
}

lt::settings_pack settings_pack(const SwarmSettings& settings) {
    lt::settings_pack pack;
    set_network(pack, settings);
    set_discovery(pack, settings);
    pack.set_str(lt::settings_pack::user_agent, settings.agent);
    pack.set_str(lt::settings_pack::peer_fingerprint, lt::generate_fingerprint("PS", 0, 1, 0, 0));
    pack.set_int(lt::settings_pack::unchoke_slots_limit, -1);
    pack.set_bool(lt::settings_pack::close_redundant_connections, false);
    pack.set_int(lt::settings_pack::max_out_request_queue, 1500);
    pack.set_int(lt::settings_pack::alert_queue_size, 20'000);
    pack.set_bool(lt::settings_pack::seeding_outgoing_connections, false);
    pack.set_int(lt::settings_pack::alert_mask, lt::alert_category::error | lt::alert_category::status |
                                                    lt::alert_category::storage | lt::alert_category::peer |
                                                    lt::alert_category::tracker | lt::alert_category::dht_operation |
                                                    lt::alert_category::port_mapping);
    return pack;
}

std::uint32_t flag(lt::peer_class_t id) { return 1U << static_cast<std::uint32_t>(id); }

void end_in_time(std::thread& thread, std::future<void> ended, std::shared_ptr<lt::io_context> io,
                 lt::session_proxy proxy) {
    const bool in_time = ended.wait_for(close_patience) == std::future_status::ready;
    if (!in_time) io->stop();
    thread.join();
    if (in_time) return;
    // What is left in the queue owns parts of the session that its own end would free first: it is given up instead.
    spdlog::warn("swarm: the peer session did not end in time and is abandoned");
    static auto& abandoned = *new std::vector<std::pair<std::shared_ptr<lt::io_context>, lt::session_proxy>>;
    abandoned.emplace_back(std::move(io), std::move(proxy));
}

}  // namespace

// Crosses threads while the port is being opened.
struct Session::Listening {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<int> port;
    std::string failure;
};

Result<std::unique_ptr<Session>> Session::make(const SwarmSettings& settings) {
    auto lan = Networks::parse(settings.lan_networks);
    if (!lan) return tl::unexpected(lan.error());
    auto banned = Networks::parse(settings.banned_networks);
    if (!banned) return tl::unexpected(banned.error());
    if (settings.port < 0 || settings.port > 65535)
        return fail(ErrorKind::Refused, "port {} is not from 0 to 65535", settings.port);
    lt::error_code error;
    if (!settings.listen_address.empty() && (lt::make_address(settings.listen_address, error), error))
        return fail(ErrorKind::Refused, "'{}' is not an address to listen on", settings.listen_address);
    return std::unique_ptr<Session>(new Session(settings, std::move(*lan), std::move(*banned)));
}

Session::Session(const SwarmSettings& settings, Networks lan, Networks banned)
    : settings_(settings),
      lan_(std::move(lan)),
      banned_(std::move(banned)),
      listening_(std::make_shared<Listening>()) {}

Session::~Session() { close(); }

Result<void> Session::start(std::shared_ptr<lt::plugin> plugin, OnAlert on_alert) try {
    on_alert_ = std::move(on_alert);
    lt::session_params params(settings_pack(settings_), {std::move(plugin)});
    params.disk_io_constructor = lt::posix_disk_io_constructor;
    Dht::prepare(params, settings_, lan_);
    work_ = std::make_unique<Work>(io_->get_executor());
    session_ = std::make_unique<lt::session>(std::move(params), *io_);
    handle_ = *session_;
    session_->set_alert_notify([this] { post([this] { read_alerts(); }); });
    thread_ = std::thread([this, ended = std::move(ended_)]() mutable {
        run();
        ended.set_value();
    });
    set_upload_limit(settings_.upload_limit);
    post([this] {
        make_peer_classes();
        apply_filter();
        set_door(false);
        every(500ms, [this] {
            if (bans_.expire(std::chrono::steady_clock::now())) apply_filter();
        });
    });
    return wait_for_port();
} catch (const std::exception& error) {
    return fail(ErrorKind::Broken, "starting the peer session: {}", error.what());
}

// While much comes in, the kernel would wake this thread for every other packet, which costs more than all that is done
// with them. So packets are let come together, for about the time that their line takes for one block or two.
void Session::run() {
    while (io_->run_one() > 0) {
        io_->poll();
        if (now() >= much_until_) continue;
        nap_ = std::clamp(blocks_ <= 1 ? nap_ * 2 : nap_ / 2, shortest_nap, longest_nap);
        blocks_ = 0;
        std::this_thread::sleep_for(nap_);
    }
}

void Session::much_came() {
    ++blocks_;
    much_until_ = now() + much_lasts;
}

void Session::post(Task task) {
    boost::asio::post(*io_, [open = open_, task = std::move(task)] {
        if (*open) task();
    });
}

std::function<void(Task)> Session::poster() const {
    return [io = io_, open = open_](Task task) {
        boost::asio::post(*io, [open, task = std::move(task)] {
            if (*open) task();
        });
    };
}

void Session::close() {
    if (!session_) return;
    boost::asio::post(*io_, [this, open = open_] {
        *open = false;
        for (auto& timer : timers_) timer->cancel();
    });
    auto proxy = session_->abort();
    session_.reset();
    work_.reset();
    if (thread_.joinable()) end_in_time(thread_, std::move(has_ended_), io_, std::move(proxy));
}

// ---- The port

Result<void> Session::wait_for_port() {
    std::unique_lock lock(listening_->mutex);
    auto& now = *listening_;
    now.changed.wait_for(lock, listen_patience, [&] { return now.port || !now.failure.empty(); });
    if (!now.port) now.changed.wait_for(lock, other_interfaces, [&] { return now.port.has_value(); });
    if (now.port) {
        port_ = *now.port;
        return {};
    }
    return fail(ErrorKind::Broken, "cannot listen for peers on {}: {}", listen_interfaces(settings_),
                now.failure.empty() ? "no answer from the network" : now.failure);
}

void Session::note_listening(lt::alert* alert) {
    const std::lock_guard lock(listening_->mutex);
    const auto* good = lt::alert_cast<lt::listen_succeeded_alert>(alert);
    const auto* bad = lt::alert_cast<lt::listen_failed_alert>(alert);
    if (good != nullptr && good->socket_type == lt::socket_type_t::tcp && !listening_->port)
        listening_->port = good->port;
    if (bad != nullptr && bad->socket_type == lt::socket_type_t::tcp) listening_->failure = bad->error.message();
    listening_->changed.notify_all();
}

// ---- Network thread

void Session::read_alerts() {
    std::vector<lt::alert*> alerts;
    handle_.pop_alerts(&alerts);
    for (auto* alert : alerts) {
        if (spdlog::should_log(spdlog::level::debug)) spdlog::debug("swarm: {}", printable(alert->message()));
        note_listening(alert);
        on_alert_(alert);
    }
}

// LAN peers are in no class with a limit; everybody else shares one. For neighbours there is room for twice as many
// connections, and for who is banned for none: its own are refused when they come in.
void Session::make_peer_classes() {
    kept_out_ = handle_.create_peer_class("kept out");
    const auto limit = [this](lt::peer_class_t id, int factor) {
        auto one = handle_.get_peer_class(id);
        one.connection_limit_factor = factor;
        handle_.set_peer_class(id, one);
    };
    limit(kept_out_, 100 * limits::max_connections);
    limit(lt::session_handle::local_peer_class_id, 50);
    handle_.set_peer_class_type_filter(lt::peer_class_type_filter{});
}

void Session::apply_classes() {
    lt::ip_filter classes;
    const auto everybody = flag(lt::session_handle::global_peer_class_id);
    classes.add_rule(v4_first, v4_last, everybody);
    classes.add_rule(v6_first, v6_last, everybody);
    lan_.mark(classes, flag(lt::session_handle::local_peer_class_id));
    banned_.mark(classes, flag(kept_out_));
    for (const auto& address : bans_.addresses()) classes.add_rule(address, address, flag(kept_out_));
    handle_.set_peer_class_filter(classes);
}

void Session::set_upload_limit(ByteCount per_second) {
    post([this, per_second] {
        lt::settings_pack limit;
        limit.set_int(lt::settings_pack::upload_rate_limit, static_cast<int>(std::min<ByteCount>(per_second, INT_MAX)));
        handle_.apply_settings(limit);
    });
}

lt::ip_filter Session::banned_filter() const {
    lt::ip_filter filter;
    banned_.mark(filter, lt::ip_filter::blocked);
    for (const auto& address : bans_.addresses()) filter.add_rule(address, address, lt::ip_filter::blocked);
    return filter;
}

void Session::give_up(const lt::torrent_handle& torrent, const std::vector<lt::address>& addresses) {
    if (addresses.empty()) return;
    auto filter = banned_filter();
    for (const auto& address : addresses) filter.add_rule(address, address, lt::ip_filter::blocked);
    handle_.set_ip_filter(filter);
    torrent.set_flags(lt::torrent_flags::apply_ip_filter);
    torrent.unset_flags(lt::torrent_flags::apply_ip_filter);
    handle_.set_ip_filter(banned_filter());
}

void Session::apply_filter() {
    handle_.set_ip_filter(banned_filter());
    apply_classes();
    let_in([this] {
        for (const auto& torrent : handle_.get_torrents()) {
            torrent.set_flags(lt::torrent_flags::apply_ip_filter);
            torrent.unset_flags(lt::torrent_flags::apply_ip_filter);
        }
    });
}

void Session::let_in(const Task& add_endpoints) {
    if (lets_in_) return add_endpoints();
    const auto close = [this](void*) { set_door(false); };
    const std::unique_ptr<void, decltype(close)> door(this, close);
    set_door(true);
    add_endpoints();
}

// A port that is blocked is not taken up, whoever names it. A torrent with apply_ip_filter also gives up what it took
// up before and has not dialled yet, and in 2.0.11 any torrent does: there the door stands open (give_up). The torrents
// here have that flag only while a ban is made. libtorrent then filters nobody who dials in: the class of those who are
// kept out does.
void Session::set_door(bool is_open) {
    lets_in_ = is_open;
    lt::port_filter ports;
    if (!is_open) ports.add_rule(0, 65535, lt::port_filter::blocked);
    if (has_door) handle_.set_port_filter(ports);
    if (!is_open) set_max_dials();
}

// A torrent is told of it only when it changes: one that is new has never heard of it.
void Session::set_max_dials() {
    for (const int most : {limits::max_dials + 1, limits::max_dials}) {
        lt::settings_pack pack;
        pack.set_int(lt::settings_pack::max_failcount, most);
        handle_.apply_settings(std::move(pack));
    }
}

void Session::refuse_utp(Seconds time) {
    const auto let = [this](bool in) {
        lt::settings_pack pack;
        pack.set_bool(lt::settings_pack::enable_incoming_utp, in);
        handle_.apply_settings(std::move(pack));
    };
    let(false);
    after(time, [let] { let(true); });
}

void Session::open_utp(Millis time) {
    if (settings_.outgoing_utp) return;
    lt::settings_pack pack;
    pack.set_bool(lt::settings_pack::enable_outgoing_utp, true);
    pack.set_int(lt::settings_pack::min_reconnect_time, 0);  // what TCP has just failed to reach
    handle_.apply_settings(std::move(pack));
    is_utp_open_ = true;
    after(time, [this, opening = ++utp_openings_] {
        if (opening == utp_openings_) close_utp();
    });
}

void Session::dial_by_tcp() {
    tcp_until_ = now() + leaves_within;
    close_utp();
}

void Session::close_utp() {
    if (!std::exchange(is_utp_open_, false)) return;
    lt::settings_pack pack;
    pack.set_bool(lt::settings_pack::enable_outgoing_utp, false);
    pack.set_int(lt::settings_pack::min_reconnect_time, now() < hurries_until_ ? 1 : usual_reconnect);
    handle_.apply_settings(std::move(pack));
}

void Session::hurry(Seconds time) {
    const auto set_reconnect = [this](int seconds) {
        lt::settings_pack pack;
        pack.set_int(lt::settings_pack::min_reconnect_time, seconds);
        handle_.apply_settings(std::move(pack));
    };
    if (hurries_until_ < now()) set_reconnect(1);
    hurries_until_ = std::max(hurries_until_, now() + time);
    after(time, [this, set_reconnect] {
        if (hurries_until_ <= now()) set_reconnect(usual_reconnect);
    });
}

// Later, because the caller may stand inside the very connection that the filter closes.
void Session::ban(const lt::address& address, Seconds time) {
    if (time <= Seconds(0)) return;
    bans_.add(address, std::chrono::steady_clock::now() + time);
    if (on_ban_) on_ban_(address);
    post([this] { apply_filter(); });
}

void Session::after(Millis delay, Task task) {
    const auto timer = *timers_.insert(std::make_shared<boost::asio::steady_timer>(*io_, delay)).first;
    timer->async_wait([this, open = open_, timer, task = std::move(task)](const lt::error_code& error) {
        if (!*open) return;
        timers_.erase(timer);
        if (!error) task();
    });
}

void Session::every(Millis interval, Task task) {
    after(interval, [this, interval, task] {
        task();
        every(interval, task);
    });
}

}  // namespace packswarm::swarm
