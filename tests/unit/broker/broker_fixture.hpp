// BrokerTest: the real broker, planner, store, ledger and verification under a virtual clock; only the mirrors are made
// up.
#pragma once

#include <gtest/gtest.h>

#include "p2p/base/limits.hpp"
#include "p2p/broker/broker.hpp"
#include "p2p/daemon/no_peers.hpp"
#include "p2p/daemon/trust.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/fake_mirrors.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/test_loop.hpp"
#include "tests/unit/broker/random_bytes.hpp"
#include "verify/hasher.hpp"

namespace packswarm::broker {

using test::MirrorManner;
using Fault = MirrorManner::Fault;

inline std::string content_of(std::size_t size, unsigned seed) { return test::random_bytes(size, seed); }

// Workers whose answers are preceded by an interruption, once.
struct InterruptedWorkers : Workers {
    explicit InterruptedWorkers(Workers& workers) : real(workers) {}
    void run(std::function<Task()> job) override {
        real.run([this, job = std::move(job)]() -> Task {
            return [this, answer = job()] {
                if (interrupt) std::exchange(interrupt, {})();
                answer();
            };
        });
    }
    Workers& real;
    Task interrupt;
};

class BrokerTest : public ::testing::Test {
  protected:
    void SetUp() override {
        ledger_ = std::move(*store::Ledger::open({folder_.path()}));
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        broker_ = std::make_unique<Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                           BrokerSettings{Millis(0), true, formats::all()});
        core::Repository repository;
        repository.id = core::RepositoryId("repo");
        repository.format = test::debian();
        repository.suite = "stable";
        repository.architectures = {"amd64"};
        for (const char* origin : {"http://a", "http://b", "http://c"}) {
            repository.bases.push_back(origin);
            mirrors_.mirrors[origin];
        }
        broker_->book().set_repositories(core::RepositoryTable({repository}));
        loop_.drain();
    }
    struct Outcome {
        int delivered = 0, failed = 0;
        std::string bytes;
        Error error;
        std::vector<SourceShare> sources;
        bool started = false;
        ByteCount safe = 0;
    };
    std::shared_ptr<Outcome> get(const std::string& path, const std::string& content, bool streams = false) {
        mirrors_.files[path] = content;
        Request request;
        request.url = "http://a" + path;
        request.digest = verify::digest_of(as_bytes(content));
        request.size = static_cast<ByteCount>(content.size());
        request.asker = "test";
        request.streams = streams;
        auto outcome = std::make_shared<Outcome>();
        RequestEvents events;
        events.started = [outcome](const Started&) { outcome->started = true; };
        events.progress = [outcome](const Progress& progress) {
            EXPECT_LE(progress.safe, progress.prefix);
            outcome->safe = progress.safe;
        };
        events.delivered = [outcome](const Delivered& delivered) {
            ++outcome->delivered;
            outcome->bytes.resize(static_cast<std::size_t>(delivered.size));
            ASSERT_TRUE(read_at(*delivered.bytes, 0, std::span(outcome->bytes)));
            outcome->sources = delivered.sources;
        };
        events.not_modified = [] { FAIL(); };
        events.failed = [outcome](const Error& error) {
            ++outcome->failed;
            outcome->error = error;
        };
        asked_ = broker_->get(std::move(request), std::move(events));
        return outcome;
    }
    double seconds_until(const std::vector<std::shared_ptr<Outcome>>& outcomes, Millis limit = Millis(120'000)) {
        const auto begun = loop_.now();
        loop_.advance_until(
            [&] {
                return std::all_of(outcomes.begin(), outcomes.end(),
                                   [](const auto& one) { return one->delivered + one->failed > 0; });
            },
            limit);
        return seconds_between(begun, loop_.now());
    }
    ByteCount sent() const {
        ByteCount total = 0;
        for (const auto& [origin, bytes] : mirrors_.sent) total += bytes;
        return total;
    }

    test::TempDir folder_;
    test::FakeLoop loop_;
    test::FakeMirrors mirrors_{loop_};
    daemon::NoPeers peers_;
    InterruptedWorkers workers_{loop_};
    daemon::TrustDesk trust_{workers_};
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::Vault> vault_;
    std::unique_ptr<Broker> broker_;
    RequestId asked_ = RequestId::none;  // last
};

}  // namespace packswarm::broker
