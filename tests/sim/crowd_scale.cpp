// The planner at scale: N agents, each with a board of its own and plan::decide, in a network made of rates only (no
// packets, no latency, no bytes, nobody lies). The lab's lines: mirrors 60, uplinks 20, downlinks 100 Mbit/s, 143 MB
// for everybody; each agent knows some others at random and nobody else. Prints time over the bound of Kumar and Ross
// (2006) as a line of CSV. Usage: crowd_scale N [first-hand|relay] [mirror Mbit/s per agent, on top of the 60]
// [neighbours, 50] [seed] relay is what would be if borrowed pieces were lent on, which they are not.
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>

#include "p2p/core/canonical.hpp"
#include "p2p/plan/crowd.hpp"
#include "p2p/plan/plan.hpp"

namespace packswarm::plan {
namespace {

constexpr double mbit = 1e6 / 8;       // bytes per second
constexpr std::size_t artifacts = 40;  // four large ones, the others of 1 MiB
constexpr double up = 20 * mbit, down = 100 * mbit;
const SourceId mirror{1};

constexpr std::size_t large_ones = 4;
ByteCount size_of(std::size_t artifact) {
    constexpr ByteCount sizes[large_ones] = {48, 24, 16, 8};
    return artifact < large_ones ? sizes[artifact] * limits::mib : limits::mib;
}
std::size_t number(WantId id) { return static_cast<std::size_t>(id); }

struct Flow {
    std::size_t agent = 0, from = 0;  // from: an agent, or the number of agents for the mirrors
    WantId want{};
    ClaimId claim{};
};

struct Agent {
    Board board;
    std::map<SourceId, std::size_t> peers;              // who a source is
    std::map<std::size_t, SourceId> sources;            // and the way back
    std::vector<core::RangeSet> first_hand{artifacts};  // may be lent
    std::vector<std::vector<bool>> lent{large_ones};    // pieces of the large ones
    std::set<std::size_t> news;                         // of the large ones
    bool due = true;
    double done_s = 0;
    std::uint64_t next_claim = 1;
};

class Scale {
  public:
    Scale(std::size_t count, bool relays, double mirrors, std::size_t neighbours, unsigned seed)
        : agents_(count), relays_(relays), mirrors_(mirrors), random_(seed) {
        connect(std::min(neighbours, count - 1));
        for (auto& agent : agents_) prepare(agent);
    }

    double run() {
        for (std::size_t left = agents_.size(); left > 0 && now_s_ < 7200; now_s_ += step_s()) {
            replan();
            flow();
            tell_news();
            if (std::getenv("CROWD_SCALE_TRACE") != nullptr && std::fmod(now_s_, 5) < step_s()) trace();
            left = static_cast<std::size_t>(
                std::count_if(agents_.begin(), agents_.end(), [](const Agent& agent) { return agent.done_s == 0; }));
        }
        double last = 0;
        for (const auto& agent : agents_) last = std::max(last, agent.done_s == 0 ? 1e9 : agent.done_s);
        return last;
    }
    double from_mirrors() const { return static_cast<double>(from_mirrors_); }
    double plan_us() const { return plan_s_ * 1e6 / static_cast<double>(std::max<std::uint64_t>(1, plans_)); }

  private:
    // Who owns a small artifact has 200 ms to say that it is at work: the beginning is looked at more closely.
    // Whose get has ended has nothing from there until the next step, which makes lines seem slower: large crowds pay
    // that for their number.
    double step_s() const { return now_s_ < 1 || agents_.size() <= 200 ? 0.05 : 0.25; }
    TimePoint now() const {
        return TimePoint(std::chrono::milliseconds(1'000'000 + static_cast<std::int64_t>(now_s_ * 1000)));
    }

    // For people: what is missing, and how much of the lines is in use.
    void trace() {
        double missing[2] = {0, 0};
        for (const auto& agent : agents_)
            for (const auto& [id, want] : agent.board.wants)
                missing[number(id) < large_ones] += static_cast<double>(want.size - want.done.total()) / 1e6;
        std::set<std::size_t> giving;
        std::size_t at_mirrors = 0;
        for (const auto& flow : flows_)
            flow.from == agents_.size() ? void(++at_mirrors) : void(giving.insert(flow.from));
        std::fprintf(stderr,
                     "%6.1f s: %.1f MB of small and %.1f MB of large missing, %zu giving, %zu gets at mirrors, %.1f MB "
                     "from them\n",
                     now_s_, missing[0], missing[1], giving.size(), at_mirrors,
                     static_cast<double>(from_mirrors_) / 1e6);
    }

    void connect(std::size_t degree) {
        const auto count = agents_.size();
        for (std::size_t i = 0; i < count; ++i)
            for (int tries = 0; agents_[i].peers.size() < degree && tries < 300; ++tries) {
                const auto other = static_cast<std::size_t>(random_() % count);
                if (other == i || agents_[i].sources.count(other) != 0 || agents_[other].peers.size() >= degree)
                    continue;
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
        for (std::size_t i = 0; i < large_ones; ++i) agent.lent[i].resize(core::piece_count(size_of(i)));
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

    // All at the same moment: nobody knows what the others decide. Plans are pure, so that both cores may work.
    void replan() {
        std::vector<std::size_t> due;
        for (std::size_t i = 0; i < agents_.size(); ++i)
            if (std::exchange(agents_[i].due, false) && agents_[i].done_s == 0) due.push_back(i);
        std::vector<Decisions> decided(due.size());
        std::atomic<std::size_t> next = 0;
        const auto work = [&] {
            for (std::size_t k = next++; k < due.size(); k = next++) decided[k] = decide(agents_[due[k]].board, now());
        };
        const auto began = std::chrono::steady_clock::now();
        std::thread other(work);
        work();
        other.join();
        plan_s_ += 2 * std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        plans_ += due.size();
        for (std::size_t k = 0; k < due.size(); ++k) carry_out(due[k], decided[k]);
    }

    void carry_out(std::size_t i, const Decisions& decisions) {
        auto& agent = agents_[i];
        for (const auto& stop : decisions.stops) end_claim(agent, stop.want, stop.claim);
        for (const auto& shorten : decisions.shortens)
            agent.board.wants.at(shorten.want).claims.at(shorten.claim).range.end = shorten.end;
        for (const auto& start : decisions.starts) {
            const auto id = ClaimId{agent.next_claim++};
            agent.board.wants.at(start.want).claims[id] = {start.source, start.range,  0, now(), now(),
                                                           now(),        start.purpose};
            ++agent.board.sources.at(start.source).busy;
            flows_.push_back(
                {i, start.source == mirror ? agents_.size() : agent.peers.at(start.source), start.want, id});
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

    using Gets = std::vector<std::pair<ByteCount, const Flow*>>;  // with what is left of each

    // One step: each giver's line is shared evenly among its connections, what one of them does not need goes to the
    // others; on each what is small goes first, as swarm::Giver has it. No taker gets more than its own line carries.
    void flow() {
        std::erase_if(flows_, [this](const Flow& flow) { return claim_of(flow) == nullptr; });
        std::map<std::size_t, std::map<std::size_t, Gets>> givers;
        for (const auto& flow : flows_) givers[flow.from][flow.agent].emplace_back(claim_of(flow)->left(), &flow);
        std::vector<double> room(agents_.size(), down * step_s());
        for (auto& [giver, connections] : givers) {
            if (giver == agents_.size()) {  // at a mirror each get is a connection
                Gets all;
                for (const auto& [taker, gets] : connections) all.insert(all.end(), gets.begin(), gets.end());
                share(all, mirrors_ * step_s(), room);
                continue;
            }
            std::vector<std::pair<ByteCount, Gets*>> order;
            for (auto& [taker, gets] : connections)
                order.emplace_back(std::accumulate(gets.begin(), gets.end(), ByteCount{0},
                                                   [](ByteCount sum, const auto& get) { return sum + get.first; }),
                                   &gets);
            std::sort(order.begin(), order.end());
            double line = up * step_s();
            for (std::size_t i = 0; i < order.size(); ++i) {
                const double part = line / static_cast<double>(order.size() - i);
                auto& gets = *order[i].second;
                const auto large = std::partition(
                    gets.begin(), gets.end(), [](const auto& get) { return number(get.second->want) >= large_ones; });
                line -= part - share({large, gets.end()}, share({gets.begin(), large}, part, room), room);
            }
        }
    }

    // Evenly, what one does not need goes to the others. Returns what is left.
    double share(std::span<std::pair<ByteCount, const Flow*>> gets, double line, std::vector<double>& room) {
        std::sort(gets.begin(), gets.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (std::size_t i = 0; i < gets.size(); ++i) {
            const auto& flow = *gets[i].second;
            const auto moved = static_cast<double>(
                move(flow, std::max(0.0, std::min(line / static_cast<double>(gets.size() - i), room[flow.agent]))));
            line -= moved;
            room[flow.agent] -= moved;
        }
        return line;
    }

    ByteCount move(const Flow& flow, double most) {
        auto& agent = agents_[flow.agent];
        auto* claim = claim_of(flow);
        if (claim == nullptr) return 0;  // another get has brought the last of it
        auto& want = agent.board.wants.at(flow.want);
        auto& source = agent.board.sources.at(claim->source);
        const auto bytes = std::min<ByteCount>(claim->left(), static_cast<ByteCount>(most) + 1);
        const double rate = static_cast<double>(bytes) / step_s();
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
        return bytes;
    }

    void lend(Agent& agent, std::size_t artifact, ByteRange got) {
        const auto size = size_of(artifact), length = core::piece_length(size);
        auto& lent = agent.lent[artifact];
        for (auto piece = static_cast<std::size_t>(got.begin / length);
             piece < lent.size() && core::piece_range(size, piece).begin < got.end; ++piece) {
            if (lent[piece] || !agent.first_hand[artifact].covers(core::piece_range(size, piece))) continue;
            lent[piece] = true;
            agent.news.insert(artifact);
        }
    }

    void complete(std::size_t i, WantId id) {
        auto& agent = agents_[i];
        while (!agent.board.wants.at(id).claims.empty())
            end_claim(agent, id, agent.board.wants.at(id).claims.begin()->first);
        agent.board.wants.erase(id);
        if (agent.board.wants.empty()) agent.done_s = now_s_ + step_s();
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
        for (auto& agent : agents_)
            agent.due = agent.due || now_s_ < 1 || std::fmod(now_s_, 1) < step_s();  // the broker's own tick
    }

    std::vector<Agent> agents_;
    const bool relays_;
    const double mirrors_;
    std::mt19937_64 random_;
    std::vector<Flow> flows_;
    double now_s_ = 0, plan_s_ = 0;
    ByteCount from_mirrors_ = 0;
    std::uint64_t plans_ = 0;
};

}  // namespace
}  // namespace packswarm::plan

int main(int argc, char** argv) {
    using namespace packswarm::plan;
    if (argc < 2)
        return std::fprintf(stderr,
                            "usage: crowd_scale N [first-hand|relay] [mirror Mbit/s per agent] [neighbours] [seed]\n"),
               2;
    const auto count = static_cast<std::size_t>(std::max(2L, std::atol(argv[1])));
    const std::string lending = argc > 2 ? argv[2] : "first-hand";
    const double agents = static_cast<double>(count);
    const double mirrors = (60 + (argc > 3 ? std::atof(argv[3]) : 0) * agents) * mbit;
    double bytes = 0;
    for (std::size_t i = 0; i < artifacts; ++i) bytes += static_cast<double>(size_of(i));
    const double bound = std::max({bytes / mirrors, bytes / down, agents * bytes / (mirrors + agents * up)});
    const auto neighbours = static_cast<std::size_t>(argc > 4 ? std::max(1L, std::atol(argv[4])) : 50);
    Scale scale(count, lending == "relay", mirrors, neighbours,
                argc > 5 ? static_cast<unsigned>(std::atoi(argv[5])) : 1);
    const double took = scale.run();
    std::printf("%zu,%s,%zu,%.0f,%.1f,%.1f,%.3f,%.4f,%.0f\n", count, lending.c_str(), std::min(neighbours, count - 1),
                mirrors / mbit, bound, took, took / bound, scale.from_mirrors() / (agents * bytes), scale.plan_us());
    return 0;
}
