#include "p2p/gateway/gateway.hpp"

#include "p2p/base/http_date.hpp"
#include "p2p/base/limits.hpp"
#include "tests/component/gateway/gateway_fixture.hpp"

namespace packswarm::gateway {
namespace {

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
            loop.run([&] {
                requests.deliver(id, file_with(std::to_string(i)), static_cast<ByteCount>(std::to_string(i).size()));
            });
        }
        EXPECT_EQ(client.read_reply().body,
                  i == static_cast<int>(limits::max_http_pipeline) - 1 ? "early" : std::to_string(i));
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
    EXPECT_EQ(client.get(core + "core.db", "Range: bytes=2-3\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n").body,
              "23");
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

TEST_F(GatewayTest, PassesTermsOnAndAnswersWithThePartThatCame) {
    HttpClient client(port);
    client.ask(core + "core.db",
               "Range: bytes=4-7\r\nIf-Range: \"tag\"\r\nCache-Control: no-cache\r\nUser-Agent: corp-updater/1.0\r\n");
    auto id = wait_for("core.db");
    const auto terms = loop.run([&] { return requests.asked.back().terms; });
    EXPECT_EQ(terms.begin, 4);
    EXPECT_EQ(terms.end, 8);
    EXPECT_EQ(terms.if_range, "\"tag\"");
    EXPECT_EQ(terms.cache_control, "no-cache");
    EXPECT_EQ(terms.user_agent, "corp-updater/1.0");
    loop.run([&] { requests.deliver_part(id, file_with("4567"), {{4, 8}, 10}); });
    auto reply = client.read_reply();
    EXPECT_EQ(reply.status, 206);
    EXPECT_EQ(reply.body, "4567");
    EXPECT_EQ(reply.header("Content-Range"), "bytes 4-7/10");

    client.ask(core + "core.db", "Range: bytes=10-\r\n");
    id = wait_for("core.db");
    loop.run([&] { requests.deliver_part(id, file_with(""), {{10, 10}, 10}); });
    reply = client.read_reply();
    EXPECT_EQ(reply.status, 416);
    EXPECT_EQ(reply.header("Content-Range"), "bytes */10");

    client.ask(core + "core.db", "Range: bytes=8-9223372036854775807\r\n");
    id = wait_for("core.db");
    EXPECT_FALSE(loop.run([&] { return requests.asked.back().terms.end; })) << "to the end";
    loop.run([&] { requests.deliver_part(id, file_with("89"), {{8, 10}, 10}); });
    EXPECT_EQ(client.read_reply().body, "89");

    has("core.db", "0123456789");
    EXPECT_EQ(client.get(core + "core.db", "Range: bytes=4-7\r\nIf-Range: \"tag\"\r\n").body, "0123456789")
        << "the whole is not judged by tags";
    EXPECT_EQ(client.get(core + "core.db", "Range: bytes=-3\r\n").body, "789");
    EXPECT_FALSE(loop.run([&] { return requests.asked.back().terms.begin; }))
        << "the last bytes are taken from the whole";
}

TEST_F(GatewayTest, AnswersNotModified) {
    HttpClient client(port);
    client.ask(core + "core.db", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    const auto id = wait_for("core.db");
    EXPECT_EQ(loop.run([&] { return requests.asked.back().if_modified_since; }), some_day);
    loop.run([&] { requests.not_modified(id); });
    EXPECT_EQ(client.read_reply().status, 304);
    has("core.db", "other", some_day);  // a date orders no contents: only the broker knows
    EXPECT_EQ(client.get(core + "core.db", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").body, "other");
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
    loop.run([&] { requests.has("http://deb.example/debian/g%2b%2b.deb", "proxied"); });
    HttpClient client(port);
    EXPECT_EQ(client.get("http://deb.example/debian/g%2b%2b.deb").body, "proxied");
    EXPECT_EQ(loop.run([&] { return requests.asked.back().url; }), "http://deb.example/debian/g%2b%2b.deb")
        << "as it was spelled";
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

TEST_F(GatewayTest, ServesWhatNoMirrorSignsWhereNobodySaidThatItIsSigned) {
    loop.run([&] { requests.signatures = core::PackageSignatures::as_found; });
    has("a-1-1-any.pkg.tar.zst", "package");
    lacks("a-1-1-any.pkg.tar.zst.sig", ErrorKind::Absent);
    HttpClient client(port);
    EXPECT_EQ(client.get(core + "a-1-1-any.pkg.tar.zst").body, "package");
    has("b-1-1-any.pkg.tar.zst", "package");
    lacks("b-1-1-any.pkg.tar.zst.sig", ErrorKind::Transient);
    EXPECT_EQ(client.get(core + "b-1-1-any.pkg.tar.zst").status, 503);
}

TEST_F(GatewayTest, AsksForNoSignatureWhereNoneIsDemanded) {
    loop.run([&] { requests.signatures = core::PackageSignatures::not_demanded; });
    has("a-1-1-any.pkg.tar.zst", "package");
    EXPECT_EQ(HttpClient(port).get(core + "a-1-1-any.pkg.tar.zst").body, "package");
    EXPECT_EQ(loop.run([&] { return requests.asked.size(); }), 1u);
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

// ---- Who may come in

TEST_F(GatewayTest, TurnsClientsAwayBeyondItsBound) {
    Patience patience;
    patience.spared = 1h;
    open(patience);
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (std::size_t i = 0; i < limits::max_gateway_clients; ++i) clients.push_back(std::make_unique<HttpClient>(port));
    ASSERT_TRUE(loop.until([&] { return gateway->clients() == limits::max_gateway_clients; }));
    EXPECT_EQ(HttpClient(port).read_to_end().substr(0, 12), "HTTP/1.1 503");
    clients.clear();
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 0; }));
    has("core.db", "x");
    EXPECT_EQ(HttpClient(port).get(core + "core.db").status, 200);
}

TEST_F(GatewayTest, GivesTheLongestIdlePlaceToWhoComes) {
    Patience patience;
    patience.spared = 0ms;
    open(patience);
    has("core.db", "x");
    HttpClient first(port);
    EXPECT_EQ(first.get(core + "core.db").status, 200);
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (std::size_t i = 1; i < limits::max_gateway_clients; ++i) {
        clients.push_back(std::make_unique<HttpClient>(port));
        clients.back()->say("GET / HT");  // a head that has not come whole is no request
    }
    ASSERT_TRUE(loop.until([&] { return gateway->clients() == limits::max_gateway_clients; }));
    EXPECT_EQ(first.get(core + "core.db").status, 200);  // used a moment ago
    HttpClient late(port);
    EXPECT_EQ(late.get(core + "core.db").status, 200);
    EXPECT_EQ(clients.front()->read_to_end(), "");
    EXPECT_FALSE(clients.back()->hears_within(50ms));
    EXPECT_EQ(first.get(core + "core.db").status, 200);
    EXPECT_EQ(loop.run([&] { return gateway->clients(); }), limits::max_gateway_clients);
}

TEST_F(GatewayTest, KnowsWhoAsksOverLoopback) {
    has("core.db", "x");
    EXPECT_EQ(HttpClient(port).get(core + "core.db").status, 200);
    EXPECT_EQ(loop.run([&] { return requests.asked.back().user; }), "user " + std::to_string(::getuid()));
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

}  // namespace
}  // namespace packswarm::gateway
