// The real broker, planner, store, ledger and verification under a virtual clock, on many bad days: one seed, one day.
// A seed that fails is named, and runs alone with PACKSWARM_SIM_SEED=N.
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
#include "tests/support/formats.hpp"
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

enum class Kind {
    calm,
    interrupted
};  // the second: all mirrors go and come back, askers give up in the middle, and ask again

// Mirrors of random pace and fault, the last one always honest; files of random size, asked for at random times.
class Day {
  public:
    Day(unsigned seed, Kind kind) : kind_(kind), random_(seed) {
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        broker_.emplace(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                        broker::BrokerSettings{Millis(0), true, formats::all()});
        repository_.id = core::RepositoryId("repo");
        repository_.format = test::debian();
        repository_.suite = "stable";
        repository_.architectures = {"amd64"};
        count_ = 2 + random_() % 3;
        for (std::size_t i = 0; i < count_; ++i) {
            repository_.bases.push_back("http://m" + std::to_string(i));
            auto& manner = mirrors_.mirrors[repository_.bases.back()];
            manner.rate = 2e5 * static_cast<double>(1 + random_() % 100);
            manner.first_byte = Millis(5 + random_() % 200);
            if (i + 1 < count_) manner.fault = static_cast<MirrorManner::Fault>(random_() % 6);
        }
        broker_->book().set_repositories(core::RepositoryTable({repository_}));
        for (int i = 0; i < 25; ++i) add_file(i);
        if (kind == Kind::interrupted) loop_.after(Millis(1000 + random_() % 2000), [this] { lose_all_mirrors(); });
    }

    void live() {
        const auto has_answer = [](const auto& one) { return one->answers > 0; };
        loop_.advance_until([&] { return std::all_of(asked_.begin(), asked_.end(), has_answer); }, Millis(600'000));
        loop_.advance(Millis(2000));
        for (const auto& one : asked_) {
            EXPECT_EQ(one->answers, 1) << one->path;
            EXPECT_TRUE(one->delivered) << one->path << ": an honest mirror was there";
            EXPECT_TRUE(one->right) << one->path;
        }
        EXPECT_LE(mirrors_.most_at_once, static_cast<int>(count_) * 6 + 25);
    }

  private:
    void add_file(int number) {
        const bool is_large = random_() % (kind_ == Kind::calm ? 8 : 3) == 0;
        const std::size_t size = is_large ? 1 + random_() % (3 * limits::mib) : 1 + random_() % 100'000;
        std::string content(size, static_cast<char>(random_()));
        for (std::size_t at = 0; at + 8 <= size; at += 64) {
            const auto word = random_();
            std::memcpy(content.data() + at, &word, 8);
        }
        auto one = std::make_shared<Asked>();
        one->path = "/pool/" + std::to_string(number) + ".deb";
        mirrors_.files[one->path] = content;
        asked_.push_back(one);
        loop_.after(Millis(random_() % 3000), [this, one, content] { ask(one, content); });
    }
    void ask(const std::shared_ptr<Asked>& one, const std::string& content) {
        broker::Request request;
        request.url = repository_.bases[random_() % count_] + one->path;
        request.digest = verify::digest_of(as_bytes(content));
        request.size = static_cast<ByteCount>(content.size());
        const auto id = one->request = broker_->get(std::move(request), events_of(one, content));
        if (kind_ == Kind::calm || random_() % 3 != 0) return;
        loop_.after(Millis(random_() % 1000), [this, one, content, id] {
            if (one->answers > 0 || one->request != id) return;
            broker_->cancel(id);
            ask(one, content);
        });
    }
    broker::RequestEvents events_of(const std::shared_ptr<Asked>& one, const std::string& content) {
        broker::RequestEvents events;
        events.started = [](const broker::Started&) {};
        events.progress = [](const broker::Progress&) {};
        events.not_modified = [one] { ++one->answers; };
        events.failed = [this, one, content](const Error&) {
            one->request = broker::RequestId::none;
            if (kind_ == Kind::calm)
                ++one->answers;
            else
                loop_.after(Millis(1000), [this, one, content] { ask(one, content); });
        };
        events.delivered = [one, content](const broker::Delivered& delivered) {
            ++one->answers;
            one->delivered = true;
            std::string got(static_cast<std::size_t>(delivered.size), '\0');
            one->right = read_at(*delivered.bytes, 0, std::span(got)).has_value() && got == content;
        };
        return events;
    }
    void lose_all_mirrors() {
        const auto before = mirrors_.mirrors;
        for (auto& [base, manner] : mirrors_.mirrors) manner.fault = MirrorManner::Fault::refused_connection;
        loop_.after(Millis(random_() % 4000), [this, before] { mirrors_.mirrors = before; });
    }

    const Kind kind_;
    std::mt19937_64 random_;
    test::TempDir folder_;
    test::FakeLoop loop_;
    test::FakeMirrors mirrors_{loop_};
    daemon::NoPeers peers_;
    daemon::TrustDesk trust_{loop_};
    std::unique_ptr<store::Ledger> ledger_ = std::move(*store::Ledger::open({folder_.path()}));
    std::unique_ptr<store::Vault> vault_;
    std::optional<broker::Broker> broker_;
    core::Repository repository_;
    std::size_t count_ = 0;
    std::vector<std::shared_ptr<Asked>> asked_;
};

void live_through(unsigned seed, Kind kind) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Day(seed, kind).live();
}

void live_through_all(Kind kind) {
    spdlog::set_level(std::getenv("PACKSWARM_SIM_SEED") ? spdlog::level::debug : spdlog::level::off);
    if (const char* one = std::getenv("PACKSWARM_SIM_SEED"))
        return live_through(static_cast<unsigned>(std::atoi(one)), kind);
    for (unsigned seed = 1; seed <= days && !::testing::Test::HasFailure(); ++seed) live_through(seed, kind);
}

TEST(BrokerSim, EveryRequestIsAnsweredOnceAndRightWhileOneMirrorIsHonest) { live_through_all(Kind::calm); }
TEST(BrokerSim, WhoAsksAgainAfterAnInterruptionIsAnsweredRight) { live_through_all(Kind::interrupted); }

}  // namespace
}  // namespace packswarm
