// IndexBook: which repositories there are, which of their roots is the newest verified one, and every file those
// indexes vouch for. Decides what is public and keeps the peers' shelf equal to the newest indexes. Not here: fetching
// (root_fetch.hpp).
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/peers.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/broker/ports/trust.hpp"
#include "p2p/broker/proofs.hpp"
#include "p2p/broker/sightings.hpp"
#include "p2p/broker/snapshots.hpp"
#include "p2p/core/catalog.hpp"
#include "p2p/core/freshness.hpp"
#include "p2p/core/repository_table.hpp"

namespace packswarm::broker {

// Who "signs" a database without a signature: a name for its floor and its swarm.
inline const std::string unsigned_signer = "unsigned-database";

struct RepositoryState {
    enum class Standing { unread, verified, unsigned_hint, refused } standing = Standing::unread;
    std::string message;           // why it was refused, warnings
    bool was_stale = false;        // the last refused one was good, but older than what is here, or expired
    std::set<std::string> in_use;  // lists besides those of packages that were here of the root before
    std::string conflict;          // what a mirror says against what counts here
    std::string given_by;          // the base that gave the newest; empty: as it was kept
    std::optional<WallTime> unreachable_since;  // since then no mirror has answered
    bool is_peers = false;                      // a peer gave the newest, in this start
    std::optional<TimePoint> another_asked;     // a second mirror, beside one that answered with something old
    std::shared_ptr<const OpenedRoot> older;    // the last one given, when its base only lags behind the others
    std::shared_ptr<const OpenedRoot> root;     // newest accepted
    std::optional<WallTime> modified;           // Last-Modified it came with
    std::vector<core::Lineage> lineages;        // one an architecture; of the candidates while nothing is verified
    std::vector<core::RepositoryId> kin;        // repositories that were shown to be the same one
    std::vector<core::Mark> vouched;            // its addresses by which a peer's root was known to be its own
    bool only_public_keys = false;              // its keyring holds none but the distributions'
    bool is_guessing = false;                   // the candidates are being looked for
};

// A list of packages that the newest root names and that is not here.
struct MissingIndex {
    bool is_of_packages = true;
    core::IndexEntry packed;                // its smallest form, with the path to ask for
    std::vector<core::IndexEntry> others;   // other forms that a peer may have instead
    std::optional<core::IndexEntry> plain;  // its text
};

// What became of a root that was carried here by hand, for one repository.
struct CarriedRoot {
    enum class Step {
        unverified,  // not signed by its keys, altered, of another suite
        stranger,    // good, but nothing shows that it is this repository's
        refused,     // older, expired, from the future, of another product
        known,       // the newest here already
        kept,
    } step = Step::unverified;
    std::string message = {};  // why not
    WallTime date{};           // of a verified one
};

class IndexBook {
  public:
    IndexBook(Loop& loop, Store& store, Ledger& ledger, Trust& trust, Peers& peers, Proofs& proofs);

    void set_repositories(core::RepositoryTable table);
    void allow_sharing(bool allowed);  // the owner's switch: off withdraws everything
    void allow_peers(bool allowed);    // off leaves every swarm: nobody is asked either
    bool shares() const { return sharing_; }
    // Called for each index file that the newest root lists for this machine and that is not here after a while: apt
    // may have fetched it before this agent came.
    void set_missing(std::function<void(const core::Repository&, const MissingIndex&)> fetch) {
        missing_ = std::move(fetch);
    }
    bool lacks(const core::RepositoryId& repository, const MissingIndex& missing) const;  // still
    bool lacks_lists(const core::RepositoryId& repository) const { return !missing_of(repository).empty(); }
    // The newest root names lists, and none of them was ever here: its mirror may have been in the middle of a
    // publication, and a later root of the same second is another one.
    bool has_none_of_its_lists(const core::RepositoryId& repository) const;
    void take_list(const core::RepositoryId& repository, const core::IndexEntry& plain,
                   std::shared_ptr<const core::CatalogSheet> sheet);
    // Who makes a repository public that is shared by_signer: the distributions' keys, and names of those that nobody
    // signs.
    void set_public(std::set<core::Fingerprint> keys, std::set<std::string> unsigned_repositories);
    void restore();                                         // roots and indexes that the store kept over a restart
    bool is_restoring(const core::RepositoryId& id) const;  // what is kept of it is being opened
    const core::RepositoryTable& table() const { return table_; }
    const core::Catalog& catalog() const { return catalog_; }
    const std::map<core::RepositoryId, RepositoryState>& states() const { return states_; }
    const RepositoryState& state_of(const core::RepositoryId& id) const;  // an empty one for what a reload took away
    bool is_current(const Digest& digest) const { return catalog_.has(digest); }
    std::size_t offered() const { return offered_.size(); }
    bool is_offered(const Digest& digest) const { return offered_.count(digest) != 0; }
    bool is_settled() const { return !reconcile_due_ && walk_.empty(); }  // the shelf is what it should be

    // Signature, keys, suite, rollback and dates; when all is well the root becomes the newest of its repository. One
    // that no address of the repository gave must be of the same product and not older than what is here, and binds no
    // address to it.
    void accept(RootFiles files, std::optional<WallTime> modified, Then<std::shared_ptr<const OpenedRoot>> then);
    // The owner lets an older or an expired root of this repository count until then.
    void give_leave(const core::RepositoryId& repository, core::StaleIndex leave, WallTime until);
    struct Leave {
        core::StaleIndex what;
        WallTime until{};
    };
    Leave leave_of(const core::RepositoryId& repository) const;  // nothing, once it has ended
    // Whether any mirror answered when the root was asked for.
    void mirrors_answered(const core::RepositoryId& repository, bool any);
    // What a mirror gave is older than mirrors lag: whether a second one is asked too, now and then.
    bool may_ask_another(const core::Repository& repository, WallTime date);
    // The newest was given by no address of the repository: nobody's package manager brought it.
    bool is_lent(const core::Repository& repository) const;
    // Of the roots that peers show of the same repository; a date of the future counts for nothing.
    std::optional<WallTime> newest_shown(const core::RepositoryId& repository) const;
    bool is_outdone(const core::RepositoryId& repository) const;  // a peer shows a newer root than is here
    // A list of the newest root that its package manager is going to want and that is not here; empty: all are.
    std::string lacking_list(const core::RepositoryId& repository) const;
    // A root that was carried here by hand. It is judged as a peer's is, by what its carrier tells of it, but under the
    // keys that have signed it. A refused one changes nothing.
    void accept_carried(RootFiles files, core::Provenance told, std::function<void(CarriedRoot)> then);
    // What others are told of the newest root's repository.
    core::Provenance told_provenance(const core::Repository& repository) const {
        return shown_provenance(repository, state_of(repository.id));
    }
    bool is_reading(const Digest& list) const { return reading_.count(list) != 0; }
    // An address says that the file it gave last is still what it has.
    void confirmed(const core::Repository& repository, const std::string& address);
    const Sightings& sightings() const { return sightings_; }
    // Bases of other repositories that were shown to be the same: for files that this one's own index lists, by digest.
    std::vector<std::string> lent_bases(const core::Repository& repository) const;
    // The newest root of these, when it is newer than what is here: for when no own address answers.
    std::shared_ptr<const OpenedRoot> lent_root(const core::Repository& repository) const;

    // The lineage that may be named to peers for this digest: empty for private, unknown and switched-off ones.
    core::Lineage public_lineage(const Digest& digest) const;
    bool is_security_update(const Digest& digest) const;  // some security suite lists it
    bool is_security(const core::Repository& repository) const;
    // What the indexes say of a digest, in a public repository before a private one.
    std::optional<core::CatalogHit> find(const Digest& digest) const;

    // A file is stored: indexes among them are read, public ones are offered.
    void stored(const StoredFile& file);
    void offer_again(const Digest& digest);      // more of it is recorded than there was
    bool is_to_be_shared(const Digest& digest);  // it is stored, and may be offered once it is proven
    void proven(const Digest& digest);
    void removed(const Digest& digest);

    void peer_snapshot(const PeerSnapshot& snapshot) { snapshots_.add(snapshot); }
    void peer_down(PeerId peer) { snapshots_.peer_down(peer); }
    std::vector<PeerSnapshot> snapshots_of(
        const core::RepositoryId& repository) const;            // of the same repository, newest first
    Company company(const core::Repository& repository) const;  // who could give its root, now or soon

    bool is_public(const core::Repository& repository) const;

  private:
    std::vector<core::Fingerprint> public_signers(const core::Repository& repository,
                                                  const core::IndexRoot& root) const;
    std::vector<core::Lineage> lineages_of(const core::Repository& repository,
                                           const std::vector<core::Fingerprint>& signers,
                                           const core::IndexRoot* root) const;
    std::vector<core::FloorName> floor_names(const core::Repository& repository, const core::IndexRoot& root,
                                             const std::string& base) const;
    std::optional<core::KnownRoot> own_floor(const core::Repository& repository, const core::IndexRoot& root) const;
    std::optional<core::KnownRoot> floor_of(const core::Repository& repository, const core::IndexRoot& root) const;
    using OpenedThen = Then<std::shared_ptr<const OpenedRoot>>;
    Result<std::vector<Floor>> judge(const core::Repository& repository, OpenedRoot& opened, const std::string& base);
    void refuse(const RootFiles& from, std::optional<OpenedRoot> opened, const Error& why, const OpenedThen& then);
    void take(const RootFiles& from, std::shared_ptr<const OpenedRoot> opened, std::optional<WallTime> modified,
              std::vector<core::Mark> vouched, const OpenedThen& then);
    Known known_of(const core::Repository& repository) const;
    bool is_of(const core::Repository& repository, const OpenedRoot& opened, const core::Provenance& told) const;
    CarriedRoot judge_carried(const core::Repository& repository, OpenedRoot& opened, core::Provenance& told);
    Result<void> judge_lent(const core::Repository& repository, const OpenedRoot& opened,
                            const core::Freshness& fresh) const;
    bool lags(const core::Repository& repository, const OpenedRoot& opened, const std::string& base) const;
    Result<void> judge_beside_peers(const core::Repository& repository, const core::IndexRoot& root,
                                    const std::string& base) const;
    void note_conflict(const RootFiles& from, const OpenedRoot& opened);
    void judge_restored(const core::Repository& repository, OpenedRoot& opened);
    core::Provenance own_provenance(const core::Repository& repository) const;
    core::Provenance shown_provenance(const core::Repository& repository, const RepositoryState& state) const;
    void note_sighting(const core::Repository& repository, const RootFiles& files, const OpenedRoot& opened,
                       std::optional<WallTime> modified);
    void find_kin();
    void adopt(const core::Repository& repository, std::shared_ptr<const OpenedRoot> opened);
    void keep_bundle(const core::Repository& repository, std::shared_ptr<const OpenedRoot> opened);
    void publish_bundle(const core::Repository& repository, std::shared_ptr<const OpenedRoot> opened,
                        const StagedFile& file);
    void read_index(const core::RepositoryId& repository, const StoredFile& file, const core::IndexEntry& entry);
    void read_kept(const core::RepositoryId& repository, const core::IndexEntry& entry);
    void open_kept(const core::Repository& repository, const ArtifactRecord& record);
    void restore_root(const core::Repository& repository, const ArtifactRecord& record);
    void fetch_missing(const core::RepositoryId& repository);
    void note_in_use(RepositoryState& state) const;
    std::vector<MissingIndex> missing_of(const core::RepositoryId& repository) const;
    bool is_read(const core::RepositoryId& repository, const Digest& digest) const;
    void announce_lineages();
    void guess_lineages(const core::Repository& repository);
    struct Changes {
        std::map<core::Lineage, std::vector<StoredMark>> offers;
        std::vector<Digest> withdrawals;
    };
    void reconcile_later();
    void begin_walk();
    void walk();
    core::Lineage lineage_to_share(const ArtifactBrief& brief);
    void judge_share(const Digest& digest, Changes& changes);
    void carry_out(Changes changes);

    Loop& loop_;
    Store& store_;
    Ledger& ledger_;
    Trust& trust_;
    Peers& peers_;
    Proofs& proofs_;
    core::RepositoryTable table_;
    core::Catalog catalog_;
    std::map<core::RepositoryId, RepositoryState> states_;
    std::map<core::RepositoryId, int> restoring_;  // kept roots that are being opened
    std::map<core::FloorName, Floor> floors_;
    std::map<core::RepositoryId, Leave> leaves_;
    Sightings sightings_;
    Snapshots snapshots_;
    std::unordered_map<Digest, std::uint32_t> offered_;  // and in which of lineages_
    std::vector<core::Lineage> lineages_;
    std::vector<Digest> walk_;  // stored digests that are still to be judged
    std::set<Digest> reading_;
    std::function<void(const core::Repository&, const MissingIndex&)> missing_;
    std::set<core::Fingerprint> public_keys_;
    std::set<std::string> public_unsigned_;
    bool sharing_ = true;
    bool has_peers_ = true;
    bool reconcile_due_ = false;
    Lifetime lifetime_;
};

}  // namespace packswarm::broker
