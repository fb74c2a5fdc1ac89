#include "p2p/swarm/torrents/canonical_torrent.hpp"

#include <gtest/gtest.h>

#include <libtorrent/bdecode.hpp>
#include <libtorrent/create_torrent.hpp>
#include <libtorrent/torrent_info.hpp>

#include "p2p/base/limits.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::swarm {
namespace {

Digest some_digest(int seed) {
    Digest out;
    for (std::size_t i = 0; i < out.bytes.size(); ++i)
        out.bytes[i] = static_cast<std::uint8_t>(seed * 31 + static_cast<int>(i) * 7);
    return out;
}

PieceHashes some_pieces(ByteCount size) {
    PieceHashes out(core::piece_count(size));
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i].bytes = {1, static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
    return out;
}

std::string info_by_libtorrent(const Digest& digest, ByteCount size, const PieceHashes& pieces) {
    lt::file_storage files;
    files.set_piece_length(static_cast<int>(core::piece_length(size)));
    files.add_file(digest.hex(), size);
    lt::create_torrent torrent(files, static_cast<int>(core::piece_length(size)), lt::create_torrent::v1_only);
    for (int i = 0; i < static_cast<int>(pieces.size()); ++i)
        torrent.set_hash(lt::piece_index_t(i), lt::sha1_hash(pieces[static_cast<std::size_t>(i)].raw()));
    std::string out;
    lt::bencode(std::back_inserter(out), torrent.generate()["info"]);
    return out;
}

TEST(CanonicalTorrent, InfoDictionaryEqualsLibtorrentsByteForByte) {
    for (const ByteCount size : {ByteCount{1}, 64 * limits::kib, 64 * limits::kib + 1, 5 * limits::mib + 17,
                                 700 * limits::mib, 16 * limits::gib}) {
        const auto digest = some_digest(static_cast<int>(size % 251));
        const auto pieces = some_pieces(size);
        EXPECT_EQ(core::info_dictionary(digest, size, pieces), info_by_libtorrent(digest, size, pieces)) << size;
    }
}

TEST(CanonicalTorrent, ReadsBackWhatItMade) {
    const ByteCount size = 40 * limits::mib + 3;
    const auto made = make_torrent_file(some_digest(1), size, some_pieces(size),
                                        {"udp://tracker.example:6969/announce"}, {"http://mirror.example/pool/a.deb"});
    ASSERT_TRUE(made) << made.error().message;
    const auto read = parse_torrent_file(*made);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->digest, some_digest(1));
    EXPECT_EQ(read->size, size);
    EXPECT_EQ(read->piece_length, core::piece_length(size));
    EXPECT_EQ(read->pieces, some_pieces(size));
    EXPECT_EQ(read->infohash, infohash(some_digest(1), size, some_pieces(size)));
    EXPECT_EQ(read->trackers, std::vector<std::string>{"udp://tracker.example:6969/announce"});
    EXPECT_EQ(read->webseeds, std::vector<std::string>{"http://mirror.example/pool/a.deb"});
}

TEST(CanonicalTorrent, RefusesTorrentsThatAreNotCanonical) {
    const ByteCount size = 3 * limits::mib;
    const auto made = make_torrent_file(some_digest(2), size, some_pieces(size), {}, {});
    ASSERT_TRUE(made);
    std::string text(made->begin(), made->end());
    text.replace(text.find("12:piece lengthi65536e"), 22, "12:piece lengthi32768e");
    const auto other_geometry = parse_torrent_file(as_bytes(text));
    ASSERT_FALSE(other_geometry);
    const auto garbage = parse_torrent_file(as_bytes("d4:infoi1ee"));
    ASSERT_FALSE(garbage);
    EXPECT_EQ(garbage.error().kind, ErrorKind::Corrupt);
    EXPECT_EQ(make_torrent_file(some_digest(2), size, {}, {}, {}).error().kind, ErrorKind::Refused);
}

TEST(CanonicalTorrent, MagnetLinkNamesInfohashDigestSizeAndTrackers) {
    const auto link = magnet_link(some_digest(3), 10, some_pieces(10), {"http://t.example/a?b=c"}, {});
    EXPECT_EQ(link, "magnet:?xt=urn:btih:" + infohash(some_digest(3), 10, some_pieces(10)).hex() +
                        "&dn=" + some_digest(3).hex() + "&xl=10&tr=http%3A%2F%2Ft.example%2Fa%3Fb%3Dc");
}

}  // namespace
}  // namespace packswarm::swarm
