// CrowdPart: what one artifact has to do with others who fetch it at the same time: who seeks and who lends it, which of our bytes
// are lent, and whose borrowed bytes were wrong. Owned by its Transfer and works on the same staged file and want.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "p2p/broker/ports.hpp"
#include "p2p/core/board.hpp"

namespace packswarm::broker {

class Transfer;

class CrowdPart {
  public:
    explicit CrowdPart(Transfer& transfer);
    ~CrowdPart();
    CrowdPart(const CrowdPart&) = delete;
    CrowdPart& operator=(const CrowdPart&) = delete;

    bool widens();
    bool asks_strangers() const { return asks_strangers_; }
    void sought(core::SourceId peer);
    void lent(core::SourceId peer, const PeerLoan& loan);
    void gone(core::SourceId peer);
    void sample();                                     // forgets who has not asked again

    void staged();                                     // the file exists: from now on we are at work on it
    void written(core::SourceId from, ByteRange range);
    void forgotten(const core::RangeSet& ranges);      // these bytes are not here any more, or somebody else's
    // A mirror's copy of bytes that a lender gave. Other bytes: the lender gives no more, and is blamed once the digest is right.
    void compared(core::SourceId mirror, ByteRange range, const Bytes& copy);
    bool has_borrowed() const { return has_borrowed_ && !lenders_used().empty(); }  // bytes of lenders that nobody checked
    void borrow_no_more();
    void verified();                                   // blames who gave other bytes before
    // The digest is wrong: compares parts of what lenders gave with a mirror's and drops what liars gave. When that finds nobody: hashes
    // what peers gave, to know later who lied, then throws it away and bars them. False: they gave nothing.
    bool drop_borrowed();

  private:
    struct Borrowed {
        core::SourceId from{};
        PieceHash hash;
    };
    struct Doubt {
        ByteCount offset = 0;
        Bytes given;
    };
    void lend_whole_pieces(ByteRange range);
    void stop_lending();
    void try_lender(core::SourceId lender, ByteRange range);
    void doubt(core::SourceId lender, ByteRange range, const Bytes& given, const Bytes& copy);
    void settle_doubts();
    std::vector<core::SourceId> lenders_used() const;
    bool question(std::vector<core::SourceId> peers);
    std::optional<ByteRange> unconfirmed(core::SourceId peer) const;
    void questioned();
    void drop_all_of(const std::vector<core::SourceId>& peers);
    void suspect(const std::vector<core::SourceId>& peers, const PieceHashes& hashes);

    Transfer& transfer_;
    std::map<core::SourceId, TimePoint> asked_;
    core::RangeSet first_hand_;                        // what mirrors gave
    std::vector<bool> lent_;
    std::map<std::size_t, Borrowed> suspects_;         // by piece
    std::map<core::SourceId, Doubt> doubts_;           // the first block that a mirror gave otherwise
    TimePoint questioning_{};                          // since when lenders are compared because the digest was wrong; or 0
    int questionings_ = 0;
    std::map<core::SourceId, int> confirmed_;          // how often mirrors gave the same
    std::size_t doubts_before_ = 0;
    bool is_lending_ = false;
    bool asks_strangers_ = false;
    bool is_verified_ = false;
    bool has_borrowed_ = false;
    bool may_borrow_ = true;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // answers that come after us find it false
};

}  // namespace packswarm::broker
