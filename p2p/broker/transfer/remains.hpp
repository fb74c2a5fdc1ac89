// Remains: what unfinished transfers of large artifacts have brought, kept for a while for whoever asks for the same
// artifact next. Nothing of it is verified: every byte is known by its giver, and goes when that one is found to lie.
// Over a restart too, as notes beside the files. Pure bookkeeping: time comes in. Not here: what is worth keeping, and
// going on with it (transfer.hpp).
#pragma once

#include <map>
#include <optional>
#include <unordered_map>

#include "p2p/broker/ports/store.hpp"
#include "p2p/broker/source_book.hpp"
#include "p2p/broker/transfer/remains_note.hpp"
#include "p2p/plan/board.hpp"

namespace packswarm::broker {

struct Remnant {
    StagedFile file;                                 // nobody writes there any more
    std::map<plan::SourceId, core::RangeSet> given;  // what of it is here, and from whom
    std::optional<WallTime> modified;
    ByteCount here() const;
};

class Remains final : public Spare {
  public:
    void keep(const Digest& digest, Remnant remnant, TimePoint now);
    std::optional<Remnant> take(const Digest& digest, ByteCount size);  // it is the caller's now
    void drop(const Digest& digest) { kept_.erase(digest); }
    void forget(plan::SourceId liar);  // what it gave goes
    void expire(TimePoint now);
    // What an agent before this one has noted, but for the gifts of known liars. Its givers answer for none of it.
    void take_up(std::vector<Leftover> leftovers, SourceBook& sources, TimePoint now);
    void leave();  // to the agent after this one: what there is a note of stays on the disk
    std::size_t files() const { return kept_.size(); }

    ByteCount bytes() const override;
    void give_up(ByteCount needed) override;

  private:
    struct Kept {
        Remnant remnant;
        TimePoint since{};
    };
    ByteCount give_up_least();  // the file of which least is here; tells its size

    std::unordered_map<Digest, Kept> kept_;
};

}  // namespace packswarm::broker
