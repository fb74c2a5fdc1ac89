#include "p2p/swarm/channel/taker.hpp"

#include <algorithm>

namespace packswarm::swarm {

namespace {
constexpr auto interest_time = std::chrono::seconds(60);  // longer than a peer's news follow an ask
}  // namespace

void Taker::ask(const std::vector<Digest>& digests) { to_ask_.insert(to_ask_.end(), digests.begin(), digests.end()); }

void Taker::get(broker::FetchId fetch, const Digest& digest, ByteRange range) {
    fetches_[fetch] = {digest, range, 0};
    turns_.push_back(fetch);
}

bool Taker::cancel(broker::FetchId fetch) {
    if (fetches_.count(fetch) == 0) return false;
    for (const auto& [token, block] : blocks_)
        if (block.fetch == fetch) wire_.send(encode(Cancel{token}, frame_size));
    forget(fetch);
    return true;
}

// Its blocks are still answered.
void Taker::forget(broker::FetchId id) {
    for (auto& [token, block] : blocks_)
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
        if (interest_.size() + ask.digests.size() > limits::max_standing_asks)
            std::erase_if(interest_, [now](const auto& item) { return item.second < now; });
        for (const auto& digest : ask.digests)
            if (interest_.size() < limits::max_standing_asks) interest_[digest] = now + interest_time;
        wire_.send(encode(ask, frame_size));
    }
}

// News of what was asked a while ago may come late; only so much of it is suffered.
bool Taker::wanted(const Digest& digest, TimePoint now) {
    const auto at = interest_.find(digest);
    if (at != interest_.end() && at->second >= now) return true;
    if (!stray_news_.take(1, now)) wire_.breach("a flood of news");
    return false;
}

void Taker::take(const Tell& tell, TimePoint now) {
    const bool is_news = tell.token == 0;
    const auto asked = asked_.find(tell.token);
    if (!is_news && asked == asked_.end()) return wire_.breach("an answer to a question nobody asked");
    std::vector<Told> told;
    for (const auto& entry : tell.entries) {
        if (!is_news && asked->second.erase(entry.digest) == 0)
            return wire_.breach("an answer for an artifact nobody asked about");
        if (is_news && !wanted(entry.digest, now)) continue;
        if (entry.size <= limits::small_artifact || !entry.pieces.empty()) told.push_back(entry);
    }
    if (!is_news && tell.last) asked_.erase(asked);
    if (!told.empty()) events_.told(std::move(told));
}

void Taker::take(const Have& have, TimePoint now) {
    if (wanted(have.digest, now)) events_.lends(have);
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
    blocks_[get.token] = {id, get.offset, get.length};
    wire_.send(encode(get, frame_size));
}

void Taker::pump(TimePoint now) {
    send_asks(now);
    while (!turns_.empty() && in_flight_ < window_.bytes && blocks_.size() < limits::max_peer_gets &&
           !events_.congested()) {
        const auto id = turns_.front();
        turns_.pop_front();
        auto& fetch = fetches_.at(id);
        if (!waiting()) last_heard_ = now;
        send_get(id, fetch);
        if (!fetch.left.empty()) turns_.push_back(id);
    }
}

const Taker::Block* Taker::expected(Token token) {
    const auto at = blocks_.find(token);
    if (at == blocks_.end()) wire_.breach("an answer to a get that is not open");
    return at == blocks_.end() ? nullptr : &at->second;
}

Taker::Block Taker::take_block(Token token) {
    const Block block = blocks_.extract(token).mapped();
    in_flight_ -= block.length;
    return block;
}

void Taker::take(const Data& data) {
    const auto* open = expected(data.token);
    if (open == nullptr) return;
    if (data.bytes.size() != open->length) return wire_.breach("another length than asked for");
    const Block block = take_block(data.token);
    received_ += block.length;
    if (block.fetch == broker::FetchId::none) return;
    auto& fetch = fetches_.at(block.fetch);
    fetch.outstanding -= block.length;
    const bool complete = fetch.outstanding == 0 && fetch.left.empty();
    events_.data(block.fetch, block.offset, Bytes(data.bytes.begin(), data.bytes.end()));
    if (complete) finish(block.fetch, {});
}

void Taker::take(const Refuse& refuse) {
    if (expected(refuse.token) == nullptr) return;
    const Block block = take_block(refuse.token);
    if (block.fetch != broker::FetchId::none)
        finish(block.fetch, fail(ErrorKind::Absent, "the peer does not share it any more"));
}

bool Taker::is_silent(TimePoint now, Millis timeout) const { return waiting() && now - last_heard_ > timeout; }

void Taker::fail_all(const Error& error) {
    while (!fetches_.empty()) finish(fetches_.begin()->first, tl::unexpected(error));
    asked_.clear();
    to_ask_.clear();
    blocks_.clear();
}

}  // namespace packswarm::swarm
