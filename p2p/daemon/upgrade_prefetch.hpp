// UpgradePrefetch: fetches upgrades before anybody asks for them: after a new root, in this machine's slot, or when the
// owner says so; within the limits of core/prefetch_rules.hpp, which are looked at anew all the time: what is under way
// ends where it stands when one bites, and goes on later. Looks for new roots itself twice a day. Not here: what an
// upgrade would fetch (upgrade_question.hpp), fetching (broker/prefetch.hpp), new roots that others ask for. Loop's
// thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "p2p/base/lifetime.hpp"
#include "p2p/core/prefetch_rules.hpp"
#include "p2p/daemon/machine_state.hpp"
#include "p2p/daemon/prefetch_notes.hpp"
#include "p2p/daemon/upgrade_question.hpp"
#include "p2p/store/ledger.hpp"

namespace packswarm::daemon {

class UpgradePrefetch {
  public:
    struct Look {
        core::Surroundings network;
        MachineState machine;
    };
    struct World : UpgradeQuestion::World {
        store::Ledger& ledger;
        std::function<Look()> look;  // blocks: for a worker
    };
    struct Rules {
        core::PrefetchRules prefetch;
        core::SharingRules networks;  // where nothing is fetched ahead either
        PackageManagers managers;
    };
    struct View {
        bool is_on = false;
        core::PrefetchRules rules;
        core::PrefetchVerdict verdict;
        const char* doing = "nothing";
        std::size_t wanted = 0, here = 0;
        ByteCount wanted_bytes = 0, here_bytes = 0, month = 0;
        std::optional<WallTime> next;  // when it begins next, as far as is known
        WallTime refreshed{};          // when it last looked for new roots itself; 0: never
    };

    explicit UpgradePrefetch(World world);
    ~UpgradePrefetch();
    UpgradePrefetch(const UpgradePrefetch&) = delete;
    UpgradePrefetch& operator=(const UpgradePrefetch&) = delete;

    void set_rules(Rules rules);
    void switch_to(bool on);  // the owner's word, kept over a restart; before prefetch.enabled
    void begin_now();         // once, also when it is switched off, and at any hour
    View view() const;

  private:
    enum class Phase { rest, refresh, lists, question, fetch };

    bool is_on() const { return notes_.is_on.value_or(rules_.prefetch.is_enabled); }
    bool is_at_work() const { return is_on() || is_asked_; }
    core::PrefetchRules rules_now() const;
    void wake();
    void tick();
    void note_roots();
    void look();
    void judge();
    void measure();
    void go_on();
    bool is_due() const;
    void refresh();
    void refreshed();
    void wait_for_lists();
    void ask();
    void told(UpgradeQuestion::Files files);
    void fetch();
    void ended();
    void pause();
    void stop();
    void plan_refresh();
    void save_notes();
    std::string transaction() const;

    World world_;
    Rules rules_;
    std::filesystem::path notes_file_;
    PrefetchNotes notes_;
    std::optional<Seconds> window_;  // of a test, in place of all others
    TimerId timer_ = TimerId::none;
    std::optional<Look> seen_;
    bool is_looking_ = false;
    TimePoint looked_at_{}, last_awaited_{}, measured_at_{};
    std::optional<ByteCount> room_;
    ByteCount month_ = 0;
    core::PrefetchVerdict verdict_{false, "prefetch.enabled", "it is switched off"};
    std::map<core::RepositoryId, Digest> roots_;
    std::map<core::RepositoryId, TimePoint> slots_;  // of roots whose upgrades are not known yet
    TimePoint refresh_at_ = TimePoint::max(), retry_at_ = TimePoint::max();
    int retries_ = 0;
    bool is_asked_ = false;  // by begin_now
    Phase phase_ = Phase::rest;
    TimePoint phase_since_{};
    std::size_t refreshes_left_ = 0;
    std::unique_ptr<UpgradeQuestion> question_;
    UpgradeQuestion::Files files_;
    bool is_paused_ = true;
    Lifetime lifetime_;
};

}  // namespace packswarm::daemon
