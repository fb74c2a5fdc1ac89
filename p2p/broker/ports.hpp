// The ports: what the broker needs from the world; trust and the store have headers of their own (trust_port.hpp, store_port.hpp).
// Rooms above implement them (web, swarm, store), tests fill them with fakes under a fake clock. Every callback runs on the loop's thread. No callback runs inside the call that
// asked for it. Errors come as Result; the kinds are those of base/result.hpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/loop.hpp"
#include "p2p/base/trusted_file.hpp"
#include "p2p/broker/terms.hpp"
#include "p2p/core/artifact.hpp"
#include "p2p/core/kinship.hpp"
#include "p2p/core/lenders.hpp"
#include "p2p/core/mirror_health.hpp"
#include "p2p/core/sharing_rules.hpp"

namespace packswarm::broker {

template <class T>
using Then = std::function<void(Result<T>)>;

using SharedBytes = std::shared_ptr<const FileHandle>;  // a file's bytes for reading

enum class FetchId : std::uint64_t { none = 0 };

// ---- Mirrors over HTTP(S); implemented by web::MirrorClient ----------------------------------------------------------------

struct MirrorRequest {
    std::string url;                         // absolute
    std::optional<ByteRange> range;          // asks for these bytes only
    bool takes_whole = false;                // with a range: a server that sends the file instead is read from its first byte to its last
    std::optional<ByteCount> enough;         // without a range: of the whole file only the bytes before this are wanted
    std::optional<ByteCount> expected_size;  // whole file's size when an index lists it; a file of any other is Absent
    ByteCount max_bytes = 0;                 // the body may not be longer, whatever the mirror says
    std::optional<WallTime> if_modified_since;
    Terms terms = {};                        // of who asked; not beside a range
    Millis stall_timeout{10'000};            // no byte for this long: Transient
};

struct MirrorHead {
    std::optional<ByteCount> total_size;     // of the whole file, from Content-Range or Content-Length
    std::optional<WallTime> last_modified;
    bool not_modified = false;               // 304: no data follows
    std::optional<Part> part = {};           // the answer to terms with a part: what follows; empty after a 416
    // The answer to a range was the file, or no usable part. Data follow when the file is taken whole, or the range
    // begins it; else done says Refused.
    bool ignores_range = false;
    std::string effective_url;               // after redirects
    double first_byte_s = 0;                 // seconds from the request being sent to the first byte of the answer
};

struct MirrorEvents {
    std::function<void(const MirrorHead&)> head;                // at most once, before data
    std::function<void(ByteCount offset, Bytes data)> data;     // in order; offset counts from the start of the whole file
    std::function<void(Result<void>)> done;                     // exactly once and last, except after cancel: nothing more
};
// done's errors: Absent 404/410, and whatever has another length than the artifact; Transient 5xx, 429, connection,
// DNS, stall; Refused redirect https->http, too many redirects, over max_bytes, other 4xx, answers that make no sense,
// server ignores Range. Never Corrupt: bytes can be wrong, headers cannot.

class Mirrors {
  public:
    virtual ~Mirrors() = default;
    virtual FetchId start(MirrorRequest request, MirrorEvents events) = 0;
    virtual void cancel(FetchId fetch) = 0;  // unknown or finished ids are fine
};

// ---- Peers; implemented by swarm::Swarm ------------------------------------------------------------------------------------

enum class PeerId : std::uint64_t { none = 0 };
enum class JoinId : std::uint64_t { none = 0 };
enum class Reach { lan, wan };

struct PeerView {
    PeerId id = PeerId::none;
    std::string endpoint;  // "192.0.2.7:6881"
    std::string agent;     // printable name and version the peer gave
    Reach reach = Reach::wan;
    std::vector<std::string> lineages;  // names both sides share
    ByteCount received = 0, sent = 0;   // payload of artifacts
    core::AgentKey key = 0;             // the number it chose at its start, cut short; the crowd shares work by it
};

// A peer said that it shares this artifact. Piece hashes are hints: they choose blocks and whom to blame, never what is true.
struct PeerOffer {
    PeerId peer = PeerId::none;
    Reach reach = Reach::wan;
    Digest digest;
    ByteCount size = 0;
    PieceHashes pieces;  // empty for artifacts that have no torrent
    ByteCount signature = 0;  // bytes of its detached signature, which a get of the range behind its end is answered with; 0: none
};

// A peer fetches this artifact itself, and lends what it has of it so far straight from mirrors. Nobody has verified these bytes:
// they are the asker's to verify, and the lender's to answer for. No pieces of a small artifact: it is on its way there.
struct PeerLoan {
    PeerId peer = PeerId::none;
    Digest digest;
    ByteCount size = 0;
    std::vector<bool> pieces;  // of the canonical torrent's geometry
};

// A peer holds this root file of a lineage (from its hello). Only a hint of what to fetch: signature and date decide.
struct PeerSnapshot {
    PeerId peer = PeerId::none;
    std::string lineage;
    WallTime date{};
    Digest root;
    ByteCount size = 0;
    core::Provenance provenance{};  // empty from agents of the first protocol
};

enum class Blame { wrong_bytes, wrong_pieces, silent };

// What peers tell the broker. Implemented by the broker.
class PeerObserver {
  public:
    virtual ~PeerObserver() = default;
    virtual void peer_up(const PeerView& peer) = 0;
    virtual void peer_down(PeerId peer) = 0;
    virtual void peer_offers(std::vector<PeerOffer> offers) = 0;
    virtual void peer_lends(const PeerLoan& loan) = 0;
    virtual void peer_seeks(PeerId peer, const std::vector<Digest>& digests) = 0;  // it asked us for these
    virtual void peer_snapshot(const PeerSnapshot& snapshot) = 0;
};

struct GetEvents {  // like MirrorEvents, over the peer channel
    std::function<void(ByteCount offset, Bytes data)> data;
    std::function<void(Result<void>)> done;  // Absent: the peer no longer has it; Transient: peer gone or silent; Corrupt: broke the protocol
};

// A large artifact taken through its canonical torrent. The torrent writes into the staged file itself.
struct Join {
    Digest digest;
    ByteCount size = 0;
    PieceHashes pieces;
    StagedFile file;
    std::vector<bool> have;       // pieces already there and checked against the hints
    std::vector<PeerId> peers;    // who offered
};

struct JoinEvents {
    std::function<void(std::size_t piece, PeerId from)> piece_done;  // written and right by the hints; from none: it was fed
    std::function<void(std::size_t piece)> piece_wrong;              // fed bytes that the hints deny
    std::function<void(Result<void>)> ended;                         // the torrent cannot go on (disk, no metadata); Transient, Broken
};

// A lineage whose rendezvous swarm this agent is in, with the newest root it can show of one repository. Two products
// may share a lineage: then it is there once for each.
struct LineageState {
    core::Lineage lineage;
    WallTime date{};
    Digest root;                // zero while nothing verified is stored
    ByteCount root_size = 0;
    core::Provenance provenance{};
};

// Who could speak up for a lineage. Whoever is connected has said by then which root it holds; of artifacts it is
// asked.
struct Company {
    std::size_t connected = 0;
    std::size_t dialled = 0;  // connecting, or connected and not yet introduced
    bool is_settled = true;   // false: the lineage was entered a moment ago, and discovery has not had its first round
    bool may_grow() const { return dialled > 0 || !is_settled; }
    bool is_nobody() const { return connected == 0 && !may_grow(); }
    friend bool operator==(const Company&, const Company&) = default;
};

// What peers were given since the start, and what is loaded for them.
struct Giving {
    ByteCount sent_far = 0, sent_near = 0;  // payload, to peers outside the local network and to neighbours
    std::size_t torrents = 0;               // canonical torrents that somebody asked for lately
    std::uint64_t announces = 0;            // of single large artifacts to the DHT
    std::size_t announces_hour = 0;         // of these, in the last hour
};

class Peers {
  public:
    virtual ~Peers() = default;
    virtual void set_observer(PeerObserver* observer) = 0;
    virtual void set_lineages(std::vector<LineageState> lineages) = 0;  // joins and leaves rendezvous swarms accordingly
    // Asks the connected peers of the lineage; answers come as peer_offers. Any number of digests; batches are the
    // room's business. neighbours: those of the local network and those that the owner named.
    virtual void ask(const std::string& lineage, std::vector<Digest> digests, core::Audience whom) = 0;
    virtual FetchId get(PeerId peer, const Digest& digest, ByteRange range, GetEvents events) = 0;
    virtual void cancel(FetchId fetch) = 0;
    virtual JoinId join(Join join, JoinEvents events) = 0;
    virtual void add_peer(JoinId join, PeerId peer) = 0;
    // Pieces the mirrors have claimed: the torrent leaves them alone (unclaim gives them back).
    virtual void claim(JoinId join, std::size_t first, std::size_t count) = 0;
    virtual void unclaim(JoinId join, std::size_t first, std::size_t count) = 0;
    virtual void feed(JoinId join, std::size_t piece, Bytes bytes) = 0;  // a whole piece from a mirror (add_piece)
    virtual void leave(JoinId join, Task left) = 0;  // left runs when the torrent has let go of the file; no events after the call
    // A file being fetched is lent to those who ask for it: nothing at first, then the pieces that mirrors gave. Staged bytes of
    // public lineages only. When it fails nothing of it may be given any more; when it was verified the rest may be given
    // too, until offer() follows.
    virtual void lend(const Digest& digest, const StagedFile& file, const std::string& lineage) = 0;
    virtual void lend_piece(const Digest& digest, std::size_t piece) = 0;
    enum class Outcome { verified, failed };
    virtual void end_loan(const Digest& digest, Outcome outcome) = 0;
    virtual core::AgentKey key() const = 0;  // ours
    virtual void blame(PeerId peer, Blame why) = 0;  // drops it and does not dial it for a while
    virtual std::vector<PeerView> view() const = 0;
    virtual Company company(const std::string& lineage) const = 0;

    // Sharing takes only stored files of public lineages; any number at a time. Without recorded piece hashes only the channel
    // gives them. An artifact offered in another lineage is then in both.
    virtual void offer(const std::string& lineage, std::vector<StoredMark> files) = 0;
    virtual void withdraw(std::vector<Digest> digests) = 0;
    // Whoever is not in the audience is told of nothing and given nothing, from now on and in the middle of a file.
    virtual void give_to(core::Audience audience) = 0;
    virtual Giving giving() const = 0;
};

// ---- Ledger; implemented by store::Ledger ------------------------------------------------------------------------------------

// The newest verified root that an address showed of a lineage and product, kept for good (DESIGN 3: rollback and
// freeze).
struct Floor {
    std::string lineage;  // and product and address
    WallTime date{};
    Digest root;
};

enum class SourceKind { mirror, peer, cache };
std::string_view to_string(SourceKind kind);

struct SourceShare {  // what one source gave to one artifact
    SourceKind kind = SourceKind::mirror;
    std::string source;      // mirror base address or peer endpoint; empty for cache
    ByteCount bytes = 0;     // payload received, wasted bytes included
    ByteCount wasted = 0;    // of these, bytes that were thrown away
};

struct TransferRecord {  // one artifact delivered to one asker
    std::string transaction, asker;  // "apt", "pacman", "cli", "gateway"
    std::string name;                // path or URL path, for people
    std::optional<Digest> digest;
    ByteCount size = 0;
    WallTime started{};
    double seconds = 0;
    std::string outcome;             // "ok" or an error kind and message
    std::vector<SourceShare> sources;
    std::vector<std::string> reasons;  // what was decided and why, one line each, bounded
};

class Ledger {
  public:
    virtual ~Ledger() = default;
    virtual std::vector<Floor> floors() = 0;
    // All are durable before then is told, which may be within the call; in the order of the calls.
    virtual void raise_floors(std::vector<Floor> floors, Then<void> then) = 0;
    virtual std::vector<std::pair<std::string, core::MirrorHealth>> mirror_health() = 0;  // by base address
    virtual void save_mirror_health(const std::string& base, const core::MirrorHealth& health) = 0;
    virtual void record(const TransferRecord& transfer) = 0;
    virtual std::vector<core::Sighting> sightings() {
        return {};
    }  // a ledger may forget them: roots are then fetched anew
    virtual void save_sighting(const core::Sighting&) {}
    virtual void forget_sighting(const core::Sighting&) {}
};

}  // namespace packswarm::broker
