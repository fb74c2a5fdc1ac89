// Suspects: the digest of a file from several sources is wrong, or two of them gave different bytes: who lied, and who
// is compared next. Pure functions of maps. Not here: throwing bytes away, asking again, blaming (broker/inquest.hpp,
// broker/crowd_part.hpp).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/plan/board.hpp"

namespace packswarm::plan {

// ---- The digest is wrong, and several gave bytes
// ------------------------------------------------------------------------------

using Given = std::map<SourceId, ByteCount>;  // who gave how many of the bytes that are here; nobody with none

// Givers who are set back or gone, so caught with something else meanwhile: what the others gave stays. Empty: none of
// them, or all, which tells nothing. Nobody is suspected twice.
std::vector<SourceId> caught_elsewhere(const Given& given, const std::set<SourceId>& suspected,
                                       const std::map<SourceId, Source>& sources);

// Whoever gave most is most likely the liar: its bytes are fetched again from the others, which it would take anyway if
// it is. Who was left out before for nothing helps with that. Nothing: everybody has been suspected.
std::optional<SourceId> likeliest_liar(const Given& given, const std::set<SourceId>& suspected);

// The mirror that is asked for everything alone, to know whom to blame. mirrors: best first. Nothing: each has been.
std::optional<SourceId> next_alone(const std::vector<SourceId>& mirrors, const std::set<SourceId>& tried,
                                   const std::set<SourceId>& barred);

// ---- Heads
// --------------------------------------------------------------------------------------------------------------------

// The head that at least two of them gave. Nothing: no two agree.
std::optional<Bytes> agreed_head(const std::map<SourceId, Bytes>& heads);

// ---- Piece hashes of peers
// ------------------------------------------------------------------------------------------------------

struct Hint {
    PieceHashes pieces;
    std::string host;      // many peers at one address are one voice
    bool is_near = false;  // a neighbour's counts twice
};
PieceHashes most_believed(const std::vector<Hint>& hints);  // of at least one; the smallest of equals

// ---- Lenders, compared with mirrors
// ---------------------------------------------------------------------------------------------

// Whether a lender has to show another piece: it is past half of what it is trusted with. unverified: bytes that it
// gave, of all files.
bool is_compared_next(const Source& lender, const Want& want, ByteCount unverified);

// The lenders of which a part is compared when the digest is wrong, in their order: those first that mirrors confirmed
// least.
std::vector<SourceId> whom_to_compare(std::vector<SourceId> lenders, const std::map<SourceId, int>& confirmed);

// The part of it: of what nobody has confirmed, in each round from another place, since a liar may have begun with the
// truth. At most a piece long. Nothing: all is confirmed.
std::optional<ByteRange> part_to_compare(const core::RangeSet& unconfirmed, int round, ByteCount piece_length);

// ---- The digest has spoken
// --------------------------------------------------------------------------------------------------------

struct GivenPiece {
    SourceId from{};
    PieceHash hash;
};
// Who gave pieces with other hashes than the true ones.
std::set<SourceId> liars(const std::map<std::size_t, GivenPiece>& given, const PieceHashes& truth);

}  // namespace packswarm::plan
