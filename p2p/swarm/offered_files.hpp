// OfferedFiles: what this agent shares: which digest is a file of which lineages. Takes the store's marks of proven
// files only, and keeps no more of each than a seeding box can afford 63,440 times: where a file lies, its piece hashes
// and its signature are read when somebody asks. Not here: who asked (giver.hpp), torrents of it (on_demand.hpp).
// Network thread. Errors: Absent when a file is no longer what it was when it was offered; such an entry is dropped.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "p2p/base/limits.hpp"
#include "p2p/broker/ports/store.hpp"
#include "p2p/swarm/infohash.hpp"

namespace packswarm::swarm {

struct OfferedFile {
    Digest digest;
    FileInfo info;
    bool has_pieces = false, has_signature = false;
    std::uint64_t lineages = 0;  // bits: places in the list of lineages
};

class OfferedFiles {
  public:
    explicit OfferedFiles(std::unique_ptr<broker::StoreReader> reader) : reader_(std::move(reader)) {}

    void put(const StoredMark& file, const LineageId& lineage);
    void withdraw(const Digest& digest);
    // The roots on show in a lineage are shared with that lineage, whichever lineage they were offered under.
    void set_roots(const LineageId& lineage, std::vector<Digest> roots);
    void forget_lineage(const LineageId& lineage);

    const OfferedFile* find(const Digest& digest) const;
    const OfferedFile* find(const Infohash& infohash) const;  // only of what has piece hashes
    std::optional<Infohash> infohash_of(const Digest& digest) const;
    std::filesystem::path path_of(const OfferedFile& entry) const { return reader_->path_of(entry.digest); }
    PieceHashes pieces_of(const OfferedFile& entry) const;
    Bytes signature_of(const OfferedFile& entry) const;
    bool shared_with(const OfferedFile& entry, const LineageId& lineage) const;
    // Fills out from offset on; Absent when the file changed, vanished or is shorter.
    Result<void> read(const Digest& digest, ByteCount offset, std::span<char> out);
    Result<void> check(const Digest& digest);  // the file is still the one that was offered
    std::size_t size() const { return entries_.size(); }

  private:
    struct Key {
        using is_transparent = void;
        std::size_t operator()(const Digest& digest) const { return std::hash<Digest>{}(digest); }
        std::size_t operator()(const OfferedFile& entry) const { return (*this)(entry.digest); }
        bool operator()(const OfferedFile& a, const OfferedFile& b) const { return a.digest == b.digest; }
        bool operator()(const Digest& a, const OfferedFile& b) const { return a == b.digest; }
        bool operator()(const OfferedFile& a, const Digest& b) const { return a.digest == b; }
    };
    std::uint64_t bit_of(const LineageId& lineage);
    Result<const FileHandle*> open(const OfferedFile& entry);
    void close(const Digest& digest);
    tl::unexpected<Error> drop(const Digest& digest, std::string why);

    std::unique_ptr<broker::StoreReader> reader_;
    std::unordered_set<OfferedFile, Key, Key> entries_;
    std::unordered_map<Infohash, Digest> by_infohash_;
    std::unordered_map<Digest, Infohash> infohashes_;
    std::vector<LineageId> lineages_;  // at most 64; a place is used again when no entry names it
    std::unordered_map<LineageId, std::vector<Digest>> roots_;
    std::list<std::pair<Digest, FileHandle>> handles_;  // most recently used first
};

}  // namespace packswarm::swarm
