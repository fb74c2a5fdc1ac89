// FileProver: the only maker of ProvenFile: hashes again what the store has kept, some bytes at a time, and compares
// whole pieces with their recorded hashes on the way. Not here: which file, and when (broker/proofs.hpp). Any thread,
// one object at a time. Errors: Corrupt (other bytes than were stored), Broken (reading failed).
#pragma once

#include "p2p/base/trusted_file.hpp"
#include "verify/hasher.hpp"

namespace packswarm::verify {

class FileProver {
  public:
    // pieces: of the canonical torrent; empty when none are recorded.
    FileProver(KeptFile file, PieceHashes pieces);

    Result<void> go_on(ByteCount bytes);  // so many more, as far as the file goes
    ByteCount hashed() const { return hashed_; }
    // Bytes below this are those that were stored, by their piece hashes; 0 where none are recorded.
    ByteCount checked() const { return checked_; }
    bool is_complete() const { return hashed_ == file_.size(); }
    Result<ProvenFile> finish();  // when it is complete

  private:
    void add(ByteView bytes);
    void end_piece();

    KeptFile file_;
    PieceHashes pieces_;
    ByteCount piece_length_ = 0;
    Sha256 digest_;
    Sha1 piece_;
    ByteCount hashed_ = 0, checked_ = 0;
    bool has_good_pieces_ = false;
};

}  // namespace packswarm::verify
