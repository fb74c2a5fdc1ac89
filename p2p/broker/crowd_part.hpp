// CrowdPart: what one artifact has to do with others who fetch it at the same time: who seeks and who lends it, which of our bytes
// are lent, and whose borrowed bytes were wrong. Owned by its Transfer and works on the same staged file and want.
#pragma once

#include <map>
#include <memory>

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

    void sought(core::SourceId peer);
    void lent(core::SourceId peer, const PeerLoan& loan);
    void gone(core::SourceId peer);
    void sample();                                     // forgets who has not asked again

    void staged();                                     // the file exists: from now on we are at work on it
    void written(core::SourceId from, ByteRange range);
    void verified();                                   // blames who gave other bytes before
    // The digest is wrong: hashes what peers gave, to know later who lied, then throws it away and bars them. False: they gave
    // nothing.
    bool drop_borrowed();

  private:
    struct Borrowed {
        core::SourceId from{};
        PieceHash hash;
    };
    void suspect(const std::vector<core::SourceId>& peers, const PieceHashes& hashes);

    Transfer& transfer_;
    std::map<core::SourceId, TimePoint> asked_;
    core::RangeSet first_hand_;                        // what mirrors gave
    std::vector<bool> lent_;
    std::map<std::size_t, Borrowed> suspects_;         // by piece
    bool is_lending_ = false;
    bool is_verified_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // answers that come after us find it false
};

}  // namespace packswarm::broker
