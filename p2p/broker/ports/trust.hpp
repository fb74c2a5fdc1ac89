// Trust: the port for hashing, signatures and index formats, filled by daemon::TrustDesk over the verify room and its
// workers. Neither keys nor parsers are here. Callbacks as in answers.hpp: on the loop's thread, never inside the call
// that asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2p/broker/ports/answers.hpp"
#include "p2p/core/catalog.hpp"

namespace packswarm::broker {

enum class CheckId : std::uint64_t { none = 0 };

struct RootFiles {
    core::Repository repository;  // format, suite, keyring
    Bytes root;
    std::optional<Bytes> signature;  // the detached one, for a root that does not carry its own
    std::string base{},
        path{};  // the address that gave the root; no base: a peer, or another repository of the same content
};

// A root whose signature is good, and the one file that carries it with its signature between agents and over restarts:
// one with its signature within as it is; else core::pack_bundle of root and signature.
struct OpenedRoot {
    core::IndexRoot index;
    Bytes bundle;
    Digest bundle_digest;
    Digest signature_digest;  // of the detached signature; zero: there is none
};

// How far the hashing of a kept file is. checked: bytes below it are right by their piece hashes.
struct ProofStep {
    ByteCount checked = 0;
    std::optional<ProvenFile> proven{};  // at the end
};

class Trust {
  public:
    virtual ~Trust() = default;
    // Hashing while bytes arrive: begin once, advance as the contiguous prefix grows, finish when all is there.
    virtual CheckId begin_check(StagedFile file, const Digest& expected) = 0;
    virtual void advance(CheckId check, ByteCount prefix) = 0;
    virtual void rewind(CheckId check) = 0;  // bytes below the prefix were replaced: hash from the start again
    virtual void finish(CheckId check,
                        Then<VerifiedFile> then) = 0;  // Corrupt: the digest is another one. The check ends.
    virtual void drop(CheckId check) = 0;
    virtual void digest_of(StagedFile file, Then<Digest> then) = 0;  // what it is, whatever it should be
    // Hashing of what the store keeps, so many bytes at a time; pieces: as recorded, or none. After an error (Corrupt:
    // other bytes, Broken: it cannot be read) and once it is proven the check has ended; drop() ends it before.
    virtual CheckId begin_proof(KeptFile file, PieceHashes pieces) = 0;
    virtual void go_on(CheckId proof, ByteCount bytes, Then<ProofStep> then) = 0;  // one step at a time
    // SHA-1 of the pieces of a complete range of the staged file, in order.
    virtual void piece_hashes(StagedFile file, ByteRange range, ByteCount piece_length, Then<PieceHashes> then) = 0;
    virtual void piece_hashes(StoredFile file, ByteCount piece_length, Then<PieceHashes> then) = 0;

    virtual void open_root(RootFiles files, Then<OpenedRoot> then) = 0;
    // Primary keys that a keyring holds: who could sign a repository that nobody has seen yet.
    virtual void keyring_fingerprints(core::KeyringSpec keyring, Then<std::vector<core::Fingerprint>> then) = 0;
    // A list of packages whose digest a root of this format vouched for.
    virtual void open_packages(StoredFile file, core::Format format, std::string path,
                               Then<std::shared_ptr<const core::CatalogSheet>> then) = 0;
    // A list that a package manager keeps, plain or packed: read when its text is the one that the entry names. Absent:
    // it is another.
    virtual void open_list(FileHandle file, core::Format format, core::IndexEntry plain,
                           Then<std::shared_ptr<const core::CatalogSheet>> then) = 0;
    // A package whose digest is right: its own signature, and what else its format has it show (core/format.hpp).
    virtual void check_package(SharedBytes package, Bytes signature, const core::Repository& repository,
                               core::IndexEntry entry, Then<void> then) = 0;
};

}  // namespace packswarm::broker
