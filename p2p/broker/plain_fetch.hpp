// PlainFetch: a file that no index vouches for, whole, from one mirror after another: handed through as it comes,
// neither kept nor shared. With a digest but no size it is checked at the end. Not here: artifacts whose digest and
// size are known (Transfer).
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/ports/mirrors.hpp"
#include "p2p/broker/terms.hpp"
#include "p2p/broker/transfer/arrivals.hpp"
#include "p2p/broker/transfer/transfer_context.hpp"
#include "p2p/broker/turn.hpp"

namespace packswarm::broker {

struct PlainAnswer {
    bool not_modified = false;
    std::optional<StagedFile> file;
    std::optional<WallTime> modified;
    SourceShare from;
    std::optional<Part> part = {};  // the file is this part
};

class PlainFetch {
  public:
    struct Wish {
        std::vector<MirrorAddress> mirrors;
        ByteCount max_size = 0;
        std::optional<WallTime> if_modified_since;
        std::optional<Digest> digest;
        Terms terms = {};            // not beside a digest
        bool has_other_way = false;  // for the asker: what was asked for in vain a moment ago is not asked for again
        std::string key() const;     // equal for two wishes that one answer fulfils
    };
    PlainFetch(TransferContext& context, Wish wish, Task started, Task progress, Then<PlainAnswer> then);
    ~PlainFetch();
    PlainFetch(const PlainFetch&) = delete;
    PlainFetch& operator=(const PlainFetch&) = delete;
    void leave();  // nobody asks any more: it says nothing from here on

    bool has_started() const { return staged_ && !has_no_size_; }  // its askers have been told so
    const std::optional<StagedFile>& staged() const { return staged_; }
    std::optional<WallTime> modified() const { return modified_; }
    const std::optional<Part>& part() const { return part_; }
    ByteCount received() const { return written_; }  // and in the file
    // What may be handed out before the end: nothing when a digest is to be checked first.
    ByteCount safe() const { return wish_.digest ? 0 : written_; }

  private:
    void next();
    void head(const MirrorHead& head);
    bool stage(ByteCount size);
    void forget();
    void data(ByteCount offset, Bytes bytes);
    void landed(const Arrivals::Arrival& arrival, const Result<void>& written);
    void done(const Result<void>& result);
    void wait_for_turn();
    void complete();
    void answer(Result<PlainAnswer> result);

    TransferContext& context_;
    Wish wish_;
    Task started_, progress_;
    Then<PlainAnswer> then_;
    std::deque<MirrorAddress> left_;
    MirrorAddress now_;
    FetchId fetch_ = FetchId::none;
    std::optional<StagedFile> staged_;
    std::optional<WallTime> modified_, asked_since_;
    std::optional<Part> part_;
    bool has_no_size_ = false;            // it is staged as the largest that is taken, and cut in the end
    std::unique_ptr<Arrivals> arrivals_;  // into the staged file
    ByteCount received_ = 0, written_ = 0;
    ByteCount room_ = 0;     // in the store, for what has come
    bool is_whole_ = false;  // all has come
    bool not_modified_ = false;
    CheckId check_ = CheckId::none;
    std::optional<Error> last_error_;
    TimePoint progressed_{};
    Visit visit_;
    std::unique_ptr<Turn> turn_;  // it waits, or waited
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
