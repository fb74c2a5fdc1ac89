// The real broker, planner, store, ledger and verification under a virtual clock, on many bad days: one seed, one day. A seed
// that fails is named, and runs alone with PACKSWARM_SIM_SEED=N.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/daemon/no_peers.hpp"
#include "p2p/daemon/trust.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/fake_mirrors.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/hasher.hpp"

namespace packswarm {
namespace {

using test::MirrorManner;
constexpr unsigned days = 16;

struct Asked {
    std::string path;
    broker::RequestId request = broker::RequestId::none;  // the last one
    int answers = 0;
    bool delivered = false, right = false;
};

enum class Kind { calm, interrupted };  // the second: all mirrors go and come back, askers give up in the middle, and ask again

// Mirrors of random pace and fault, the last one always honest; files of random size, asked for at random times.
void live_through(unsigned seed, Kind kind) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    test::TempDir folder;
    test::FakeLoop loop;
    test::FakeMirrors mirrors(loop);
    daemon::NoPeers peers;
    daemon::TrustDesk trust(loop);
    auto ledger = std::move(*store::Ledger::open({folder.path()}));
    store::VaultSettings settings;
    settings.folder = folder.path();
    settings.reserve = 0;
    auto vault = std::move(*store::Vault::open(std::move(settings), loop, loop));
    broker::Broker broker(loop, mirrors, peers, *vault, *ledger, trust, broker::BrokerSettings{Millis(0)});
    core::Repository repository;
    repository.id = "repo";
    repository.suite = "stable";
    repository.architectures = {"amd64"};
    const auto count = 2 + random() % 3;
    for (std::size_t i = 0; i < count; ++i) {
        repository.bases.push_back("http://m" + std::to_string(i));
        auto& manner = mirrors.mirrors[repository.bases.back()];
        manner.rate = 2e5 * static_cast<double>(1 + random() % 100);
        manner.first_byte = Millis(5 + random() % 200);
        if (i + 1 < count) manner.fault = static_cast<MirrorManner::Fault>(random() % 6);
    }
    broker.book().set_repositories(core::RepositoryTable({repository}));

    std::vector<std::shared_ptr<Asked>> asked;
    std::function<void(std::shared_ptr<Asked>, std::string)> ask;
    ask = [&](std::shared_ptr<Asked> one, const std::string& content) {
        broker::Request request;
        request.url = repository.bases[random() % count] + one->path;
        request.digest = verify::digest_of(as_bytes(content));
        request.size = static_cast<ByteCount>(content.size());
        broker::RequestEvents events;
        events.started = [](const broker::Started&) {};
        events.progress = [](const broker::Progress&) {};
        events.not_modified = [one] { ++one->answers; };
        events.failed = [&, one, content, kind](const Error&) {
            one->request = broker::RequestId::none;
            if (kind == Kind::calm) ++one->answers;
            else loop.after(Millis(1000), [&, one, content] { ask(one, content); });
        };
        events.delivered = [one, content](const broker::Delivered& delivered) {
            ++one->answers;
            one->delivered = true;
            std::string got(static_cast<std::size_t>(delivered.size), '\0');
            one->right = read_at(*delivered.bytes, 0, std::span(got)).has_value() && got == content;
        };
        const auto id = one->request = broker.get(std::move(request), std::move(events));
        if (kind == Kind::calm || random() % 3 != 0) return;
        loop.after(Millis(random() % 1000), [&, one, content, id] {
            if (one->answers > 0 || one->request != id) return;
            broker.cancel(id);
            ask(one, content);
        });
    };
    for (int i = 0; i < 25; ++i) {
        const std::size_t size = random() % (kind == Kind::calm ? 8 : 3) == 0 ? 1 + random() % (3 * limits::mib) : 1 + random() % 100'000;
        std::string content(size, static_cast<char>(random()));
        for (std::size_t at = 0; at + 8 <= size; at += 64) {
            const auto word = random();
            std::memcpy(content.data() + at, &word, 8);
        }
        auto one = std::make_shared<Asked>();
        one->path = "/pool/" + std::to_string(i) + ".deb";
        mirrors.files[one->path] = content;
        asked.push_back(one);
        loop.after(Millis(random() % 3000), [&, one, content] { ask(one, content); });
    }
    if (kind == Kind::interrupted)
        loop.after(Millis(1000 + random() % 2000), [&] {
            const auto before = mirrors.mirrors;
            for (auto& [base, manner] : mirrors.mirrors) manner.fault = MirrorManner::Fault::refused_connection;
            loop.after(Millis(random() % 4000), [&, before] { mirrors.mirrors = before; });
        });
    loop.advance_until([&] { return std::all_of(asked.begin(), asked.end(), [](const auto& one) { return one->answers > 0; }); }, Millis(600'000));
    loop.advance(Millis(2000));
    for (const auto& one : asked) {
        EXPECT_EQ(one->answers, 1) << one->path;
        EXPECT_TRUE(one->delivered) << one->path << ": an honest mirror was there";
        EXPECT_TRUE(one->right) << one->path;
    }
    EXPECT_LE(mirrors.most_at_once, static_cast<int>(count) * 6 + 25);
}

void live_through_all(Kind kind) {
    spdlog::set_level(std::getenv("PACKSWARM_SIM_SEED") ? spdlog::level::debug : spdlog::level::off);
    if (const char* one = std::getenv("PACKSWARM_SIM_SEED")) return live_through(static_cast<unsigned>(std::atoi(one)), kind);
    for (unsigned seed = 1; seed <= days && !::testing::Test::HasFailure(); ++seed) live_through(seed, kind);
}

TEST(BrokerSim, EveryRequestIsAnsweredOnceAndRightWhileOneMirrorIsHonest) { live_through_all(Kind::calm); }
TEST(BrokerSim, WhoAsksAgainAfterAnInterruptionIsAnsweredRight) { live_through_all(Kind::interrupted); }

}  // namespace
}  // namespace packswarm
