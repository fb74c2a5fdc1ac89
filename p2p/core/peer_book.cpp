#include "p2p/core/peer_book.hpp"

#include <algorithm>
#include <tuple>

namespace packswarm::core {

namespace {

std::string host_of(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

}  // namespace

void PeerBook::load(std::vector<KnownPeer> rows, WallTime now) {
    for (auto& row : rows) {
        const Key key{row.lineage, row.endpoint};
        const bool is_stale = row.last_seen + limits_.age < now || row.failures >= limits_.failures;
        row.last_seen = std::min(row.last_seen, now);  // the clock was wrong then
        auto& peer = peers_[key] = std::move(row);
        if (is_stale)
            drop(key);
        else
            make_room(Lineage(peer.lineage));
    }
}

void PeerBook::met(const Lineage& lineage, const std::string& endpoint, ByteCount gave, WallTime now) {
    const Key key{lineage, endpoint};
    auto& peer = peers_[key];
    peer.lineage = lineage;
    peer.endpoint = endpoint;
    peer.last_seen = now;
    peer.received += gave;
    peer.failures = 0;
    kept_[key] = peer;
    dropped_.erase(key);
    make_room(lineage);
}

void PeerBook::unanswered(const Lineage& lineage, const std::string& endpoint) {
    const Key key{lineage, endpoint};
    const auto at = peers_.find(key);
    if (at == peers_.end()) return;
    if (++at->second.failures >= limits_.failures) return drop(key);
    kept_[key] = at->second;
}

void PeerBook::blamed(const std::string& host) {
    std::vector<Key> there;
    for (const auto& [key, peer] : peers_)
        if (host_of(peer.endpoint) == host) there.push_back(key);
    for (const auto& key : there) drop(key);
}

void PeerBook::drop(const Key& key) {
    const auto node = peers_.extract(key);
    if (!node) return;
    kept_.erase(key);
    dropped_[key] = node.mapped();
}

// Whoever would be dialled last goes first.
void PeerBook::make_room(const Lineage& lineage) {
    const auto same = ranked(&lineage);
    if (same.size() > limits_.per_lineage) drop({same.back().lineage, same.back().endpoint});
    if (peers_.size() <= limits_.all) return;
    const auto every = ranked(nullptr);
    drop({every.back().lineage, every.back().endpoint});
}

std::vector<KnownPeer> PeerBook::ranked(const Lineage* lineage) const {
    std::vector<KnownPeer> out;
    for (const auto& [key, peer] : peers_)
        if (lineage == nullptr || key.first == *lineage) out.push_back(peer);
    std::stable_sort(out.begin(), out.end(), [](const KnownPeer& a, const KnownPeer& b) {
        return std::tuple(a.failures, -a.received, -a.last_seen.time_since_epoch()) <
               std::tuple(b.failures, -b.received, -b.last_seen.time_since_epoch());
    });
    return out;
}

std::vector<KnownPeer> PeerBook::best(const Lineage& lineage, std::size_t count) const {
    auto out = ranked(&lineage);
    out.resize(std::min(out.size(), count));
    return out;
}

const KnownPeer* PeerBook::find(const Lineage& lineage, const std::string& endpoint) const {
    const auto at = peers_.find({lineage, endpoint});
    return at == peers_.end() ? nullptr : &at->second;
}

PeerBook::Changes PeerBook::take_changes() {
    Changes out;
    for (auto& [key, peer] : kept_) out.kept.push_back(std::move(peer));
    for (auto& [key, peer] : dropped_) out.dropped.push_back(std::move(peer));
    kept_.clear();
    dropped_.clear();
    return out;
}

}  // namespace packswarm::core
