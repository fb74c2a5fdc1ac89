#include "p2p/core/peer_book.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace packswarm::core {

namespace {

constexpr WallTime first_date{}, last_date{Seconds(std::int64_t{1} << 40)};  // a damaged row may say anything

std::string host_of(const std::string& endpoint) { return endpoint.substr(0, endpoint.rfind(':')); }

}  // namespace

void PeerBook::load(std::vector<KnownPeer> rows) {
    std::set<Lineage> lineages;
    for (auto& row : rows) {
        row.last_seen = std::clamp(row.last_seen, first_date, last_date);
        row.failures = std::clamp(row.failures, 0, limits_.failures);
        lineages.insert(row.lineage);
        const Lineage lineage = row.lineage;
        peers_[{row.lineage, row.endpoint}] = std::move(row);
        make_room(lineage);
    }
    for (const auto& lineage : lineages) forget_old(lineage);
}

// By what was met since, not by the clock: one that is a year ahead would forget everybody.
void PeerBook::forget_old(const Lineage& lineage) {
    const auto kept = last_met(lineage);
    for (const auto& peer : ranked(&lineage)) {
        const bool is_kept = std::find(kept.begin(), kept.end(), peer) != kept.end();
        const bool is_old = !kept.empty() && peer.last_seen + limits_.age < kept.back().last_seen;
        if (!is_kept && (is_old || peer.failures >= limits_.failures)) drop({peer.lineage, peer.endpoint});
    }
}

std::vector<KnownPeer> PeerBook::last_met(const Lineage& lineage) const {
    auto out = ranked(&lineage);
    std::stable_sort(out.begin(), out.end(),
                     [](const KnownPeer& a, const KnownPeer& b) { return a.last_seen > b.last_seen; });
    out.resize(std::min(out.size(), limits_.for_good));
    return out;
}

bool PeerBook::stays(const KnownPeer& peer) const {
    const auto kept = last_met(peer.lineage);
    return std::find(kept.begin(), kept.end(), peer) != kept.end();
}

void PeerBook::met(const Lineage& lineage, const std::string& endpoint, ByteCount gave, WallTime now) {
    const Key key{lineage, endpoint};
    auto newest = first_date;  // of the others
    for (const auto& [other, peer] : peers_)
        if (other.first == lineage && other != key) newest = std::max(newest, peer.last_seen + Seconds(1));
    auto& peer = peers_[key];
    peer.lineage = lineage;
    peer.endpoint = endpoint;
    peer.last_seen = std::min(std::max({now, newest, peer.last_seen}), last_date);
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
    at->second.failures = std::min(at->second.failures + 1, limits_.failures);
    if (at->second.failures == limits_.failures && !stays(at->second)) return drop(key);
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

// Whoever would be dialled last goes first, and of those that stay for good only when all of them do.
const KnownPeer& PeerBook::least(const std::vector<KnownPeer>& ranked) const {
    const auto at = std::find_if(ranked.rbegin(), ranked.rend(), [this](const auto& peer) { return !stays(peer); });
    return at == ranked.rend() ? ranked.back() : *at;
}

void PeerBook::make_room(const Lineage& lineage) {
    if (const auto same = ranked(&lineage); same.size() > limits_.per_lineage) {
        const auto& out = least(same);
        drop({out.lineage, out.endpoint});
    }
    if (peers_.size() <= limits_.all) return;
    const auto every = ranked(nullptr);
    const auto& out = least(every);
    drop({out.lineage, out.endpoint});
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
