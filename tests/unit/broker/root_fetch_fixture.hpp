// One root fetch with the real index book and two mirrors, http://one and http://two, of the suite stable. Peers show
// roots and give them when they are asked.
#pragma once

#include "p2p/broker/root_fetch.hpp"
#include "tests/unit/broker/book_fixture.hpp"

namespace packswarm::test {

class RootFetchFixture : public BookFixture {
  protected:
    void SetUp() override {
        BookFixture::SetUp();
        sources_ = std::make_unique<broker::SourceBook>(loop_, *ledger_, board_);
        context_ = std::unique_ptr<broker::TransferContext>(
            new broker::TransferContext{loop_, mirrors_, peers_, *vault_, trust_, board_, *sources_, [] {},
                                        [] { return true; }, [](plan::SourceId) {}, 1});
        stable_ = repository("stable", core::Sharing::allowed);
        stable_.bases = {"http://one", "http://two"};
        use({stable_});
        for (const auto& base : stable_.bases) mirrors_.mirrors[base];
        peers_.on_get = [this](broker::PeerId, const Digest& digest, ByteRange, broker::GetEvents events) {
            fetched_.push_back(digest);
            const auto found = shown_.find(digest);
            if (found == shown_.end()) return broker::FetchId{fetched_.size()};  // promised, and never given
            loop_.post([bytes = found->second, events = std::move(events)] {
                events.data(0, Bytes(bytes.begin(), bytes.end()));
                events.done({});
            });
            return broker::FetchId{fetched_.size()};
        };
        broker::PeerView peer;
        peer.id = broker::PeerId{1};
        peer.endpoint = "192.0.2.1:1";
        context_->sources.peer(peer);
        peers_.observer->peer_up(peer);
    }
    // A peer says that it has this root, which it saw at http://one.
    broker::PeerSnapshot snapshot_of(const std::string& root, int day) {
        broker::PeerSnapshot out;
        out.peer = broker::PeerId{1};
        out.lineage = *peers_.swarms().begin();
        out.date = july_ + std::chrono::hours(24 * (day - 1) + 10);
        out.root = digest_of(root);
        out.size = static_cast<ByteCount>(root.size());
        out.provenance.addresses = {broker::Sightings::address_mark(stable_, "http://one")};
        return out;
    }
    void show(const std::string& root, int day) {
        shown_[digest_of(root)] = root;
        book().peer_snapshot(snapshot_of(root, day));
    }
    // Where mirrors have the list that the root of this text names.
    void serve_list(const std::string& packages) {
        mirrors_.files["/dists/stable/main/binary-amd64/by-hash/SHA256/" + sha256_hex(packages)] = packages;
    }
    void TearDown() override { fetch_.reset(); }
    // A root of July 2026.
    static std::string root_of(int day, const std::string& packages = "Package: a\n") {
        ReleaseOptions options;
        options.suite = options.codename = "stable";
        constexpr const char* weekdays[] = {"Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon"};
        options.date = fmt::format("{}, {:02} Jul 2026 10:00:00 UTC", weekdays[day % 7], day);
        return key_.clearsign(release_text({{"main/binary-amd64/Packages", packages}}, options));
    }
    // What each mirror has at the root's place.
    void publish(int day) { mirrors_.files["/dists/stable/InRelease"] = root_ = root_of(day); }
    void fetch() {
        answer_.reset();
        broker::RootFetch::Wish wish;
        wish.repository = stable_;
        wish.path = "dists/stable/InRelease";
        wish.first_base = "http://one";
        fetch_ = std::make_unique<broker::RootFetch>(
            *context_, book(), std::move(wish),
            [this](Result<broker::RootAnswer> answer) { answer_ = std::move(answer); });
        loop_.advance_until([this] { return answer_.has_value(); }, Millis(120'000));
        ASSERT_TRUE(answer_);
    }
    std::string given() const { return {(*answer_)->root.begin(), (*answer_)->root.end()}; }

    static constexpr WallTime july_{Seconds(1'782'864'000)};
    std::map<Digest, std::string> shown_;
    std::vector<Digest> fetched_;
    core::Repository stable_;
    plan::Board board_;
    std::string root_;
    std::unique_ptr<broker::SourceBook> sources_;
    std::unique_ptr<broker::TransferContext> context_;
    std::unique_ptr<broker::RootFetch> fetch_;
    std::optional<Result<broker::RootAnswer>> answer_;
};

}  // namespace packswarm::test
