// What an earlier start stored is hashed before anybody is given it, and fetched anew when it has rotted.
#include "p2p/core/canonical.hpp"
#include "tests/support/lineages.hpp"
#include "tests/support/rot.hpp"
#include "tests/unit/broker/broker_fixture.hpp"
#include "verify/file_verifier.hpp"

namespace packswarm::broker {
namespace {

class ProofsTest : public BrokerTest {
  protected:
    void restart() {
        const auto table = broker_->book().table();
        broker_.reset();
        loop_.drain();
        vault_.reset();
        store::VaultSettings settings;
        settings.folder = folder_.path();
        settings.reserve = 0;
        vault_ = std::move(*store::Vault::open(std::move(settings), loop_, loop_));
        broker_ = std::make_unique<Broker>(loop_, mirrors_, peers_, *vault_, *ledger_, trust_,
                                           BrokerSettings{Millis(0), true, formats::all()});
        broker_->book().set_repositories(table);
        loop_.drain();
    }
    static Digest digest_of(const std::string& content) { return verify::digest_of(as_bytes(content)); }
    void rot(const std::string& content, ByteCount offset) {
        const auto hex = digest_of(content).hex();
        test::rot(folder_.path() / "files" / hex.substr(0, 2) / hex, offset);
    }
    // Publishes it as a public artifact is, with its piece hashes.
    void keep(const std::string& content) {
        const auto size = static_cast<ByteCount>(content.size());
        const auto staged = vault_->stage(size).value();
        ASSERT_TRUE(staged.write(0, as_bytes(content)));
        ArtifactRecord record;
        record.lineage = test::lineage_of("stable");
        record.pieces = *verify::piece_hashes(staged.handle(), {0, size}, core::piece_length(size));
        bool stored = false;
        vault_->publish(*verify::FileVerifier::check_all(staged, digest_of(content)), record,
                        [&](const auto& file) { stored = file.has_value(); });
        loop_.drain();
        ASSERT_TRUE(stored);
    }
    // As the gateway takes it: what is safe is read at once.
    struct Stream {
        SharedBytes bytes;
        std::string taken;
        int starts = 0;
        ByteCount shown = 0;  // before it was delivered
        bool delivered = false, failed = false;
    };
    std::shared_ptr<Stream> stream(const std::string& path, const std::string& content) {
        mirrors_.files[path] = content;
        Request request;
        request.url = "http://a" + path;
        request.digest = digest_of(content);
        request.size = static_cast<ByteCount>(content.size());
        request.streams = true;
        auto out = std::make_shared<Stream>();
        const auto take = [out](ByteCount end) {
            const auto from = out->taken.size();
            if (end <= static_cast<ByteCount>(from)) return;
            out->taken.resize(static_cast<std::size_t>(end));
            ASSERT_TRUE(read_at(*out->bytes, static_cast<ByteCount>(from), std::span(out->taken).subspan(from)));
        };
        RequestEvents events;
        events.started = [out](const Started& started) {
            out->bytes = started.bytes;
            ++out->starts;
        };
        events.progress = [out, take](const Progress& progress) {
            out->shown = std::max(out->shown, progress.safe);
            take(progress.safe);
        };
        events.delivered = [out, take](const Delivered& delivered) {
            out->bytes = delivered.bytes;
            out->delivered = true;
            take(delivered.size);
        };
        events.failed = [out](const Error&) { out->failed = true; };
        broker_->get(std::move(request), std::move(events));
        return out;
    }
};

TEST_F(ProofsTest, AStoredFileIsHashedOnceAfterAStartAndThenServedFromTheStore) {
    const auto content = content_of(200'000, 1);
    seconds_until({get("/a", content)});
    restart();
    const auto sent_before = sent();
    EXPECT_EQ(vault_->usage().unproven, 1U);
    const auto again = get("/a", content);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content);
    ASSERT_EQ(again->sources.size(), 1U);
    EXPECT_EQ(again->sources.front().kind, SourceKind::cache);
    EXPECT_EQ(sent(), sent_before);
    EXPECT_EQ(vault_->usage().unproven, 0U);
}

TEST_F(ProofsTest, ARottenFileIsFetchedAnewForWhoeverAsked) {
    const auto content = content_of(200'000, 1);
    seconds_until({get("/a", content)});
    restart();
    rot(content, 100'000);
    const auto one = get("/a", content), two = get("/a", content);
    seconds_until({one, two});
    EXPECT_EQ(one->bytes, content);
    EXPECT_EQ(two->bytes, content);
    EXPECT_EQ(one->failed + two->failed, 0);
    EXPECT_EQ(one->sources.front().kind, SourceKind::mirror);
    EXPECT_EQ(vault_->usage().rotten, 1U);
    loop_.advance(Millis(1000));
    EXPECT_TRUE(vault_->find(digest_of(content))) << "the new one is stored";
}

TEST_F(ProofsTest, AFileThatRotsUnderARunningAgentIsNoticedWhereSomebodyWroteIt) {
    const auto content = content_of(200'000, 1);
    seconds_until({get("/a", content)});
    loop_.advance(Millis(1000));
    rot(content, 5);
    const auto again = get("/a", content);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content);
}

TEST_F(ProofsTest, WhoDoesNotStreamIsShownNothingOfALargeFileBeforeItIsProven) {
    const auto content = content_of(10 << 20, 1);
    keep(content);
    restart();
    rot(content, 7 << 20);
    const auto again = get("/big", content);
    seconds_until({again});
    EXPECT_EQ(again->bytes, content);
    EXPECT_EQ(again->failed, 0);
}

TEST_F(ProofsTest, ALargeFileGoesOutPieceByPieceWhileItIsHashed) {
    const auto content = content_of(10 << 20, 1);
    keep(content);
    restart();
    const auto all = stream("/big", content);
    loop_.advance_until([&] { return all->delivered; }, Millis(1000));
    EXPECT_GE(all->shown, 8 << 20);
    EXPECT_TRUE(all->taken == content);
    EXPECT_EQ(all->starts, 1);
    EXPECT_EQ(sent(), 0);
}

TEST_F(ProofsTest, ALargeFileThatRottedInTheMiddleIsGoneOnWithFromAMirror) {
    const auto content = content_of(10 << 20, 1);
    keep(content);
    restart();
    rot(content, 7 << 20);
    const auto all = stream("/big", content);
    loop_.advance_until([&] { return all->delivered || all->failed; }, Millis(120'000));
    EXPECT_TRUE(all->delivered);
    EXPECT_TRUE(all->taken == content) << "no wrong byte was shown";
    EXPECT_EQ(all->starts, 2);
    EXPECT_EQ(vault_->usage().rotten, 1U);
}

TEST_F(ProofsTest, WhoGivesUpWhileItIsHashedHearsNothing) {
    const auto content = content_of(200'000, 1);
    seconds_until({get("/a", content)});
    restart();
    const auto again = get("/a", content);
    broker_->cancel(asked_);
    loop_.advance(Millis(1000));
    EXPECT_EQ(again->delivered + again->failed, 0);
}

TEST_F(ProofsTest, TheScrubHashesWhatIsLeftWithinItsBudget) {
    std::vector<std::string> contents;
    for (unsigned i = 0; i < 6; ++i) contents.push_back(content_of(1 << 20, i));
    for (const auto& content : contents) keep(content);
    restart();
    rot(contents[3], 1000);
    broker_->set_scrub(limits::mib);
    loop_.advance(Millis(8'000));
    EXPECT_GE(vault_->usage().unproven, 2U) << "not faster than it may";
    loop_.advance(Millis(5'000));
    EXPECT_EQ(vault_->usage().unproven, 0U);
    EXPECT_EQ(vault_->usage().rotten, 1U);
    EXPECT_EQ(vault_->usage().files, 5U);
}

TEST_F(ProofsTest, TheScrubRestsWhileSomebodyWantsSomething) {
    keep(content_of(1 << 20, 1));
    restart();
    broker_->set_scrub(limits::mib);
    mirrors_.mirrors["http://a"].fault = mirrors_.mirrors["http://b"].fault = mirrors_.mirrors["http://c"].fault =
        Fault::silent;
    get("/never", content_of(100'000, 9));
    loop_.advance(Millis(6'000));
    EXPECT_EQ(vault_->usage().unproven, 1U);
}

TEST_F(ProofsTest, WithoutAScrubNothingIsHashedThatNobodyWants) {
    keep(content_of(1000, 1));
    restart();
    broker_->set_scrub(0);
    loop_.advance(Millis(600'000));
    EXPECT_EQ(vault_->usage().unproven, 1U);
}

}  // namespace
}  // namespace packswarm::broker
