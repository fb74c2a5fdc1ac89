// Transfer: one artifact on its way in, from any number of sources at once, until its digest is right or nobody is
// left. It does what plan::decide decided, and leads its parts: the file (incoming_file), what is under way (flights),
// what may go out before the end (prefix_check), the torrent beside the mirrors (torrent_feed), others who fetch the
// same (lending), whom to blame (inquest). Not here: delivery, publishing (desks/artifact_desk.hpp).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/ports/mirrors.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/broker/transfer/flights.hpp"
#include "p2p/broker/transfer/inquest.hpp"
#include "p2p/broker/transfer/lending.hpp"
#include "p2p/broker/transfer/prefix_check.hpp"
#include "p2p/broker/transfer/remains.hpp"
#include "p2p/broker/transfer/torrent_feed.hpp"
#include "p2p/core/sharing_rules.hpp"

namespace packswarm::broker {

struct TransferEvents {
    Task started;  // the staged file exists
    Task progress;
    std::function<void(VerifiedFile)> verified;  // one of these two, once, last
    std::function<void(Error)> failed;
};

class Transfer final : Host, PrefixCheck::Needs, TorrentFeed::Needs, Lending::Needs, Inquest::Needs, Flights::Needs {
  public:
    Transfer(TransferContext& context, plan::WantId id, Target target, TransferEvents events);
    ~Transfer() override;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    // The planner's decisions.
    void begin(const plan::Start& start);
    void stop(plan::ClaimId claim, const char* reason) override;
    void shorten(plan::ClaimId claim, ByteCount end);
    void join();
    void give_up();

    void resume(Remnant remnant);  // before anything else comes
    // The end: what is here, once nobody writes there any more. Nothing when somebody is known to have lied and not
    // who.
    void leave_behind(std::function<void(Remnant)> then);
    void leave_to_the_next();  // the agent ends, and the one after it may go on from the last note

    void set_need(Need need, bool streamed);  // changes when somebody comes to wait, or waits no longer
    void add_mirrors(const Target& wider) {   // somebody has come who asks them as well
        target_.mirrors = wider.mirrors;
        target_.asking = wider.asking;
        for (const auto& mirror : target_.mirrors) want().mirrors.push_back(mirror.source);
    }
    void offered(const PeerOffer& offer);
    void lent(const PeerLoan& loan);
    void sought(plan::SourceId peer);  // it wants the artifact too
    void peer_gone(plan::SourceId peer);
    bool widens();  // true, once: strangers are to be asked too from now on
    core::Audience whom_to_ask() const;
    void look_for_company();                           // who is there decides how long peers have to speak up
    void discredited(plan::SourceId source) override;  // throws away what it gave
    void sample(double window_s);

    const Target& target() const { return target_; }
    const std::optional<StagedFile>& staged() const { return file_.staged(); }
    std::optional<WallTime> modified() const { return modified_; }
    ByteCount received() const { return want().done.total(); }
    ByteCount prefix() const { return want().is_small() ? safe() : want().done.prefix(); }
    ByteCount safe() const { return prefix_.safe(); }
    bool has_started() const {
        return file_.is_staged() && (!want().is_small() || safe() > 0);
    }  // its askers have been told so
    bool stands_by_its_head() const {
        return prefix_.was_true();
    }                                                          // once it is verified: nothing else has gone out before
    bool is_contradicted() const { return is_contradicted_; }  // the first of its mirrors has another file
    std::vector<SourceShare> shares() const;
    std::vector<SourceShare> for_nothing() const;  // of these, what is lost with this transfer
    const std::vector<std::string>& reasons() const { return reasons_; }

  private:
    plan::Want& want() const { return context_.board.wants.at(id_); }
    bool has_room(ByteCount bytes);  // for so many of its bytes in the store; else it fails
    void began();                    // there is a file now
    void close(plan::ClaimId id);
    void close_all();
    void without_ranges(plan::ClaimId id);
    void landed(plan::SourceId from, ByteRange all, const Result<core::RangeSet>& fresh);
    void compared(plan::SourceId mirror, ByteRange range, const Bytes& copy);
    void small_complete(plan::SourceId from, Bytes content);
    void tell_progress();
    void check_all();
    void rest();    // nobody brings anything until the digest has spoken
    void verify();  // what the file holds
    void wrong_digest(const Error& error);
    void praise();
    bool may_resume_from(plan::SourceId source) const;  // this and the next three: unfinished.cpp
    bool is_worth_keeping() const;
    void note_growth();
    void take_note();

    // Host
    void note(std::string reason) override;
    void blame(plan::SourceId source, Error error) override;
    void fail(Error error) override;
    void forget(plan::SourceId giver) override;
    void changed() override;
    bool is_over() const override { return over_; }
    // What its parts need
    ByteView in_memory(plan::ClaimId claim) const override { return flights_.in_memory(claim); }
    void go_solo(plan::SourceId mirror, const char* reason) override { inquest_.go_solo(mirror, reason); }
    void shown() override;
    void withdrawn() override { events_.progress(); }
    void brought(std::optional<plan::SourceId> from, ByteRange piece) override;
    void denied(ByteRange piece) override;
    bool names_the_hints() override;
    bool questions_lenders() override { return lending_ && lending_->question_borrowed(); }
    void borrow_no_more() override;
    void write(plan::SourceId from, ByteCount offset, Bytes data) override;
    void reopen_inquest() override { inquest_.open(); }
    void answered(plan::ClaimId id, const MirrorHead& head) override;
    void took(plan::ClaimId id, ByteCount offset, Bytes data) override;
    void ended(plan::ClaimId id, const Result<void>& result) override;

    TransferContext& context_;
    const plan::WantId id_;
    Target target_;
    TransferEvents events_;
    IncomingFile file_;
    Case case_{context_, target_, id_, file_, *this};
    Flights flights_{case_, *this};
    PrefixCheck prefix_{case_, *this};
    Inquest inquest_{case_, *this};
    std::unique_ptr<TorrentFeed> torrent_;  // while a peer shares the whole of it
    std::unique_ptr<Lending> lending_;      // of a public lineage
    std::map<plan::SourceId, int> transient_failures_;
    std::vector<std::string> reasons_;
    std::optional<WallTime> modified_;
    std::optional<Error> last_error_;
    TimePoint progressed_{};
    TimePoint noted_{};
    ByteCount noted_bytes_ = 0;  // were here when it was noted last
    bool over_ = false, is_contradicted_ = false;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
