#include "p2p/core/canonical.hpp"

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"

namespace packswarm::core {
namespace {

TEST(Canonical, PieceLengthIsAFunctionOfSizeAlone) {
    EXPECT_EQ(piece_length(1), 64 * limits::kib);
    EXPECT_EQ(piece_length(32 * limits::mib), 64 * limits::kib);
    EXPECT_EQ(piece_length(32 * limits::mib + 1), 128 * limits::kib);
    EXPECT_EQ(piece_length(100 * limits::gib), 16 * limits::mib);
    EXPECT_EQ(piece_count(64 * limits::kib + 1), 2u);
    EXPECT_EQ(piece_range(64 * limits::kib + 1, 1), (ByteRange{64 * limits::kib, 64 * limits::kib + 1}));
    EXPECT_EQ(piece_count(0), 0u);
}

TEST(Canonical, PiecesFollowEachOtherAndEndWithTheFile) {
    for (const ByteCount size : {ByteCount(1), 64 * limits::kib, 3 * limits::mib + 1, 700 * limits::mib + 5}) {
        ByteCount at = 0;
        for (std::size_t piece = 0; piece < piece_count(size); ++piece) {
            const auto range = piece_range(size, piece);
            EXPECT_EQ(range.begin, at);
            EXPECT_GT(range.end, range.begin);
            at = range.end;
        }
        EXPECT_EQ(at, size);
        EXPECT_LE(piece_count(size), 512u);
    }
}

TEST(Canonical, TheDictionaryIsByteForByteWhatItsHeaderSays) {
    Digest digest;
    digest.bytes.fill(0xab);
    const std::string raw(20, 'h');
    const auto text = info_dictionary(digest, 5, {PieceHash::from_raw(raw.data())});
    std::string hex;
    for (int i = 0; i < 32; ++i) hex += "ab";
    EXPECT_EQ(text, "d6:lengthi5e4:name64:" + hex + "12:piece lengthi65536e6:pieces20:" + raw + "e");
}

}  // namespace
}  // namespace packswarm::core
