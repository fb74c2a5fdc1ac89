// A DeskFixture with live transfers that are planned and ticked as in the broker; how each ends is written down.
#pragma once

#include <algorithm>

#include "p2p/broker/desks/live_transfers.hpp"
#include "tests/unit/broker/desk_fixture.hpp"

namespace packswarm::broker {

class LiveFixture : public DeskFixture {
  protected:
    void SetUp() override {
        DeskFixture::SetUp();
        questions_ = std::make_unique<PeerQuestions>(loop_, peers_);
        transfers_ =
            std::make_unique<LiveTransfers>(*context_, *askers_, *graveyard_, *questions_, remains_,
                                            LiveTransfers::Events{[this](plan::WantId want, Transfer& transfer) {
                                                                      begun_.push_back(want);
                                                                      if (on_begun_) on_begun_(want, transfer);
                                                                  },
                                                                  [this](plan::WantId want, const VerifiedFile& file) {
                                                                      verified_.emplace_back(want, file);
                                                                      if (on_verified_) on_verified_(want, file);
                                                                  },
                                                                  [this](plan::WantId want, const Error& error) {
                                                                      failed_.emplace_back(want, error);
                                                                      if (on_failed_) on_failed_(want, error);
                                                                  }});
        context_->replan = [this] { transfers_->replan_soon(); };
    }
    void TearDown() override {
        context_->replan = [] {};
        transfers_.reset();
    }
    // A file that both mirrors have.
    std::string content_of(std::size_t size, char seed = 'a') {
        std::string out(size, seed);
        for (std::size_t at = 0; at < size; at += 97) out[at] = static_cast<char>('a' + at % 23);
        return out;
    }
    Target target_of(const std::string& content, const core::Lineage& lineage = {}) {
        mirrors_.files["/file"] = content;
        Target out;
        out.digest = digest_of(content);
        out.size = static_cast<ByteCount>(content.size());
        out.name = "file";
        out.lineage = lineage;
        for (const auto* base : {"http://a", "http://b"})
            out.mirrors.push_back({sources_->mirror(base), std::string(base) + "/file"});
        return out;
    }
    std::shared_ptr<Outcome> begin(const std::string& content, const core::Lineage& lineage = {}) {
        const auto outcome = ask("/file");
        transfers_->begin(outcome->id, target_of(content, lineage));
        return outcome;
    }
    void cancel(const Outcome& outcome) {
        const auto asker = askers_->take(outcome.id);
        ASSERT_TRUE(asker);
        transfers_->leave(outcome.id, *asker);
    }
    std::size_t rows_with(const std::string& outcome) {
        const auto rows = ledger_->recent_transfers(100);
        return static_cast<std::size_t>(
            std::count_if(rows.begin(), rows.end(), [&](const TransferRecord& row) { return row.outcome == outcome; }));
    }

    Remains remains_;
    std::unique_ptr<PeerQuestions> questions_;
    std::unique_ptr<LiveTransfers> transfers_;
    std::vector<plan::WantId> begun_;
    std::vector<std::pair<plan::WantId, VerifiedFile>> verified_;
    std::vector<std::pair<plan::WantId, Error>> failed_;
    std::function<void(plan::WantId, Transfer&)> on_begun_;
    std::function<void(plan::WantId, const VerifiedFile&)> on_verified_;
    std::function<void(plan::WantId, const Error&)> on_failed_;
};

}  // namespace packswarm::broker
