// LiveTransfers: one live transfer for each digest that is wanted, and who waits for it. The planner's hands: has done
// what plan::decide says, soon after something has changed and a few times a second. What an unfinished transfer leaves
// goes to the remains. Not here: choosing sources (plan/plan.hpp), what becomes of a file that is here
// (artifact_desk.hpp). Loop's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/graveyard.hpp"
#include "p2p/broker/desks/peer_questions.hpp"
#include "p2p/broker/transfer/remains.hpp"
#include "p2p/broker/transfer/transfer.hpp"

namespace packswarm::broker {

struct LiveTransfer {  // for status
    std::string name, asker;
    std::optional<Digest> digest{};
    ByteCount size = 0, received = 0;
    double seconds = 0;
    std::vector<SourceShare> sources;
};

class LiveTransfers {
  public:
    struct Events {
        std::function<void(plan::WantId, Transfer&)> begun;        // before anything was planned for it
        std::function<void(plan::WantId, VerifiedFile)> verified;  // one of these two, while it is live
        std::function<void(plan::WantId, const Error&)> failed;
    };
    struct Ended {
        std::unique_ptr<Transfer> transfer;
        std::vector<RequestId> askers;
        std::size_t holders = 0;  // peers that have the artifact or are about to
    };
    LiveTransfers(TransferContext& context, Askers& askers, Graveyard& graveyard, PeerQuestions& questions,
                  Remains& remains, Events events);
    ~LiveTransfers();
    LiveTransfers(const LiveTransfers&) = delete;
    LiveTransfers& operator=(const LiveTransfers&) = delete;

    bool join(RequestId id, const Digest& digest);  // false: nobody wants it yet
    void begin(RequestId id, Target target);
    // It asks no more. The transfer ends with the last who waits for it.
    void leave(RequestId id, const Asker& asker);
    void let_go(plan::WantId want, const std::function<bool(RequestId)>& leaves);  // of its askers, who leaves
    Ended take_out(plan::WantId want);                                             // it has ended, and is its taker's
    // For whoever wants the same next, what an ended one has brought.
    void keep_remains(Transfer& transfer);
    void take_up_remains();    // what the agent before this one has left
    void leave_to_the_next();  // this agent ends

    bool is_empty() const { return live_.empty(); }
    bool has(const Digest& digest) const { return by_digest_.count(digest) != 0; }
    std::optional<plan::WantId> want_of(const Digest& digest) const;
    Transfer* find(plan::WantId want) const;  // null: it is not live
    std::vector<LiveTransfer> rows() const;

    // The planner's hands.
    void replan_soon();
    // Peers
    void ask_again();  // somebody has come who may have what is wanted
    void note_holder(plan::WantId want, plan::SourceId peer);
    void peer_gone(plan::SourceId peer);
    void discredited(plan::SourceId source);  // what it gave goes

  private:
    struct Live {
        std::unique_ptr<Transfer> transfer;
        std::vector<RequestId> askers;
        std::set<plan::SourceId> holders;  // peers that told or lent it
    };
    TransferEvents events_of(plan::WantId want);
    void for_askers(plan::WantId want, const std::function<void(RequestId, const Transfer&)>& action);
    void weigh_need(Live& live);
    void ask(const Transfer& transfer);
    void replan();
    void tick();
    void arm_tick();
    void expire_remains_later();

    TransferContext& context_;
    Askers& askers_;
    Graveyard& graveyard_;
    PeerQuestions& questions_;
    Remains& remains_;
    const Events events_;
    std::map<plan::WantId, Live> live_;
    std::unordered_map<Digest, plan::WantId> by_digest_;
    TimePoint asked_{}, ticked_{};
    TimerId tick_timer_ = TimerId::none;
    bool replan_due_ = false;
    std::uint64_t next_want_ = 1;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
