// IncomingFile: the file of one transfer while it is in progress: the staged file, who gave which of its bytes, its
// room in the store, and how far it is hashed. Keeps `done`, `arriving` and `given` of its want true. Not here: whose
// bytes are wanted, who lied (transfer.hpp, inquest.hpp), what may go out (prefix_check.hpp).
#pragma once

#include <map>
#include <optional>

#include "p2p/broker/transfer/arrivals.hpp"
#include "p2p/broker/transfer/transfer_context.hpp"
#include "p2p/plan/suspects.hpp"

namespace packswarm::broker {

class IncomingFile {
  public:
    using Written = std::function<void(Result<core::RangeSet>)>;
    struct Share {
        ByteCount bytes = 0, wasted = 0;  // payload that came, and of it what was thrown away
        core::RangeSet given;             // what of it stands in the file
    };

    IncomingFile(TransferContext& context, plan::WantId want, const Target& target);
    ~IncomingFile();
    IncomingFile(const IncomingFile&) = delete;
    IncomingFile& operator=(const IncomingFile&) = delete;

    // ---- The file. Errors are the store's: Refused (no room), Broken (disk).
    bool is_staged() const { return staged_.has_value(); }
    const std::optional<StagedFile>& staged() const { return staged_; }
    Result<void> stage();                     // a new file, or nothing where there is one
    void go_on_with(StagedFile file);         // of an earlier attempt
    Result<void> make_room(ByteCount bytes);  // for so many of its bytes in the store
    Result<Bytes> read(ByteRange range) const;

    // ---- Its bytes, and who answers for them
    void received(plan::SourceId from, ByteCount bytes) { shares_[from].bytes += bytes; }
    void wasted(plan::SourceId from, ByteCount bytes) { shares_[from].wasted += bytes; }
    // Only bytes that have not come yet are written: what another source gave first stands, and is its to answer for.
    // then: the new ones are here, which of them still count; within the call when there are none, or when it is
    // written to by others as well.
    void write(plan::SourceId from, ByteCount offset, Bytes data, Written then);
    void share(Task then);  // others write into it from here on; then: what was on its way is here
    // Once nobody writes there any more of what came until now, also when this is gone by then.
    void when_landed(Task task) { arrivals_.when_landed(std::move(task)); }
    // Its first bytes, which nobody answers for, before the whole is here. then: they stand in the file.
    void write_head(Bytes head, Then<void> then);
    // A small one, whole and from one source; it counts as here at once. then: it stands in the file; within the call
    // when it is empty.
    void write_whole(plan::SourceId from, Bytes content, Then<void> then);
    void adopt(plan::SourceId from, const core::RangeSet& ranges);  // of an earlier attempt
    void brought(plan::SourceId from, ByteRange range);             // by the torrent, which writes by itself
    void vouch(plan::SourceId mirror, ByteRange range) { shares_[mirror].given.add(range); }  // it gave the same
    void take_from_givers(ByteRange range);       // somebody else answers for it now, or nobody
    void throw_away(ByteRange range);             // it is not here any more
    core::RangeSet forget(plan::SourceId giver);  // all that it gave; what went
    bool knows(plan::SourceId source) const { return shares_.count(source) != 0; }
    const core::RangeSet& given_by(plan::SourceId source) const;  // empty: nothing
    const std::map<plan::SourceId, Share>& shares() const { return shares_; }
    plan::Given givers() const;  // of bytes that are here

    // ---- Its digest
    void hash_what_is_here();             // the prefix, when it has grown by enough
    void hash_again();                    // bytes below the prefix have changed
    void check(Then<VerifiedFile> then);  // all bytes are here. Corrupt: the digest is another one
    void begin_check();                   // once more, after a wrong digest
    bool is_being_checked() const { return check_ != CheckId::none; }

  private:
    plan::Want& want() const { return context_.board.wants.at(want_); }
    void landed(Arrivals::Arrival& arrival, const Result<void>& written);
    void write_unclaimed(Bytes data, Then<void> then);

    TransferContext& context_;
    const plan::WantId want_;
    const Target& target_;
    std::optional<StagedFile> staged_;
    std::map<plan::SourceId, Share> shares_;
    Arrivals arrivals_;
    CheckId check_ = CheckId::none;
    ByteCount room_ = 0;    // in the store, for bytes that are here
    ByteCount hashed_ = 0;  // bytes of the prefix
};

}  // namespace packswarm::broker
