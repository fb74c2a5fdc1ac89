#include "p2p/gateway/gateway.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>

#include "p2p/base/limits.hpp"
#include "p2p/gateway/http_date.hpp"
#include "p2p/gateway/pacing.hpp"
#include "tests/support/io_thread.hpp"
#include "tests/support/scripted_requests.hpp"

namespace packswarm::gateway {
namespace {

using namespace std::chrono_literals;
using test::file_with;

const std::string mirror = "http://mirror.example/core/os/x86_64/";
const WallTime some_day{Seconds(784111777)};

struct Reply {
    int status = 0;
    std::string head, body;
    std::string header(const std::string& name) const {
        const auto at = head.find("\r\n" + name + ": ");
        if (at == std::string::npos) return "";
        const auto begin = at + name.size() + 4;
        return head.substr(begin, head.find("\r\n", begin) - begin);
    }
};

class HttpClient {
  public:
    explicit HttpClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        const timeval limit{15, 0};
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void say(const std::string& text) { EXPECT_EQ(::send(socket_.fd(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size())); }
    void ask(const std::string& target, const std::string& more = "", const std::string& method = "GET") {
        say(method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more + "\r\n");
    }
    // False when the other end closed (or said nothing for long).
    bool hear_more() {
        char buffer[65536];
        const auto got = ::recv(socket_.fd(), buffer, sizeof buffer, 0);
        if (got > 0) heard_.append(buffer, static_cast<std::size_t>(got));
        return got > 0;
    }
    // Whether something can be heard within that time.
    bool hears_within(std::chrono::milliseconds time) {
        timeval limit{0, std::chrono::microseconds(time).count()};
        fd_set set;
        FD_ZERO(&set);
        FD_SET(socket_.fd(), &set);
        return ::select(socket_.fd() + 1, &set, nullptr, nullptr, &limit) > 0;
    }
    Reply read_head() {
        while (heard_.find("\r\n\r\n") == std::string::npos && hear_more()) {}
        Reply reply;
        const auto end = heard_.find("\r\n\r\n");
        EXPECT_NE(end, std::string::npos) << "no head: " << heard_;
        if (end == std::string::npos) return reply;
        reply.head = heard_.substr(0, end + 2);
        heard_.erase(0, end + 4);
        reply.status = std::atoi(reply.head.c_str() + 9);
        return reply;
    }
    std::string read_body(std::size_t size) {
        while (heard_.size() < size && hear_more()) {}
        std::string body = heard_.substr(0, size);
        heard_.erase(0, body.size());
        return body;
    }
    std::size_t take_all() { return std::exchange(heard_, {}).size(); }  // bytes heard so far
    Reply read_reply() {
        Reply reply = read_head();
        if (reply.status != 304) reply.body = read_body(static_cast<std::size_t>(std::atoll(reply.header("Content-Length").c_str())));
        return reply;
    }
    Reply get(const std::string& target, const std::string& more = "") {
        ask(target, more);
        return read_reply();
    }
    // What came up to the close; only for connections that the gateway ends.
    std::string read_to_end() {
        while (hear_more()) {}
        return std::exchange(heard_, {});
    }

  private:
    FileHandle socket_;
    std::string heard_;
};

class GatewayTest : public testing::Test {
  protected:
    GatewayTest() : requests(loop.io()) { open({}); }
    ~GatewayTest() override {
        loop.run([&] { gateway.reset(); });
    }
    void open(Patience patience) {
        loop.run([&] {
            gateway = std::move(Gateway::open(loop.io(), requests, {"127.0.0.1", 0, {}, "packswarm-test", patience}).value());
            port = gateway->port();
        });
    }
    void has(const std::string& file, const std::string& content, std::optional<WallTime> modified = {}) {
        loop.run([&] { requests.has(mirror + file, content, modified); });
    }
    void lacks(const std::string& file, ErrorKind kind = ErrorKind::Absent) {
        loop.run([&] { requests.lacks(mirror + file, kind); });
    }
    broker::RequestId wait_for(const std::string& file) {
        if (!loop.until([&] { return requests.asked_for(mirror + file); })) throw std::runtime_error(file + " was not asked for");
        return loop.run([&] { return requests.id_of(mirror + file); });
    }
    void start(broker::RequestId id, const std::string& bytes, ByteCount size, ByteCount safe) {
        loop.run([&] {
            requests.start(id, file_with(bytes), size, some_day);
            requests.progress(id, {safe, safe, safe});
        });
    }
    bool nothing_in_hand() {
        return loop.until([&] { return requests.open.empty(); });
    }

    test::IoThread loop;
    test::ScriptedRequests requests;
    std::unique_ptr<Gateway> gateway;
    int port = 0;
};

const std::string core = "/core/os/x86_64/";

// ---- Whole answers

TEST_F(GatewayTest, ServesAFileWithItsHead) {
    has("core.db", "the database", some_day);
    HttpClient client(port);
    const auto reply = client.get(core + "core.db");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "the database");
    EXPECT_EQ(reply.header("Content-Length"), "12");
    EXPECT_EQ(reply.header("Content-Type"), "application/octet-stream");
    EXPECT_EQ(reply.header("Accept-Ranges"), "bytes");
    EXPECT_EQ(reply.header("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_TRUE(parse_http_date(reply.header("Date")));
}

TEST_F(GatewayTest, KeepsTheConnectionForTheNextRequest) {
    has("core.db", "one");
    has("core.files", "two");
    HttpClient client(port);
    EXPECT_EQ(client.get(core + "core.db").body, "one");
    lacks("core.db.sig");
    EXPECT_EQ(client.get(core + "core.db.sig").status, 404);
    EXPECT_EQ(client.get(core + "core.files").body, "two");
    EXPECT_EQ(loop.run([&] { return gateway->clients(); }), 1u);
}

TEST_F(GatewayTest, AnswersPipelinedRequestsInOrderAndWorksOnThemAtOnce) {
    HttpClient client(port);
    std::string all;
    for (int i = 0; i < 20; ++i) all += "GET " + core + std::to_string(i) + ".db HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    client.say(all);
    const auto last = wait_for(std::to_string(limits::max_http_pipeline - 1) + ".db");
    EXPECT_EQ(loop.run([&] { return requests.open.size(); }), limits::max_http_pipeline);
    loop.run([&] { requests.deliver(last, file_with("early"), 5); });
    for (int i = 0; i < 20; ++i) {
        if (i != static_cast<int>(limits::max_http_pipeline) - 1) {
            const auto id = wait_for(std::to_string(i) + ".db");
            loop.run([&] { requests.deliver(id, file_with(std::to_string(i)), static_cast<ByteCount>(std::to_string(i).size())); });
        }
        EXPECT_EQ(client.read_reply().body, i == static_cast<int>(limits::max_http_pipeline) - 1 ? "early" : std::to_string(i));
    }
}

TEST_F(GatewayTest, AnswersHeadWithoutBodyAndStopsTheTransfer) {
    HttpClient client(port);
    client.ask(core + "core.db", "", "HEAD");
    start(wait_for("core.db"), "", 5000, 0);
    const auto reply = client.read_head();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.header("Content-Length"), "5000");
    EXPECT_TRUE(nothing_in_hand());
    has("core.db", "x");
    EXPECT_EQ(client.get(core + "core.db").body, "x");  // nothing stood between the two
}

TEST_F(GatewayTest, ServesAnEmptyFile) {
    has("core.db", "");
    HttpClient client(port);
    EXPECT_EQ(client.get(core + "core.db").header("Content-Length"), "0");
    EXPECT_EQ(client.get(core + "core.db").status, 200);
}

TEST_F(GatewayTest, ServesRanges) {
    has("core.db", "0123456789", some_day);
    HttpClient client(port);
    auto reply = client.get(core + "core.db", "Range: bytes=4-\r\n");
    EXPECT_EQ(reply.status, 206);
    EXPECT_EQ(reply.body, "456789");
    EXPECT_EQ(reply.header("Content-Range"), "bytes 4-9/10");
    EXPECT_EQ(client.get(core + "core.db", "Range: bytes=-2\r\n").body, "89");
    EXPECT_EQ(client.get(core + "core.db", "Range: bytes=2-3\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n").body, "23");
    reply = client.get(core + "core.db", "Range: bytes=2-3\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "0123456789");
    reply = client.get(core + "core.db", "Range: bytes=0-1,4-5\r\n");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "0123456789");
    reply = client.get(core + "core.db", "Range: bytes=10-\r\n");
    EXPECT_EQ(reply.status, 416);
    EXPECT_EQ(reply.header("Content-Range"), "bytes */10");
    EXPECT_EQ(client.get(core + "core.db").body, "0123456789");
}

TEST_F(GatewayTest, AnswersNotModified) {
    HttpClient client(port);
    client.ask(core + "core.db", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    const auto id = wait_for("core.db");
    EXPECT_EQ(loop.run([&] { return requests.asked.back().if_modified_since; }), some_day);
    loop.run([&] { requests.not_modified(id); });
    EXPECT_EQ(client.read_reply().status, 304);
    has("core.db", "same", some_day);  // the store's copy is no newer than the client's
    EXPECT_EQ(client.get(core + "core.db", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 304);
    has("core.db", "new", some_day + 1s);
    EXPECT_EQ(client.get(core + "core.db", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").body, "new");
}

TEST_F(GatewayTest, SaysWhatWentWrongByKind) {
    const std::vector<std::pair<ErrorKind, int>> statuses{{ErrorKind::Absent, 404},
                                                          {ErrorKind::Transient, 503},
                                                          {ErrorKind::Corrupt, 502},
                                                          {ErrorKind::Refused, 403},
                                                          {ErrorKind::Broken, 500}};
    HttpClient client(port);
    for (const auto& [kind, status] : statuses) {
        lacks("core.db", kind);
        const auto reply = client.get(core + "core.db");
        EXPECT_EQ(reply.status, status);
        EXPECT_EQ(reply.body, "packswarm: " + std::string(to_string(kind)) + ": no mirror has it\n");
    }
}

TEST_F(GatewayTest, AnswersUnknownRepositoriesAtOnce) {
    HttpClient client(port);
    EXPECT_EQ(client.get("/aur/os/x86_64/aur.db").status, 404);
    EXPECT_EQ(client.get("/core/os/riscv/core.db").status, 404);
    EXPECT_TRUE(loop.run([&] { return requests.asked.empty(); }));
}

TEST_F(GatewayTest, ServesAsAProxy) {
    loop.run([&] { requests.has("http://deb.example/debian/g++.deb", "proxied"); });
    HttpClient client(port);
    EXPECT_EQ(client.get("http://deb.example/debian/g%2b%2b.deb").body, "proxied");
    EXPECT_EQ(loop.run([&] { return requests.asked.back().asker; }), "gateway");
}

TEST_F(GatewayTest, RefusesTunnelsWithAClearText) {
    HttpClient client(port);
    client.say("CONNECT deb.example:443 HTTP/1.1\r\nHost: deb.example:443\r\n\r\n");
    const auto text = client.read_to_end();
    EXPECT_EQ(text.substr(0, 12), "HTTP/1.1 405");
    EXPECT_NE(text.find("Acquire::https::Proxy"), std::string::npos);
}

TEST_F(GatewayTest, AnswersWhatCameBeforeABadHead) {
    has("core.db", "good");
    HttpClient client(port);
    client.say("GET " + core + "core.db HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nnonsense\r\n\r\n");
    const auto text = client.read_to_end();
    EXPECT_EQ(text.substr(0, 12), "HTTP/1.1 200");
    EXPECT_NE(text.find("goodHTTP/1.1 400"), std::string::npos) << text;
}

TEST_F(GatewayTest, BreaksLoops) {
    HttpClient client(port);
    EXPECT_EQ(client.get(core + "core.db", "Via: 1.1 packswarm-test\r\n").status, 508);
}

// ---- A package and its signature

TEST_F(GatewayTest, ServesAPackageWhoseSignatureCanBeHad) {
    has("a-1-1-any.pkg.tar.zst", "package");
    has("a-1-1-any.pkg.tar.zst.sig", "signature");
    HttpClient client(port);
    EXPECT_EQ(client.get(core + "a-1-1-any.pkg.tar.zst").body, "package");
    EXPECT_EQ(client.get(core + "a-1-1-any.pkg.tar.zst.sig").body, "signature");
}

TEST_F(GatewayTest, ServesNoPackageWithoutItsSignature) {
    HttpClient client(port);
    for (const auto& [kind, status] : {std::pair(ErrorKind::Absent, 404), std::pair(ErrorKind::Transient, 503)}) {
        has("a-1-1-any.pkg.tar.zst", "package");
        lacks("a-1-1-any.pkg.tar.zst.sig", kind);
        const auto reply = client.get(core + "a-1-1-any.pkg.tar.zst");
        EXPECT_EQ(reply.status, status);
        EXPECT_NE(reply.body.find("signature"), std::string::npos);
    }
    EXPECT_TRUE(nothing_in_hand());
}

TEST_F(GatewayTest, SendsNothingOfAPackageBeforeItsSignatureIsThere) {
    const std::string content(1 << 20, 'p');
    HttpClient client(port);
    client.ask(core + "a-1-1-any.pkg.tar.zst");
    const auto package = wait_for("a-1-1-any.pkg.tar.zst");
    const auto signature = wait_for("a-1-1-any.pkg.tar.zst.sig");
    start(package, content, 1 << 20, 1 << 19);
    loop.run([&] { requests.deliver(package, file_with(content), 1 << 20); });
    EXPECT_FALSE(client.hears_within(200ms));
    loop.run([&] { requests.deliver(signature, file_with("s"), 1); });
    EXPECT_EQ(client.read_reply().body, content);
}

// ---- Streaming

TEST_F(GatewayTest, StreamsSafeBytesAndTheRestAtTheEnd) {
    const std::string content(3 << 20, 's');
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    start(id, content, 3 << 20, 2 << 20);
    const auto head = client.read_head();
    EXPECT_EQ(head.header("Content-Length"), std::to_string(3 << 20));
    const std::size_t early = (2 << 20) - pacing_reserve;
    EXPECT_EQ(client.read_body(early).size(), early);
    loop.run([&] { requests.deliver(id, file_with(content), 3 << 20); });
    EXPECT_EQ(client.read_body(content.size() - early).size(), content.size() - early);
}

TEST_F(GatewayTest, SendsNothingWhileNothingIsSafe) {
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    start(id, std::string(1000, 'x'), 1000, 0);
    loop.run([&] { requests.progress(id, {1000, 1000, 0}); });
    EXPECT_FALSE(client.hears_within(1500ms));
    loop.run([&] { requests.fail(id, ErrorKind::Corrupt, "every source lied"); });
    EXPECT_EQ(client.read_reply().status, 502);  // a clean failure: not one byte of the file went out
}

TEST_F(GatewayTest, CutsTheAnswerShortOnALateFailure) {
    const std::string content(2 << 20, 'x');
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    start(id, content, 2 << 20, 2 << 20);
    client.read_head();
    loop.run([&] { requests.fail(id, ErrorKind::Corrupt, "the digest is another one"); });
    EXPECT_LT(client.read_to_end().size(), content.size());
}

TEST_F(GatewayTest, CutsShortWhenTheFileTurnsOutToHaveAnotherSize) {
    const std::string content(2 << 20, 'x');
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    start(id, content, 2 << 20, 1 << 20);
    client.read_head();
    loop.run([&] { requests.deliver(id, file_with(content + "more"), (2 << 20) + 4); });
    EXPECT_LT(client.read_to_end().size(), content.size());
}

TEST_F(GatewayTest, TricklesAShortSafePrefix) {
    const std::string content(1 << 20, 't');
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    start(id, content, 1 << 20, 64 * 1024);
    client.read_head();
    const auto begin = std::chrono::steady_clock::now();
    std::size_t size = client.take_all();
    while (std::chrono::steady_clock::now() - begin < 3500ms && client.hears_within(1500ms)) {
        ASSERT_TRUE(client.hear_more());
        size += client.take_all();
    }
    EXPECT_GE(size, 3u);  // one at least for every tick
    loop.run([&] { requests.deliver(id, file_with(content), 1 << 20); });
    EXPECT_LT(size, 4096u);
    EXPECT_EQ(client.read_body(content.size() - size).size(), content.size() - size);
}

TEST_F(GatewayTest, ServesALateRangeOnlyFromSafeBytes) {
    const std::string content(2 << 20, 'r');
    HttpClient client(port);
    client.ask(core + "core.db", "Range: bytes=1500000-\r\n");
    const auto id = wait_for("core.db");
    start(id, content, 2 << 20, 1'400'000);
    EXPECT_FALSE(client.hears_within(200ms));
    loop.run([&] { requests.deliver(id, file_with(content), 2 << 20); });
    EXPECT_EQ(client.read_reply().body.size(), content.size() - 1'500'000);
}

TEST_F(GatewayTest, CancelsWhenTheClientGoesAway) {
    {
        HttpClient client(port);
        client.ask(core + "core.db");
        client.ask(core + "a.pkg.tar.zst");
        wait_for("a.pkg.tar.zst.sig");
    }
    EXPECT_TRUE(nothing_in_hand());
    EXPECT_EQ(loop.run([&] { return requests.cancelled.size(); }), 3u);
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 0; }));
}

TEST_F(GatewayTest, CancelsWhenTheClientGoesAwayDuringABody) {
    const std::string content(64 << 20, 'b');
    {
        HttpClient client(port);
        client.ask(core + "core.db");
        start(wait_for("core.db"), content, 65 << 20, 64 << 20);
        client.read_head();
    }
    EXPECT_TRUE(nothing_in_hand());
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 0; }));
}

TEST_F(GatewayTest, CancelsEverythingWhenTheAgentStops) {
    HttpClient client(port);
    client.ask(core + "core.db");
    wait_for("core.db");
    loop.run([&] { gateway.reset(); });
    EXPECT_TRUE(loop.run([&] { return requests.open.empty(); }));
    EXPECT_EQ(client.read_to_end(), "");
}

TEST_F(GatewayTest, GivesRequestsOfOneTimeOneTransaction) {
    has("core.db", "x");
    HttpClient(port).get(core + "core.db");
    HttpClient(port).get(core + "core.db");
    const auto asked = loop.run([&] { return requests.asked; });
    ASSERT_EQ(asked.size(), 2u);
    EXPECT_EQ(asked[0].transaction, asked[1].transaction);
    EXPECT_EQ(asked[0].transaction.substr(0, 8), "gateway-");
    EXPECT_EQ(asked[0].asker, "pacman");
}

// ---- Patience

constexpr Patience short_patience{100ms, 100ms, 100ms, 100ms};

TEST_F(GatewayTest, ClosesAConnectionThatSaysNothing) {
    open(short_patience);
    EXPECT_EQ(HttpClient(port).read_to_end(), "");
}

TEST_F(GatewayTest, AnswersAHeadThatDoesNotEnd) {
    open({100ms, 1h, 1h, 1h});
    HttpClient client(port);
    client.say("GET " + core + "core.db HTTP/1.1\r\nHost:");
    EXPECT_EQ(client.read_to_end().substr(0, 12), "HTTP/1.1 408");
}

TEST_F(GatewayTest, AnswersWhenNothingIsHeardOfAFile) {
    open({1h, 1h, 1h, 100ms});
    HttpClient client(port);
    EXPECT_EQ(client.get(core + "core.db").status, 504);
    EXPECT_TRUE(nothing_in_hand());
}

TEST_F(GatewayTest, CutsShortWhenNothingMoreIsHeardOfAFile) {
    open({1h, 1h, 1h, 100ms});
    HttpClient client(port);
    client.ask(core + "core.db");
    start(wait_for("core.db"), std::string(2 << 20, 'x'), 3 << 20, 2 << 20);
    EXPECT_LT(client.read_to_end().size(), 3u << 20);
    EXPECT_TRUE(nothing_in_hand());
}

TEST_F(GatewayTest, ClosesAClientThatDoesNotRead) {
    open({1h, 1h, 100ms, 1h});
    has("core.db", std::string(64 << 20, 'x'));
    HttpClient client(port);
    client.ask(core + "core.db");
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 1; }));
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 0; }));
}

// ---- Who may come in

TEST_F(GatewayTest, TurnsClientsAwayBeyondItsBound) {
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (std::size_t i = 0; i < limits::max_gateway_clients; ++i) clients.push_back(std::make_unique<HttpClient>(port));
    ASSERT_TRUE(loop.until([&] { return gateway->clients() == limits::max_gateway_clients; }));
    EXPECT_EQ(HttpClient(port).read_to_end().substr(0, 12), "HTTP/1.1 503");
    clients.clear();
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 0; }));
    has("core.db", "x");
    EXPECT_EQ(HttpClient(port).get(core + "core.db").status, 200);
}

TEST_F(GatewayTest, RefusesSettingsThatMakeNoSense) {
    const auto kind = [&](GatewaySettings settings) {
        return loop.run([&] {
            auto other = Gateway::open(loop.io(), requests, settings);
            return other ? std::optional<ErrorKind>() : other.error().kind;
        });
    };
    EXPECT_EQ(kind({"localhost", 0, {}}), ErrorKind::Refused);
    EXPECT_EQ(kind({"127.0.0.1", 70000, {}}), ErrorKind::Refused);
    EXPECT_EQ(kind({"127.0.0.1", 0, {"192.168.0.0"}}), ErrorKind::Refused);
    EXPECT_EQ(kind({"127.0.0.1", port, {}}), ErrorKind::Broken);
    EXPECT_EQ(kind({"127.0.0.1", 0, {"192.168.0.0/16", "fd00::/8"}}), std::nullopt);
}

// ---- Real programs

int run(const std::string& command) {
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class RealPrograms : public GatewayTest {
  protected:
    RealPrograms() {
        char name[] = "/tmp/packswarm-gateway-XXXXXX";
        folder = ::mkdtemp(name);
        address = "http://127.0.0.1:" + std::to_string(port);
    }
    ~RealPrograms() override { std::filesystem::remove_all(folder); }
    std::string folder, address;
};

TEST_F(RealPrograms, CurlFetchesResumesAndRevalidates) {
    std::string content;
    for (int i = 0; i < 300'000; ++i) content += std::to_string(i) + '\n';
    has("core.db", content, some_day);
    const std::string out = folder + "/core.db", curl = "curl -sfR -o " + out + " ", url = address + core + "core.db";
    EXPECT_EQ(run(curl + url), 0);
    EXPECT_EQ(text_of(out), content);
    std::filesystem::resize_file(out, 1000);
    EXPECT_EQ(run(curl + "-C - " + url), 0);
    EXPECT_EQ(text_of(out), content);
    EXPECT_EQ(run("test \"$(curl -s -o /dev/null -w '%{http_code}' -z " + out + " " + url + ")\" = 304"), 0);
    EXPECT_EQ(run("curl -sf -x " + address + " -o " + out + " http://127.0.0.1:" + std::to_string(port) + core + "core.db"), 0);
    EXPECT_EQ(run("test \"$(curl -s -x " + address + " -w '%{http_connect}' https://deb.example/)\" = 405"), 0);
    EXPECT_EQ(run("test \"$(curl -s -o /dev/null -o /dev/null -w '%{num_connects} ' -I " + url + " " + url + ")\" = '1 0 '"), 0);
}

// A package that pacman accepts, its database, and both in the hands of the scripted broker.
class PacmanProgram : public RealPrograms {
  protected:
    void make_repository() {
        const std::string script = "cd " + folder + " && mkdir -p pkg/usr/share/x root/var/lib/pacman cache && "
            "head -c 1500000 /dev/urandom > pkg/usr/share/x/data && "
            "printf 'pkgname = x\\npkgver = 1:1.0+b-1\\narch = any\\nsize = 1500000\\npkgdesc = x\\nurl = x\\nbuilddate = 1700000000\\n"
            "packager = x\\nlicense = x\\n' > pkg/.PKGINFO && "
            "tar --force-local --zstd -C pkg -cf 'x-1:1.0+b-1-any.pkg.tar.zst' .PKGINFO usr && "
            "repo-add -q core.db.tar.gz 'x-1:1.0+b-1-any.pkg.tar.zst' >/dev/null 2>&1";
        ASSERT_EQ(run(script), 0);
        package = text_of(folder + "/" + name);
        ASSERT_FALSE(package.empty());
        has("core.db", text_of(folder + "/core.db.tar.gz"), some_day);
        std::ofstream(folder + "/pacman.conf") << "[options]\nArchitecture = x86_64\nSigLevel = Never\nParallelDownloads = 5\n"
                                               << "[core]\nServer = " << address << "/$repo/os/$arch\n";
    }
    // instance: "" or "2", which has a root and a cache of its own
    int pacman(const std::string& arguments, const std::string& instance = "") {
        const std::string root = folder + "/root" + instance;
        return run("pacman --noconfirm --config " + folder + "/pacman.conf --root " + root + " --dbpath " + root +
                   "/var/lib/pacman --cachedir " + folder + "/cache" + instance + " " + arguments + " >" + folder + "/log" + instance + " 2>&1");
    }
    const std::string name = "x-1:1.0+b-1-any.pkg.tar.zst";
    std::string package;
};

TEST_F(PacmanProgram, SyncsAndDownloads) {
    ASSERT_NO_FATAL_FAILURE(make_repository());
    has(name, package, some_day);
    has(name + ".sig", "signature");
    EXPECT_EQ(pacman("-Sy"), 0) << text_of(folder + "/log");
    EXPECT_EQ(pacman("-Sy"), 0);
    EXPECT_EQ(pacman("-Sw x"), 0) << text_of(folder + "/log");
    EXPECT_EQ(text_of(folder + "/cache/" + name), package);
}

// Two at once: one is fed safe bytes, the other, beginning later, gets none. When the second gives up, the first is still there.
TEST_F(PacmanProgram, StaysWithASlowFileAsLongAsSafeBytesLast) {
    ASSERT_NO_FATAL_FAILURE(make_repository());
    has(name + ".sig", "signature");
    ASSERT_EQ(pacman("-Sy"), 0);
    ASSERT_EQ(run("cp -r " + folder + "/root " + folder + "/root2 && mkdir " + folder + "/cache2"), 0);
    int fed_status = -1;
    std::jthread fed([&] { fed_status = pacman("-Sw x"); });
    const auto id = wait_for(name);
    start(id, package, static_cast<ByteCount>(package.size()), 4096);
    std::jthread hungry([&] { EXPECT_NE(pacman("-Sw x", "2"), 0); });
    EXPECT_TRUE(loop.until([&] { return requests.cancelled.size() == 1; }, 30s));
    ASSERT_TRUE(loop.run([&] { return requests.open.contains(id); })) << "pacman gave up";
    hungry.join();
    loop.run([&] { requests.deliver(id, file_with(package), static_cast<ByteCount>(package.size())); });
    fed.join();
    EXPECT_EQ(fed_status, 0) << text_of(folder + "/log");
    EXPECT_EQ(text_of(folder + "/cache/" + name), package);
}

}  // namespace
}  // namespace packswarm::gateway
