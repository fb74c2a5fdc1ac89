#include "p2p/core/rendezvous_plan.hpp"

#include <algorithm>
#include <cmath>

namespace packswarm::core {

namespace {

constexpr Millis first_again{1'000};
constexpr int max_doublings = 20;

std::uint64_t word(AgentNumber number, std::size_t at) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | number[at + i];
    return out;
}

// splitmix64's finish: every bit of the input changes about half of the output's.
std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
    value = (value ^ value >> 27) * 0x94d049bb133111ebU;
    return value ^ value >> 31;
}

}  // namespace

Millis announce_delay(int done, bool is_alone, Millis interval, double chance) {
    auto delay = interval;
    if (is_alone) delay = std::min(interval, first_again * (std::int64_t{1} << std::clamp(done - 1, 0, max_doublings)));
    return delay +
           Millis(static_cast<std::int64_t>(static_cast<double>(delay.count()) * 0.1 * std::clamp(chance, 0.0, 1.0)));
}

std::string shard_name(AgentNumber number, int bits) {
    std::string out;
    for (int bit = 0; bit < std::min(bits, max_shard_bits); ++bit)
        out += (number[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0 ? '1' : '0';
    return out;
}

bool leaves_for_shard(AgentNumber number, int bits, std::size_t seen, std::size_t wanted) {
    if (bits >= max_shard_bits || wanted == 0 || seen <= wanted) return false;
    const auto draw =
        static_cast<double>(mixed(word(number, 8) + static_cast<std::uint64_t>(bits) * 0x9e3779b97f4a7c15U)) * 0x1p-64;
    return draw >= std::pow(static_cast<double>(wanted) / static_cast<double>(seen), 3);
}

}  // namespace packswarm::core
