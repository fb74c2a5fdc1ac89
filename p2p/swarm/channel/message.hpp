// The peer channel's messages (BEP 10 extension "packswarm"), as plain structs and as bytes: one byte of type, then the
// fields in order, integers big-endian. A connection belongs to one lineage, so no message names any.
// Not here: what they mean to a conversation (giver.hpp, taker.hpp). Errors: Corrupt for everything that is not exactly
// right.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/kinship.hpp"

namespace packswarm::swarm {

// 1: a hello names one root. 2: behind that stand its provenance and further roots, of other products under one key and
// suite.
inline constexpr std::uint16_t protocol_version = 2;

using Token = std::uint32_t;                   // chosen by the asker, comes back with the answer
using AgentId = std::array<std::uint8_t, 16>;  // random, new with every start

// A verified root of this connection's lineage.
struct RootOnShow {
    std::int64_t date = 0;  // seconds since the epoch
    Digest root;            // zero: none
    ByteCount root_size = 0;
    core::Provenance provenance{};
    friend bool operator==(const RootOnShow&, const RootOnShow&) = default;
};

// First on every connection from both sides; again when a root changes. Bytes after the known fields are left for later
// versions.
struct Hello {
    std::uint16_t version = protocol_version;
    AgentId agent_id{};
    std::uint16_t listen_port = 0;
    std::string agent;               // at most limits::max_agent_name bytes
    RootOnShow root;                 // the newest
    std::vector<RootOnShow> others;  // of other products
    friend bool operator==(const Hello&, const Hello&) = default;
};

struct Ask {
    Token token = 0;
    std::vector<Digest> digests;  // 1 to limits::max_ask
    friend bool operator==(const Ask&, const Ask&) = default;
};

struct Told {
    Digest digest;
    ByteCount size = 0;
    PieceHashes pieces;  // all of the canonical torrent, or none
    std::uint16_t signature =
        0;  // bytes of its detached signature, at most limits::max_package_signature; 0: not held here
    friend bool operator==(const Told&, const Told&) = default;
};

// One ask gets one or more tells; only the last is marked so. What is not named is not shared. For some seconds after
// an ask, tells of token 0 follow it unasked, when the peer has got what it did not have.
struct Tell {
    Token token = 0;
    bool last = true;
    std::vector<Told> entries;
    friend bool operator==(const Tell&, const Tell&) = default;
};

// After an ask, like such a tell: the peer fetches the artifact itself and lends the pieces that it has so far straight
// from mirrors. Nobody has verified them. Always the whole state.
struct Have {
    Digest digest;
    ByteCount size = 0;
    std::vector<bool> pieces;  // of the canonical torrent; on the wire as a bitfield (BEP 3)
    friend bool operator==(const Have&, const Have&) = default;
};

// Each get is answered once, in any order: one data of exactly this length, or one refuse. A get at the artifact's end,
// as long as its signature, is answered with that.
struct Get {
    Token token = 0;
    Digest digest;
    ByteCount offset = 0;
    std::uint32_t length = 0;  // 1 to limits::max_data_block
    friend bool operator==(const Get&, const Get&) = default;
};

struct Data {
    Token token = 0;
    ByteView bytes;  // borrowed from the decoded message
};

struct Refuse {
    Token token = 0;
    friend bool operator==(const Refuse&, const Refuse&) = default;
};

// The asker no longer wants this get; it is still answered, with a refuse when nothing was sent yet.
struct Cancel {
    Token token = 0;
    friend bool operator==(const Cancel&, const Cancel&) = default;
};

using Message = std::variant<Hello, Ask, Tell, Get, Data, Refuse, Cancel, Have>;

// headroom: bytes left free at the front for a frame around the message.
Bytes encode(const Message& message, std::size_t headroom = 0);
// A data message whose payload, the last length bytes, is still to be filled in.
Bytes encode_data(Token token, std::size_t length, std::size_t headroom = 0);
Result<Message> decode(ByteView bytes);

// Bytes that one entry adds to a tell.
std::size_t encoded_size(const Told& entry);

}  // namespace packswarm::swarm
