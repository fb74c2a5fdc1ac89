// RemainsNote: which bytes of an unfinished artifact are here and who gave them, as the text that outlives the agent.
// Whatever is wrong with that text, none of it is believed; and of the bytes it names none counts before the signed
// digest. Pure: no I/O, no clock.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::broker {

struct RemainsNote {
    struct Gift {
        std::string giver;  // base address or endpoint
        ByteRange range;
        friend bool operator==(const Gift&, const Gift&) = default;
    };
    Digest digest;
    ByteCount size = 0;
    std::optional<WallTime> modified;
    std::vector<Gift> gifts;

    Bytes text() const;  // empty when it would be longer than limits::max_remains_note
    static std::optional<RemainsNote> parse(ByteView text);
    static std::string sealed(std::string lines);  // with the checksum that parse wants to see
};

}  // namespace packswarm::broker
