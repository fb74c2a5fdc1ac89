#include "tests/sim/day.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "p2p/base/limits.hpp"
#include "p2p/core/canonical.hpp"
#include "verify/hasher.hpp"

namespace packswarm::test {

namespace {

using Fault = MirrorManner::Fault;

std::string noise(std::mt19937_64& random, std::size_t size) {
    std::string out(size, static_cast<char>(random()));
    for (std::size_t at = 0; at + 8 <= size; at += 1024) {
        const auto word = random();
        std::memcpy(out.data() + at, &word, 8);
    }
    return out;
}

World::Artifact artifact_of(std::string content) {
    World::Artifact out;
    const auto bytes = static_cast<ByteCount>(content.size());
    for (std::size_t piece = 0; bytes > limits::small_artifact && piece < core::piece_count(bytes); ++piece) {
        const auto range = core::piece_range(bytes, piece);
        out.pieces.push_back(
            verify::piece_hash_of(ByteView(content.data() + range.begin, static_cast<std::size_t>(range.length()))));
    }
    out.content = std::move(content);
    return out;
}

}  // namespace

Day::Day(unsigned number) : seed(number) {
    std::mt19937_64 random(seed * 7919ULL + 1);
    const auto any = [&](std::size_t below) { return static_cast<std::size_t>(random() % below); };
    const auto mirror_count = 1 + any(3);
    outage = any(12) == 0;
    interrupted = seed % 6 == 5;
    for (std::size_t i = 0; i < mirror_count; ++i) {
        bases.push_back("http://m" + std::to_string(i));
        auto& mirror = mirrors[bases.back()];
        mirror.manner.total = mirror.manner.rate = 4e5 * static_cast<double>(1 + any(15));
        mirror.manner.first_byte = Millis(5 + any(150));
        mirror.manner.lie = static_cast<unsigned char>(0xff - i);
        if (i > 0 && any(2) == 0) mirror.manner.fault = static_cast<Fault>(any(6));
        if (i > 0 && any(6) == 0) mirror.then = static_cast<Fault>(1 + any(5));
        if (outage) mirror.then = any(2) == 0 ? Fault::silent : Fault::refused_connection;
        if (mirror.manner.fault == Fault::wrong_bytes && mirror.then == Fault::dribble)
            mirror.then = Fault::none;  // to know it takes minutes, alone or not
        if (mirror.then != Fault::none) mirror.breaks = Millis(150 + any(1500));
    }
    const auto count = 2 + any(3) + (any(8) == 0 ? any(4) : 0);
    for (std::size_t i = 0; i < count; ++i) {
        HonestAgent agent;
        agent.line = {5e5 * static_cast<double>(1 + any(20)), 25e6, Millis(1 + any(40)),
                      any(4) == 0 ? broker::Reach::lan : broker::Reach::wan};
        agent.arrives = Millis(any(3) == 0 ? any(2000) : 0);
        if (i > 0 && any(10) == 0) agent.leaves = Millis(200 + any(2500));
        agent.shares = any(6) != 0;
        agents.push_back(agent);
    }
    if (any(2) == 0)
        for (auto liars = 1 + any(3); liars > 0; --liars)
            lies.push_back(static_cast<Lie>(1 + any(static_cast<std::size_t>(Lie::last))));
    if (outage) std::erase(lies, Lie::drip);  // who has nobody else is served for hours
    const auto artifacts = 4 + any(6);
    const auto drawn = any(5) == 0 ? 1 + any(2) : 0,
               large = std::max<std::size_t>(drawn, interrupted || seed >= days_of_whole_files ? 1 + seed % 2 : 0);
    for (std::size_t i = 0; i < artifacts; ++i) {
        auto size = 1 + any(any(4) == 0 ? 200'000 : 30'000);
        if (i < large)
            size = static_cast<std::size_t>(limits::small_artifact) + 1 + any(seed % 32 == 0 ? 4'000'000 : 400'000);
        auto content = noise(random, size);
        digests.push_back(verify::digest_of(as_bytes(content)));
        is_private.push_back(any(8) == 0);
        world.artifacts[digests.back()] = artifact_of(std::move(content));
    }
    for (std::size_t agent = 0; agent < agents.size(); ++agent) {
        const Millis begins(any(2) == 0 ? 100 : 100 + any(2000));
        for (std::size_t i = 0; i < artifacts; ++i) {
            if (any(5) == 0) continue;
            wishes.push_back({agent, i, begins + Millis(any(10)), {}});
            if (any(25) == 0) wishes.back().cancelled = Millis(any(400));
            if (any(25) == 0) wishes.push_back({agent, i, begins + Millis(any(300)), {}});  // twice
        }
    }
    look_ahead();
    interrupt();
    lose_ranges();
}

// Not drawn from the day's own numbers: what they make of a seed stays the same.
void Day::look_ahead() {
    is_known_ahead = seed % 4 == 1;
    if (!is_known_ahead) return;
    if (seed % 12 == 1) ahead_ends = Millis(100 + seed % 1000);
    std::map<std::size_t, int> asked;
    for (auto& wish : wishes) wish.at += Millis(120) * (asked[wish.agent]++ / 2);
}

void Day::lose_ranges() {
    whole_files = seed >= days_of_whole_files;
    for (std::size_t i = 0; whole_files && i < bases.size(); ++i) {
        const auto kind = (seed / 7 + i * 5 + seed % (i + 3)) % 6;
        if (kind < 4) mirrors[bases[i]].manner.parts = static_cast<MirrorManner::Parts>(kind);
    }
}

void Day::interrupt() {
    for (std::size_t i = 0, count = wishes.size(); interrupted && i < count; ++i) {
        if (size(wishes[i].artifact) <= limits::small_artifact) continue;
        const auto once = wishes[i];
        wishes[i].cancelled = Millis(100 + (seed * 31 + i * 977) % 2000);
        wishes.push_back(
            {once.agent, once.artifact, once.at + *wishes[i].cancelled + Millis(seed / 6 % 2 * 1000), once.cancelled});
    }
}

bool Day::mirrors_lie() const {
    return std::any_of(mirrors.begin(), mirrors.end(),
                       [](const auto& item) { return item.second.has(Fault::wrong_bytes); });
}

std::string Day::path(std::size_t artifact) const {
    return std::string(is_private[artifact] ? "/private/" : "/core/") + "p" + std::to_string(artifact) + ".pkg.tar.zst";
}

std::string Day::text() const {
    constexpr const char* parts[] = {"", " (parts from the start)", " (no parts)", " (parts without a name)"};
    constexpr const char* faults[] = {"fine", "absent", "refuses", "silent", "lies", "dribbles"};
    auto out = fmt::format("{} agents, {} artifacts", agents.size(), digests.size());
    for (const auto& [base, mirror] : mirrors)
        out += fmt::format(", {} {} KB/s {}{}{}", base, static_cast<int>(mirror.manner.total / 1000),
                           faults[static_cast<int>(mirror.manner.fault)], parts[static_cast<int>(mirror.manner.parts)],
                           mirror.breaks ? fmt::format(" then {} at {} ms", faults[static_cast<int>(mirror.then)],
                                                       mirror.breaks->count())
                                         : "");
    for (const auto lie : lies) out += fmt::format(", {}", to_string(lie));
    return out + (outage ? ", outage" : "") + (is_known_ahead ? ", known ahead" : "") +
           (interrupted ? ", interrupted" : "");
}

}  // namespace packswarm::test
