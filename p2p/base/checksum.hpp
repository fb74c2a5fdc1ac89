// CRC-32 as in zip: finds what a disk has spoiled in our own notes. Who could forge it could write the notes as well.
#pragma once

#include <cstdint>
#include <string_view>

namespace packswarm {

std::uint32_t crc32(std::string_view text);

}  // namespace packswarm
