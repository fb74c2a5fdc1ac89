#include "p2p/swarm/burdens.hpp"

#include <algorithm>
#include <libtorrent/peer_connection_handle.hpp>
#include <libtorrent/peer_info.hpp>
#include <map>

#include "p2p/base/ip_network.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/swarm/networks.hpp"
#include "p2p/swarm/session.hpp"
#include "p2p/swarm/unwanted.hpp"

namespace packswarm::swarm {

class Burdens::Bearer final : public lt::peer_plugin, public std::enable_shared_from_this<Bearer> {
  public:
    Bearer(Burdens& burdens, lt::peer_connection_handle connection)
        : burdens_(burdens), connection_(std::move(connection)) {
        burdens_.bearers_.insert(this);
    }
    ~Bearer() override { leave(); }
    void on_disconnect(const lt::error_code&) override { leave(); }

    lt::address address() const { return plain(connection_.remote().address()); }
    ByteCount bytes() const {
        lt::peer_info info;
        connection_.get_peer_info(info);
        return ByteCount{info.receive_buffer_size} + info.send_buffer_size;
    }
    void end() {
        if (has_left_) return;
        connection_.disconnect(unwanted(), lt::operation_t::bittorrent, lt::peer_connection_interface::failure);
    }

  private:
    void leave() {
        if (!std::exchange(has_left_, true)) burdens_.bearers_.erase(this);
    }
    Burdens& burdens_;
    lt::peer_connection_handle connection_;
    bool has_left_ = false;
};

class Burdens::Watcher final : public lt::torrent_plugin {
  public:
    explicit Watcher(Burdens& burdens) : burdens_(burdens) {}
    std::shared_ptr<lt::peer_plugin> new_connection(const lt::peer_connection_handle& connection) override {
        return std::make_shared<Bearer>(burdens_, connection);
    }

  private:
    Burdens& burdens_;
};

std::shared_ptr<lt::torrent_plugin> Burdens::watch() { return std::make_shared<Watcher>(*this); }

std::vector<Burdens::Load> Burdens::loads() const {
    std::vector<Load> out;
    out.reserve(bearers_.size());
    for (auto* bearer : bearers_) {
        const auto address = bearer->address();
        const auto text = address.to_string();
        auto group = session_.is_lan(address) ? text : network_of(text, 24, 48);
        out.push_back({bearer->shared_from_this(), std::move(group), bearer->bytes()});
    }
    return out;
}

ByteCount Burdens::relieve(ByteCount most) {
    auto all = loads();
    ByteCount sum = 0;
    for (const auto& load : all) sum += load.bytes;
    if (part_) most = std::min(most, part_->room());
    if (sum > most) sum = end_heaviest(std::move(all), sum, most);
    if (part_) part_->set(sum);
    return sum;
}

ByteCount Burdens::end_heaviest(std::vector<Load> all, ByteCount sum, ByteCount most) {
    std::map<std::string, ByteCount> by_group;
    for (const auto& load : all) by_group[load.group] += load.bytes;
    std::sort(all.begin(), all.end(), [](const Load& a, const Load& b) { return a.bytes > b.bytes; });
    std::size_t ended = 0;
    for (const auto before = sum; sum > most; ++ended) {
        const auto heaviest = std::max_element(by_group.begin(), by_group.end(),
                                               [](const auto& a, const auto& b) { return a.second < b.second; });
        const auto one =
            std::find_if(all.begin(), all.end(), [&](const Load& load) { return load.group == heaviest->first; });
        if (one == all.end() || one->bytes == 0) break;
        one->bearer->end();
        sum -= one->bytes;
        heaviest->second -= one->bytes;
        all.erase(one);
        if (sum <= most)
            spdlog::warn("swarm: {} connections are ended: all together made the agent keep {} KiB", ended + 1,
                         before / limits::kib);
    }
    return sum;
}

}  // namespace packswarm::swarm
