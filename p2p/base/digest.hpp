// Digest (SHA-256 or half of a SHA-512), PieceHash and Infohash (SHA-1): fixed-size byte strings with hexadecimal text.
// Not here: computing them (verify/hasher.hpp). Any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace packswarm {

std::string to_hex(const std::uint8_t* bytes, std::size_t count);
// Accepts exactly 2*count hexadecimal digits of either case.
bool from_hex(std::string_view text, std::uint8_t* out, std::size_t count);

template <std::size_t Size, class Tag>
struct FixedBytes {
    static constexpr std::size_t size = Size;
    std::array<std::uint8_t, Size> bytes{};

    static std::optional<FixedBytes> parse(std::string_view hex) {
        FixedBytes out;
        if (!from_hex(hex, out.bytes.data(), Size)) return std::nullopt;
        return out;
    }
    // raw holds at least Size bytes
    static FixedBytes from_raw(const void* raw) {
        FixedBytes out;
        std::memcpy(out.bytes.data(), raw, Size);
        return out;
    }
    std::string hex() const { return to_hex(bytes.data(), Size); }
    std::string_view raw() const { return {reinterpret_cast<const char*>(bytes.data()), Size}; }
    friend auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
};

// Names a whole file as signed indexes list it: its SHA-256 or, where they list none, the first half of its SHA-512.
using Digest = FixedBytes<32, struct DigestTag>;
using PieceHash = FixedBytes<20, struct PieceHashTag>;  // SHA-1 of one piece of a canonical torrent (BEP 3)
using Infohash = FixedBytes<20, struct InfohashTag>;    // SHA-1 of an info dictionary (BEP 3)
using PieceHashes = std::vector<PieceHash>;

// Of 128 hexadecimal digits; none: the text is no SHA-512.
std::optional<Digest> half_of_sha512(std::string_view hex);

}  // namespace packswarm

template <std::size_t Size, class Tag>
struct std::hash<packswarm::FixedBytes<Size, Tag>> {
    std::size_t operator()(const packswarm::FixedBytes<Size, Tag>& value) const noexcept {
        std::size_t out;
        std::memcpy(&out, value.bytes.data(), sizeof out);
        return out;
    }
};
