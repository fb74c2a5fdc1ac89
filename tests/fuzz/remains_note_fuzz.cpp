// rooms: broker
// What was noted of an unfinished file: whatever is read makes sense within the file's size, and is written back as it
// was.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "p2p/base/limits.hpp"
#include "p2p/broker/transfer/remains_note.hpp"

using namespace packswarm;

namespace {

void look_at(ByteView text) {
    const auto note = broker::RemainsNote::parse(text);
    if (!note) return;
    if (note->size < 0 || note->size > limits::max_artifact) std::abort();
    for (const auto& gift : note->gifts)
        if (gift.range.begin < 0 || gift.range.begin >= gift.range.end || gift.range.end > note->size ||
            gift.giver.empty())
            std::abort();
    const auto again = broker::RemainsNote::parse(note->text());
    if (!again || again->gifts != note->gifts || again->digest != note->digest || again->size != note->size)
        std::abort();
}

}  // namespace

// The input is a note, and the lines of one that lacks its checksum.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    look_at(as_bytes(text));
    look_at(as_bytes(broker::RemainsNote::sealed(text)));
    return 0;
}
