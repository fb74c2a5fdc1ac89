// Owner: answers the owner's questions at the control socket from what the rooms know (p2p/control/README.md gives the
// fields), and takes files that are imported or shared. Not here: the socket (control). Loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "p2p/broker/broker.hpp"
#include "p2p/broker/ports/peers.hpp"
#include "p2p/control/owner_view.hpp"
#include "p2p/daemon/config.hpp"
#include "p2p/daemon/loop_watch.hpp"
#include "p2p/daemon/meeting.hpp"
#include "p2p/daemon/question_time.hpp"
#include "p2p/daemon/sharing_watch.hpp"
#include "p2p/daemon/sight.hpp"
#include "p2p/daemon/upgrade_prefetch.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "p2p/swarm/swarm.hpp"

namespace packswarm::daemon {

struct AgentView {  // what the owner's questions are about; all of it outlives the Owner
    Loop& loop;
    Workers& workers;
    const Config& config;
    broker::Broker& broker;
    broker::Peers& peers;
    const swarm::Swarm* swarm_room;  // null: switched off
    store::Vault& vault;
    store::Ledger& ledger;
    broker::Trust& trust;
    const SharingWatch& sharing;
    UpgradePrefetch& prefetch;
    const LoopWatch& watch;
    std::string gateway, swarm;  // where they listen; empty: switched off
};

class Owner final : public control::OwnerView {
  public:
    explicit Owner(AgentView agent);
    void answer(control::Question question, std::function<void(Result<std::string>)> then) override;

  private:
    using Answer = std::function<void(Result<std::string>)>;
    void answer_at_once(control::Question question, Answer then);
    std::string explain(const control::Arguments& args, const Sight& sight) const;
    std::string mirrors(const Sight& sight) const;
    std::string peers() const;
    std::string doctor(const Sight& sight) const;
    Meeting meeting() const;  // only with a swarm
    using AddCheck = std::function<void(const std::string& name, const char* state, const std::string& message,
                                        const std::string& remedy)>;
    void check_peers(const AddCheck& add) const;
    void refresh(Answer then);
    Result<std::string> accept(const control::Question& question);
    void take_file(control::Question question, Answer then);
    void take_new_file(control::Question question, Answer then);
    Result<void> fits_index(const Digest& digest, ByteCount size) const;
    // For bundles: owner_parcels.cpp.
    std::string bundle() const;
    std::string stored(const control::Arguments& args) const;
    void take_root(control::Question question, Answer then);
    enum class WantsPublic { yes, no };
    void keep(const StagedFile& file, const Digest& digest, WantsPublic wants_public, broker::Then<bool> then);

    AgentView agent_;
    TimePoint started_;
    QuestionTime question_time_;  // of others than the owner
};

}  // namespace packswarm::daemon
