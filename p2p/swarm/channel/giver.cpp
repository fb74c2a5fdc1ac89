#include "p2p/swarm/channel/giver.hpp"

#include <algorithm>

namespace packswarm::swarm {

namespace {
constexpr auto news_time = std::chrono::seconds(30);  // asks are repeated within a tenth of this
}  // namespace

void Giver::take(Ask ask, TimePoint now) {
    if (asks_.size() >= limits::max_peer_asks) return wire_.breach("too many asks at once");
    if (!asking_.take(static_cast<double>(ask.digests.size()), now)) return wire_.breach("a flood of asks");
    if (standing_.size() + ask.digests.size() > limits::max_standing_asks)
        std::erase_if(standing_, [now](const auto& item) { return item.second < now; });
    for (const auto& digest : ask.digests) {
        const bool has_room = standing_.size() < limits::max_standing_asks && all_standing_.has_room(1);
        if (has_room || standing_.count(digest) != 0) standing_[digest] = now + news_time;
        all_standing_.set(standing_.size());
    }
    if (!waiting_.has_room(ask.digests.size())) ask.digests.clear();  // it is told that nothing is here
    digests_waiting_ += ask.digests.size();
    waiting_.set(digests_waiting_);
    asks_.push_back({std::move(ask), 0});
}

void Giver::take(const Get& get) {
    if (small_gets_.size() + gets_.size() >= limits::max_peer_gets) return wire_.breach("too many gets at once");
    ++uncancelled_;
    line_of(get).push_back({get, false});
}

// What somebody waits for in whole does not stand behind megabytes of something else.
std::deque<Giver::OpenGet>& Giver::line_of(const Get& get) {
    const auto* entry = offered_.find(get.digest);
    return entry != nullptr && entry->info.size <= limits::small_artifact ? small_gets_ : gets_;
}

// A get that was answered already may still be cancelled: the answer and the cancel crossed.
void Giver::take(const Cancel& cancel) {
    if (uncancelled_ == 0) return wire_.breach("more cancels than gets");
    --uncancelled_;
    for (auto* line : {&small_gets_, &gets_})
        for (auto& open : *line)
            if (open.get.token == cancel.token) open.cancelled = true;
}

void Giver::news(const Digest& digest, TimePoint now) {
    const auto asked = standing_.find(digest);
    if (asked == standing_.end() || asked->second < now) return;
    if (std::find(news_.begin(), news_.end(), digest) == news_.end()) news_.push_back(digest);
}

bool Giver::pump() {
    while (!asks_.empty() || !news_.empty() || !small_gets_.empty() || !gets_.empty()) {
        if (queued_ >= room_) queued_ = wire_.queued();
        if (queued_ >= room_) return true;
        if (!asks_.empty()) {
            answer(asks_.front());
            if (asks_.front().next == asks_.front().ask.digests.size()) forget_first_ask();
        } else if (!news_.empty()) {
            tell_news();
        } else {
            auto& line = small_gets_.empty() ? gets_ : small_gets_;
            answer(line.front());
            line.pop_front();
        }
    }
    return false;
}

void Giver::forget_first_ask() {
    digests_waiting_ -= asks_.front().ask.digests.size();
    waiting_.set(digests_waiting_);
    asks_.pop_front();
    all_standing_.set(standing_.size());
}

Told Giver::told_of(const OfferedFile& entry) const {
    return {entry.digest, entry.info.size, offered_.pieces_of(entry),
            static_cast<std::uint16_t>(offered_.signature_of(entry).size())};
}

// One tell of as many answers as fit.
void Giver::answer(OpenAsk& open) {
    Tell tell;
    tell.token = open.ask.token;
    for (std::size_t bytes = 0; open.next < open.ask.digests.size() && bytes < limits::max_tell; ++open.next) {
        const auto* entry = offered_.find(open.ask.digests[open.next]);
        if (entry == nullptr) {
            lent(open.ask.digests[open.next]);
            continue;
        }
        if (!rights_.may_see(*entry)) continue;
        standing_.erase(entry->digest);
        tell.entries.push_back(told_of(*entry));
        bytes += encoded_size(tell.entries.back());
    }
    tell.last = open.next == open.ask.digests.size();
    send(encode(tell, frame_size));
}

// Says what of it is lent; false: nothing is, to this peer.
bool Giver::lent(const Digest& digest) {
    const auto* loan = lending_.find(digest);
    if (loan == nullptr || !rights_.is_in(loan->lineage)) return false;
    send(encode(Have{digest, loan->file.size(), loan->pieces}, frame_size));
    return true;
}

void Giver::tell_news() {
    Tell tell;
    std::size_t bytes = 0;
    for (; !news_.empty() && bytes < limits::max_tell; news_.pop_front()) {
        const auto* entry = offered_.find(news_.front());
        if (entry == nullptr) lent(news_.front());
        if (entry == nullptr || !rights_.may_see(*entry)) continue;
        standing_.erase(entry->digest);
        tell.entries.push_back(told_of(*entry));
        bytes += encoded_size(tell.entries.back());
    }
    if (!tell.entries.empty()) send(encode(tell, frame_size));
}

void Giver::answer(const OpenGet& open) {
    const Get& get = open.get;
    const auto* entry = open.cancelled ? nullptr : offered_.find(get.digest);
    const auto* loan = open.cancelled || entry != nullptr ? nullptr : lending_.find(get.digest);
    const bool may = (loan != nullptr && rights_.is_in(loan->lineage)) || (entry != nullptr && rights_.may_see(*entry));
    if (!may) return send(encode(Refuse{get.token}, frame_size));
    auto message = encode_data(get.token, get.length, frame_size);
    if (!read(get, entry, std::span(message).last(get.length))) return send(encode(Refuse{get.token}, frame_size));
    sent_ += get.length;
    rights_.gave(get.length);
    send(std::move(message));
}

// entry: of an offered file; null: it is lent.
Result<void> Giver::read(const Get& get, const OfferedFile* entry, std::span<char> payload) {
    if (entry == nullptr) return lending_.read(get.digest, get.offset, payload);
    if (get.offset + static_cast<ByteCount>(get.length) <= entry->info.size)
        return offered_.read(get.digest, get.offset, payload);
    const auto signature = offered_.signature_of(*entry);
    if (get.offset != entry->info.size || signature.size() != payload.size())
        return fail(ErrorKind::Absent, "nothing is there");
    std::copy(signature.begin(), signature.end(), payload.begin());
    return {};
}

void Giver::send(Bytes bytes) {
    queued_ += static_cast<ByteCount>(bytes.size());
    wire_.send(std::move(bytes));
}

}  // namespace packswarm::swarm
