// Shelf: what this agent shares: which digest is which file, of which lineages, with which piece hashes. Takes StoredFiles only.
// Not here: who asked (giver.hpp), torrents of it (on_demand.hpp). Network thread. Errors: Absent when a file is no longer
// what it was when it was offered; such an entry is dropped.
#pragma once

#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "p2p/base/trusted_file.hpp"

namespace packswarm::swarm {

// SHA-1 of the rendezvous torrent's info dictionary: how a lineage is known inside this room and on the wire.
using LineageId = Infohash;

struct Shelved {
    Digest digest;
    FileInfo info;
    std::filesystem::path path;
    PieceHashes pieces;
    Infohash infohash;  // zero without pieces
    std::vector<LineageId> lineages;
};

class Shelf {
  public:
    // Reads the file's identity from its open handle. Any thread. Refused when the piece hashes do not fit the size.
    static Result<Shelved> prepare(const StoredFile& file, const LineageId& lineage, PieceHashes pieces);

    void put(Shelved entry);
    void withdraw(const Digest& digest);
    // The newest root of a lineage is shared with that lineage, whichever lineage it was offered under.
    void set_root(const LineageId& lineage, const Digest& root);
    void forget_lineage(const LineageId& lineage);

    const Shelved* find(const Digest& digest) const;
    const Shelved* find(const Infohash& infohash) const;
    bool shared_with(const Shelved& entry, const LineageId& lineage) const;
    // Fills out from offset on; Absent when the file changed, vanished or is shorter.
    Result<void> read(const Digest& digest, ByteCount offset, std::span<char> out);
    Result<void> check(const Digest& digest);  // the file is still the one that was offered
    std::size_t size() const { return entries_.size(); }

  private:
    Result<const FileHandle*> open(const Shelved& entry);
    void close(const Digest& digest);
    tl::unexpected<Error> drop(const Digest& digest, std::string why);

    std::unordered_map<Digest, Shelved> entries_;
    std::unordered_map<Infohash, Digest> by_infohash_;
    std::unordered_map<LineageId, Digest> roots_;
    std::list<std::pair<Digest, FileHandle>> handles_;  // most recently used first
};

}  // namespace packswarm::swarm
