// One transfer's case without the transfer: a real store and trust, fake mirrors and peers, a virtual clock, and a host
// that remembers what it was asked. For tests of one part at a time.
#pragma once

#include <gtest/gtest.h>

#include "p2p/broker/transfer/case.hpp"
#include "p2p/core/canonical.hpp"
#include "p2p/daemon/trust.hpp"
#include "p2p/store/ledger.hpp"
#include "p2p/store/vault.hpp"
#include "tests/support/fake_mirrors.hpp"
#include "tests/support/nginx.hpp"
#include "tests/support/recording_peers.hpp"
#include "tests/support/test_loop.hpp"
#include "tests/unit/broker/random_bytes.hpp"
#include "verify/hasher.hpp"

namespace packswarm::broker {

class CaseFixture : public ::testing::Test, public Host {
  protected:
    static constexpr plan::WantId want_id{1};

    void SetUp() override {
        ledger_ = std::move(*store::Ledger::open({folder_.path()}));
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        sources_ = std::make_unique<SourceBook>(loop_, *ledger_, board_);
        context_ = std::unique_ptr<TransferContext>(new TransferContext{
            loop_, mirrors_, peers_, *vault_, trust_, board_, *sources_, [this] { ++replans; }, [] { return true; },
            [this](plan::SourceId source) { discredited.push_back(source); }, 1});
    }
    void TearDown() override {
        case_.reset();
        file_.reset();
    }

    // A file of random bytes, wanted from so many mirrors.
    void want(ByteCount size, int mirrors) {
        content_ = test::random_bytes(static_cast<std::size_t>(size), 7);
        target_.digest = verify::digest_of(as_bytes(content_));
        target_.size = size;
        target_.name = "file";
        for (int i = 0; i < mirrors; ++i) {
            const auto origin = "http://m" + std::to_string(i + 1);
            target_.mirrors.push_back({sources_->mirror(origin), origin + "/file"});
            mirrors_.mirrors[origin];
        }
        mirrors_.files["/file"] = content_;
        auto& entry = board_.wants[want_id];
        entry.size = size;
        entry.created = loop_.now();
        for (const auto& mirror : target_.mirrors) entry.mirrors.push_back(mirror.source);
        file_ = std::make_unique<IncomingFile>(*context_, want_id, target_);
        case_.reset(new Case{*context_, target_, want_id, *file_, *this});
    }
    plan::SourceId mirror(std::size_t number) const { return target_.mirrors.at(number - 1).source; }
    plan::SourceId peer(int number) {
        return sources_->peer({PeerId{static_cast<std::uint64_t>(number)},
                               "192.0.2." + std::to_string(number) + ":1",
                               "",
                               Reach::wan,
                               {},
                               0,
                               0,
                               static_cast<plan::AgentKey>(number)});
    }
    Bytes right(ByteRange range) const { return {content_.begin() + range.begin, content_.begin() + range.end}; }
    Bytes wrong(ByteRange range) const {
        auto out = right(range);
        for (auto& byte : out) byte = static_cast<std::uint8_t>(~byte);
        return out;
    }
    void give(plan::SourceId from, ByteRange range, bool lies = false) {
        ASSERT_TRUE(file_->stage());
        const auto data = lies ? wrong(range) : right(range);
        file_->received(from, range.length());
        std::optional<Result<core::RangeSet>> written;
        file_->write(from, range.begin, data, [&written](Result<core::RangeSet> fresh) { written = std::move(fresh); });
        while (!written && loop_.step()) {
        }
        ASSERT_TRUE(written && *written);
    }
    plan::Want& wanted() { return board_.wants.at(want_id); }

    // Host
    void note(std::string reason) override { notes.push_back(std::move(reason)); }
    void blame(plan::SourceId source, Error error) override { blamed[source] = error.kind; }
    void fail(Error error) override { failure = std::move(error); }
    void forget(plan::SourceId giver) override {
        forgotten.push_back(giver);
        file_->forget(giver);
    }
    void changed() override { ++changes; }
    bool is_over() const override { return over; }

    std::vector<std::string> notes;
    std::map<plan::SourceId, ErrorKind> blamed;
    std::vector<plan::SourceId> forgotten, discredited;
    std::optional<Error> failure;
    int changes = 0, replans = 0;
    bool over = false;

    test::TempDir folder_;
    test::FakeLoop loop_;
    test::FakeMirrors mirrors_{loop_};
    test::RecordingPeers peers_;
    daemon::TrustDesk trust_{loop_};
    plan::Board board_;
    std::unique_ptr<store::Ledger> ledger_;
    std::unique_ptr<store::Vault> vault_;
    std::unique_ptr<SourceBook> sources_;
    std::unique_ptr<TransferContext> context_;
    Target target_;
    std::unique_ptr<IncomingFile> file_;
    std::unique_ptr<Case> case_;
    std::string content_;
};

}  // namespace packswarm::broker
