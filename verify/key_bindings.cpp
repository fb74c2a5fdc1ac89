#include "verify/key_bindings.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verify/hasher.hpp"

namespace packswarm::verify {

namespace {

enum Tag { signature_tag = 2, key_tag = 6, subkey_tag = 14 };

struct Packet {
    int tag = 0;
    std::string_view body;
};

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

std::optional<std::size_t> number(std::string_view bytes, std::size_t at, std::size_t width) {
    if (bytes.size() < at || bytes.size() - at < width) return std::nullopt;
    std::size_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | byte_at(bytes, at + i);
    return value;
}

struct Length {
    std::size_t header = 0, body = 0;  // bytes of both
};

// Of packets and, in the new form, of subpackets; nothing for lengths that end somewhere else.
std::optional<Length> new_length(std::string_view bytes, std::size_t at) {
    const auto first = number(bytes, at, 1);
    if (!first || (*first >= 224 && *first < 255)) return std::nullopt;
    if (*first < 192) return Length{1, *first};
    if (*first == 255) {
        const auto value = number(bytes, at + 1, 4);
        return value ? std::optional(Length{5, *value}) : std::nullopt;
    }
    const auto second = number(bytes, at + 1, 1);
    return second ? std::optional(Length{2, ((*first - 192) << 8) + *second + 192}) : std::nullopt;
}

std::optional<Length> old_length(std::string_view bytes, unsigned kind) {
    if (kind > 2) return std::nullopt;
    const std::size_t width = std::size_t{1} << kind;
    const auto value = number(bytes, 1, width);
    return value ? std::optional(Length{width, *value}) : std::nullopt;
}

std::optional<Packet> take_packet(std::string_view& rest) {
    if (rest.empty() || (byte_at(rest, 0) & 0x80) == 0) return std::nullopt;
    const unsigned first = byte_at(rest, 0);
    const bool is_new = (first & 0x40) != 0;
    const auto length = is_new ? new_length(rest, 1) : old_length(rest, first & 3);
    if (!length || rest.size() - 1 < length->header || rest.size() - 1 - length->header < length->body)
        return std::nullopt;
    const auto tag = static_cast<int>(is_new ? first & 0x3f : (first >> 2) & 0x0f);
    const Packet packet{tag, rest.substr(1 + length->header, length->body)};
    rest.remove_prefix(1 + length->header + length->body);
    return packet;
}

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        out += "0123456789ABCDEF"[static_cast<unsigned char>(c) >> 4];
        out += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

// RFC 4880, 12.2; empty for other versions.
core::Fingerprint fingerprint(std::string_view key) {
    if (key.empty() || key[0] != 4 || key.size() > 0xffff) return {};
    Hasher hasher(HashKind::sha1);
    const char head[3] = {'\x99', static_cast<char>(key.size() >> 8), static_cast<char>(key.size() & 0xff)};
    hasher.add(ByteView(head, 3));
    hasher.add(as_bytes(key));
    return hex(hasher.finish());
}

struct Signature {
    unsigned type = 0, digest = 0;
    std::string issuer;  // key id in hexadecimal
};

// The issuer's key id among subpackets (RFC 4880, 5.2.3.5; RFC 9580, 5.2.3.35).
std::string issuer_in(std::string_view area) {
    for (std::size_t at = 0; at < area.size();) {
        const auto length = new_length(area, at);
        if (!length || length->body == 0 || area.size() - at < length->header + length->body) return {};
        const auto content = area.substr(at + length->header, length->body);
        const unsigned type = byte_at(content, 0) & 0x7f;
        if (type == 16 && content.size() == 9) return hex(content.substr(1));
        if (type == 33 && content.size() == 22 && content[1] == 4) return hex(content.substr(14));
        at += length->header + length->body;
    }
    return {};
}

std::optional<Signature> read_signature(std::string_view body) {
    if (body.size() >= 17 && body[0] == 3)  // of version 3: no newer policy takes it, whatever its digest
        return Signature{byte_at(body, 2), 0, hex(body.substr(7, 8))};
    if (body.size() < 6 || body[0] != 4) return std::nullopt;
    Signature out{byte_at(body, 1), byte_at(body, 3), {}};
    std::size_t at = 4;
    for (int area = 0; area < 2; ++area) {  // hashed and unhashed
        const auto size = number(body, at, 2);
        if (!size || body.size() - at - 2 < *size) return std::nullopt;
        if (out.issuer.empty()) out.issuer = issuer_in(body.substr(at + 2, *size));
        at += 2 + *size;
    }
    return out;
}

// SHA-256, SHA-384, SHA-512, SHA3-256 and SHA3-512 (RFC 9580, 9.5).
bool is_strong(unsigned digest) { return digest == 8 || digest == 9 || digest == 10 || digest == 12 || digest == 14; }

// One primary key with what hangs on it.
class Block {
  public:
    explicit Block(core::Fingerprint primary) : keys_{{std::move(primary)}} {}

    void subkey(core::Fingerprint key) { keys_.push_back({std::move(key)}); }
    void signature(const Signature& signature) {
        const auto& primary = keys_.front().fingerprint;
        if (primary.size() != 40 || signature.issuer != primary.substr(24)) return;  // somebody else's
        const bool is_first = keys_.size() == 1;
        const bool is_certification = (signature.type >= 0x10 && signature.type <= 0x13) || signature.type == 0x1f;
        if (is_first ? !is_certification : signature.type != 0x18) return;
        keys_.back().is_bound = true;
        keys_.back().is_strong |= is_strong(signature.digest);
    }
    void finish(std::set<core::Fingerprint>& weak) const {
        const bool is_weak = keys_.front().is_weak();
        for (const auto& key : keys_)
            if (!key.fingerprint.empty() && (is_weak || key.is_weak())) weak.insert(key.fingerprint);
    }

  private:
    struct Key {
        core::Fingerprint fingerprint;
        bool is_bound = false, is_strong = false;
        bool is_weak() const { return is_bound && !is_strong; }
    };
    std::vector<Key> keys_;  // the primary key first
};

}  // namespace

std::set<core::Fingerprint> weakly_bound_keys(ByteView packets) {
    std::set<core::Fingerprint> weak;
    std::optional<Block> block;
    auto rest = as_text(packets);
    while (const auto packet = take_packet(rest)) {
        if (packet->tag == key_tag) {
            if (block) block->finish(weak);
            block.emplace(fingerprint(packet->body));
        }
        if (packet->tag == subkey_tag && block) block->subkey(fingerprint(packet->body));
        if (packet->tag != signature_tag || !block) continue;
        if (const auto signature = read_signature(packet->body)) block->signature(*signature);
    }
    if (block) block->finish(weak);
    return weak;
}

}  // namespace packswarm::verify
