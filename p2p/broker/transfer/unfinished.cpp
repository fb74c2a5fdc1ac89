// What an unfinished transfer leaves, and how it goes on with what another has left.
#include <algorithm>

#include "p2p/broker/transfer/transfer.hpp"
#include "p2p/plan/tuning.hpp"

namespace packswarm::broker {

namespace {
constexpr auto note_interval = Millis(1000);        // between two notes of what is here, for the agent after a crash,
constexpr ByteCount note_step = 256 * limits::kib;  // and bytes that make another one worth it
}  // namespace

bool Transfer::may_resume_from(plan::SourceId source) const {
    if (context_.sources.is_discredited(source)) return false;
    return context_.sources.kind(source) != SourceKind::mirror ||
           std::any_of(target_.mirrors.begin(), target_.mirrors.end(),
                       [source](const MirrorAddress& mirror) { return mirror.source == source; });
}

void Transfer::resume(Remnant remnant) {
    std::erase_if(remnant.given, [this](const auto& item) { return !may_resume_from(item.first); });
    if (remnant.given.empty()) return;
    modified_ = remnant.modified;
    for (auto& [source, ranges] : remnant.given) {
        // A head from a disk cannot be compared: it comes anew, so that first bytes can go out before the digest has
        // spoken.
        if (context_.sources.kind(source) == SourceKind::cache) ranges.remove(ByteRange{0, plan::tuning::head_bytes});
        file_.adopt(source, ranges);
        for (const auto& range : ranges.ranges())
            if (lending_) lending_->written(source, range);
    }
    note(fmt::format("{} of {} bytes are here from an earlier attempt", want().done.total(), target_.size));
    file_.go_on_with(std::move(remnant.file));
    began();
    if (!over_) changed();
}

// Without a check the digest has spoken, or the disk has failed. Of a torrent that lets go of a complete file nobody
// would tell when.
bool Transfer::is_worth_keeping() const {
    if (want().is_small() || !file_.is_being_checked() || inquest_.has_begun()) return false;
    return !torrent_ || (!want().resting && !torrent_->is_in_doubt());
}

void Transfer::note_growth() {
    if (context_.loop.now() - noted_ >= note_interval && received() >= noted_bytes_ + note_step) take_note();
}

void Transfer::take_note() {
    if (!file_.is_staged() || want().is_small()) return;
    noted_ = context_.loop.now();
    noted_bytes_ = received();
    RemainsNote note{target_.digest, target_.size, modified_, {}};
    for (const auto& [source, share] : file_.shares())
        for (const auto& range : share.given.ranges()) note.gifts.push_back({case_.label(source), range});
    context_.store.note(*file_.staged(), is_worth_keeping() ? note.text() : Bytes());
}

void Transfer::leave_to_the_next() {
    if (!is_worth_keeping() || noted_bytes_ == 0) return;
    take_note();
    file_.staged()->keep();
}

void Transfer::leave_behind(std::function<void(Remnant)> then) {
    over_ = true;
    close_all();
    if (!is_worth_keeping()) return;
    take_note();
    Remnant remnant{*file_.staged(), {}, modified_};
    for (const auto& [source, share] : file_.shares())
        if (!share.given.empty()) remnant.given[source] = share.given;
    if (remnant.given.empty()) return;
    // Nobody writes there any more when the torrent has left and a worker has written what it has in hand.
    const auto writers = std::make_shared<int>(2);
    const Task left = [then = std::move(then), remnant = std::move(remnant), writers] {
        if (--*writers == 0) then(remnant);
    };
    file_.when_landed(left);
    torrent_ ? torrent_->leave(left) : left();
}

}  // namespace packswarm::broker
