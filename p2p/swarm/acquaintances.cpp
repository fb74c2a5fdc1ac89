#include "p2p/swarm/acquaintances.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/base/loop.hpp"

namespace packswarm::swarm {

namespace {

constexpr Millis answer_time{60'000};
constexpr Millis keep_pause{1'000};  // a crowd that comes and goes is one write a second

}  // namespace

Acquaintances::Acquaintances(Loop& loop, broker::PeerMemory* memory)
    : loop_(loop), memory_(memory), book_({limits::max_lineage_acquaintances, limits::max_acquaintances}) {
    if (memory_ == nullptr) return;
    book_.load(memory_->known_peers());
    keep();
}

Acquaintances::~Acquaintances() {
    for (const auto timer : timers_) loop_.cancel(timer);
    for (const auto& [id, view] : up_) note(view);
    keep();
}

void Acquaintances::peer_up(const broker::PeerView& view) {
    const auto known = up_.find(view.id);
    const bool is_news = known == up_.end() || known->second.lineages != view.lineages;
    up_[view.id] = view;
    if (!is_news) return;
    note(view);
    keep_soon();
}

void Acquaintances::peer_down(broker::PeerId peer) {
    const auto node = up_.extract(peer);
    if (!node) return;
    note(node.mapped());
    noted_.erase(peer);
    keep_soon();
}

// What a peer gave is noted with the first lineage it is met in.
void Acquaintances::note(const broker::PeerView& view) {
    if (view.endpoint.ends_with(":0")) return;  // it does not listen
    answered_.at(static_cast<std::size_t>(view.reach)) = loop_.now();
    auto more = view.received - std::exchange(noted_[view.id], view.received);
    for (const auto& lineage : view.lineages)
        book_.met(lineage, view.endpoint, std::exchange(more, 0), loop_.wall_now());
}

void Acquaintances::banned(const std::string& host) {
    book_.blamed(host);
    std::erase_if(
        up_, [&](const auto& item) { return item.second.endpoint.substr(0, item.second.endpoint.rfind(':')) == host; });
    keep_soon();
}

std::vector<std::string> Acquaintances::first_dials(const core::Lineage& lineage) {
    auto dialled = book_.last_met(lineage);
    for (auto& peer : book_.best(lineage, limits::max_first_dials)) {
        if (dialled.size() == limits::max_first_dials) break;
        if (std::find(dialled.begin(), dialled.end(), peer) == dialled.end()) dialled.push_back(std::move(peer));
    }
    std::vector<std::string> out;
    out.reserve(dialled.size());
    for (const auto& peer : dialled) out.push_back(peer.endpoint);
    if (out.empty()) return out;
    const auto timer = std::make_shared<TimerId>();
    *timer = loop_.after(answer_time, [this, dialled, timer, began = loop_.now()] {
        timers_.erase(*timer);
        give_up(dialled, began);
    });
    timers_.insert(*timer);
    return out;
}

void Acquaintances::give_up(const std::vector<core::KnownPeer>& dialled, TimePoint began) {
    for (const auto& before : dialled) {
        const auto* peer = book_.find(before.lineage, before.endpoint);
        if (peer == nullptr || is_up(before) || peer->last_seen != before.last_seen) continue;
        if (somebody_answered(reach_of(before.endpoint), began)) book_.unanswered(before.lineage, before.endpoint);
    }
    keep_soon();
}

broker::Reach Acquaintances::reach_of(const std::string& endpoint) const {
    return reach_of_ ? reach_of_(endpoint) : broker::Reach::wan;
}

bool Acquaintances::somebody_answered(broker::Reach reach, TimePoint since) const {
    if (answered_.at(static_cast<std::size_t>(reach)) >= since) return true;
    return std::any_of(up_.begin(), up_.end(), [reach](const auto& item) { return item.second.reach == reach; });
}

bool Acquaintances::is_up(const core::KnownPeer& peer) const {
    return std::any_of(up_.begin(), up_.end(), [&](const auto& item) {
        const auto& lineages = item.second.lineages;
        return item.second.endpoint == peer.endpoint &&
               std::find(lineages.begin(), lineages.end(), peer.lineage) != lineages.end();
    });
}

void Acquaintances::keep_soon() {
    if (memory_ == nullptr || keep_is_due_) return;
    keep_is_due_ = true;
    const auto timer = std::make_shared<TimerId>();
    *timer = loop_.after(keep_pause, [this, timer] {
        timers_.erase(*timer);
        keep_is_due_ = false;
        keep();
    });
    timers_.insert(*timer);
}

void Acquaintances::keep() {
    const auto changes = book_.take_changes();
    if (memory_ != nullptr) memory_->update_peers(changes);
}

}  // namespace packswarm::swarm
