// What unfinished transfers leave, how the next one goes on with it, and what of it reaches the agent after this one.
#include <algorithm>

#include "p2p/base/log.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/broker/crowd_part.hpp"
#include "p2p/broker/torrent_part.hpp"

namespace packswarm::broker {

namespace {
constexpr auto note_interval = Millis(1000);          // between two notes of what is here, for the agent after a crash,
constexpr ByteCount note_step = 256 * limits::kib;    // and bytes that make another one worth it
}  // namespace

bool Transfer::may_resume_from(core::SourceId source) const {
    if (engine_.sources.is_discredited(source)) return false;
    return engine_.sources.kind(source) != SourceKind::mirror ||
           std::any_of(target_.mirrors.begin(), target_.mirrors.end(), [source](const MirrorAddress& mirror) { return mirror.source == source; });
}

void Transfer::resume(Remnant remnant) {
    std::erase_if(remnant.given, [this](const auto& item) { return !may_resume_from(item.first); });
    if (remnant.given.empty()) return;
    modified_ = remnant.modified;
    for (auto& [source, ranges] : remnant.given) {
        // A head from a disk cannot be compared: it comes anew, so that first bytes can go out before the digest has
        // spoken.
        if (engine_.sources.kind(source) == SourceKind::cache) ranges.remove(ByteRange{0, core::head_bytes});
        auto& share = shares_[source];
        share.given = ranges;
        share.bytes = want().given[source] = ranges.total();
        for (const auto& range : ranges.ranges()) {
            want().done.add(range);
            if (crowd_) crowd_->written(source, range);
        }
    }
    note(fmt::format("{} of {} bytes are here from an earlier attempt", want().done.total(), target_.size));
    begin_file(std::move(remnant.file));
    if (!over_) advance();
}

// Without a check the digest has spoken, or the disk has failed. Of a torrent that lets go of a complete file nobody
// would tell when.
bool Transfer::is_worth_keeping() const {
    if (want().is_small() || check_ == CheckId::none || inquest_.has_begun()) return false;
    return !torrent_ || (!want().resting && !torrent_->is_in_doubt());
}

void Transfer::note_growth() {
    if (engine_.loop.now() - noted_ >= note_interval && received() >= noted_bytes_ + note_step) take_note();
}

void Transfer::take_note() {
    if (!staged_ || want().is_small()) return;
    noted_ = engine_.loop.now();
    noted_bytes_ = received();
    RemainsNote note{target_.digest, target_.size, modified_, {}};
    for (const auto& [source, share] : shares_)
        for (const auto& range : share.given.ranges()) note.gifts.push_back({engine_.sources.label(source), range});
    engine_.store.note(*staged_, is_worth_keeping() ? note.text() : Bytes());
}

void Transfer::leave_to_the_next() {
    if (!is_worth_keeping() || noted_bytes_ == 0) return;
    take_note();
    staged_->keep();
}

void Transfer::leave_behind(std::function<void(Remnant)> then) {
    over_ = true;
    while (!flights_.empty()) close(flights_.begin()->first);
    if (!is_worth_keeping()) return;
    take_note();
    Remnant remnant{*staged_, {}, modified_};
    for (const auto& [source, share] : shares_)
        if (!share.given.empty()) remnant.given[source] = share.given;
    if (remnant.given.empty()) return;
    auto left = [then = std::move(then), remnant = std::move(remnant)] { then(remnant); };
    torrent_ ? torrent_->leave(std::move(left)) : left();
}

// ---- All of them
// -----------------------------------------------------------------------------------------------------------

// A torrent may let go of the file when the next transfer has begun without it: what came late is of no use then.
void Broker::keep_remains(Transfer& transfer) {
    transfer.leave_behind([this, alive = alive_, digest = transfer.target().digest](Remnant remnant) {
        if (!*alive || by_digest_.count(digest) != 0) return;
        remains_.keep(digest, std::move(remnant), loop_.now());
        expire_remains_later();
    });
}

void Broker::take_up_remains() {
    remains_.take_up(store_.leftovers(), sources_, loop_.now());
    if (remains_.files() == 0) return;
    spdlog::info("{} unfinished downloads are here from before", remains_.files());
    expire_remains_later();
}

void Broker::expire_remains_later() {
    loop_.after(limits::remains_kept, [this, alive = alive_] {
        if (*alive) remains_.expire(loop_.now());
    });
}

void Broker::leave_remains() {
    for (const auto& [id, live] : live_) live.transfer->leave_to_the_next();
    remains_.leave();
}

}  // namespace packswarm::broker
