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

struct Counters {
    std::uint64_t open = 0, done = 0, failed = 0;
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
    Counters counters() const { return {requests_.size(), done_, failed_}; }
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
    bool is_awaited() const;  // somebody waits for anything
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
    struct InVain {  // the one that the index listed when it was asked for
        Digest digest;
        Error error;
    };
    struct Asker {
        Request request;
        RequestEvents events;
        TimePoint started{};
        WallTime wall{};
        bool told = false;
        bool asks_by_its_own_name = false;
        bool waited_for_proof = false;
        std::string plain_key{};  // of the fetch that hands it through
        std::optional<InVain> in_vain{};
    };
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

    // What a request turned out to mean.
    struct Meaning {
        Url url;
        std::vector<core::Location> locations;
        std::optional<Digest> digest;
        std::optional<ByteCount> size;
        std::optional<core::CatalogHit> hit;
    };

    void dispatch(RequestId id);
    Result<Meaning> understand(const Request& request) const;
    bool has_too_many(const std::string& user) const;
    void serve(RequestId id, const Meaning& meaning);
    bool serve_stored(RequestId id, const Digest& digest);
    bool serve_kept(RequestId id, const Digest& digest);
    void tell_checked(RequestId id, const KeptFile& file, ByteCount checked, std::optional<WallTime> modified);
    void proof_ended(RequestId id, const Digest& digest);
    void prove_for_peers(const Digest& digest);
    bool serve_root(RequestId id, const Meaning& meaning);
    bool serve_root_signature(RequestId id, const std::string& key, const core::Location& location, const Url& url);
    bool has_it_already(const RootAsker& asker, const RootAnswer& answer) const;
    void say_not_modified(RequestId id, const SourceShare& from);
    void note_served(const std::string& address, const Result<RootAnswer>& answer);
    void hand_root_through(RequestId id);
    bool is_behind(const core::Location& location) const;
    void answer_signature(RequestId id, const RootAnswer& answer);
    bool wants_root(const RootAsker& asker, const RootAnswer& answer);  // false: it was answered
    std::optional<GivenRoots::Given> signature_for(RequestId id, const std::string& address,
                                                   const core::Location& location, const Url& url);
    void give_signature(RequestId id, const GivenRoots::Given& given, const SourceShare& from, const char* reason);
    bool is_known_to_be_gone(RequestId id, const Target& target);
    bool has_other_way(RequestId id) const;
    bool serve_signature(RequestId id, const Meaning& meaning);
    void deliver_signature(RequestId id, const PackageSignature& signature, const char* reason);
    bool is_listed(const Meaning& meaning) const;
    std::optional<core::CatalogHit> package_of_signature(const core::Location& location) const;
    bool look_first(RequestId id, const Meaning& meaning);
    void look_at(const core::Location& at, Task then);
    void look_again(const Transfer& transfer, std::vector<RequestId>& askers, const std::optional<Error>& error);
    std::optional<Guard> guard_of(const Request& request, const Meaning& meaning) const;
    PlainFetch::Wish plain_wish(RequestId id, const Meaning& meaning);  // this and the next seven: serve_plain.cpp
    void serve_plain(RequestId id, const Meaning& meaning);
    void tell_started_plain(RequestId id, const PlainFetch& fetch);
    void plain_answered(const std::string& key, const Result<PlainAnswer>& answer);
    void leave_plain(RequestId id, const std::string& key);
    // Calls tell for each: for the first at once, and true; for the others one after the other from the loop.
    void in_turn(std::vector<RequestId> askers, std::function<void(RequestId, bool)> tell);
    void begin_plain(const std::string& key, PlainFetch::Wish wish);
    void begin_waiting_plain(const std::string& user);
    bool ask_by_its_own_name(RequestId id, const Error& error);
    void leave(RequestId id);
    void serve_artifact(RequestId id, const Meaning& meaning);
    std::vector<MirrorAddress> addresses(const Meaning& meaning);
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
    bool is_ahead(RequestId id) const;
    void weigh_need(Live& live);
    void keep_remains(Transfer& transfer);  // this and the next three: unfinished.cpp
    void take_up_remains();
    void expire_remains_later();
    void leave_remains();
    std::unique_ptr<Transfer> take_out(plan::WantId want, std::vector<RequestId>& askers);

    SharedBytes bytes_of(const Digest& digest);
    void hold(Bytes bytes, Then<SharedBytes> then);  // in a file, written by a worker
    void deliver_bytes(std::vector<RequestId> askers, Bytes bytes, Delivered as, const char* reason);
    void tell_started(RequestId id, const StagedFile& file, std::optional<WallTime> modified,
                      std::optional<Part> part = {});
    void deliver(RequestId id, Delivered delivered, const std::vector<std::string>& reasons);
    void fail_request(RequestId id, const Error& error, const std::vector<std::string>& reasons,
                      std::vector<SourceShare> lost = {});
    void write_off(const Asker& asker, const Transfer& transfer);
    void record(const Asker& asker, const std::string& outcome, const std::optional<Digest>& digest, ByteCount size,
                std::vector<SourceShare> sources, const std::vector<std::string>& reasons);

    void replan_soon();
    void replan();
    void ask_soon(const Transfer& transfer);
    void ask_again();
    void join_crowd(plan::WantId want, Transfer& transfer);
    void note_missed(plan::WantId want);
    void tick();
    void arm_tick();
    void bury(std::shared_ptr<const void> ended);  // it may still be telling of something

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
    std::map<RequestId, Asker> requests_;
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
    std::map<std::string, LivePlain> plain_;              // by PlainFetch::Wish::key
    std::vector<std::shared_ptr<const void>> graveyard_;  // ended inside their own callbacks
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
    std::uint64_t next_request_ = 1, next_want_ = 1, done_ = 0, failed_ = 0;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
