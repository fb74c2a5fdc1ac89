#include "p2p/swarm/rendezvous.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/torrent_flags.hpp>
#include <libtorrent/torrent_info.hpp>

#include "p2p/base/log.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr Millis redial{5'000};
constexpr auto resolve_again = 60s;  // names of peers that are not linked

// Truncated SHA-256: nobody knows bytes whose SHA-1 this is.
std::string info_dictionary(const std::string& name) {
    const auto digest = lt::hasher256("packswarm rendezvous 1\n" + name).final();
    const std::string piece(digest.data(), PieceHash::size);
    return "d6:lengthi16384e4:name20:packswarm-rendezvous12:piece lengthi16384e6:pieces20:" + piece + "e";
}

std::vector<lt::address> addresses_of(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &list) != 0) return {};
    std::vector<lt::address> out;
    for (const auto* at = list; at != nullptr; at = at->ai_next) {
        char text[NI_MAXHOST];
        lt::error_code error;
        if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
        if (const auto address = lt::make_address(text, error); !error) out.push_back(address);
    }
    ::freeaddrinfo(list);
    return out;
}

class Meeting final : public lt::torrent_plugin {
  public:
    Meeting(Channel& channel, const LineageId& id) : channel_(channel), id_(id) {}
    std::shared_ptr<lt::peer_plugin> new_connection(const lt::peer_connection_handle& connection) override {
        return channel_.connect(id_, connection);
    }

  private:
    Channel& channel_;
    LineageId id_;
};

}  // namespace

LineageId lineage_id(const std::string& name) { return LineageId::from_raw(lt::hasher(info_dictionary(name)).final().data()); }

void Rendezvous::start() {
    for (const auto& text : static_peers_) {
        const auto parts = split_endpoint(text);
        if (!parts) continue;  // refused when the settings were read
        Friend who{parts->first, parts->second, {}, false, {}};
        lt::error_code error;
        const auto address = lt::make_address(who.host, error);
        who.is_name = static_cast<bool>(error);
        if (!who.is_name) who.endpoints.emplace_back(address, static_cast<std::uint16_t>(who.port));
        friends_.push_back(std::move(who));
    }
    dial();
    session_.every(redial, [this] { dial(); });
}

void Rendezvous::set_lineages(const std::vector<LineageShow>& lineages) {
    std::unordered_map<LineageId, lt::torrent_handle> before;
    before.swap(torrents_);
    for (const auto& lineage : lineages) {
        const auto id = lineage_id(lineage.name);
        channel_.show(id, lineage);
        if (auto node = before.extract(id)) torrents_.insert(std::move(node));
        else join(id, lineage.name);
    }
    for (const auto& [id, torrent] : before) {
        session_.handle().remove_torrent(torrent);
        channel_.forget(id);
    }
}

// Added paused with its peers and resumed when checked: then it connects at once instead of at the next second.
void Rendezvous::join(const LineageId& id, const std::string& name) {
    const auto info = "d4:info" + info_dictionary(name) + "e";
    lt::add_torrent_params params;
    params.ti = std::make_shared<lt::torrent_info>(lt::span<const char>(info.data(), static_cast<int>(info.size())), lt::from_span);
    params.save_path = "/nonexistent";
    params.flags = lt::torrent_flags::paused | lt::torrent_flags::apply_ip_filter;
    params.max_connections = limits::max_lineage_peers;
    for (const auto& tracker : trackers_) params.trackers.push_back(tracker);
    for (const auto& who : friends_) params.peers.insert(params.peers.end(), who.endpoints.begin(), who.endpoints.end());
    params.extensions.push_back([channel = &channel_, id](const lt::torrent_handle&, lt::client_data_t) {
        return std::make_shared<Meeting>(*channel, id);
    });
    lt::error_code error;
    const auto torrent = session_.handle().add_torrent(std::move(params), error);
    if (error) return spdlog::error("swarm: the rendezvous of {} cannot be joined: {}", name, error.message());
    torrents_[id] = torrent;
}

void Rendezvous::on_alert(lt::alert* alert) {
    const auto* checked = lt::alert_cast<lt::torrent_checked_alert>(alert);
    if (checked == nullptr) return;
    for (const auto& [id, torrent] : torrents_)
        if (torrent == checked->handle) torrent.resume();
}

// ---- Named peers

// The system's resolver blocks, for minutes when it likes: it gets a thread that nobody waits for.
void Rendezvous::resolve(std::size_t index) {
    friends_[index].resolve_at = std::chrono::steady_clock::now() + resolve_again;
    std::thread([this, index, host = friends_[index].host, post = session_.poster()] {
        auto addresses = addresses_of(host);
        post([this, index, addresses = std::move(addresses)] {
            auto& who = friends_[index];
            if (addresses.empty()) return;
            who.endpoints.clear();
            for (const auto& address : addresses) who.endpoints.emplace_back(address, static_cast<std::uint16_t>(who.port));
            dial();
        });
    }).detach();
}

void Rendezvous::dial() {
    for (std::size_t i = 0; i < friends_.size(); ++i) {
        auto& who = friends_[i];
        bool linked = false;
        for (const auto& endpoint : who.endpoints) {
            for (const auto& [id, torrent] : torrents_) {
                if (channel_.is_self(endpoint)) continue;
                if (channel_.is_linked(id, endpoint)) linked = true;
                else torrent.connect_peer(endpoint);
            }
        }
        if (who.is_name && !linked && std::chrono::steady_clock::now() >= who.resolve_at) resolve(i);
    }
}

}  // namespace packswarm::swarm
