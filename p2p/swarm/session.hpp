// Session: the libtorrent session on a thread and an io_context of ours, its settings, its filter of addresses, its
// alerts. Not here: any torrent. start, post and close: any one thread; everything else: network thread, where plugins
// and alerts run too.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <future>
#include <libtorrent/alert.hpp>
#include <libtorrent/extensions.hpp>
#include <libtorrent/peer_class.hpp>
#include <libtorrent/session.hpp>
#include <libtorrent/torrent_handle.hpp>
#include <libtorrent/version.hpp>
#include <memory>
#include <set>
#include <thread>

#include "p2p/base/loop.hpp"
#include "p2p/swarm/bans.hpp"
#include "p2p/swarm/networks.hpp"
#include "p2p/swarm/swarm.hpp"

namespace packswarm::swarm {

inline TimePoint now() { return std::chrono::steady_clock::now(); }  // on the network thread, which has no Loop

class Session {
  public:
    using OnAlert = std::function<void(lt::alert*)>;

    // Refused: settings that make no sense.
    static Result<std::unique_ptr<Session>> make(const SwarmSettings& settings);
    ~Session();

    // Starts the thread; answers when the port is ours or not. plugin is asked about every torrent.
    Result<void> start(std::shared_ptr<lt::plugin> plugin, OnAlert on_alert);
    void post(Task task);                      // runs it on the network thread, unless close comes first
    std::function<void(Task)> poster() const;  // does the same from any thread, and may outlive the session
    void close();                              // after this nothing of ours runs on the network thread; within a second
    int port() const { return port_; }
    void set_upload_limit(ByteCount per_second);  // any one thread

    lt::session_handle& handle() { return handle_; }
    bool is_lan(const lt::address& address) const { return lan_.contains(address); }
    // Drops what is connected to the address, and keeps it away for so long.
    void ban(const lt::address& address, Seconds time);
    void on_ban(std::function<void(const lt::address&)> hook) { on_ban_ = std::move(hook); }  // before start
    bool is_banned(const lt::address& address) const { return banned_.contains(address) || bans_.contains(address); }
    // libtorrent takes up an endpoint only within this: what PEX, local discovery, trackers and introductions name
    // reaches torrent_plugin::on_add_peer as filtered, and nobody dials it.
    void let_in(const Task& add_endpoints);
    bool lets_in() const { return lets_in_; }
    // Since libtorrent 2.0.11 there is nothing that keeps it from taking up what others name: it is told to give it up.
    static constexpr bool has_door = LIBTORRENT_VERSION_NUM < 20009;
    // Ends what is connected to these addresses, and forgets every endpoint of theirs.
    void give_up(const lt::torrent_handle& torrent, const std::vector<lt::address>& addresses);
    void much_came();  // a block of something large: until the next one the thread may let packets come together
    void after(Millis delay, Task task);
    void refuse_utp(Seconds time);  // that others begin
    // For a moment what is dialled is dialled over uTP first.
    void open_utp(Millis time);
    bool is_utp_open() const { return is_utp_open_; }
    // What is dialled now has to go over TCP, which is the quicker one: ends that moment, and none begins too soon.
    void dial_by_tcp();
    bool is_dialling_by_tcp() const { return now() < tcp_until_; }
    void hurry(Seconds time);  // so long an endpoint that failed may be dialled again after a second
    void every(Millis interval, Task task);

  private:
    using Work = boost::asio::executor_work_guard<lt::io_context::executor_type>;
    struct Listening;

    Session(const SwarmSettings& settings, Networks lan, Networks banned);
    void run();
    void make_peer_classes();
    void apply_classes();
    lt::ip_filter banned_filter() const;
    void apply_filter();
    void set_door(bool is_open);
    void close_utp();
    void set_max_dials();
    void read_alerts();
    void note_listening(lt::alert* alert);
    Result<void> wait_for_port();

    SwarmSettings settings_;
    Networks lan_, banned_;
    Bans bans_;
    lt::peer_class_t kept_out_{};
    OnAlert on_alert_;
    std::function<void(const lt::address&)> on_ban_;
    std::shared_ptr<Listening> listening_;
    int port_ = 0;
    std::shared_ptr<lt::io_context> io_ = std::make_shared<lt::io_context>(1);
    std::unique_ptr<lt::session> session_;
    lt::session_handle handle_;
    std::unique_ptr<Work> work_;
    std::promise<void> ended_;
    std::future<void> has_ended_ = ended_.get_future();
    std::thread thread_;
    TimePoint much_until_{};
    Millis nap_{1};
    int blocks_ = 0;  // since the last nap
    TimePoint hurries_until_{};
    TimePoint tcp_until_{};
    bool is_utp_open_ = false;
    std::uint64_t utp_openings_ = 0;
    bool lets_in_ = false;
    std::set<std::shared_ptr<boost::asio::steady_timer>> timers_;
    std::shared_ptr<bool> open_ = std::make_shared<bool>(true);  // network thread: false once closing
};

}  // namespace packswarm::swarm
