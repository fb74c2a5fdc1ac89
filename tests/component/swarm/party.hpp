// Party: several real agents' swarm rooms in one process, each on its own loopback address, with a real vault and a
// record of what its peers told. Thread: the test's, which runs the one loop they share.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <list>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "p2p/core/canonical.hpp"
#include "p2p/store/vault.hpp"
#include "p2p/swarm/swarm.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/file_verifier.hpp"
#include "verify/hasher.hpp"

namespace packswarm::test {

// Bytes that differ from seed to seed.
inline Bytes noise(std::size_t size, unsigned seed) {
    Bytes out(size);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (char& byte : out)
        byte = static_cast<char>((state = state * 6364136223846793005U + 1442695040888963407U) >> 56);
    return out;
}

inline core::Lineage a_lineage(const std::string& suite = "bookworm") {
    return {test::debian(), "4CB50190207B4758A3F73A796ED0E7B82643E131", suite, "amd64"};
}

inline PieceHashes hashes_of(const Bytes& bytes) {
    PieceHashes out;
    const auto size = static_cast<ByteCount>(bytes.size());
    for (std::size_t piece = 0; piece < core::piece_count(size); ++piece) {
        const auto range = core::piece_range(size, piece);
        out.push_back(verify::piece_hash_of(
            ByteView(bytes).subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.length()))));
    }
    return out;
}

// Everything that peers told one agent.
struct Record : broker::PeerObserver {
    std::map<broker::PeerId, broker::PeerView> up;
    std::set<broker::PeerId> down;
    std::vector<broker::PeerOffer> offers;
    std::vector<broker::PeerSnapshot> snapshots;
    std::vector<broker::PeerLoan> loans;
    std::set<Digest> sought;

    void peer_up(const broker::PeerView& peer) override { up[peer.id] = peer; }
    void peer_down(broker::PeerId peer) override {
        up.erase(peer);
        down.insert(peer);
    }
    void peer_offers(std::vector<broker::PeerOffer> more) override {
        offers.insert(offers.end(), more.begin(), more.end());
    }
    void peer_lends(const broker::PeerLoan& loan) override { loans.push_back(loan); }
    void peer_seeks(broker::PeerId, const std::vector<Digest>& digests) override {
        sought.insert(digests.begin(), digests.end());
    }
    void peer_snapshot(const broker::PeerSnapshot& snapshot) override { snapshots.push_back(snapshot); }
};

struct Agent {
    std::filesystem::path folder;
    TestLoop& loop;
    std::string address;
    Record record;
    std::unique_ptr<store::Vault> vault;
    std::unique_ptr<swarm::Swarm> swarm;

    Agent(TestLoop& the_loop, Workers& workers, const swarm::SwarmSettings& settings,
          broker::PeerMemory* memory = nullptr)
        : loop(the_loop), address(settings.listen_address) {
        std::string name = (std::filesystem::temp_directory_path() / "packswarm-swarm.XXXXXX").string();
        folder = ::mkdtemp(name.data());
        auto opened = store::Vault::open({folder / "store", ByteCount{1} << 34, 0, {}}, loop, workers);
        if (!opened) throw std::runtime_error(opened.error().message);
        vault = std::move(*opened);
        auto started = swarm::Swarm::open(loop, settings, std::move(vault->reader().value()), memory);
        if (!started) throw std::runtime_error(started.error().message);
        swarm = std::move(*started);
        swarm->set_observer(&record);
    }
    ~Agent() {
        swarm.reset();
        vault.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder, ignored);
    }
    std::string endpoint() const { return address + ":" + std::to_string(swarm->port()); }
    broker::PeerId peer(const Agent& other) const {
        for (const auto& [id, view] : record.up)
            if (view.endpoint == other.endpoint()) return id;
        return broker::PeerId::none;
    }
    broker::PeerId only_peer() const { return record.up.size() == 1 ? record.up.begin()->first : broker::PeerId::none; }

    // Puts bytes into the vault the long way: staged, verified, published.
    StoredFile store(const Bytes& bytes) { return store(bytes, bytes.empty() ? PieceHashes{} : hashes_of(bytes)); }
    StoredFile store(const Bytes& bytes, PieceHashes pieces) {
        const auto staged = vault->stage(static_cast<ByteCount>(bytes.size())).value();
        EXPECT_TRUE(staged.write(0, bytes));
        const auto verified = verify::FileVerifier::check_all(staged, verify::digest_of(bytes)).value();
        std::optional<StoredFile> stored;
        vault->publish(
            verified,
            {verify::digest_of(bytes), static_cast<ByteCount>(bytes.size()), "a", {}, std::move(pieces), {}, false},
            [&](Result<StoredFile> file) { stored = file.value(); });
        if (!loop.run_until([&] { return stored.has_value(); })) throw std::runtime_error("not published");
        return *stored;
    }
    StoredFile share(const Bytes& bytes, const core::Lineage& lineage = a_lineage()) {
        auto file = store(bytes);
        offer(file.digest(), lineage);
        return file;
    }
    void offer(const Digest& digest, const core::Lineage& lineage = a_lineage()) {
        swarm->offer(lineage, {vault->brief(digest)->mark});
    }
    void be_in(const core::Lineage& lineage = a_lineage()) { swarm->set_lineages({{lineage, {}, {}, 0}}); }
};

struct Fetched {
    Bytes bytes;
    std::optional<Result<void>> result;
};

// A running join and what it told.
struct Joined {
    broker::JoinId id = broker::JoinId::none;
    std::optional<StagedFile> file;
    std::map<std::size_t, broker::PeerId> done;
    std::vector<std::size_t> wrong;
    std::optional<Error> ended;

    Digest digest() const { return verify::hash_file(file->handle()).value(); }
};

class Party : public ::testing::Test {
  protected:
    // libtorrent takes most of a second to end a session: all of them end at once.
    ~Party() override {
        std::vector<std::jthread> ends;
        for (const auto& one : agents_) ends.emplace_back([swarm = std::move(one->swarm)]() mutable { swarm.reset(); });
    }
    static swarm::SwarmSettings settings(int host) {
        swarm::SwarmSettings out;
        out.listen_address = "127.0.0." + std::to_string(host);
        out.port = 0;
        out.lan_discovery = false;
        out.outgoing_utp = false;
        return out;
    }
    static swarm::SwarmSettings knowing(swarm::SwarmSettings settings, const Agent& other) {
        settings.static_peers.push_back(other.endpoint());
        return settings;
    }
    Agent& agent(const swarm::SwarmSettings& settings, broker::PeerMemory* memory = nullptr) {
        return *agents_.emplace_back(std::make_unique<Agent>(loop_, workers_, settings, memory));
    }

    // Two agents of one lineage, the second of which knows the first.
    std::pair<Agent*, Agent*> pair() { return pair(settings(2), settings(3)); }
    std::pair<Agent*, Agent*> pair(const swarm::SwarmSettings& first, const swarm::SwarmSettings& second) {
        Agent& a = agent(first);
        a.be_in();
        Agent& b = agent(knowing(second, a));
        b.be_in();
        EXPECT_TRUE(wait([&] { return a.record.up.size() == 1 && b.record.up.size() == 1; }));
        return {&a, &b};
    }
    bool wait(const std::function<bool()>& done, Millis deadline = Millis(60'000)) {
        return loop_.run_until(done, deadline);
    }

    Fetched& get(Agent& by, broker::PeerId peer, const Digest& digest, ByteRange range) {
        auto& out = fetched_.emplace_back();
        out.bytes.resize(static_cast<std::size_t>(std::max<ByteCount>(range.length(), 0)));
        broker::GetEvents events;
        events.data = [&out, range](ByteCount offset, Bytes data) {
            ASSERT_LE(offset - range.begin + static_cast<ByteCount>(data.size()), range.length());
            std::copy(data.begin(), data.end(), out.bytes.begin() + (offset - range.begin));
        };
        events.done = [&out](Result<void> result) {
            EXPECT_FALSE(out.result) << "done twice";
            out.result = std::move(result);
        };
        by.swarm->get(peer, digest, range, std::move(events));
        return out;
    }
    // The error kind of a get that fails.
    std::optional<ErrorKind> failure(Fetched& fetched) {
        if (!wait([&] { return fetched.result.has_value(); }) || *fetched.result) return std::nullopt;
        return fetched.result->error().kind;
    }
    std::optional<broker::PeerOffer> ask(Agent& agent, const Digest& digest,
                                         const core::Lineage& lineage = a_lineage()) {
        const auto told = [&] {
            return std::find_if(agent.record.offers.begin(), agent.record.offers.end(),
                                [&](const auto& offer) { return offer.digest == digest; });
        };
        agent.swarm->ask(lineage, {digest}, core::Audience::everybody);
        if (!wait([&] { return told() != agent.record.offers.end(); })) return std::nullopt;
        return *told();
    }
    Joined& join(Agent& by, const broker::PeerOffer& offer, std::optional<StagedFile> file = {},
                 std::vector<bool> have = {}) {
        auto& out = joined_.emplace_back();
        out.file = file ? *file : by.vault->stage(offer.size).value();
        have.resize(offer.pieces.size(), false);
        broker::JoinEvents events;
        events.piece_done = [&out](std::size_t piece, broker::PeerId from) {
            EXPECT_TRUE(out.done.emplace(piece, from).second) << piece << " done twice";
        };
        events.piece_wrong = [&out](std::size_t piece) { out.wrong.push_back(piece); };
        events.ended = [&out](Result<void> result) { out.ended = result ? Error{} : result.error(); };
        out.id = by.swarm->join({offer.digest, offer.size, offer.pieces, *out.file, std::move(have), {offer.peer}},
                                std::move(events));
        return out;
    }
    bool leave(Agent& by, Joined& joined) {
        bool left = false;
        by.swarm->leave(joined.id, [&] { left = true; });
        return wait([&] { return left; });
    }

    std::list<Fetched> fetched_;
    std::list<Joined> joined_;
    TestLoop loop_;
    TestWorkers workers_{loop_};
    std::list<std::unique_ptr<Agent>> agents_;
};

}  // namespace packswarm::test
