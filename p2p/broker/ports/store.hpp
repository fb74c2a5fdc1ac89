// Store: the port for files by digest, filled by store::Vault. Not here: history (ledger.hpp), verification
// (trust.hpp). Callbacks as in answers.hpp: on the loop's thread, never inside the call that asked.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/loop.hpp"
#include "p2p/broker/ports/answers.hpp"
#include "p2p/core/lineage.hpp"

namespace packswarm::broker {

struct ArtifactRecord {  // what the ledger remembers of a stored artifact
    Digest digest;
    ByteCount size = 0;
    std::string name;          // path in its repository, for people
    core::Lineage lineage;     // empty: private or unknown, never shared
    PieceHashes pieces;        // of the canonical torrent; empty when not computed
    WallTime modified{};       // Last-Modified of the source, 0 when unknown
    bool is_root = false;      // root and index files are kept while current
    Bytes signature;           // of a package whose index does not carry it: detached, found good; empty when not known
    std::size_t replicas = 0;  // peers that told or lent it, or sought it, when it came: they have it too
};

// What is at hand of every stored artifact without asking the ledger.
struct ArtifactBrief {
    StoredMark mark;             // is_proven: it may be handed out
    bool may_be_shared = false;  // its record names a lineage
    bool is_root = false;
};

// Where a stored file lies, and what the ledger has of its pieces and signature: for the thread that gives it to peers.
// One thread at a time.
class StoreReader {
  public:
    virtual ~StoreReader() = default;
    virtual std::filesystem::path path_of(const Digest& digest) const = 0;
    virtual PieceHashes pieces_of(const Digest& digest) = 0;  // empty: none are known
    virtual Bytes signature_of(const Digest& digest) = 0;     // likewise
};

// What lies in staging and may go when room is needed.
class Spare {
  public:
    virtual ~Spare() = default;
    virtual ByteCount bytes() const = 0;
    virtual void give_up(ByteCount needed) = 0;
};

// An unfinished file of the agent before this one, and what was noted of it.
struct Leftover {
    StagedFile file;
    Bytes record;
};

// Who says what a file will become: an index that counts here, for which older files make room; or nobody whose word
// counts, and it takes the place of nothing.
enum class Promise { listed, loose };

// Bytes, and where in a file they belong.
struct FilePart {
    ByteCount offset = 0;
    Bytes data;
};

class Store {
  public:
    virtual ~Store() = default;
    // By a worker, in this order. Broken: disk.
    virtual void write(const StagedFile& file, std::vector<FilePart> parts, Then<void> then) = 0;
    // Replaces what was noted of the file before; an empty record takes it away. With a note it can be gone on with
    // after a crash, and after an end before which its holder said keep().
    virtual void note(const StagedFile& file, ByteView record) = 0;
    virtual std::vector<Leftover> leftovers() = 0;  // the caller's from here on
    // A file that may become this large. Refused: there could be no room for it; Broken: disk.
    virtual Result<StagedFile> stage(ByteCount size, Promise promise = Promise::listed) = 0;
    // So many bytes of it are here, or about to be written: room is made for them now, and for a little more, which is
    // told. Refused: there is none.
    virtual Result<ByteCount> arrive(const StagedFile& file, ByteCount bytes) = 0;
    virtual ByteCount room() = 0;  // bytes that could be staged without giving up anything the newest indexes list
    // The one way to bytes that may be handed out: what this start has hashed or verified, and nobody has touched
    // since.
    virtual std::optional<StoredFile> find(const Digest& digest) = 0;
    // Whatever lies there with the recorded size, inode and time: to be hashed (proofs.hpp), never to be handed out.
    virtual std::optional<KeptFile> kept(const Digest& digest) = 0;
    virtual bool take_proof(const ProvenFile& proven) = 0;  // false: it was touched meanwhile, or is gone
    virtual void drop_rotten(const KeptFile& file, const Error& why) = 0;
    virtual std::optional<ArtifactRecord> record(const Digest& digest) = 0;  // read from the ledger
    virtual std::optional<ArtifactBrief> brief(const Digest& digest) = 0;
    virtual std::vector<Digest> digests() = 0;  // of everything stored
    virtual std::vector<ArtifactRecord> roots() = 0;
    // Durable when then runs. Refused: no index lists it, and it would take the place of something that one lists.
    virtual void publish(VerifiedFile file, ArtifactRecord record, Then<StoredFile> then) = 0;
    // Beside what is stored, with its record; kept runs when readers find it, or never.
    virtual void keep_signature(const Digest& digest, Bytes signature, Task kept) = 0;
    virtual void remove(const Digest& digest) = 0;
    virtual void set_removed(std::function<void(const Digest&)> hook) = 0;  // eviction tells who shares it
    virtual void set_spare(Spare* spare) = 0;                               // goes before anything stored does; or null
};

}  // namespace packswarm::broker
