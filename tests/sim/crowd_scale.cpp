// The planner at scale: N agents, each with a board of its own and core::plan, in a network made of rates only (no packets, no
// latency, no bytes). Prints time over the bound of Kumar and Ross (2006) as CSV. Everything an eighth of the lab: mirrors 60, uplinks
// 20, downlinks 100 Mbit/s and 142 MB become 7.5, 2.5, 12.5 and 17 MB; ratios stay the same and 0.25 s is a fine step.
// Usage: crowd_scale N [first-hand|relay] [mirror Mbit/s per agent, on top of the 60] [seed]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <string>
#include <utility>

#include "p2p/core/canonical.hpp"
#include "p2p/core/crowd.hpp"
#include "p2p/core/plan.hpp"

namespace packswarm::core {
namespace {

constexpr double mbit = 1e6 / 8 / 8;     // bytes per second, an eighth
constexpr double step_s = 0.25;
constexpr std::size_t neighbours = 30;
constexpr std::size_t artifacts = 40;    // one of 8 MiB (128 pieces), three of 2 MiB, small ones of 64 KiB
constexpr int flows_at_mirrors = 96;     // answers that mirrors give at once; other requests stand in line
constexpr double up = 20 * mbit, down = 100 * mbit;
const SourceId mirror{1};

constexpr std::size_t large_ones = 4;
ByteCount size_of(std::size_t artifact) { return artifact == 0 ? 8 * limits::mib : artifact < large_ones ? 2 * limits::mib : 64 * limits::kib; }
std::size_t number(WantId id) { return static_cast<std::size_t>(id); }

struct Flow {
    std::size_t agent = 0, from = 0;     // from: an agent, or the number of agents for the mirrors
    WantId want{};
    ClaimId claim{};
    ByteCount moved = 0;
    bool open = true;
};

struct Agent {
    Board board;
    std::map<SourceId, std::size_t> peers;          // who a source is
    std::map<std::size_t, SourceId> sources;        // and the way back
    std::vector<RangeSet> first_hand{artifacts};     // may be lent
    std::vector<std::vector<bool>> lent{large_ones};  // pieces of the large ones
    std::set<std::size_t> news;                      // of the large ones
    bool due = true;
    double done_s = 0;
    std::uint64_t next_claim = 1;
};

class Scale {
  public:
    Scale(std::size_t count, bool relays, double mirrors, unsigned seed) : agents_(count), relays_(relays), mirrors_(mirrors), random_(seed) {
        connect();
        for (auto& agent : agents_) prepare(agent);
    }

    double run() {
        for (std::size_t left = agents_.size(); left > 0 && now_s_ < 7200; now_s_ += step_s) {
            for (std::size_t i = 0; i < agents_.size(); ++i)
                if (std::exchange(agents_[i].due, false) && agents_[i].done_s == 0) replan(i);
            flow();
            tell_news();
            if (std::getenv("CROWD_SCALE_TRACE") != nullptr && static_cast<int>(now_s_ / step_s) % 20 == 0) trace();
            left = static_cast<std::size_t>(std::count_if(agents_.begin(), agents_.end(), [](const Agent& agent) { return agent.done_s == 0; }));
        }
        double last = 0;
        for (const auto& agent : agents_) last = std::max(last, agent.done_s == 0 ? 1e9 : agent.done_s);
        return last;
    }
    double from_mirrors() const { return static_cast<double>(from_mirrors_); }
    double plan_us() const { return plan_s_ * 1e6 / static_cast<double>(std::max<std::uint64_t>(1, plans_)); }

  private:
    TimePoint now() const { return TimePoint(std::chrono::milliseconds(1'000'000 + static_cast<std::int64_t>(now_s_ * 1000))); }

    // For people: what is missing, and how much of the lines is in use.
    void trace() {
        double missing[2] = {0, 0};
        for (const auto& agent : agents_)
            for (const auto& [id, want] : agent.board.wants) missing[number(id) < large_ones] += static_cast<double>(want.size - want.done.total()) / 1e6;
        std::set<std::size_t> giving;
        std::size_t at_mirrors = 0;
        for (const auto& flow : flows_) flow.from == agents_.size() ? void(++at_mirrors) : void(giving.insert(flow.from));
        std::fprintf(stderr, "%6.1f s: %.1f MB of small and %.1f MB of large missing, %zu giving, %zu gets at mirrors, %.1f MB from them\n", now_s_, missing[0], missing[1],
                     giving.size(), at_mirrors, static_cast<double>(from_mirrors_) / 1e6);
    }

    void connect() {
        const auto count = agents_.size();
        const auto degree = std::min(neighbours, count - 1);
        for (std::size_t i = 0; i < count; ++i)
            for (int tries = 0; agents_[i].peers.size() < degree && tries < 300; ++tries) {
                const auto other = static_cast<std::size_t>(random_() % count);
                if (other == i || agents_[i].sources.count(other) != 0 || agents_[other].peers.size() >= degree) continue;
                for (const auto& [a, b] : {std::pair(i, other), std::pair(other, i)}) {
                    const auto id = SourceId{static_cast<std::uint32_t>(2 + agents_[a].peers.size())};
                    agents_[a].peers[id] = b;
                    agents_[a].sources[b] = id;
                }
            }
        for (std::size_t i = 0; i < count; ++i) agents_[i].board.key = random_();
    }

    void prepare(Agent& agent) {
        agent.board.crowd_until = now() + std::chrono::hours(1);
        auto& at_mirrors = agent.board.sources[mirror];
        at_mirrors.proven = 1LL << 40;
        for (const auto& [id, peer] : agent.peers) {
            auto& source = agent.board.sources[id];
            source.role = Role::wan_peer;
            source.slots = 32;
            source.key = agents_[peer].board.key;
            source.trusted = 1LL << 40;  // an honest crowd: what is compared with mirrors to find liars is left out
        }
        for (std::size_t i = 0; i < large_ones; ++i) agent.lent[i].resize(piece_count(size_of(i)));
        for (std::size_t i = 0; i < artifacts; ++i) {
            auto& want = agent.board.wants[WantId{i}];
            want.size = size_of(i);
            want.created = want.grown = now();
            want.mirrors = {mirror};
            want.head_agreed = want.crowd.company = true;
            want.crowd.seed = 1000 + i;
            for (const auto& [id, peer] : agent.peers) want.crowd.seekers.insert(id);
        }
    }

    void replan(std::size_t i) {
        auto& agent = agents_[i];
        const auto began = std::chrono::steady_clock::now();
        const auto decisions = plan(agent.board, now());
        plan_s_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        ++plans_;
        for (const auto& stop : decisions.stops) end_claim(agent, stop.want, stop.claim);
        for (const auto& shorten : decisions.shortens) agent.board.wants.at(shorten.want).claims.at(shorten.claim).range.end = shorten.end;
        for (const auto& start : decisions.starts) {
            const auto id = ClaimId{agent.next_claim++};
            agent.board.wants.at(start.want).claims[id] = {start.source, start.range, 0, now(), now(), now(), start.purpose};
            ++agent.board.sources.at(start.source).busy;
            flows_.push_back({i, start.source == mirror ? agents_.size() : agent.peers.at(start.source), start.want, id});
            if (start.source == mirror && number(start.want) >= large_ones) announce(i, start.want);
        }
    }

    // "It is on its way here": of a small one.
    void announce(std::size_t i, WantId want) {
        for (const auto& [id, peer] : agents_[i].peers)
            if (const auto at = agents_[peer].board.wants.find(want); at != agents_[peer].board.wants.end())
                at->second.crowd.fetching.emplace(agents_[peer].sources.at(i), now());
    }

    void end_claim(Agent& agent, WantId want, ClaimId claim) {
        auto& claims = agent.board.wants.at(want).claims;
        const auto at = claims.find(claim);
        if (at == claims.end()) return;
        --agent.board.sources.at(at->second.source).busy;
        claims.erase(at);
        agent.due = true;
    }

    Claim* claim_of(const Flow& flow) {
        auto& wants = agents_[flow.agent].board.wants;
        const auto want = wants.find(flow.want);
        if (want == wants.end()) return nullptr;
        const auto claim = want->second.claims.find(flow.claim);
        return claim == want->second.claims.end() ? nullptr : &claim->second;
    }

    // One step: each giver's line is shared evenly among its gets, then each taker's downlink cuts what is too much.
    void flow() {
        std::vector<int> load(agents_.size() + 1, 0);
        std::vector<double> wanted(agents_.size(), 0);
        std::vector<double> rates(flows_.size(), 0);
        std::erase_if(flows_, [this](const Flow& flow) { return claim_of(flow) == nullptr; });
        for (auto& flow : flows_) {
            auto& at = load[flow.from];
            flow.open = flow.from != agents_.size() || at < flows_at_mirrors;
            if (flow.open) ++at;
        }
        for (std::size_t i = 0; i < flows_.size(); ++i) {
            const auto& flow = flows_[i];
            if (!flow.open) continue;
            rates[i] = (flow.from == agents_.size() ? mirrors_ : up) / load[flow.from];
            wanted[flow.agent] += rates[i];
        }
        for (std::size_t i = 0; i < flows_.size(); ++i)
            if (flows_[i].open) move(flows_[i], rates[i] * std::min(1.0, down / wanted[flows_[i].agent]));
    }

    void move(Flow& flow, double rate) {
        auto& agent = agents_[flow.agent];
        auto* claim = claim_of(flow);
        if (claim == nullptr) return;
        auto& want = agent.board.wants.at(flow.want);
        auto& source = agent.board.sources.at(claim->source);
        const auto bytes = std::min<ByteCount>(claim->left(), static_cast<ByteCount>(rate * step_s) + 1);
        if (claim->received == 0) claim->first_byte = now();
        claim->last_byte = now();
        source.rate = source.rate == 0 ? rate * source.busy : 0.9 * source.rate + 0.1 * rate * source.busy;
        source.rate_known = true;
        const ByteRange fresh{claim->next(), claim->next() + bytes};
        claim->received += bytes;
        if (flow.from == agents_.size()) from_mirrors_ += bytes;
        if (!want.is_small() || claim->left() == 0) {
            const auto got = want.is_small() ? ByteRange{0, want.size} : fresh;
            want.done.add(got);
            want.grown = now();
            if (flow.from == agents_.size() || relays_) agent.first_hand[number(flow.want)].add(got);
            if (!want.is_small()) lend(agent, number(flow.want), got);
        }
        if (claim->left() == 0) end_claim(agent, flow.want, flow.claim);
        if (want.done.total() == want.size) complete(flow.agent, flow.want);
    }

    void lend(Agent& agent, std::size_t artifact, ByteRange got) {
        const auto size = size_of(artifact), length = piece_length(size);
        auto& lent = agent.lent[artifact];
        for (auto piece = static_cast<std::size_t>(got.begin / length); piece < lent.size() && piece_range(size, piece).begin < got.end; ++piece) {
            if (lent[piece] || !agent.first_hand[artifact].covers(piece_range(size, piece))) continue;
            lent[piece] = true;
            agent.news.insert(artifact);
        }
    }

    void complete(std::size_t i, WantId id) {
        auto& agent = agents_[i];
        while (!agent.board.wants.at(id).claims.empty()) end_claim(agent, id, agent.board.wants.at(id).claims.begin()->first);
        agent.board.wants.erase(id);
        if (agent.board.wants.empty()) agent.done_s = now_s_ + step_s;
        if (number(id) < large_ones) {
            agent.lent[number(id)].assign(agent.lent[number(id)].size(), true);
            agent.news.insert(number(id));
            return;
        }
        for (const auto& [source, peer] : agent.peers)
            if (const auto at = agents_[peer].board.wants.find(id); at != agents_[peer].board.wants.end()) {
                const auto us = agents_[peer].sources.at(i);
                at->second.peers.push_back(us);
                at->second.crowd.seekers.erase(us);
                agents_[peer].due = true;
            }
    }

    void tell_news() {
        for (std::size_t i = 0; i < agents_.size(); ++i)
            for (const auto artifact : std::exchange(agents_[i].news, {}))
                for (const auto& [source, peer] : agents_[i].peers) {
                    const auto at = agents_[peer].board.wants.find(WantId{artifact});
                    if (at == agents_[peer].board.wants.end()) continue;
                    at->second.crowd.lenders.set(agents_[peer].sources.at(i), agents_[i].lent[artifact]);
                    agents_[peer].due = true;
                }
        for (auto& agent : agents_) agent.due = agent.due || static_cast<int>(now_s_ / step_s) % 4 == 0;  // the broker's own tick
    }

    std::vector<Agent> agents_;
    const bool relays_;
    const double mirrors_;
    std::mt19937_64 random_;
    std::deque<Flow> flows_;
    double now_s_ = 0, plan_s_ = 0;
    ByteCount from_mirrors_ = 0;
    std::uint64_t plans_ = 0;
};

}  // namespace
}  // namespace packswarm::core

int main(int argc, char** argv) {
    using namespace packswarm::core;
    if (argc < 2) return std::fprintf(stderr, "usage: crowd_scale N [first-hand|relay] [mirror Mbit/s per agent] [seed]\n"), 2;
    const auto count = static_cast<std::size_t>(std::max(2L, std::atol(argv[1])));
    const std::string lending = argc > 2 ? argv[2] : "first-hand";
    const double agents = static_cast<double>(count);
    const double mirrors = (60 + (argc > 3 ? std::atof(argv[3]) : 0) * agents) * mbit;
    double bytes = 0;
    for (std::size_t i = 0; i < artifacts; ++i) bytes += static_cast<double>(size_of(i));
    const double bound = std::max({bytes / mirrors, bytes / down, agents * bytes / (mirrors + agents * up)});
    Scale scale(count, lending == "relay", mirrors, argc > 4 ? static_cast<unsigned>(std::atoi(argv[4])) : 1);
    const double took = scale.run();
    std::printf("%zu,%s,%.0f,%.1f,%.1f,%.3f,%.4f,%.0f\n", count, lending.c_str(), mirrors / mbit, bound, took, took / bound, scale.from_mirrors() / (agents * bytes), scale.plan_us());
    return 0;
}
