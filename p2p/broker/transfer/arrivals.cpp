#include "p2p/broker/transfer/arrivals.hpp"

#include <utility>

namespace packswarm::broker {

namespace {

// The parts of it that count, to be written. What counts whole is moved.
void take_parts(Arrivals::Arrival& arrival, std::vector<FilePart>& out) {
    const auto length = static_cast<ByteCount>(arrival.data.size());
    if (arrival.live.covers({arrival.offset, arrival.offset + length}))
        return out.push_back({arrival.offset, std::move(arrival.data)});
    for (const auto& range : arrival.live.ranges()) {
        const auto begin = arrival.data.begin() + (range.begin - arrival.offset);
        out.push_back({range.begin, Bytes(begin, begin + range.length())});
    }
}

}  // namespace

void Arrivals::keep(ByteCount change) {
    bytes_ += change;
    memory_.set(static_cast<std::size_t>(bytes_));
}

void Arrivals::add(const StagedFile& file, Arrival arrival) {
    const auto length = static_cast<ByteCount>(arrival.data.size());
    const bool is_too_much = !memory_.has_room(arrival.data.size());
    keep(length);
    waiting_.push_back(std::make_shared<Arrival>(std::move(arrival)));
    // Who brings more waits for the disk then, and so does everybody: memory is not for a slow disk. But what the
    // worker writes in vain could come after the bytes that take its place.
    if (is_too_much && !may_be_replaced_) return write_here(file);
    go_on(file);
}

void Arrivals::go_on(const StagedFile& file) {
    if (!in_hand_.empty() || waiting_.empty()) return;
    is_shared_ ? write_here(file) : begin(file);
}

void Arrivals::begin(const StagedFile& file) {
    std::vector<FilePart> parts;
    ByteCount dropped = 0;
    for (auto& arrival : std::exchange(waiting_, {})) {
        if (arrival->live.empty()) {
            dropped += static_cast<ByteCount>(arrival->data.size());
            continue;
        }
        arrival->length = static_cast<ByteCount>(arrival->data.size());
        may_be_replaced_ = may_be_replaced_ || !arrival->is_claimed;
        take_parts(*arrival, parts);
        in_hand_.push_back(std::move(arrival));
    }
    keep(-dropped);
    if (in_hand_.empty()) return;
    afterwards_ = std::make_shared<std::vector<Task>>();
    auto ended = lifetime_.guard([this, file](const Result<void>& written) { this->ended(file, written); });
    store_.write(file, std::move(parts),
                 [ended = std::move(ended), afterwards = afterwards_](const Result<void>& written) mutable {
                     ended(written);
                     for (const auto& task : std::exchange(*afterwards, {})) task();
                 });
}

void Arrivals::write_here(const StagedFile& file) {
    while (!waiting_.empty()) {
        const auto arrival = std::move(waiting_.front());
        waiting_.pop_front();
        keep(-static_cast<ByteCount>(arrival->data.size()));
        std::vector<FilePart> parts;
        take_parts(*arrival, parts);
        Result<void> written;
        for (const auto& part : parts)
            if (written) written = file.write(part.offset, part.data);
        landed_(*arrival, written);
    }
}

// Whoever hears of one may drop the others.
void Arrivals::ended(const StagedFile& file, const Result<void>& written) {
    const auto batch = in_hand_;
    for (const auto& arrival : batch) keep(-arrival->length);
    for (const auto& arrival : batch) landed_(*arrival, written);
    in_hand_.clear();
    may_be_replaced_ = false;
    go_on(file);
}

core::RangeSet Arrivals::drop(plan::SourceId from) {
    core::RangeSet gone;
    const auto drop = [&](Arrival& arrival) {
        if (arrival.from != from || !arrival.is_claimed || arrival.live.empty()) return false;
        for (const auto& range : arrival.live.ranges()) gone.add(range);
        arrival.live = {};
        return true;
    };
    for (const auto& arrival : waiting_) drop(*arrival);
    for (const auto& arrival : in_hand_) may_be_replaced_ = drop(*arrival) || may_be_replaced_;
    return gone;
}

void Arrivals::when_landed(Task task) {
    if (in_hand_.empty()) return task();
    afterwards_->push_back(std::move(task));
}

}  // namespace packswarm::broker
