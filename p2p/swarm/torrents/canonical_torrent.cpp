#include "p2p/swarm/torrents/canonical_torrent.hpp"

#include <cctype>
#include <exception>
#include <libtorrent/announce_entry.hpp>
#include <libtorrent/torrent_info.hpp>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/core/canonical.hpp"

namespace packswarm::swarm {

namespace {

std::string bencoded(std::string_view text) { return std::to_string(text.size()) + ":" + std::string(text); }

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~')
            out += c;
        else
            out += fmt::format("%{:02X}", byte);
    }
    return out;
}

// Each tracker is a tier of its own (BEP 12).
std::string tracker_keys(const std::vector<std::string>& trackers) {
    if (trackers.empty()) return {};
    std::string out = "8:announce" + bencoded(trackers.front()) + "13:announce-listl";
    for (const auto& tracker : trackers) out += "l" + bencoded(tracker) + "e";
    return out + "e";
}

std::string webseed_key(const std::vector<std::string>& webseeds) {
    if (webseeds.empty()) return {};
    std::string out = "8:url-listl";
    for (const auto& seed : webseeds) out += bencoded(seed);
    return out + "e";
}

bool plausible(ByteCount size, const PieceHashes& pieces) {
    return size > 0 && size <= limits::max_artifact && pieces.size() == core::piece_count(size);
}

Result<TorrentFile> read(const lt::torrent_info& info) {
    TorrentFile out;
    const auto digest = Digest::parse(info.name());
    if (!digest || !info.v1() || info.v2() || info.num_files() != 1)
        return fail(ErrorKind::Refused,
                    "not a canonical torrent: it must be BitTorrent v1, one file, named by its SHA-256");
    out.digest = *digest;
    out.size = info.total_size();
    out.piece_length = info.piece_length();
    if (out.size <= 0 || out.size > limits::max_artifact)
        return fail(ErrorKind::Refused, "not a canonical torrent: {} bytes is no artifact's size", out.size);
    for (const lt::piece_index_t piece : info.piece_range())
        out.pieces.push_back(PieceHash::from_raw(info.hash_for_piece(piece).data()));
    out.infohash = Infohash::from_raw(info.info_hashes().v1.data());
    if (!plausible(out.size, out.pieces) || out.infohash != infohash(out.digest, out.size, out.pieces))
        return fail(ErrorKind::Refused, "not a canonical torrent: piece length {} or extra keys", out.piece_length);
    for (const auto& tracker : info.trackers()) out.trackers.push_back(tracker.url);
    for (const auto& seed : info.web_seeds()) out.webseeds.push_back(seed.url);
    return out;
}

}  // namespace

Result<Bytes> make_torrent_file(const Digest& digest, ByteCount size, const PieceHashes& pieces,
                                const std::vector<std::string>& trackers, const std::vector<std::string>& webseeds) {
    if (!plausible(size, pieces))
        return fail(ErrorKind::Refused, "{} piece hashes do not make a torrent of {} bytes", pieces.size(), size);
    const std::string text = "d" + tracker_keys(trackers) + "4:info" + core::info_dictionary(digest, size, pieces) +
                             webseed_key(webseeds) + "e";
    return Bytes(text.begin(), text.end());
}

std::string magnet_link(const Digest& digest, ByteCount size, const PieceHashes& pieces,
                        const std::vector<std::string>& trackers, const std::vector<std::string>& webseeds) {
    std::string out =
        fmt::format("magnet:?xt=urn:btih:{}&dn={}&xl={}", infohash(digest, size, pieces).hex(), digest.hex(), size);
    for (const auto& tracker : trackers) out += "&tr=" + percent_encoded(tracker);
    for (const auto& seed : webseeds) out += "&ws=" + percent_encoded(seed);
    return out;
}

Result<TorrentFile> parse_torrent_file(ByteView bytes) try {
    lt::load_torrent_limits bounds;
    bounds.max_buffer_size = static_cast<int>(limits::mib);
    bounds.max_pieces = static_cast<int>(core::piece_count(limits::max_artifact));
    return read(
        lt::torrent_info(lt::span<const char>(bytes.data(), static_cast<int>(bytes.size())), bounds, lt::from_span));
} catch (const std::exception& error) {
    return fail(ErrorKind::Corrupt, "not a torrent file: {}", printable(error.what()));
}

}  // namespace packswarm::swarm
