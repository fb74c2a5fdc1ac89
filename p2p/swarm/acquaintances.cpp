#include "p2p/swarm/acquaintances.hpp"

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
    book_.load(memory_->known_peers(), loop_.wall_now());
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
    std::vector<std::string> out;
    for (const auto& peer : book_.best(lineage, limits::max_first_dials)) out.push_back(peer.endpoint);
    if (out.empty()) return out;
    const auto timer = std::make_shared<TimerId>();
    *timer = loop_.after(answer_time, [this, lineage, out, timer, began = loop_.wall_now()] {
        timers_.erase(*timer);
        give_up(lineage, out, began);
    });
    timers_.insert(*timer);
    return out;
}

void Acquaintances::give_up(const core::Lineage& lineage, const std::vector<std::string>& dialled, WallTime began) {
    for (const auto& endpoint : dialled) {
        const auto* peer = book_.find(lineage, endpoint);
        if (peer != nullptr && peer->last_seen < began) book_.unanswered(lineage, endpoint);
    }
    keep_soon();
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
