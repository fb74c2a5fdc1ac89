#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/component/web/probe.hpp"
#include "tests/support/formats.hpp"
#include "tests/support/rude_server.hpp"

namespace packswarm::test {
namespace {

class RudeTest : public ClientTest {
  protected:
    // One answer for every request.
    RudeServer& serve(RudeServer::Script script) {
        server_ = std::make_unique<RudeServer>(std::move(script));
        return *server_;
    }
    broker::MirrorRequest deb(std::optional<ByteCount> expected = std::nullopt) {
        auto out = request(server_->url("pool/a_1_amd64.deb"));
        out.expected_size = expected;
        return out;
    }
    broker::MirrorRequest impatient(std::optional<ByteCount> expected = std::nullopt) {
        auto out = deb(expected);
        out.stall_timeout = Millis(400);
        return out;
    }
    std::unique_ptr<RudeServer> server_;
};

TEST_F(RudeTest, AsksPlainlyForRawBytes) {
    serve(
        [](RudeTalk& talk) { talk.answer("206 Partial Content", "Content-Range: bytes 10-19/100\r\n", "0123456789"); });
    auto asked = deb(100);
    asked.range = ByteRange{10, 20};
    auto& probe = fetch(asked);
    ASSERT_TRUE(probe.ok()) << probe.error();
    const auto head = server_->heads().at(0);
    EXPECT_TRUE(head.starts_with("GET /pool/a_1_amd64.deb HTTP/1.1\r\n")) << head;
    EXPECT_NE(head.find("\r\nRange: bytes=10-19\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("\r\nUser-Agent: packswarm/"), std::string::npos) << head;
    EXPECT_EQ(head.find("Accept-Encoding"), std::string::npos) << head;
    EXPECT_EQ(head.find("Cache-Control"), std::string::npos) << head;
}

TEST_F(RudeTest, LeavesEncodedBytesAsTheyAre) {
    serve([](RudeTalk& talk) { talk.answer("200 OK", "Content-Encoding: gzip\r\n", "\x1f\x8bnot really"); });
    EXPECT_EQ(fetch(deb()).body, "\x1f\x8bnot really");
}

TEST_F(RudeTest, TellsCachesOnTheWayToRevalidateRoots) {
    settings_.formats = formats::all();
    serve([](RudeTalk& talk) { talk.answer("200 OK", "", "signed"); });
    EXPECT_TRUE(fetch(server_->url("debian/dists/bookworm/InRelease")).ok());
    EXPECT_NE(server_->heads().at(0).find("\r\nCache-Control: max-age=0\r\n"), std::string::npos);
}

TEST_F(RudeTest, CountsTimeToFirstByteFromTheRequest) {
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\n");  // libcurl 8 takes the time of the first whole line, not of its first byte
        std::this_thread::sleep_for(Millis(600));
        talk.send("Content-Length: 2\r\n\r\nok");
    });
    auto& probe = fetch(deb());
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_LT(probe.head->first_byte_s, 0.5);
    serve([](RudeTalk& talk) {
        std::this_thread::sleep_for(Millis(150));  // the mirror's own slowness is what is measured
        talk.answer("200 OK", "", "ok");
    });
    EXPECT_GE(fetch(deb()).head->first_byte_s, 0.15);
}

TEST_F(RudeTest, DropsASilentServerAfterTheStallTimeout) {
    serve([](RudeTalk& talk) { talk.stall(); });
    const auto before = loop_.now();
    auto& probe = fetch(impatient());
    EXPECT_EQ(probe.kind(), ErrorKind::Transient) << probe.error();
    EXPECT_GE(seconds_between(before, loop_.now()), 0.4);
}

TEST_F(RudeTest, DropsAServerThatStopsInTheBodyAndKeepsWhatCame) {
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        talk.stall();
    });
    auto& probe = fetch(impatient(100));
    EXPECT_EQ(probe.kind(), ErrorKind::Transient) << probe.error();
    EXPECT_EQ(probe.body, "0123456789");
}

TEST_F(RudeTest, LetsASlowServerGoOnWhileBytesCome) {
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n");
        talk.drip("0123456789abcdef", Millis(80));
    });
    auto asked = deb(16);
    asked.stall_timeout = Seconds(1);
    auto& probe = fetch(asked);
    EXPECT_EQ(probe.body, "0123456789abcdef") << probe.error();
    EXPECT_GT(probe.chunks, 4);
}

TEST_F(RudeTest, DoesNotBlameTheServerForALoopThatIsBusy) {
    settings_.max_unread = 64 * limits::kib;
    const auto content = numbered(16 << 20);
    serve([content](RudeTalk& talk) { talk.answer("200 OK", "", content); });
    auto& probe = start(impatient());
    std::this_thread::sleep_for(Millis(900));  // the loop stands still for longer than the stall timeout
    ASSERT_TRUE(loop_.run_until([&] { return probe.finished(); }, Millis(30'000)));
    EXPECT_TRUE(probe.ok()) << probe.error();
    EXPECT_TRUE(probe.body == content);
}

TEST_F(RudeTest, HoldsNoMoreThanAllowedWhileTheLoopStandsStill) {
    settings_.max_unread = 1 * limits::mib;
    const auto sent = std::make_shared<std::atomic<ByteCount>>(0);
    const std::string block(64 * 1024, 'x');
    serve([sent, block](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\nContent-Length: 134217728\r\n\r\n");
        for (int i = 0; i < 2048 && talk.send(block); ++i) *sent += static_cast<ByteCount>(block.size());
    });
    auto& probe = start(deb());
    ByteCount seen = -1;  // until the server can send no more for a while
    for (const auto deadline = loop_.now() + Seconds(20);
         (seen < 0 || *sent == 0 || seen != *sent) && loop_.now() < deadline;) {
        seen = *sent;
        std::this_thread::sleep_for(Millis(300));
    }
    EXPECT_LT(sent->load(), 64 * limits::mib);  // the kernel's socket buffers hold a few MiB more
    ASSERT_TRUE(loop_.run_until([&] { return probe.finished(); }, Millis(60'000)));
    EXPECT_TRUE(probe.ok()) << probe.error();
    EXPECT_EQ(probe.body.size(), 134217728u);
}

TEST_F(RudeTest, CallsABrokenConnectionTransient) {
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        talk.close();
    });
    EXPECT_EQ(fetch(deb(100)).kind(), ErrorKind::Transient);
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        talk.reset();
    });
    EXPECT_EQ(fetch(deb(100)).kind(), ErrorKind::Transient);
    serve([](RudeTalk& talk) { talk.close(); });
    EXPECT_EQ(fetch(deb(100)).kind(), ErrorKind::Transient);
    serve([](RudeTalk& talk) {  // without any length, an end may be a break
        talk.send("HTTP/1.1 200 OK\r\n\r\n0123456789");
        talk.close();
    });
    EXPECT_EQ(fetch(deb(100)).kind(), ErrorKind::Transient);
}

TEST_F(RudeTest, CallsAFileOfAnotherLengthAbsentBeforeAnyData) {
    serve([](RudeTalk& talk) { talk.answer("200 OK", "", "0123456789"); });
    auto& probe = fetch(deb(100));
    EXPECT_EQ(probe.kind(), ErrorKind::Absent) << probe.error();
    EXPECT_FALSE(probe.head);
    EXPECT_EQ(probe.chunks, 0);
}

TEST_F(RudeTest, CallsAChunkedBodyThatIsTooShortOrTooLongAbsent) {
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n");
    });
    EXPECT_TRUE(fetch(deb(10)).ok());
    EXPECT_EQ(fetch(deb(11)).kind(), ErrorKind::Absent);
    auto& longer = fetch(deb(9));
    EXPECT_EQ(longer.kind(), ErrorKind::Absent);
    EXPECT_LE(longer.body.size(), 9u);
}

TEST_F(RudeTest, EndsAnEndlessBodyAtTheLimit) {
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\n\r\n");
        talk.endless(std::string(10'000, 'x'));
    });
    auto asked = deb();
    asked.max_bytes = 1'000'000;
    auto& probe = fetch(asked);
    EXPECT_EQ(probe.kind(), ErrorKind::Refused) << probe.error();
    EXPECT_LE(probe.body.size(), 1'000'000u);
    EXPECT_EQ(fetch(deb(500'000)).kind(), ErrorKind::Absent);
}

TEST_F(RudeTest, RefusesADeclaredLengthOverTheLimitBeforeAnyData) {
    serve([](RudeTalk& talk) { talk.answer("200 OK", "", std::string(1001, 'x')); });
    auto asked = deb();
    asked.max_bytes = 1000;
    auto& probe = fetch(asked);
    EXPECT_EQ(probe.kind(), ErrorKind::Refused) << probe.error();
    EXPECT_EQ(probe.chunks, 0);
}

TEST_F(RudeTest, CallsAWebPageInPlaceOfAPackageAbsentByItsLengthAlone) {
    serve([](RudeTalk& talk) { talk.answer("200 OK", "Content-Type: text/html\r\n", "<html>log in</html>"); });
    auto& probe = fetch(deb(100'000));
    EXPECT_EQ(probe.kind(), ErrorKind::Absent) << probe.error();
    EXPECT_EQ(probe.chunks, 0);
    EXPECT_TRUE(fetch(deb(19)).ok());
}

TEST_F(RudeTest, FindsNoPackageAtAPortalBehindARedirect) {
    serve([](RudeTalk& talk) {
        if (talk.path() == "/login")
            talk.answer("200 OK", "Content-Type: text/html\r\n", "<html>log in</html>");
        else
            talk.answer("302 Found", "Location: /login\r\n", "");
    });
    EXPECT_EQ(fetch(deb(100'000)).kind(), ErrorKind::Absent);
}

TEST_F(RudeTest, StopsAWholeAnswerAtTheEndOfARangeFromTheStart) {
    const auto content = numbered(3'000'000);
    serve([content](RudeTalk& talk) { talk.answer("200 OK", "", content); });
    auto asked = deb(3'000'000);
    asked.range = ByteRange{0, 1'000'000};
    auto& probe = fetch(asked);
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_EQ(probe.body, content.substr(0, 1'000'000));
    EXPECT_EQ(probe.head->total_size, 3'000'000);
    EXPECT_TRUE(probe.head->ignores_range);
}

TEST_F(RudeTest, ReportsAServerThatIgnoresLaterRanges) {
    serve([](RudeTalk& talk) { talk.answer("200 OK", "", numbered(300'000)); });
    auto asked = deb(300'000);
    asked.range = ByteRange{100'000, 200'000};
    auto& probe = fetch(asked);
    EXPECT_EQ(probe.kind(), ErrorKind::Refused) << probe.error();
    ASSERT_TRUE(probe.head);
    EXPECT_TRUE(probe.head->ignores_range);
    EXPECT_EQ(probe.chunks, 0);
}

TEST_F(RudeTest, ReadsTheFileThatComesInsteadOfALaterPartFromItsFirstByteOn) {
    const auto content = numbered(3'000'000);
    serve([content](RudeTalk& talk) { talk.answer("200 OK", "", content); });
    auto asked = deb(3'000'000);
    asked.range = ByteRange{1'000'000, 2'000'000};
    asked.takes_whole = true;
    auto& probe = fetch(asked);
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_TRUE(probe.head->ignores_range);
    EXPECT_EQ(probe.first_offset, 0);
    EXPECT_TRUE(probe.body == content);
}

TEST_F(RudeTest, ReadsNoMoreThanTheBeginningWhereThatIsEnough) {
    const auto content = numbered(3'000'000);
    serve([content](RudeTalk& talk) { talk.answer("200 OK", "", content); });
    auto asked = deb(3'000'000);
    asked.enough = 16'384;
    auto& probe = fetch(asked);
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_EQ(probe.body, content.substr(0, 16'384));
    EXPECT_EQ(server_->heads().at(0).find("\r\nRange:"), std::string::npos);
}

TEST_F(RudeTest, ReportsAPartThatIsNotTheOneAskedFor) {
    serve([](RudeTalk& talk) { talk.answer("206 Partial Content", "Content-Range: bytes 0-9/100\r\n", "0123456789"); });
    auto asked = deb(100);
    asked.range = ByteRange{10, 20};
    auto& probe = fetch(asked);
    EXPECT_EQ(probe.kind(), ErrorKind::Refused) << probe.error();
    ASSERT_TRUE(probe.head);
    EXPECT_TRUE(probe.head->ignores_range);
    EXPECT_EQ(probe.chunks, 0);
}

TEST_F(RudeTest, LeavesARedirectLoop) {
    serve([](RudeTalk& talk) { talk.answer("302 Found", "Location: /pool/a_1_amd64.deb\r\n", "moved"); });
    EXPECT_EQ(fetch(deb()).kind(), ErrorKind::Refused);
    EXPECT_EQ(server_->heads().size(), static_cast<std::size_t>(limits::max_redirects) + 1);
    EXPECT_EQ(server_->connections(), 1);
}

TEST_F(RudeTest, RefusesRedirectsToOtherSchemesAndMalformedAddresses) {
    for (const char* target : {"ftp://127.0.0.1/x", "file:///etc/passwd",
                               "http://127.0.0.1/a\x01"
                               "b",
                               "http://127.0.0.1/a b"}) {
        serve([target](RudeTalk& talk) { talk.answer("302 Found", std::string("Location: ") + target + "\r\n", ""); });
        auto& probe = fetch(deb());
        EXPECT_EQ(probe.kind(), ErrorKind::Refused) << target << " " << probe.error();
        EXPECT_EQ(probe.error().find('\x01'), std::string::npos);
    }
}

TEST_F(RudeTest, SendsCredentialsToTheirOriginAlone) {
    RudeServer other([](RudeTalk& talk) { talk.answer("200 OK", "", "content"); });
    serve([target = other.url("b")](RudeTalk& talk) { talk.answer("302 Found", "Location: " + target + "\r\n", ""); });
    auto& probe = fetch("http://user:secret@127.0.0.1:" + std::to_string(server_->port()) + "/a");
    ASSERT_TRUE(probe.ok()) << probe.error();
    EXPECT_NE(server_->heads().at(0).find("\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n"), std::string::npos);
    EXPECT_EQ(other.heads().at(0).find("Authorization"), std::string::npos);
    EXPECT_EQ(probe.head->effective_url, other.url("b"));
}

TEST_F(RudeTest, NamesTheKindOfEveryRefusal) {
    const std::pair<const char*, ErrorKind> answers[] = {
        {"404 Not Found", ErrorKind::Absent},   {"410 Gone", ErrorKind::Absent},
        {"403 Forbidden", ErrorKind::Refused},  {"401 Unauthorized", ErrorKind::Refused},
        {"407 Proxy", ErrorKind::Refused},      {"429 Too Many", ErrorKind::Transient},
        {"500 Oops", ErrorKind::Transient},     {"503 Busy", ErrorKind::Transient},
        {"204 No Content", ErrorKind::Refused}, {"304 Not Modified", ErrorKind::Refused}};
    for (const auto& [status, kind] : answers) {
        serve([status = status](RudeTalk& talk) {
            talk.send("HTTP/1.1 " + std::string(status) + "\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
        });
        auto& probe = fetch(deb());
        EXPECT_EQ(probe.kind(), kind) << status << " " << probe.error();
        EXPECT_NE(probe.error().find("127.0.0.1"), std::string::npos) << probe.error();
    }
}

TEST_F(RudeTest, SurvivesGarbageInsteadOfHttp) {
    for (const char* garbage :
         {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/9.9 banana\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "\r\n\r\n", "HTTP/1.1 000 Hm\r\n\r\n"}) {
        serve([garbage](RudeTalk& talk) {
            talk.send(garbage);
            talk.close();
        });
        auto& probe = fetch(deb());
        EXPECT_TRUE(probe.kind() == ErrorKind::Refused || probe.kind() == ErrorKind::Transient)
            << garbage << " " << probe.error();
        EXPECT_EQ(probe.body, "") << garbage;
    }
}

TEST_F(RudeTest, EndsEndlessHeaders) {
    serve([](RudeTalk& talk) {
        talk.send("HTTP/1.1 200 OK\r\n");
        talk.endless("X-Filler: " + std::string(500, 'x') + "\r\n");
    });
    EXPECT_EQ(fetch(deb()).kind(), ErrorKind::Refused);
    serve([](RudeTalk& talk) { talk.endless("HTTP/1.1 100 Continue\r\n\r\n"); });
    EXPECT_EQ(fetch(deb()).kind(), ErrorKind::Refused);
}

TEST_F(RudeTest, TakesTrailersAndEndsEndlessOnes) {
    const std::string begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n";
    serve([begun](RudeTalk& talk) { talk.send(begun + "X-Checksum: abc\r\n\r\n"); });
    EXPECT_TRUE(fetch(deb(10)).ok());
    serve([begun](RudeTalk& talk) {
        talk.send(begun);
        talk.endless("X-Filler: " + std::string(500, 'x') + "\r\n");
    });
    auto& probe = fetch(deb(10));
    EXPECT_EQ(probe.kind(), ErrorKind::Refused);
    EXPECT_NE(probe.error().find("trailers"), std::string::npos) << probe.error();
}

TEST_F(RudeTest, ReportsARefusedConnectionAndAnUnknownHost) {
    auto& refused = fetch("http://127.0.0.1:" + std::to_string(closed_port()) + "/a");
    EXPECT_EQ(refused.kind(), ErrorKind::Transient) << refused.error();
    // A label of more than 63 characters is no name at all: the resolver says so without asking anybody.
    auto& unknown = fetch("http://" + std::string(70, 'a') + ".test/a");
    EXPECT_EQ(unknown.kind(), ErrorKind::Transient) << unknown.error();
    EXPECT_NE(unknown.error().find("resolve"), std::string::npos) << unknown.error();
}

TEST_F(RudeTest, ReportsUnusableRequestsWithoutAskingAnybody) {
    for (const char* url : {"", "ftp://127.0.0.1/a", "http://127.0.0.1/a\r\nX: y", "http://127.0.0.1/../a"})
        EXPECT_EQ(fetch(url).kind(), ErrorKind::Refused) << url;
    serve([](RudeTalk& talk) { talk.answer("200 OK", "", "x"); });
    auto asked = deb();
    asked.range = ByteRange{5, 5};
    EXPECT_EQ(fetch(asked).kind(), ErrorKind::Refused);
    EXPECT_EQ(server_->connections(), 0);
}

// A listener whose queue is full answers no further SYN, like a host that is switched off.
class BlackHole {
  public:
    BlackHole() {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::inet_pton(AF_INET, "127.0.0.1", &name_.sin_addr);
        name_.sin_family = AF_INET;
        socklen_t length = sizeof name_;
        ::bind(listener_, address(), length);
        ::listen(listener_, 0);
        ::getsockname(listener_, address(), &length);
        for (auto& filler : fillers_) {
            filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            static_cast<void>(::connect(filler, address(), length));
        }
    }
    ~BlackHole() {
        for (const int filler : fillers_) ::close(filler);
        ::close(listener_);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(ntohs(name_.sin_port)) + "/a"; }

  private:
    sockaddr* address() { return reinterpret_cast<sockaddr*>(&name_); }
    sockaddr_in name_{};
    int listener_ = -1;
    int fillers_[4] = {-1, -1, -1, -1};
};

TEST_F(RudeTest, GivesUpConnectingAfterTheConnectTimeout) {
    const BlackHole hole;
    settings_.connect_timeout = Millis(300);
    const auto before = loop_.now();
    auto& probe = fetch(hole.url());
    EXPECT_EQ(probe.kind(), ErrorKind::Transient) << probe.error();
    EXPECT_GE(seconds_between(before, loop_.now()), 0.25);
}

TEST_F(RudeTest, GivesUpConnectingAfterAShorterStallTimeout) {
    const BlackHole hole;
    auto asked = request(hole.url());
    asked.stall_timeout = Millis(200);
    EXPECT_EQ(fetch(asked).kind(), ErrorKind::Transient);
}

class Environment {  // of this process, for one test
  public:
    Environment(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~Environment() { ::unsetenv(name_); }

  private:
    const char* name_;
};

TEST_F(RudeTest, GoesThroughTheEnvironmentsProxy) {
    RudeServer proxy([](RudeTalk& talk) { talk.answer("200 OK", "", "by proxy"); });
    serve([](RudeTalk& talk) { talk.answer("200 OK", "", "directly"); });
    const Environment set("http_proxy", "http://127.0.0.1:" + std::to_string(proxy.port()));
    EXPECT_EQ(fetch(deb()).body, "by proxy");
    EXPECT_EQ(proxy.heads().at(0).substr(0, proxy.heads().at(0).find("\r\n")),
              "GET " + server_->url("pool/a_1_amd64.deb") + " HTTP/1.1");
    const Environment except("no_proxy", "127.0.0.1");
    EXPECT_EQ(fetch(deb()).body, "directly");
}

TEST_F(RudeTest, TriesAgainWhenAKeptConnectionDiesUnderTheRequest) {
    const auto requests = std::make_shared<std::atomic<int>>(0);
    serve([requests](RudeTalk& talk) {
        if (++*requests == 2)
            talk.close();  // hangs up instead of answering
        else
            talk.answer("200 OK", "", "content");
    });
    EXPECT_EQ(fetch(deb()).body, "content");
    EXPECT_EQ(fetch(deb()).body, "content");
    EXPECT_EQ(*requests, 3);
}

}  // namespace
}  // namespace packswarm::test
