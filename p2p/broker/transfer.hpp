// Transfer: one artifact on its way in, from any number of sources at once, until its digest is right or nobody is left.
// It does what core::plan decided and decides nothing itself. Not here: whom to blame for a wrong digest (inquest.hpp); delivery,
// publishing (broker.hpp).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "p2p/base/budget.hpp"
#include "p2p/broker/absences.hpp"
#include "p2p/broker/heads.hpp"
#include "p2p/broker/inquest.hpp"
#include "p2p/broker/remains.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/broker/source_book.hpp"
#include "p2p/broker/store_port.hpp"
#include "p2p/broker/trust_port.hpp"
#include "p2p/core/board.hpp"
#include "p2p/core/plan.hpp"
#include "p2p/core/sharing_rules.hpp"
#include "p2p/core/strangers.hpp"

namespace packswarm::broker {

// What every transfer works with; owned by the broker.
struct Engine {
    Loop& loop;
    Mirrors& mirrors;
    Peers& peers;
    Store& store;
    Trust& trust;
    core::Board& board;
    SourceBook& sources;
    Task replan;                                       // soon, once
    std::function<bool()> may_lend;                    // the owner shares
    std::function<void(core::SourceId)> discredit;     // tell every transfer
    std::uint64_t next_claim = 1;
    Absences absences{};  // what mirrors did not have, or refused, a moment ago
    // Bases whose root was had from another one, where they redirect to: apt asks there for the repository's other
    // files.
    std::map<std::string, std::string> led_on{};
    bool asks_strangers = true;  // the owner's switch
    Budget roots{limits::max_roots_in_memory, limits::spared_root};  // bytes of roots that are on their way
};

// How long a lineage that was just entered may be without anybody who could speak up: discovery's first round, by far.
inline constexpr auto first_round = Millis(6'000);

struct MirrorAddress {
    core::SourceId source{};
    std::string url;
};

struct Target {
    Digest digest;
    ByteCount size = 0;
    std::string name;                     // path, for people
    std::vector<MirrorAddress> mirrors;   // best first
    std::string lineage;                  // public lineage, or empty: peers are never asked
    bool is_listed = false;  // by an index that counts here: digest and size are not the asker's word alone
    core::Asking asking;                  // of strangers
    bool is_rewritten = false;            // other bytes stand under this path from time to time: a mirror may lag
};

struct TransferEvents {
    Task started;                                // the staged file exists
    Task progress;
    std::function<void(VerifiedFile)> verified;  // one of these two, once, last
    std::function<void(Error)> failed;
};

class CrowdPart;
class TorrentPart;

class Transfer {
  public:
    Transfer(Engine& engine, core::WantId id, Target target, TransferEvents events);
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    // The planner's decisions.
    void begin(const core::Start& start);
    void stop(core::ClaimId claim, const char* reason);
    void shorten(core::ClaimId claim, ByteCount end);
    void join();
    void give_up();

    void resume(Remnant remnant);  // before anything else comes
    // The end: what is here, once nobody writes there any more. Nothing when somebody is known to have lied and not who.
    void leave_behind(std::function<void(Remnant)> then);
    void leave_to_the_next();  // the agent ends, and the one after it may go on from the last note

    void set_need(Need need, bool streamed);  // changes when somebody comes to wait, or waits no longer
    void offered(const PeerOffer& offer);
    void lent(const PeerLoan& loan);
    void sought(core::SourceId peer);         // it wants the artifact too
    void peer_gone(core::SourceId peer);
    bool widens();  // true, once: strangers are to be asked too from now on
    core::Audience whom_to_ask() const;
    void look_for_company();                  // who is there decides how long peers have to speak up
    void discredited(core::SourceId source);  // throws away what it gave
    void sample(double window_s);

    const Target& target() const { return target_; }
    const std::optional<StagedFile>& staged() const { return staged_; }
    std::optional<WallTime> modified() const { return modified_; }
    ByteCount received() const;
    ByteCount prefix() const;
    ByteCount safe() const { return safe_; }
    bool has_started() const { return staged_ && (!want().is_small() || safe_ > 0); }  // its askers have been told so
    bool stands_by_its_head() const { return heads_.were_true(); }  // once it is verified: nothing else has gone out before
    bool is_contradicted() const { return is_contradicted_; }       // the first of its mirrors has another file
    std::vector<SourceShare> shares() const;
    std::vector<SourceShare> for_nothing() const;  // of these, what is lost with this transfer
    const std::vector<std::string>& reasons() const { return reasons_; }

  private:
    friend class TorrentPart;
    friend class CrowdPart;
    friend class Heads;
    friend class Inquest;
    struct Flight {
        FetchId fetch = FetchId::none;
        Bytes buffer;  // whole small artifacts and heads under comparison; ranges go straight to the staged file
        bool has_no_ranges = false;  // its mirror did not answer with the part that was asked for
    };
    struct Share {
        ByteCount bytes = 0, wasted = 0;
        core::RangeSet given;  // what of it stands in the staged file
    };

    core::Want& want() { return engine_.board.wants.at(id_); }
    const core::Want& want() const { return engine_.board.wants.at(id_); }
    bool ensure_staged();
    bool has_room(ByteCount bytes);  // for so many of its bytes in the store; else it fails
    void begin_file(StagedFile file);
    bool may_resume_from(core::SourceId source) const;
    void begin_at_mirror(core::ClaimId id, const core::Start& start);
    void answered(core::ClaimId id, const MirrorHead& head);
    void without_ranges(core::ClaimId id);
    void begin_at_peer(core::ClaimId id, const core::Start& start);
    void take(core::ClaimId id, ByteCount offset, Bytes data);
    void write_new(core::SourceId from, ByteCount offset, ByteView data);
    void ended(core::ClaimId id, const Result<void>& result);
    void close(core::ClaimId id);
    void blame(core::SourceId source, Error error);
    void small_complete(core::SourceId from, Bytes content);
    void advance();
    void tell_progress();
    void check_all();
    void wrong_digest(const Error& error);
    void praise();
    void written_over(ByteRange range);  // the torrent's piece stands there now, whoever gave what stood there before
    void forget_bytes_of(core::SourceId source);
    void fail_with(Error error);
    bool is_worth_keeping() const;
    void note_growth();
    void take_note();
    void note(std::string reason);
    const std::string* address_at(core::SourceId mirror) const;

    Engine& engine_;
    const core::WantId id_;
    Target target_;
    TransferEvents events_;
    std::optional<StagedFile> staged_;
    std::map<core::ClaimId, Flight> flights_;
    std::map<core::SourceId, Share> shares_;
    std::map<core::SourceId, int> transient_failures_;
    Heads heads_;
    Inquest inquest_;
    std::unique_ptr<TorrentPart> torrent_;
    std::unique_ptr<CrowdPart> crowd_;
    std::vector<std::string> reasons_;
    std::optional<WallTime> modified_;
    std::optional<Error> last_error_;
    CheckId check_ = CheckId::none;
    ByteCount room_ = 0;  // in the store, for bytes that are here
    ByteCount advanced_ = 0;
    ByteCount safe_ = 0;
    TimePoint progressed_{};
    TimePoint noted_{};
    ByteCount noted_bytes_ = 0;  // were here when it was noted last
    bool over_ = false, is_contradicted_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // answers that come after us find it false
};

}  // namespace packswarm::broker
