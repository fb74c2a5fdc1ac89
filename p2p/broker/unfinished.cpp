// What unfinished transfers leave: kept for whoever asks for the same artifact next, and for the agent after this one.
#include "p2p/base/log.hpp"
#include "p2p/broker/broker.hpp"

namespace packswarm::broker {

// A torrent may let go of the file when the next transfer has begun without it: what came late is of no use then.
void Broker::keep_remains(Transfer& transfer) {
    transfer.leave_behind(lifetime_.guard([this, digest = transfer.target().digest](Remnant remnant) {
        if (by_digest_.count(digest) != 0) return;
        remains_.keep(digest, std::move(remnant), loop_.now());
        expire_remains_later();
    }));
}

void Broker::take_up_remains() {
    remains_.take_up(store_.leftovers(), sources_, loop_.now());
    if (remains_.files() == 0) return;
    spdlog::info("{} unfinished downloads are here from before", remains_.files());
    expire_remains_later();
}

void Broker::expire_remains_later() {
    loop_.after(limits::remains_kept, lifetime_.guard([this] { remains_.expire(loop_.now()); }));
}

void Broker::leave_remains() {
    for (const auto& [id, live] : live_) live.transfer->leave_to_the_next();
    remains_.leave();
}

}  // namespace packswarm::broker
