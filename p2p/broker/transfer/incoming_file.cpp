#include "p2p/broker/transfer/incoming_file.hpp"

#include <algorithm>

namespace packswarm::broker {

namespace {
constexpr ByteCount hash_step = limits::mib;  // prefix growth worth a hashing job
}  // namespace

IncomingFile::IncomingFile(TransferContext& context, plan::WantId want, const Target& target)
    : context_(context),
      want_(want),
      target_(target),
      arrivals_(context.store, context.arrivals,
                [this](Arrivals::Arrival& arrival, const Result<void>& written) { landed(arrival, written); }) {}

IncomingFile::~IncomingFile() {
    if (check_ != CheckId::none) context_.trust.drop(check_);
}

Result<void> IncomingFile::stage() {
    if (staged_) return {};
    auto file = context_.store.stage(target_.size, target_.is_listed ? Promise::listed : Promise::loose);
    if (!file) return tl::unexpected(file.error());
    go_on_with(std::move(*file));
    return {};
}

void IncomingFile::go_on_with(StagedFile file) {
    staged_ = std::move(file);
    begin_check();
}

Result<void> IncomingFile::make_room(ByteCount bytes) {
    if (bytes <= room_) return {};
    const auto room = context_.store.arrive(*staged_, bytes);
    if (!room) return tl::unexpected(room.error());
    room_ = *room;
    return {};
}

Result<Bytes> IncomingFile::read(ByteRange range) const {
    Bytes out(static_cast<std::size_t>(range.length()));
    if (auto got = read_at(staged_->handle(), range.begin, out); !got) return tl::unexpected(got.error());
    return out;
}

// ---- Bytes and givers
// ----------------------------------------------------------------------------------------------------------

void IncomingFile::write(plan::SourceId from, ByteCount offset, Bytes data, Written then) {
    const ByteRange all{offset, offset + static_cast<ByteCount>(data.size())};
    core::RangeSet fresh;
    for (const auto& gap : want().here().gaps(all)) fresh.add(gap);
    shares_[from].wasted += all.length() - fresh.total();
    if (fresh.empty()) return then(fresh);
    for (const auto& range : fresh.ranges()) want().arriving.add(range);
    want().given[from] += fresh.total();
    arrivals_.add(*staged_, {from, offset, std::move(data), std::move(fresh), std::move(then)});
}

void IncomingFile::landed(Arrivals::Arrival& arrival, const Result<void>& written) {
    if (!written) return arrival.then(tl::unexpected(written.error()));
    if (!arrival.is_claimed) return arrival.then(arrival.live);
    if (arrival.live.empty()) return;  // its giver is not believed any more
    for (const auto& range : arrival.live.ranges()) {
        want().arriving.remove(range);
        want().done.add(range);
        shares_[arrival.from].given.add(range);
    }
    want().grown = context_.loop.now();
    arrival.then(arrival.live);
}

void IncomingFile::share(Task then) {
    arrivals_.share();
    arrivals_.when_landed(std::move(then));
}

// One after the other: a head that somebody else gave must not come after the whole that takes its place.
void IncomingFile::write_unclaimed(Bytes data, Then<void> then) {
    core::RangeSet all;
    all.add({0, static_cast<ByteCount>(data.size())});
    Arrivals::Arrival arrival;
    arrival.data = std::move(data);
    arrival.live = std::move(all);
    arrival.is_claimed = false;
    arrival.then = [then = std::move(then)](const Result<core::RangeSet>& written) {
        then(written ? Result<void>() : tl::unexpected(written.error()));
    };
    arrivals_.add(*staged_, std::move(arrival));
}

void IncomingFile::write_head(Bytes head, Then<void> then) { write_unclaimed(std::move(head), std::move(then)); }

void IncomingFile::write_whole(plan::SourceId from, Bytes content, Then<void> then) {
    const ByteRange all{0, static_cast<ByteCount>(content.size())};
    want().done.add(all);
    shares_[from].given.add(all);
    if (content.empty()) return then({});
    write_unclaimed(std::move(content), std::move(then));
}

void IncomingFile::adopt(plan::SourceId from, const core::RangeSet& ranges) {
    auto& share = shares_[from];
    share.given = ranges;
    share.bytes = want().given[from] = ranges.total();
    for (const auto& range : ranges.ranges()) want().done.add(range);
}

void IncomingFile::brought(plan::SourceId from, ByteRange range) {
    auto& share = shares_[from];
    share.bytes += range.length();
    share.given.add(range);
}

void IncomingFile::take_from_givers(ByteRange range) {
    for (auto& [source, share] : shares_) {
        ByteCount lost = range.length();
        for (const auto& gap : share.given.gaps(range)) lost -= gap.length();
        if (lost == 0) continue;
        share.given.remove(range);
        share.wasted += lost;
        if (const auto at = want().given.find(source); at != want().given.end())
            at->second -= std::min(lost, at->second);
    }
}

void IncomingFile::throw_away(ByteRange range) {
    want().done.remove(range);
    hash_again();
}

core::RangeSet IncomingFile::forget(plan::SourceId giver) {
    if (!knows(giver)) return {};
    auto& share = shares_[giver];
    const auto on_their_way = arrivals_.drop(giver);
    want().arriving.remove(on_their_way);
    auto gone = std::exchange(share.given, {});
    share.wasted += gone.total() + on_their_way.total();
    want().given.erase(giver);
    if (gone.empty()) return gone;
    want().done.remove(gone);
    if (check_ != CheckId::none) hash_again();
    hashed_ = 0;
    return gone;
}

const core::RangeSet& IncomingFile::given_by(plan::SourceId source) const {
    static const core::RangeSet nothing;
    const auto at = shares_.find(source);
    return at == shares_.end() ? nothing : at->second.given;
}

plan::Given IncomingFile::givers() const {
    plan::Given out;
    for (const auto& [source, share] : shares_)
        if (!share.given.empty()) out[source] = share.given.total();
    return out;
}

// ---- The digest
// ------------------------------------------------------------------------------------------------------------------

void IncomingFile::begin_check() {
    check_ = context_.trust.begin_check(*staged_, target_.digest);
    hashed_ = 0;
}

void IncomingFile::hash_what_is_here() {
    const ByteCount prefix = want().done.prefix();
    if (prefix - hashed_ < hash_step) return;
    hashed_ = prefix;
    context_.trust.advance(check_, prefix);
}

void IncomingFile::hash_again() {
    context_.trust.rewind(check_);
    hashed_ = 0;
}

void IncomingFile::check(Then<VerifiedFile> then) {
    context_.trust.finish(check_, [this, then = std::move(then)](Result<VerifiedFile> file) {
        check_ = CheckId::none;
        then(std::move(file));
    });
}

}  // namespace packswarm::broker
