#include "p2p/swarm/torrents/on_demand.hpp"

#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/alert_types.hpp>
#include <libtorrent/torrent_flags.hpp>
#include <libtorrent/torrent_info.hpp>

#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/swarm/unwanted.hpp"

namespace packswarm::swarm {

namespace {

using namespace std::chrono_literals;

constexpr auto idle_time = 30s;

}  // namespace

// One connection that takes from us.
class OnDemand::Receiver final : public lt::peer_plugin {
  public:
    Receiver(OnDemand& owner, const Infohash& infohash, lt::peer_connection_handle connection)
        : owner_(owner),
          infohash_(infohash),
          connection_(std::move(connection)),
          remote_(connection_.remote()),
          reach_(owner.reach_of(remote_.address())) {
        if (auto* seed = found()) ++seed->connections;
    }
    void sit(std::unique_ptr<Seats::Seat> seat) {
        seat_ = std::move(seat);
        has_place_ = seat_ != nullptr;
    }
    void end() {
        if (!gone_)
            connection_.disconnect(unwanted(), lt::operation_t::bittorrent, lt::peer_connection_interface::failure);
    }
    void on_disconnect(const lt::error_code&) override {
        seat_.reset();
        auto* seed = gone_ ? nullptr : found();
        gone_ = true;
        if (seed == nullptr) return;
        --seed->connections;
        seed->idle_since = now();
    }
    void sent_payload(int bytes) override {
        if (seat_) seat_->used(now());
        owner_.gate_.count(reach_, plain(remote_.address()), bytes, now());
        owner_.channel_.count(owner_.channel_.peer_at(remote_), 0, bytes);
    }
    bool on_handshake(lt::span<const char>) override { return is_welcome(); }
    void tick() override { is_welcome(); }

  private:
    Seed* found() {
        const auto at = owner_.seeds_.find(infohash_);
        return at == owner_.seeds_.end() ? nullptr : &at->second;
    }
    bool is_welcome() {
        const auto address = plain(remote_.address());
        const bool is_banned = owner_.session_.is_banned(address);
        if (has_place_ && !is_banned && owner_.channel_.gives_to(reach_, address)) return true;
        end();
        return false;
    }

    OnDemand& owner_;
    Infohash infohash_;
    lt::peer_connection_handle connection_;
    lt::tcp::endpoint remote_;
    broker::Reach reach_;
    bool gone_ = false;
    bool has_place_ = true;
    std::unique_ptr<Seats::Seat> seat_;
};

class OnDemand::Giving final : public lt::torrent_plugin {
  public:
    Giving(OnDemand& owner, const Infohash& infohash) : owner_(owner), infohash_(infohash) {}
    std::shared_ptr<lt::peer_plugin> new_connection(const lt::peer_connection_handle& connection) override {
        owner_.doorstep_.went_in(connection.remote());
        const auto receiver = std::make_shared<Receiver>(owner_, infohash_, connection);
        const auto who = owner_.channel_.sitter(infohash_, connection);
        if (!who) return receiver;
        auto seat = owner_.seats_.take(*who, now());
        if (seat)
            seat->when_lost([weak = std::weak_ptr(receiver)] {
                if (const auto one = weak.lock()) one->end();
            });
        receiver->sit(std::move(seat));
        return receiver;
    }

    // A seed that stops being one has met a piece that its hash denies, and would now check the whole file.
    void on_state(lt::torrent_status::state_t state) override {
        if (state == lt::torrent_status::seeding || state == lt::torrent_status::finished) return;
        owner_.session_.post(
            [&owner = owner_, infohash = infohash_] { owner.spoiled(infohash, "a piece has another hash"); });
    }

  private:
    OnDemand& owner_;
    Infohash infohash_;
};

std::shared_ptr<lt::torrent_info> canonical_info(const Digest& digest, ByteCount size, const PieceHashes& pieces) {
    const auto text = "d4:info" + core::info_dictionary(digest, size, pieces) + "e";
    return std::make_shared<lt::torrent_info>(lt::span<const char>(text.data(), static_cast<int>(text.size())),
                                              lt::from_span);
}

void OnDemand::start() {
    session_.every(5'000ms, [this] {
        drop_idle(now() - idle_time);
        drop_changed();
    });
}

broker::Reach OnDemand::reach_of(const lt::address& address) const {
    return session_.is_lan(address) ? broker::Reach::lan : broker::Reach::wan;
}

// seed_mode with no_verify_files makes the torrent ready within this handshake; upload_mode keeps libtorrent from ever
// writing to a file that turns out to be stale.
bool OnDemand::load(const Infohash& infohash, const lt::address& from, lt::add_torrent_params& params) {
    if (!channel_.gives_to(reach_of(from), plain(from))) return false;
    const auto* entry = offered_.find(infohash);
    if (entry == nullptr || !offered_.check(entry->digest)) return false;
    if (seeds_.size() >= limits::max_seeded_torrents) drop_idle(now());
    if (seeds_.size() >= limits::max_seeded_torrents) return false;
    const auto pieces = offered_.pieces_of(*entry);
    if (pieces.size() != core::piece_count(entry->info.size)) return false;
    const auto path = offered_.path_of(*entry);
    params.ti = canonical_info(entry->digest, entry->info.size, pieces);
    params.save_path = path.parent_path().string();
    params.renamed_files[lt::file_index_t(0)] = path.filename().string();
    namespace f = lt::torrent_flags;
    params.flags =
        f::seed_mode | f::no_verify_files | f::upload_mode | f::disable_dht | f::disable_lsd | f::disable_pex;
    params.extensions.push_back([this, infohash](const lt::torrent_handle& torrent, lt::client_data_t) {
        seeds_[infohash].torrent = torrent;
        return std::make_shared<Giving>(*this, infohash);
    });
    seeds_[infohash] = {entry->digest, {}, 0, now()};
    gate_.count_torrents(seeds_.size());
    return true;
}

void OnDemand::unload(const Infohash& infohash) {
    const auto at = seeds_.find(infohash);
    if (at == seeds_.end()) return;
    const auto torrent = at->second.torrent;
    seeds_.erase(at);
    gate_.count_torrents(seeds_.size());
    if (torrent.is_valid()) session_.handle().remove_torrent(torrent);
}

void OnDemand::drop_idle(TimePoint idle_before) {
    std::vector<Infohash> idle;
    for (const auto& [infohash, seed] : seeds_)
        if (seed.connections == 0 && seed.idle_since <= idle_before) idle.push_back(infohash);
    for (const auto& infohash : idle) unload(infohash);
}

void OnDemand::drop_changed() {
    std::vector<Infohash> changed;
    for (const auto& [infohash, seed] : seeds_)
        if (!offered_.check(seed.digest)) changed.push_back(infohash);
    for (const auto& infohash : changed) unload(infohash);
}

void OnDemand::spoiled(const Infohash& infohash, const std::string& why) {
    const auto at = seeds_.find(infohash);
    if (at == seeds_.end()) return;
    spdlog::warn("swarm: {} is no longer shared: {}", at->second.digest.hex(), printable(why));
    offered_.withdraw(at->second.digest);
    unload(infohash);
}

void OnDemand::on_alert(lt::alert* alert) {
    const bool is_bad = lt::alert_cast<lt::torrent_error_alert>(alert) != nullptr ||
                        lt::alert_cast<lt::file_error_alert>(alert) != nullptr;
    const auto* about = is_bad ? dynamic_cast<lt::torrent_alert*>(alert) : nullptr;
    if (about == nullptr) return;
    for (const auto& [infohash, seed] : seeds_)
        if (seed.torrent == about->handle) return spoiled(Infohash(infohash), about->message());
}

}  // namespace packswarm::swarm
