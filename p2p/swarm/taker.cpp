#include "p2p/swarm/taker.hpp"

#include <algorithm>

namespace packswarm::swarm {

void Taker::ask(const std::vector<Digest>& digests) { to_ask_.insert(to_ask_.end(), digests.begin(), digests.end()); }

void Taker::get(broker::FetchId fetch, const Digest& digest, ByteRange range) {
    fetches_[fetch] = {digest, range, 0};
    turns_.push_back(fetch);
}

bool Taker::cancel(broker::FetchId fetch) {
    if (fetches_.count(fetch) == 0) return false;
    for (const auto& block : blocks_)
        if (block.fetch == fetch) wire_.send(encode(Cancel{block.token}, frame_size));
    forget(fetch);
    return true;
}

// Its blocks stay in line: they are still answered, in their turn.
void Taker::forget(broker::FetchId id) {
    for (auto& block : blocks_)
        if (block.fetch == id) block.fetch = broker::FetchId::none;
    std::erase(turns_, id);
    fetches_.erase(id);
}

void Taker::finish(broker::FetchId id, Result<void> result) {
    forget(id);
    events_.done(id, std::move(result));
}

// ---- Asks

void Taker::send_asks(TimePoint now) {
    while (!to_ask_.empty() && asked_.size() < limits::max_peer_asks / 2) {
        const auto allowed = static_cast<std::size_t>(asking_.available(now));
        const auto count = std::min({to_ask_.size(), limits::max_ask, allowed});
        if (count == 0 || (count < to_ask_.size() && count < limits::max_ask)) return;
        asking_.take(static_cast<double>(count), now);
        if (!waiting()) last_heard_ = now;
        Ask ask;
        ask.token = ++last_token_;
        auto& waiting_for = asked_[ask.token];
        for (std::size_t i = 0; i < count; ++i, to_ask_.pop_front())
            if (waiting_for.insert(to_ask_.front()).second) ask.digests.push_back(to_ask_.front());
        wire_.send(encode(ask, frame_size));
    }
}

void Taker::take(const Tell& tell) {
    const auto asked = asked_.find(tell.token);
    if (asked == asked_.end()) return wire_.breach("an answer to a question nobody asked");
    std::vector<Told> told;
    for (const auto& entry : tell.entries) {
        if (asked->second.erase(entry.digest) == 0) return wire_.breach("an answer for an artifact nobody asked about");
        if (entry.size <= limits::small_artifact || !entry.pieces.empty()) told.push_back(entry);
    }
    if (tell.last) asked_.erase(asked);
    if (!told.empty()) events_.told(std::move(told));
}

// ---- Gets

void Taker::send_get(broker::FetchId id, Fetch& fetch) {
    Get get;
    get.token = ++last_token_;
    get.digest = fetch.digest;
    get.offset = fetch.left.begin;
    get.length = static_cast<std::uint32_t>(std::min(window_.block, fetch.left.length()));
    fetch.left.begin += get.length;
    fetch.outstanding += get.length;
    in_flight_ += get.length;
    blocks_.push_back({get.token, id, get.offset, get.length});
    wire_.send(encode(get, frame_size));
}

void Taker::pump(TimePoint now) {
    send_asks(now);
    while (!turns_.empty() && in_flight_ < window_.bytes && blocks_.size() < limits::max_peer_gets && !events_.congested()) {
        const auto id = turns_.front();
        turns_.pop_front();
        auto& fetch = fetches_.at(id);
        if (!waiting()) last_heard_ = now;
        send_get(id, fetch);
        if (!fetch.left.empty()) turns_.push_back(id);
    }
}

bool Taker::expected(Token token) {
    if (!blocks_.empty() && blocks_.front().token == token) return true;
    wire_.breach("an answer out of turn");
    return false;
}

Taker::Block Taker::next_block() {
    const Block block = blocks_.front();
    blocks_.pop_front();
    in_flight_ -= block.length;
    return block;
}

void Taker::take(const Data& data) {
    if (!expected(data.token)) return;
    if (data.bytes.size() != blocks_.front().length) return wire_.breach("another length than asked for");
    const Block block = next_block();
    received_ += block.length;
    if (block.fetch == broker::FetchId::none) return;
    auto& fetch = fetches_.at(block.fetch);
    fetch.outstanding -= block.length;
    const bool complete = fetch.outstanding == 0 && fetch.left.empty();
    events_.data(block.fetch, block.offset, Bytes(data.bytes.begin(), data.bytes.end()));
    if (complete) finish(block.fetch, {});
}

void Taker::take(const Refuse& refuse) {
    if (!expected(refuse.token)) return;
    const Block block = next_block();
    if (block.fetch != broker::FetchId::none) finish(block.fetch, fail(ErrorKind::Absent, "the peer does not share it any more"));
}

bool Taker::is_silent(TimePoint now, Millis timeout) const { return waiting() && now - last_heard_ > timeout; }

void Taker::fail_all(const Error& error) {
    while (!fetches_.empty()) finish(fetches_.begin()->first, tl::unexpected(error));
    asked_.clear();
    to_ask_.clear();
    blocks_.clear();
}

}  // namespace packswarm::swarm
