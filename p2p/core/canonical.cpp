#include "p2p/core/canonical.hpp"

#include <algorithm>
#include <bit>

#include "p2p/base/limits.hpp"

namespace packswarm::core {

ByteCount piece_length(ByteCount size) {
    const auto for_512 = std::bit_ceil(static_cast<std::uint64_t>(std::max<ByteCount>(size, 1) + 511) / 512);
    return std::clamp(static_cast<ByteCount>(for_512), 64 * limits::kib, 16 * limits::mib);
}

std::size_t piece_count(ByteCount size) {
    const ByteCount length = piece_length(size);
    return static_cast<std::size_t>((size + length - 1) / length);
}

ByteRange piece_range(ByteCount size, std::size_t piece) {
    const ByteCount length = piece_length(size);
    const ByteCount begin = static_cast<ByteCount>(piece) * length;
    return {begin, std::min(begin + length, size)};
}

std::string info_dictionary(const Digest& digest, ByteCount size, const PieceHashes& pieces) {
    std::string out = "d6:lengthi" + std::to_string(size) + "e4:name64:" + digest.hex() + "12:piece lengthi" +
                      std::to_string(piece_length(size)) + "e6:pieces" +
                      std::to_string(pieces.size() * PieceHash::size) + ":";
    for (const auto& piece : pieces) out += piece.raw();
    return out + "e";
}

}  // namespace packswarm::core
