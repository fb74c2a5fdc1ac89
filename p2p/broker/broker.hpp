// Broker: the conductor. Takes requests from the doors, keeps one live transfer per digest, asks plan::decide what to
// do next and has it done, delivers, publishes, offers. Not here: choosing sources (plan/plan.hpp), trust
// (index_book.hpp, ports).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/ahead.hpp"
#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/graveyard.hpp"
#include "p2p/broker/desks/holding.hpp"
#include "p2p/broker/desks/request_reader.hpp"
#include "p2p/broker/given_roots.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/index_looks.hpp"
#include "p2p/broker/missing_indexes.hpp"
#include "p2p/broker/plain_fetch.hpp"
#include "p2p/broker/proofs.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/broker/root_fetch.hpp"
#include "p2p/broker/signature_desk.hpp"
#include "p2p/broker/transfer/remains.hpp"
#include "p2p/broker/transfer/transfer.hpp"

namespace packswarm::broker {

struct BrokerSettings {
    Millis peer_grace{1500};  // how long a request that no mirror answers waits for peers to speak up
    bool asks_strangers = true;
    core::Formats formats{};      // by which the name of a file is understood that stands in no repository
    MemorySum* memory = nullptr;  // where indexes and bytes on their way count; null: by their own bounds alone
};

struct LiveTransfer {  // for status
    std::string name, asker;
    std::optional<Digest> digest{};
    ByteCount size = 0, received = 0;
    double seconds = 0;
    std::vector<SourceShare> sources;
};

class Broker final : public Requests, public PeerObserver {
  public:
    Broker(Loop& loop, Mirrors& mirrors, Peers& peers, Store& store, Ledger& ledger, Trust& trust,
           BrokerSettings settings = {});
    ~Broker() override;

    IndexBook& book() { return book_; }
    const SourceBook& sources() const { return sources_; }
    const plan::Board& board() const { return board_; }
    std::vector<LiveTransfer> live() const;
    Counters counters() const { return askers_.counters(); }
    // Publishes a file whose digest was checked (an import, a share) under what the indexes say of it.
    void publish(VerifiedFile file, const std::string& name, std::optional<WallTime> modified, Then<StoredFile> then);
    // The repository's database came to its package manager from here.
    void database_given(const std::string& repository) { looks_.told(repository); }
    Ahead& ahead() { return ahead_; }
    MissingIndexes& missing() { return missing_; }
    Proofs& proofs() { return proofs_; }
    void set_scrub(ByteCount per_second);  // bytes of the store that are hashed while nobody wants anything; 0: none
    void forget_absences() { engine_.absences.clear(); }  // the sources are others, or were read anew
    // Told of every package that somebody waits for, as the index lists it; from the loop, where asking for more is
    // fine.
    using Asked = std::function<void(const core::CatalogHit&)>;
    void set_asked(Asked asked) { asked_for_ = std::move(asked); }
    bool is_awaited() const { return askers_.is_awaited(); }  // somebody waits for anything
    // Fetches and verifies a repository's root now.
    void refresh(const std::string& repository, Then<RootAnswer> then);

    RequestId get(Request request, RequestEvents events) override;
    void cancel(RequestId request) override;
    core::PackageSignatures package_signatures(core::Format format, const core::GatewayFile& at) const override;
    TimePoint last_sign() const override {
        return vouching_.empty() && !proofs_.is_awaited() ? board_.last_sign(loop_.now()) : loop_.now();
    }
    std::optional<std::string> gateway_address(core::Format format, const core::GatewayFile& at,
                                               const std::string& path) const override;

    void peer_up(const PeerView& peer) override;
    void peer_down(PeerId peer) override;
    void peer_offers(std::vector<PeerOffer> offers) override;
    void peer_lends(const PeerLoan& loan) override;
    void peer_seeks(PeerId peer, const std::vector<Digest>& digests) override;
    void peer_snapshot(const PeerSnapshot& snapshot) override;

  private:
    struct Live {
        std::unique_ptr<Transfer> transfer;
        std::vector<RequestId> askers;
        std::set<plan::SourceId> holders;  // peers that told or lent it
    };
    struct RootAsker {
        RequestId request = RequestId::none;
        bool wants_signature = false;
        std::optional<Digest> held;  // the file its date was given out with
    };
    struct LiveRoot {
        std::unique_ptr<RootFetch> fetch;
        std::vector<RootAsker> askers;
    };
    struct Fresh {  // verified, on its way into the store
        SharedBytes bytes;
        ByteCount size = 0;
        std::optional<WallTime> modified;
    };

    void dispatch(RequestId id);
    void serve(RequestId id, const Meaning& meaning);
    bool serve_stored(RequestId id, const Digest& digest);
    bool serve_kept(RequestId id, const Digest& digest);
    void proof_ended(RequestId id, const Digest& digest);
    void prove_for_peers(const Digest& digest);
    bool serve_root(RequestId id, const Meaning& meaning);
    bool serve_root_signature(RequestId id, const std::string& key, const core::Location& location, const Url& url);
    bool has_it_already(const RootAsker& asker, const RootAnswer& answer) const;
    void note_served(const std::string& address, const Result<RootAnswer>& answer);
    void hand_root_through(RequestId id);
    bool is_behind(const core::Location& location) const;
    void answer_signature(RequestId id, const RootAnswer& answer);
    bool wants_root(const RootAsker& asker, const RootAnswer& answer);  // false: it was answered
    std::optional<GivenRoots::Given> signature_for(RequestId id, const std::string& address,
                                                   const core::Location& location, const Url& url);
    void give_signature(RequestId id, const GivenRoots::Given& given, const SourceShare& from, const char* reason);
    bool is_known_to_be_gone(RequestId id, const Target& target);
    bool serve_signature(RequestId id, const Meaning& meaning);
    void deliver_signature(RequestId id, const PackageSignature& signature, const char* reason);
    bool look_first(RequestId id, const Meaning& meaning);
    void look_at(const core::Location& at, Task then);
    void look_again(const Transfer& transfer, std::vector<RequestId>& askers, const std::optional<Error>& error);
    std::optional<Guard> guard_of(const Request& request, const Meaning& meaning) const;
    PlainFetch::Wish plain_wish(RequestId id, const Meaning& meaning);  // this and the next seven: serve_plain.cpp
    void serve_plain(RequestId id, const Meaning& meaning);
    void tell_started_plain(RequestId id, const PlainFetch& fetch);
    void plain_answered(const std::string& key, const Result<PlainAnswer>& answer);
    void leave_plain(RequestId id);
    void begin_plain(const std::string& key, PlainFetch::Wish wish);
    void begin_waiting_plain(const std::string& user);
    bool ask_by_its_own_name(RequestId id, const Error& error);
    void serve_artifact(RequestId id, const Meaning& meaning);
    void root_answered(const std::string& key, const std::string& address, Result<RootAnswer> result);

    void verified(plan::WantId want, VerifiedFile file);
    std::optional<core::CatalogHit> only_hinted(const Digest& digest) const;
    bool demands_proof(const core::CatalogHit& hit) const;
    void vouch(const core::CatalogHit& hit, const VerifiedFile& file, Then<void> then);
    void now_stored(const StoredFile& file);
    void finish_transfer(plan::WantId want, const VerifiedFile& file, bool may_share);
    void transfer_failed(plan::WantId want, const Error& error);
    void publish_as(VerifiedFile file, ArtifactRecord record, Then<StoredFile> then);
    void note_holder(plan::WantId want, plan::SourceId peer);
    void weigh_need(Live& live);
    void keep_remains(Transfer& transfer);  // this and the next three: unfinished.cpp
    void take_up_remains();
    void expire_remains_later();
    void leave_remains();
    std::unique_ptr<Transfer> take_out(plan::WantId want, std::vector<RequestId>& askers);

    SharedBytes bytes_of(const Digest& digest);
    void replan_soon();
    void replan();
    void ask_soon(const Transfer& transfer);
    void ask_again();
    void join_crowd(plan::WantId want, Transfer& transfer);
    void note_missed(plan::WantId want);
    void tick();
    void arm_tick();

    Loop& loop_;
    Mirrors& mirrors_;
    Peers& peers_;
    Store& store_;
    Ledger& ledger_;
    Trust& trust_;
    BrokerSettings settings_;
    plan::Board board_;
    SourceBook sources_;
    Proofs proofs_;
    Engine engine_;
    IndexBook book_;
    MissingIndexes missing_;
    Ahead ahead_;
    Asked asked_for_;
    Askers askers_;
    Graveyard graveyard_;
    Holding holding_;
    RequestReader reader_;
    std::map<plan::WantId, Live> live_;
    std::unordered_map<Digest, plan::WantId> by_digest_;
    std::unordered_map<Digest, Fresh> fresh_;
    std::unordered_map<Digest, SharedBytes> vouching_;  // of an unsigned database: its own signature is looked for
    SignatureDesk signatures_;
    Remains remains_;
    std::map<std::string, LiveRoot> roots_;  // by repository and address
    GivenRoots given_roots_;
    std::map<std::string, std::unique_ptr<RootFetch>> looking_;  // by repository
    IndexLooks looks_{loop_, [this](const core::Location& at, Task then) { look_at(at, std::move(then)); },
                      [this](const std::string& repository) { looking_.erase(repository); }};
    struct LivePlain {
        std::unique_ptr<PlainFetch> fetch;  // or it waits for others of its user to end
        std::string user;
        std::optional<PlainFetch::Wish> waiting;
        RequestId first = RequestId::none;  // its askers', in the order of their coming
        std::vector<RequestId> askers;
    };
    std::map<std::string, LivePlain> plain_;  // by PlainFetch::Wish::key
    std::vector<std::unique_ptr<RootFetch>> refreshes_;
    std::map<std::pair<std::string, core::Audience>, std::vector<Digest>> to_ask_;  // by lineage, and whom
    struct Seek {
        plan::SourceId peer{};
        TimePoint asked{};
    };
    std::unordered_map<Digest, std::vector<Seek>> seeks_;  // of the last seconds, for what we may want next
    TimePoint asked_{};
    TimePoint ticked_{};
    TimerId tick_timer_ = TimerId::none;
    bool replan_due_ = false, ask_due_ = false;
    std::uint64_t next_want_ = 1;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
