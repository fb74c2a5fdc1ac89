// DeskFixture: what the broker's desks are made of, without the broker: a real store, ledger, verification and book of
// one repository "repo" at http://a and http://b, fake mirrors, peers that remember what they were asked, a virtual
// clock. For tests of one desk at a time.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2p/broker/desks/askers.hpp"
#include "p2p/broker/desks/graveyard.hpp"
#include "p2p/broker/desks/holding.hpp"
#include "p2p/broker/desks/request_reader.hpp"
#include "p2p/broker/index_book.hpp"
#include "p2p/broker/proofs.hpp"
#include "p2p/daemon/trust.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/fake_mirrors.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/recording_peers.hpp"
#include "tests/support/test_loop.hpp"
#include "verify/file_verifier.hpp"
#include "verify/hasher.hpp"

namespace packswarm::broker {

class DeskFixture : public ::testing::Test {
  protected:
    void SetUp() override {
        ledger_ = std::move(*store::Ledger::open({folder_.path()}));
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        sources_ = std::make_unique<SourceBook>(loop_, *ledger_, board_);
        context_ = std::unique_ptr<TransferContext>(new TransferContext{loop_, mirrors_, peers_, *vault_, trust_,
                                                                        board_, *sources_, [this] { ++replans_; },
                                                                        [] { return true; }, [](plan::SourceId) {}});
        proofs_ = std::make_unique<Proofs>(loop_, *vault_, trust_);
        book_ = std::make_unique<IndexBook>(loop_, *vault_, *ledger_, trust_, peers_, *proofs_);
        core::Repository repository;
        repository.id = core::RepositoryId("repo");
        repository.format = test::debian();
        repository.suite = "stable";
        repository.architectures = {"amd64"};
        repository.bases = {"http://a", "http://b"};
        for (const auto& base : repository.bases) mirrors_.mirrors[base];
        book_->set_repositories(core::RepositoryTable({repository}));
        askers_ = std::make_unique<Askers>(loop_, *ledger_, board_, [this](RequestId id, const Error& error) {
            return other_way_ && other_way_(id, error);
        });
        graveyard_ = std::make_unique<Graveyard>(loop_);
        holding_ = std::make_unique<Holding>(loop_, *vault_, *askers_);
        reader_ = std::make_unique<RequestReader>(*context_, *book_, [](const core::Location&) { return false; });
        loop_.drain();
    }

    struct Outcome {
        RequestId id = RequestId::none;
        int started = 0, progress = 0, delivered = 0, not_modified = 0, failed = 0;
        std::string bytes;
        Error error;
        std::vector<SourceShare> sources;
        int ends() const { return delivered + not_modified + failed; }
    };
    static Request request_of(const std::string& path, const std::string& asker = "test") {
        Request out;
        out.url = "http://a" + path;
        out.asker = asker;
        out.transaction = "one";
        return out;
    }
    // Somebody asks; what is done for it is the test's business.
    std::shared_ptr<Outcome> ask(Request request) {
        auto outcome = std::make_shared<Outcome>();
        RequestEvents events;
        events.started = [outcome](const Started&) { ++outcome->started; };
        events.progress = [outcome](const Progress&) { ++outcome->progress; };
        events.delivered = [outcome](const Delivered& delivered) {
            ++outcome->delivered;
            outcome->sources = delivered.sources;
            outcome->bytes.resize(static_cast<std::size_t>(delivered.size));
            if (!delivered.bytes) return;
            ASSERT_TRUE(read_at(*delivered.bytes, 0, std::span(outcome->bytes)));
        };
        events.not_modified = [outcome] { ++outcome->not_modified; };
        events.failed = [outcome](const Error& error) {
            ++outcome->failed;
            outcome->error = error;
        };
        outcome->id = askers_->add(std::move(request), std::move(events));
        return outcome;
    }
    std::shared_ptr<Outcome> ask(const std::string& path) { return ask(request_of(path)); }
    StagedFile staged(const std::string& content) {
        auto file = vault_->stage(static_cast<ByteCount>(content.size())).value();
        EXPECT_TRUE(file.write(0, as_bytes(content)));
        return file;
    }
    VerifiedFile verified(const std::string& content) {
        return verify::FileVerifier::check_all(staged(content), digest_of(content)).value();
    }
    static Digest digest_of(const std::string& content) { return verify::digest_of(as_bytes(content)); }
    static Bytes bytes_of(const std::string& content) { return {content.begin(), content.end()}; }

    test::TempDir folder_;
    test::FakeLoop loop_;
    test::FakeMirrors mirrors_{loop_};
    test::RecordingPeers peers_;
    daemon::TrustDesk trust_{loop_};
    plan::Board board_;
    int replans_ = 0;
    Askers::OtherWay other_way_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::Vault> vault_;
    std::unique_ptr<SourceBook> sources_;
    std::unique_ptr<TransferContext> context_;
    std::unique_ptr<Proofs> proofs_;
    std::unique_ptr<IndexBook> book_;
    std::unique_ptr<Askers> askers_;
    std::unique_ptr<Graveyard> graveyard_;
    std::unique_ptr<Holding> holding_;
    std::unique_ptr<RequestReader> reader_;
};

}  // namespace packswarm::broker
