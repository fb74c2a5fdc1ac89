#include "p2p/web/delivery.hpp"

namespace packswarm::web {

void Delivery::open(broker::FetchId fetch, broker::MirrorEvents events) {
    fetches_.emplace(fetch, std::make_shared<broker::MirrorEvents>(std::move(events)));
}

void Delivery::close() {
    fetches_.clear();
    wake_ = {};
}

void Delivery::deliver(Events events) {
    for (auto& event : events) {
        const auto* chunk = std::get_if<Chunk>(&event.what);
        const auto count = chunk ? static_cast<ByteCount>(chunk->bytes.size()) : 0;
        hand_over(event);
        backlog_->bytes -= count;
    }
    if (backlog_->thread_waits && wake_) wake_();
}

// The callbacks may cancel this fetch or end the whole client: their owner is held until they return.
void Delivery::hand_over(Event& event) {
    const auto found = fetches_.find(event.fetch);
    if (found == fetches_.end()) return;
    const auto events = found->second;
    if (auto* head = std::get_if<broker::MirrorHead>(&event.what)) {
        if (events->head) events->head(*head);
    } else if (auto* chunk = std::get_if<Chunk>(&event.what)) {
        if (events->data) events->data(chunk->offset, std::move(chunk->bytes));
    } else {
        fetches_.erase(found);
        if (events->done) events->done(std::get<Result<void>>(std::move(event.what)));
    }
}

}  // namespace packswarm::web
