// RootFetch: brings one repository's root file (and its signature) here: from its mirrors, a slow one overtaken by the
// next; when no mirror gives a good one, from peers; at last the newest one this agent kept. Every one is verified
// before it counts.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/transfer/transfer_context.hpp"
#include "p2p/broker/turn.hpp"

namespace packswarm::broker {

struct RootAnswer {
    std::shared_ptr<const OpenedRoot> opened;
    Bytes root;  // the file itself
    std::optional<Bytes> signature;
    std::optional<WallTime> modified;
    std::optional<WallTime> signature_modified;  // the root's, where the signature's own is not known
    std::optional<WallTime> unchanged_since;  // the mirror the asker named says so of the very file that was asked for
    SourceShare from;
};

class RootFetch {
  public:
    struct Wish {
        core::Repository repository;
        std::string path;               // one of the root's, below the bases
        std::string first_base;         // the mirror the asker named; empty: none
        Millis peer_grace{0};           // how long to wait for peers' snapshots when no mirror answers
        bool has_other_way = false;     // for the asker: what was in vain a moment ago is not tried again for it
        std::optional<WallTime> since;  // the asker's If-Modified-Since
        bool only_peers = false;        // nobody asks: a peer showed a newer one
    };
    RootFetch(TransferContext& context, IndexBook& book, Wish wish, Then<RootAnswer> then);
    ~RootFetch();
    RootFetch(const RootFetch&) = delete;
    RootFetch& operator=(const RootFetch&) = delete;

    // The mirror that the asker named gave one that is not believed here; one that is merely old only when there is no
    // other.
    bool own_is_refused() const { return own_is_refused_; }

  private:
    struct Attempt {
        plan::SourceId source{};
        FetchId fetch = FetchId::none;
        bool at_peer = false, is_answered = false;
        TimePoint began{};
        std::string base;    // none: a peer's
        std::string led_to;  // the base that it redirects to; none: it does not
        Bytes root;
        std::unique_ptr<Budget::Share> memory;  // of the root
        std::optional<Bytes> signature;
        std::optional<WallTime> modified, signature_modified, asked_since;
        std::shared_ptr<const OpenedRoot> held;  // what it was asked about with that date
        bool not_modified = false;
        Visit visit;
        std::unique_ptr<Turn> turn;  // it waits for one
        ByteCount bytes = 0;
    };
    using Key = std::uint64_t;
    // A mirror that has not given its root by then gets a rival.
    static constexpr auto overtake_after = Millis(1500);

    void begin();
    void next();
    void start_mirror(const std::string& base);
    void start_peer(const PeerSnapshot& snapshot);
    void give_kept_newer();
    void give_held();
    bool is_here_already();
    bool goes_on_to_peers() const;
    bool looks_for_newer(Key key, RootAnswer& good);
    void weigh(Key key, RootAnswer other);
    void wait_for_lists();
    void say_what_wins(const RootAnswer& older, const RootAnswer& newer) const;
    void take(Key key, ByteView data);
    void fetch_signature(Key key, const std::string& base);
    void note_redirect(Attempt& attempt, const std::string& effective_url) const;
    void remember_redirect(const Attempt& attempt);
    void root_here(Key key, const std::string& base, const Result<void>& result);
    void open(Key key);
    RootAnswer answer_of(Attempt& attempt, std::shared_ptr<const OpenedRoot> opened) const;
    enum class Refused { not_believed, stale };
    void lost(Key key, const Error& error, Refused why = Refused::not_believed);
    void refused(Key key, const Error& error);
    void unchanged(Key key, const std::string& base);
    void wait_for_turn(Key key);
    void last_resort();
    bool take_lent();
    void leave_to_others();
    bool is_in_vain(const std::string& base);
    bool waits_for_peers() const;
    bool stays_at_own() const;
    bool has_form(const std::optional<Bytes>& signature) const;
    bool takes_other_form(const std::optional<Bytes>& signature);
    bool holds_it() const;
    Result<RootAnswer> ours(std::shared_ptr<const OpenedRoot> held, SourceShare from) const;
    Error why_not() const;
    void answer(Result<RootAnswer> result);
    const core::Habits& habits() const { return wish_.repository.format.habits(); }
    std::string signature_path() const;  // empty: the root carries its own

    TransferContext& context_;
    IndexBook& book_;
    Wish wish_;
    Then<RootAnswer> then_;
    std::deque<std::string> mirrors_left_;
    std::deque<PeerSnapshot> peers_left_;
    std::map<Key, Attempt> attempts_;
    std::set<std::string> had_a_turn_;  // bases
    Key next_key_ = 1;
    TimerId overtake_ = TimerId::none;
    TimePoint created_{};
    bool peers_asked_ = false, lent_taken_ = false, own_has_answered_ = false, own_is_refused_ = false,
         own_is_stale_ = false;
    bool leaves_ = false;                          // to the asker's other way, what has not answered for a moment
    std::optional<Error> last_error_, own_error_;  // own: of the mirror that the asker named
    std::optional<RootAnswer> own_older_;          // of the mirror the asker named
    std::optional<RootAnswer> good_;               // a mirror's, while a newer one is looked for at peers
    std::optional<RootAnswer> newer_;              // whose lists are not all here yet
    bool newer_is_lent_ = false;                   // a peer's
    bool asked_a_mirror_ = false, a_mirror_answered_ = false;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
