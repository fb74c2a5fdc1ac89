// Lending: what one artifact has to do with others who fetch it at the same time: who seeks and who lends it, which of
// our bytes are lent (uploaded before the whole is verified), and whose borrowed bytes were wrong.
#pragma once

#include <map>
#include <optional>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/transfer/case.hpp"

namespace packswarm::broker {

class Lending {
  public:
    class Needs {
      public:
        virtual ~Needs() = default;
        virtual void write(plan::SourceId mirror, ByteCount offset, Bytes data) = 0;  // where a liar's bytes stood
        virtual void discredited(plan::SourceId lender) = 0;                          // its claims end and its bytes go
        virtual void reopen_inquest() = 0;                                            // it was none of the lenders
    };
    Lending(Case& part_of, Needs& needs);
    ~Lending();
    Lending(const Lending&) = delete;
    Lending& operator=(const Lending&) = delete;

    bool widens();
    bool asks_strangers() const { return asks_strangers_; }
    void sought(plan::SourceId peer);
    void lent(plan::SourceId peer, const PeerLoan& loan);
    void gone(plan::SourceId peer);
    void sample();  // forgets who has not asked again

    void staged();  // the file exists: from now on we are at work on it
    void written(plan::SourceId from, ByteRange range);
    void forgotten(const core::RangeSet& ranges);  // these bytes are not here any more, or somebody else's
    // A mirror's copy of bytes that a lender gave; the same: given == copy. The trial has ended. Other bytes: the
    // lender gives no more, and is blamed once the digest is right.
    void compared(plan::SourceId lender, plan::SourceId mirror, ByteRange range, const Bytes& given, const Bytes& copy);
    void not_compared(plan::SourceId mirror, ByteRange range);  // what the lender gave is not here any more
    bool has_borrowed() const {
        return has_borrowed_ && !lenders_used().empty();
    }  // bytes of lenders that nobody checked
    void borrow_no_more();
    void verified();  // blames who gave other bytes before
    // The digest is wrong: compares parts of what lenders gave with a mirror's and drops what liars gave. When that
    // finds nobody: hashes what peers gave, to know later who lied, then throws it away and bars them. False: they gave
    // nothing.
    bool question_borrowed();

  private:
    struct Doubt {
        ByteCount offset = 0;
        Bytes given;
    };
    void lend_whole_pieces(ByteRange range);
    void stop_lending();
    void try_lender(plan::SourceId lender, ByteRange range);
    void doubt(plan::SourceId lender, ByteRange range, const Bytes& given, const Bytes& copy);
    void settle_doubts();
    std::vector<plan::SourceId> lenders_used() const;
    bool question(const std::vector<plan::SourceId>& peers);
    bool is_questioning() const { return questioning_ != TimePoint{}; }
    void trial_ended();
    void questioned();
    void drop_all_of(const std::vector<plan::SourceId>& peers);
    void suspect(const std::vector<plan::SourceId>& peers, const PieceHashes& hashes);
    plan::Crowd& crowd() const { return case_.want().crowd; }

    Case& case_;
    Needs& needs_;
    std::map<plan::SourceId, TimePoint> asked_;
    core::RangeSet first_hand_;  // what mirrors gave
    std::vector<bool> lent_;
    std::map<std::size_t, plan::GivenPiece> suspects_;  // by piece
    std::map<plan::SourceId, Doubt> doubts_;            // the first block that a mirror gave otherwise
    TimePoint questioning_{};  // since when lenders are compared because the digest was wrong; or 0
    int questionings_ = 0;
    std::map<plan::SourceId, int> confirmed_;  // how often mirrors gave the same
    std::size_t doubts_before_ = 0;
    bool is_lending_ = false;
    bool asks_strangers_ = false;
    bool is_verified_ = false;
    bool has_borrowed_ = false;
    bool may_borrow_ = true;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
