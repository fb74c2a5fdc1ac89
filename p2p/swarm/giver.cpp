#include "p2p/swarm/giver.hpp"

#include <algorithm>

namespace packswarm::swarm {

bool Allowance::take(double amount, TimePoint now) {
    if (available(now) < amount) return false;
    left_ -= amount;
    return true;
}

double Allowance::available(TimePoint now) {
    if (last_ != TimePoint{}) left_ = std::min(burst_, left_ + seconds_between(last_, now) * per_second_);
    last_ = now;
    return left_;
}

void Giver::take(Ask ask, TimePoint now) {
    if (asks_.size() >= limits::max_peer_asks) return wire_.breach("too many asks at once");
    if (!asking_.take(static_cast<double>(ask.digests.size()), now)) return wire_.breach("a flood of asks");
    asks_.push_back({std::move(ask), 0});
}

void Giver::take(const Get& get) {
    if (gets_.size() >= limits::max_peer_gets) return wire_.breach("too many gets at once");
    ++uncancelled_;
    gets_.push_back({get, false});
}

// A get that was answered already may still be cancelled: the answer and the cancel crossed.
void Giver::take(const Cancel& cancel) {
    if (uncancelled_ == 0) return wire_.breach("more cancels than gets");
    --uncancelled_;
    for (auto& open : gets_)
        if (open.get.token == cancel.token) open.cancelled = true;
}

bool Giver::pump() {
    while (!asks_.empty() || !gets_.empty()) {
        if (queued_ >= room_) queued_ = wire_.queued();
        if (queued_ >= room_) return true;
        if (!asks_.empty()) {
            answer(asks_.front());
            if (asks_.front().next == asks_.front().ask.digests.size()) asks_.pop_front();
        } else {
            answer(gets_.front());
            gets_.pop_front();
        }
    }
    return false;
}

// One tell of as many answers as fit.
void Giver::answer(OpenAsk& open) {
    Tell tell;
    tell.token = open.ask.token;
    for (std::size_t bytes = 0; open.next < open.ask.digests.size() && bytes < limits::max_tell; ++open.next) {
        const auto* entry = shelf_.find(open.ask.digests[open.next]);
        if (entry == nullptr || !may_see_(*entry)) continue;
        tell.entries.push_back({entry->digest, entry->info.size, entry->pieces});
        bytes += encoded_size(tell.entries.back());
    }
    tell.last = open.next == open.ask.digests.size();
    send(encode(tell, frame_size));
}

void Giver::answer(const OpenGet& open) {
    const Get& get = open.get;
    const auto* entry = open.cancelled ? nullptr : shelf_.find(get.digest);
    const bool may = entry != nullptr && may_see_(*entry) && get.offset + static_cast<ByteCount>(get.length) <= entry->info.size;
    if (!may) return send(encode(Refuse{get.token}, frame_size));
    auto message = encode_data(get.token, get.length, frame_size);
    if (!shelf_.read(get.digest, get.offset, std::span(message).last(get.length))) return send(encode(Refuse{get.token}, frame_size));
    sent_ += get.length;
    send(std::move(message));
}

void Giver::send(Bytes bytes) {
    queued_ += static_cast<ByteCount>(bytes.size());
    wire_.send(std::move(bytes));
}

}  // namespace packswarm::swarm
