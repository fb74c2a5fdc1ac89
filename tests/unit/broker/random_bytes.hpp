// Bytes of files that are made up: the same for the same seed, and like no others. Fast (splitmix64), since some files
// are large.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace packswarm::test {

inline std::string random_bytes(std::size_t size, std::uint64_t seed) {
    std::string out(size + 8, '\0');
    std::uint64_t state = seed << 32;
    for (std::size_t at = 0; at < size; at += 8) {
        std::uint64_t word = state += 0x9e3779b97f4a7c15U;
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9U;
        word = (word ^ (word >> 27)) * 0x94d049bb133111ebU;
        word ^= word >> 31;
        std::memcpy(out.data() + at, &word, 8);
    }
    out.resize(size);
    return out;
}

}  // namespace packswarm::test
