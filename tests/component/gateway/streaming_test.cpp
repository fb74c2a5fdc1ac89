// Bodies that go out while the file is still coming in, and what happens when one side stops.
#include "p2p/gateway/http/pacing.hpp"
#include "tests/component/gateway/gateway_fixture.hpp"

namespace packswarm::gateway {
namespace {

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

// What is kept goes out while it is hashed; when its end has rotted the rest comes from elsewhere, from its beginning
// on.
TEST_F(GatewayTest, GoesOnWithAnotherFileWhoseFirstBytesAreThoseThatWereSent) {
    std::string right(3 << 20, 's');
    for (std::size_t at = 0; at < right.size(); at += 1000) right[at] = static_cast<char>('a' + at / 1000 % 26);
    std::string rotten = right;
    rotten[(2 << 20) + 5] = '!';
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    start(id, rotten, 3 << 20, 2 << 20);
    client.read_head();
    const std::size_t early = (2 << 20) - pacing_reserve;
    std::string body = client.read_body(early);
    loop.run([&] {
        requests.start(id, file_with(std::string(right.size(), '\0')), 3 << 20);
        requests.progress(id, {0, 0, 0});
    });
    EXPECT_FALSE(client.hears_within(1200ms)) << "nothing of the new file is there yet";
    loop.run([&] { requests.deliver(id, file_with(right), 3 << 20); });
    body += client.read_body(right.size() - early);
    EXPECT_TRUE(body == right);
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

const std::string by_pacman = "User-Agent: pacman/6.0.2 (Linux x86_64) libalpm/13.0.2\r\n";

// Whoever follows where it is sent begins to count its seconds without a byte anew.
TEST_F(GatewayTest, SendsPacmanToTheSameAddressAgainWhileThereIsNothingToSend) {
    open({.again = 300ms});
    HttpClient client(port);
    const auto address = core + "a%2Bb.db";
    client.ask(address, by_pacman);
    const auto first = wait_for("a+b.db");
    const auto reply = client.read_reply();
    EXPECT_EQ(reply.status, 307);
    EXPECT_EQ(reply.header("Location"), address);
    EXPECT_TRUE(loop.run([&] { return requests.open.contains(first); })) << "what has come of it stays";
    client.ask(address, by_pacman);
    EXPECT_TRUE(loop.until([&] { return requests.asked.size() == 2 && !requests.open.contains(first); }));
    ASSERT_EQ(loop.run([&] { return requests.open.size(); }), 1U);
    loop.run([&] { requests.deliver(requests.open.begin()->first, file_with("here"), 4); });
    EXPECT_EQ(client.read_reply().body, "here");
}

TEST_F(GatewayTest, SendsNobodyAgainWhoDidNotSayThatItIsPacman) {
    open({.again = 100ms});
    HttpClient client(port);
    client.ask(core + "core.db");
    wait_for("core.db");
    EXPECT_FALSE(client.hears_within(1500ms));
}

TEST_F(GatewayTest, LetsPacmanGoToItsOtherServersWhenNothingComesFromAnySource) {
    open({.again = 100ms});
    loop.run([&] { requests.silent_since = std::chrono::steady_clock::now() - 1s; });
    HttpClient client(port);
    client.ask(core + "core.db", by_pacman);
    wait_for("core.db");
    EXPECT_FALSE(client.hears_within(1500ms));
}

TEST_F(GatewayTest, StopsForWhoDoesNotComeAgain) {
    open({.again = 100ms});
    HttpClient client(port);
    client.ask(core + "core.db", by_pacman);
    wait_for("core.db");
    EXPECT_EQ(client.read_reply().status, 307);
    EXPECT_TRUE(nothing_in_hand());
    has("other.db", "served");
    EXPECT_EQ(client.get(core + "other.db").body, "served");
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

// As a failing program with rights to the store does: to a file that waits for its turn, and to one that is being sent.
TEST_F(GatewayTest, CutsShortWhatSomebodyWroteToMeanwhile) {
    const std::string large(32 << 20, 'l'), small(5'000, 's');
    const auto large_file = file_with(large), small_file = file_with(small);
    HttpClient client(port);
    client.ask(core + "large.db");
    client.ask(core + "small.db");
    for (const auto& [name, file, size] :
         {std::tuple("large.db", large_file, large.size()), std::tuple("small.db", small_file, small.size())}) {
        const auto id = wait_for(name);
        loop.run([&, file = file, size = size] { requests.deliver(id, file, static_cast<ByteCount>(size)); });
    }
    client.read_head();
    std::this_thread::sleep_for(20ms);  // clocks of file systems tick
    ASSERT_TRUE(write_at(*small_file, 4'000, as_bytes("rot")));
    client.read_body(large.size());
    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_EQ(client.read_to_end(), "") << "the small one's end is all of it";

    HttpClient other(port);
    other.ask(core + "large.db");
    const auto id = wait_for("large.db");
    loop.run([&] { requests.deliver(id, large_file, static_cast<ByteCount>(large.size())); });
    other.read_head();
    ASSERT_TRUE(write_at(*large_file, 31 << 20, as_bytes("rot")));
    EXPECT_LT(other.read_to_end().size(), large.size());
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

TEST_F(GatewayTest, EndsABegunAnswerWhenNothingComesFromAnySource) {
    open({.answer = 1h, .again = 1h, .silence = 100ms});
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    start(id, std::string(2 << 20, 'x'), 3 << 20, 2 << 20);
    client.read_head();
    EXPECT_FALSE(client.read_body(1).empty());
    loop.run([&] { EXPECT_EQ(gateway->clients(), 1u) << "others' bytes come"; });
    loop.run([&] { requests.silent_since = std::chrono::steady_clock::now(); });
    EXPECT_LT(client.read_to_end().size(), 3u << 20);
    EXPECT_TRUE(nothing_in_hand());
}

TEST_F(GatewayTest, KeepsWhoHasHeardNothingYetWaitingForASourceThatIsSlowToAnswer) {
    open({.answer = 1h, .again = 1h, .silence = 10ms});
    HttpClient client(port);
    client.ask(core + "core.db");
    const auto id = wait_for("core.db");
    loop.run([&] { requests.silent_since = std::chrono::steady_clock::now(); });
    EXPECT_FALSE(client.hears_within(200ms));
    loop.run([&] { requests.deliver(id, file_with("here"), 4); });
    EXPECT_EQ(client.read_reply().body, "here");
}

TEST_F(GatewayTest, ClosesAClientThatDoesNotRead) {
    open({1h, 1h, 100ms, 1h});
    has("core.db", std::string(64 << 20, 'x'));
    HttpClient client(port);
    client.ask(core + "core.db");
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 1; }));
    EXPECT_TRUE(loop.until([&] { return gateway->clients() == 0; }));
}

}  // namespace
}  // namespace packswarm::gateway
