#include <set>
#include <sstream>

#include "p2p/base/http_date.hpp"
#include "p2p/web/easy.hpp"
#include "tests/component/web/probe.hpp"
#include "tests/support/nginx.hpp"

namespace packswarm::test {
namespace {

struct LogLine {
    int connection = 0, status = 0;
    long bytes = 0;
    std::string protocol;
};

class NginxTest : public ClientTest {
  protected:
    // nginx writes a line after the client has its answer: wait until all are there.
    std::vector<LogLine> log(std::size_t lines) {
        std::vector<LogLine> out;
        EXPECT_TRUE(loop_.run_until(
            [&] {
                out.clear();
                std::istringstream in(nginx_->access_log());
                std::string rest;
                for (LogLine line;
                     in >> line.connection >> line.status >> line.bytes >> line.protocol && std::getline(in, rest);)
                    out.push_back(line);
                if (out.size() < lines) loop_.after(Millis(2), [] {});
                return out.size() >= lines;
            },
            Millis(5000)));
        return out;
    }
    void serve(NginxSettings settings = {}) {
        nginx_ = std::make_unique<Nginx>(settings);
        if (settings.tls) settings_.ca_file = nginx_->ca_file();
    }
    std::unique_ptr<Nginx> nginx_;
};

int connections(const std::vector<LogLine>& log) {
    std::set<int> seen;
    for (const auto& line : log) seen.insert(line.connection);
    return static_cast<int>(seen.size());
}

bool is_finished(const Probe* probe) { return probe->finished(); }

// nginx sends the first second's worth at once: half a megabyte takes long enough for several to overlap.
constexpr const char* overlapping = "limit_rate 300k;";

TEST_F(NginxTest, FetchesASmallFileInOneChunkWithItsSizeAndDate) {
    serve();
    const auto content = numbered(50'000);
    nginx_->put("pool/a.deb", content);
    auto& probe = fetch(nginx_->url("pool/a.deb"));
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_EQ(probe.body, content);
    EXPECT_EQ(probe.chunks, 1);
    EXPECT_EQ(probe.head->total_size, 50'000);
    EXPECT_EQ(probe.head->effective_url, nginx_->url("pool/a.deb"));
    EXPECT_GE(probe.head->first_byte_s, 0);
    ASSERT_TRUE(probe.head->last_modified);
    EXPECT_LT(std::abs((*probe.head->last_modified - loop_.wall_now()).count()), 60);
}

TEST_F(NginxTest, FetchesALargeFileWholeInFewChunks) {
    serve();
    const auto content = numbered(24 << 20);
    nginx_->put("big.bin", content);
    auto& probe = fetch(nginx_->url("big.bin"));
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_TRUE(probe.body == content);
    EXPECT_LT(probe.chunks, 2000);
}

TEST_F(NginxTest, PutsTheAskersTerms) {
    serve();
    const auto content = numbered(10'000);
    nginx_->put("notes.txt", content);
    auto asked = request(nginx_->url("notes.txt"));
    const auto modified = *fetch(asked).head->last_modified;
    asked.terms.begin = 4'000;
    auto& open_end = fetch(asked);
    ASSERT_TRUE(open_end.ok()) << open_end.error();
    EXPECT_EQ(open_end.body, content.substr(4'000));
    EXPECT_EQ(open_end.first_offset, 4'000);
    EXPECT_EQ(open_end.head->part->range, (ByteRange{4'000, 10'000}));
    EXPECT_EQ(open_end.head->part->total, 10'000);
    asked.terms.end = 4'010;
    asked.terms.if_range = http_date(modified);
    EXPECT_EQ(fetch(asked).body, content.substr(4'000, 10));
    asked.terms.if_range = http_date(modified - Seconds(60));
    auto& changed = fetch(asked);
    EXPECT_EQ(changed.body, content) << "another file: the whole of it";
    EXPECT_FALSE(changed.head->part);
    asked.terms = {};
    asked.terms.begin = 10'000;
    auto& outside = fetch(asked);
    ASSERT_TRUE(outside.ok()) << outside.error();
    EXPECT_EQ(outside.body, "");
    EXPECT_TRUE(outside.head->part->range.empty());
    EXPECT_EQ(outside.head->part->total, 10'000);
}

TEST_F(NginxTest, FollowsNoRedirectToAHostThatAptAsksThroughAProxy) {
    serve({.server_lines = "location /away/ { rewrite ^/away/(.*)$ http://localhost:$server_port/$1 redirect; }"});
    nginx_->put("a", "content");
    auto proxied = std::make_shared<web::ProxiedHosts>();
    settings_.proxied = proxied;
    EXPECT_EQ(fetch(nginx_->url("away/a")).body, "content");
    core::ProxyRules rules;
    rules.by_host[{"http", "localhost"}] = true;
    proxied->set(rules);
    auto& refused = fetch(nginx_->url("away/a"));
    EXPECT_EQ(refused.kind(), ErrorKind::Refused);
    EXPECT_NE(refused.error().find("proxy"), std::string::npos) << refused.error();
    EXPECT_EQ(fetch(nginx_->url("a")).body, "content") << "what is asked for by name is the asker's business";
}

TEST_F(NginxTest, FetchesAnEmptyFile) {
    serve();
    nginx_->put("empty", "");
    auto& probe = fetch(nginx_->url("empty"));
    EXPECT_TRUE(probe.ok()) << probe.error();
    EXPECT_EQ(probe.head->total_size, 0);
    EXPECT_EQ(probe.body, "");
}

TEST_F(NginxTest, FetchesRangesSideBySide) {
    serve({.server_lines = overlapping});
    const auto content = numbered(1'500'000);
    nginx_->put("big.deb", content);
    std::vector<Probe*> parts;
    for (ByteCount begin = 0; begin < 1'500'000; begin += 500'000) {
        auto asked = request(nginx_->url("big.deb"));
        asked.range = ByteRange{begin, begin + 500'000};
        asked.expected_size = 1'500'000;
        parts.push_back(&start(asked));
    }
    ASSERT_TRUE(loop_.run_until([&] { return std::all_of(parts.begin(), parts.end(), is_finished); }));
    std::string whole;
    for (const auto* part : parts) {
        EXPECT_TRUE(part->ok()) << part->error();
        EXPECT_EQ(part->first_offset, static_cast<ByteCount>(whole.size()));
        EXPECT_EQ(part->head->total_size, 1'500'000);
        whole += part->body;
    }
    EXPECT_TRUE(whole == content);
    EXPECT_EQ(connections(log(3)), 3);
}

TEST_F(NginxTest, LearnsThatNothingHasChanged) {
    serve();
    nginx_->put("InRelease", "signed");
    auto asked = request(nginx_->url("InRelease"));
    asked.if_modified_since = fetch(asked).head->last_modified;
    auto& again = fetch(asked);
    EXPECT_TRUE(again.ok()) << again.error();
    EXPECT_TRUE(again.head->not_modified);
    EXPECT_EQ(again.chunks, 0);
}

TEST_F(NginxTest, UsesOneConnectionForOneRequestAfterAnotherWhateverTheirAnswers) {
    serve({.server_lines = "location = /moved { return 302 /a; } location = /busy { return 503; }"});
    nginx_->put("a", "content");
    EXPECT_TRUE(fetch(nginx_->url("a")).ok());
    EXPECT_EQ(fetch(nginx_->url("missing")).kind(), ErrorKind::Absent);
    EXPECT_EQ(fetch(nginx_->url("busy")).kind(), ErrorKind::Transient);
    auto& moved = fetch(nginx_->url("moved"));
    EXPECT_TRUE(moved.ok());
    EXPECT_EQ(moved.head->effective_url, nginx_->url("a"));
    EXPECT_TRUE(fetch(nginx_->url("a")).ok());
    EXPECT_EQ(connections(log(6)), 1);
}

TEST_F(NginxTest, KeepsTheConnectionOfASmallFetchThatIsCancelled) {
    serve();
    nginx_->put("a.deb", numbered(20'000));
    EXPECT_TRUE(fetch(nginx_->url("a.deb")).ok());
    auto asked = request(nginx_->url("a.deb"));
    asked.expected_size = 20'000;
    auto& cancelled = start(asked);
    client().cancel(cancelled.id);
    log(2);
    EXPECT_TRUE(fetch(nginx_->url("a.deb")).ok());
    EXPECT_FALSE(cancelled.finished());
    EXPECT_FALSE(cancelled.head);
    EXPECT_EQ(connections(log(3)), 1);
}

TEST_F(NginxTest, UsesAnHttp2ConnectionAgain) {
    serve({.tls = true});
    nginx_->put("a.deb", numbered(5'000));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(fetch(nginx_->tls_url("a.deb")).body, numbered(5'000));
    const auto lines = log(5);
    EXPECT_EQ(connections(lines), 1);
    for (const auto& line : lines) EXPECT_EQ(line.protocol, "HTTP/2.0");
}

TEST_F(NginxTest, BringsManySmallFilesOverHttp2SideBySide) {
    serve({.tls = true});
    const auto content = numbered(5'000);
    nginx_->put("a.deb", content);
    for (int round = 0; round < 3; ++round) {
        std::vector<Probe*> probes;
        for (int i = 0; i < 20; ++i) probes.push_back(&start(request(nginx_->tls_url("a.deb"))));
        ASSERT_TRUE(loop_.run_until([&] { return std::all_of(probes.begin(), probes.end(), is_finished); }));
        for (const auto* probe : probes) EXPECT_TRUE(probe->body == content) << probe->error();
    }
    EXPECT_LE(connections(log(60)), 20);
}

TEST_F(NginxTest, GivesEachOfSeveralTlsRangesAConnectionAndUsesItAgain) {
    serve({.tls = true, .server_lines = overlapping});
    const auto content = numbered(1 << 20);
    nginx_->put("big.deb", content);
    for (int round = 0; round < 2; ++round) {
        std::vector<Probe*> parts;
        for (ByteCount begin = 0; begin < (1 << 20); begin += 1 << 19) {
            auto asked = request(nginx_->tls_url("big.deb"));
            asked.range = ByteRange{begin, begin + (1 << 19)};
            asked.expected_size = 1 << 20;
            parts.push_back(&start(asked));
        }
        ASSERT_TRUE(loop_.run_until([&] { return std::all_of(parts.begin(), parts.end(), is_finished); }, Seconds(30)));
        EXPECT_TRUE(parts[0]->body + parts[1]->body == content) << parts[0]->error() << parts[1]->error();
    }
    EXPECT_EQ(connections(log(4)), 2);
}

TEST_F(NginxTest, BringsALargeFileThroughHttp2WhenTheLoopIsSlow) {
    serve({.tls = true});
    settings_.max_unread = 128 * limits::kib;
    const auto content = numbered(6 << 20);
    nginx_->put("Packages", content);
    auto& large = start(request(nginx_->tls_url("Packages")));  // of unknown size: shares the small files' connection
    auto& small = start(request(nginx_->tls_url("Packages")));
    while (!large.finished() || !small.finished()) {
        std::this_thread::yield();
        loop_.run_for(Millis(1));
        ASSERT_LE(large.body.size(), content.size());
    }
    EXPECT_TRUE(large.body == content) << large.error();
    EXPECT_TRUE(small.body == content) << small.error();
}

TEST_F(NginxTest, RefusesACertificateOfAnUnknownAuthority) {
    serve({.tls = true});
    nginx_->put("a", "content");
    settings_.ca_file.clear();
    auto& probe = fetch(nginx_->tls_url("a"));
    EXPECT_EQ(probe.kind(), ErrorKind::Refused) << probe.error();
    EXPECT_FALSE(probe.head);
}

TEST_F(NginxTest, RefusesACertificateOfAnotherHost) {
    serve({.tls = true});
    nginx_->put("a", "content");
    auto& probe = fetch("https://other.localhost:" + std::to_string(nginx_->tls_port()) + "/a");
    EXPECT_EQ(probe.kind(), ErrorKind::Refused) << probe.error();
    EXPECT_FALSE(probe.head);
}

TEST_F(NginxTest, NeverFollowsFromHttpsToHttp) {
    Nginx plain;
    plain.put("a", "content");
    serve({.tls = true,
           .server_lines = "location = /a { return 302 " + plain.url("a") + "; } location = /up { return 302 /a; }"});
    auto& probe = fetch(nginx_->tls_url("a"));
    EXPECT_EQ(probe.kind(), ErrorKind::Refused) << probe.error();
    EXPECT_EQ(plain.access_log(), "");
}

TEST_F(NginxTest, FollowsFromHttpToHttpsAndNotBack) {
    Nginx plain;
    plain.put("a", "content");
    serve({.tls = true, .server_lines = "location = /back { return 301 " + plain.url("a") + "; }"});
    nginx_->put("a", "secure content");
    Nginx first({.server_lines = "location = /a { return 301 " + nginx_->tls_url("a") +
                                 "; } location = /b { return 301 " + nginx_->tls_url("back") + "; }"});
    auto& raised = fetch(first.url("a"));
    EXPECT_EQ(raised.body, "secure content") << raised.error();
    EXPECT_EQ(raised.head->effective_url, nginx_->tls_url("a"));
    EXPECT_EQ(fetch(first.url("b")).kind(), ErrorKind::Refused);
}

TEST_F(NginxTest, SaysNothingAfterCancelNotEvenWhatWasAlreadyPosted) {
    serve();
    nginx_->put("a", numbered(5'000'000));
    auto& probe = start(request(nginx_->url("a")));
    const auto deadline = loop_.now() + Seconds(10);
    while (loop_.pending() == 0 && loop_.now() < deadline) std::this_thread::yield();
    ASSERT_GT(loop_.pending(), 0u);
    client().cancel(probe.id);
    EXPECT_TRUE(fetch(nginx_->url("a")).ok());
    EXPECT_FALSE(probe.head);
    EXPECT_EQ(probe.chunks, 0);
    EXPECT_FALSE(probe.finished());
}

TEST_F(NginxTest, MayBeCancelledFromItsOwnCallbacks) {
    serve();
    nginx_->put("a", numbered(5'000'000));
    auto asked = request(nginx_->url("a"));
    int chunks = 0;
    broker::FetchId id = broker::FetchId::none;
    broker::MirrorEvents events;
    events.data = [&](ByteCount, Bytes) {
        ++chunks;
        client().cancel(id);
    };
    events.done = [](const Result<void>&) { FAIL() << "done after cancel"; };
    id = client().start(asked, std::move(events));
    ASSERT_TRUE(loop_.run_until([&] { return chunks > 0; }));
    EXPECT_TRUE(fetch(nginx_->url("a")).ok());
    EXPECT_EQ(chunks, 1);
}

TEST_F(NginxTest, EndsQuicklyInTheMiddleOfFetchesAndSaysNothingMore) {
    serve({.server_lines = "limit_rate 100k;"});
    nginx_->put("a", numbered(5'000'000));
    for (int i = 0; i < 8; ++i) start(request(nginx_->url("a")));
    ASSERT_TRUE(loop_.run_until([&] {
        return std::all_of(probes_.begin(), probes_.end(), [](auto& probe) { return probe.head.has_value(); });
    }));
    std::vector<int> chunks;
    for (const auto& probe : probes_) chunks.push_back(probe.chunks);
    const auto before = loop_.now();
    client_.reset();
    EXPECT_LT(seconds_between(before, loop_.now()), 1.0);
    loop_.run_for(Millis(50));
    for (std::size_t i = 0; i < probes_.size(); ++i) {
        EXPECT_EQ(probes_[i].chunks, chunks[i]);
        EXPECT_FALSE(probes_[i].finished());
    }
}

TEST_F(NginxTest, MayBeDestroyedByACallback) {
    serve();
    nginx_->put("a", numbered(2'000'000));
    bool gone = false;
    broker::MirrorEvents events;
    events.head = [&](const broker::MirrorHead&) {
        client_.reset();
        gone = true;
    };
    events.data = [](ByteCount, const Bytes&) { FAIL() << "data after the end"; };
    events.done = [](const Result<void>&) { FAIL() << "done after the end"; };
    client().start(request(nginx_->url("a")), std::move(events));
    EXPECT_TRUE(loop_.run_until([&] { return gone; }));
    loop_.run_for(Millis(20));
}

TEST_F(NginxTest, NoticesThatTheServerHasClosedAnIdleConnection) {
    serve();
    nginx_->put("a", "content");
    EXPECT_TRUE(fetch(nginx_->url("a")).ok());
    const std::string url = nginx_->url("a");
    nginx_->stop();
    EXPECT_EQ(fetch(url).kind(), ErrorKind::Transient);
}

}  // namespace
}  // namespace packswarm::test
