#include "tests/component/control/control_fixture.hpp"

namespace packswarm::control {
namespace {

std::string content_of(const FileHandle& file, std::size_t size) {
    std::string text(size, '\0');
    text.resize(read_at(file, 0, text).value());
    return text;
}

TEST_F(Control, HandsOverTheFileThatTheBrokerDelivers) {
    auto client = connect("apt");
    const auto id = get(client);
    loop.run([&] { requests.deliver(id, file_with("the package"), 11, WallTime(1'700'000'000s)); });
    auto event = next(client);
    EXPECT_EQ(event.kind, EventKind::done);
    EXPECT_EQ(event.id, 1u);
    EXPECT_EQ(event.size, 11);
    EXPECT_EQ(event.modified, WallTime(1'700'000'000s));
    EXPECT_EQ(event.digest->hex().substr(0, 4), "abab");
    ASSERT_EQ(event.sources.size(), 1u);
    EXPECT_EQ(event.sources[0].kind, "mirror");
    EXPECT_EQ(content_of(event.file, 100), "the package");
}

TEST_F(Control, TakesNoPlaceWhereSomethingElseLies) {
    const auto open = [&](const std::string& at) {
        return loop.run([&] {
            const auto opened = ControlServer::open(loop.io(), requests, view, {at, 60s});
            return opened ? std::string("opened") : opened.error().message;
        });
    };
    const std::filesystem::path precious = folder + "/precious";
    ASSERT_TRUE(replace_file(precious, as_bytes("precious")));
    for (const std::string at : {folder + "/place", folder + "/place.new"}) {
        const auto expect_refused = [&](const std::string& word) {
            const auto answer = open(folder + "/place");
            EXPECT_TRUE(answer.starts_with(at + " is ")) << answer;
            EXPECT_NE(answer.find(word), std::string::npos) << answer;
            std::filesystem::remove(at);
        };
        ASSERT_TRUE(replace_file(at, as_bytes("mine")));
        EXPECT_EQ(read_text(at, 10).value_or("<gone>"), "mine");
        expect_refused("no socket");
        std::filesystem::create_directory(at);
        expect_refused("no socket");
        for (const std::string to : {precious.string(), path, folder + "/nowhere"}) {
            std::filesystem::create_symlink(to, at);
            expect_refused("symbolic link");
        }
    }
    EXPECT_EQ(read_text(precious, 10).value_or("<gone>"), "precious");
    EXPECT_TRUE(Client::connect(path, "cli", 2s)) << "the one that a link led to";
}

TEST_F(Control, GivesDescriptorsThatCannotWriteAndDoNotShareAnOffset) {
    auto one = connect();
    auto two = connect();
    const auto first = get(one, 1, "http://m/1");
    const auto second = get(two, 1, "http://m/2");
    const auto bytes = file_with("shared");
    loop.run([&] { requests.deliver(first, bytes, 6); });
    loop.run([&] { requests.deliver(second, bytes, 6); });
    const auto a = next(one);
    const auto b = next(two);
    EXPECT_EQ(::fcntl(a.file.fd(), F_GETFL) & O_ACCMODE, O_RDONLY);
    EXPECT_LT(::pwrite(a.file.fd(), "evil", 4, 0), 0);
    EXPECT_EQ(::lseek(a.file.fd(), 3, SEEK_SET), 3);
    EXPECT_EQ(::lseek(b.file.fd(), 0, SEEK_CUR), 0);
}

TEST_F(Control, PassesEverythingTheAskerKnowsToTheBroker) {
    auto client = connect("apt");
    Get get;
    get.id = 1;
    get.url = some_url;
    get.digest = Digest::parse(std::string(64, 'c'));
    get.size = 77;
    get.max_size = 99;
    get.since = WallTime(5s);
    ASSERT_TRUE(client.send(get));
    ASSERT_TRUE(loop.until([&] { return requests.asked.size() == 1; }));
    const auto asked = loop.run([&] { return requests.asked[0]; });
    EXPECT_EQ(asked.url, some_url);
    EXPECT_EQ(asked.digest, get.digest);
    EXPECT_EQ(asked.size, 77);
    EXPECT_EQ(asked.max_size, 99);
    EXPECT_EQ(asked.if_modified_since, WallTime(5s));
    EXPECT_EQ(asked.asker, "apt");
    EXPECT_EQ(asked.transaction.substr(0, 4), "apt-");
}

TEST_F(Control, GivesEachConnectionATransactionOfItsOwn) {
    auto one = connect();
    auto two = connect();
    get(one, 1, "http://m/1");
    get(one, 2, "http://m/2");
    get(two, 1, "http://m/3");
    const auto asked = loop.run([&] { return requests.asked; });
    ASSERT_EQ(asked.size(), 3u);
    EXPECT_EQ(asked[0].transaction, asked[1].transaction);
    EXPECT_NE(asked[0].transaction, asked[2].transaction);
}

TEST_F(Control, TellsStartProgressAndEnd) {
    auto client = connect();
    const auto id = get(client);
    loop.run([&] {
        requests.start(id, file_with("half"), 8);
        requests.progress(id, {4, 3, 2});
    });
    auto event = next(client);
    EXPECT_EQ(event.kind, EventKind::start);
    EXPECT_EQ(event.size, 8);
    EXPECT_EQ(content_of(event.file, 8), "half");
    event = next(client);
    EXPECT_EQ(event.kind, EventKind::progress);
    EXPECT_EQ(event.received, 4);
    EXPECT_EQ(event.prefix, 3);
    EXPECT_EQ(event.safe, 2);
    loop.run([&] { requests.fail(id, ErrorKind::Corrupt, "every source lied"); });
    event = next(client);
    EXPECT_EQ(event.kind, EventKind::failed);
    EXPECT_EQ(event.error.kind, ErrorKind::Corrupt);
    EXPECT_EQ(event.error.message, "every source lied");
}

TEST_F(Control, SaysNotModified) {
    auto client = connect();
    const auto id = get(client, 5);
    loop.run([&] { requests.not_modified(id); });
    const auto event = next(client);
    EXPECT_EQ(event.kind, EventKind::not_modified);
    EXPECT_EQ(event.id, 5u);
}

TEST_F(Control, CancelsWhatTheClientCancels) {
    auto client = connect();
    get(client, 3);
    ASSERT_TRUE(client.send(Cancel{3}));
    EXPECT_TRUE(loop.until([&] { return requests.cancelled.size() == 1; }));
    get(client, 3, "http://m/again");  // the id is free again
}

TEST_F(Control, CancelsEverythingOfAClientThatGoesAway) {
    {
        auto client = connect();
        get(client, 1, "http://m/1");
        get(client, 2, "http://m/2");
    }
    EXPECT_TRUE(loop.until([&] { return requests.open.empty(); }));
    EXPECT_EQ(loop.run([&] { return requests.cancelled.size(); }), 2u);
    EXPECT_TRUE(has_clients(0));
}

TEST_F(Control, CancelsEverythingWhenTheAgentStops) {
    auto client = connect();
    get(client);
    loop.run([&] { server.reset(); });
    EXPECT_EQ(loop.run([&] { return requests.cancelled.size(); }), 1u);
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(client.receive(10s).error().kind, ErrorKind::Transient);
    EXPECT_EQ(client.send(Cancel{1}).error().kind, ErrorKind::Transient);
}

TEST_F(Control, BoundsGetsInHand) {
    auto client = connect();
    for (std::uint64_t id = 1; id <= limits::max_control_gets + 1; ++id) {
        Get get;
        get.id = id;
        get.url = "http://m/" + std::to_string(id);
        ASSERT_TRUE(client.send(get));
    }
    const auto event = next(client);
    EXPECT_EQ(event.kind, EventKind::failed);
    EXPECT_EQ(event.id, limits::max_control_gets + 1);
    EXPECT_EQ(loop.run([&] { return requests.open.size(); }), limits::max_control_gets);
}

TEST_F(Control, DropsProgressButNeverAnEndForASlowReader) {
    auto client = connect();
    const auto id = get(client);
    for (int i = 1; i <= 20'000; ++i) loop.run([&] { requests.progress(id, {i, i, i}); });
    loop.run([&] { requests.fail(id, ErrorKind::Absent, "the end"); });
    std::size_t count = 0;
    Event event;
    ByteCount last = 0;
    do {
        event = next(client);
        ++count;
        if (event.kind == EventKind::progress) {
            EXPECT_GT(event.received, last);
            last = event.received;
        }
    } while (event.kind == EventKind::progress);
    EXPECT_EQ(event.kind, EventKind::failed);
    EXPECT_EQ(event.error.message, "the end");
    EXPECT_LT(count, 10'000u);
}

TEST_F(Control, SendsTheNewestProgressOnceASlowReaderCatchesUp) {
    auto client = connect();
    const auto id = get(client);
    for (int i = 1; i <= 20'000; ++i) loop.run([&] { requests.progress(id, {i, i, i}); });
    Event event;
    do event = next(client);
    while (event.received < 20'000);
    EXPECT_EQ(event.received, 20'000);
}

TEST_F(Control, DoesNotListenToAClientThatDoesNotRead) {
    auto client = connect();
    const auto line = R"({"op":"explain","id":1,"package":"much","x":")" + std::string(60'000, 'x') + "\"}\n";
    FileHandle raw(::dup(client.fd()));
    std::size_t sent = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto put = ::send(raw.fd(), line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put != static_cast<ssize_t>(line.size())) break;
        ++sent;
        loop.run([] {});
    }
    EXPECT_LT(sent, 100u);  // 6 MB at most lie in both directions' buffers, then the client has to wait
    EXPECT_EQ(clients(), 1u);
}

TEST_F(Control, ClosesAClientThatNeverReads) {
    restart(100ms);
    auto client = connect();
    const auto id = get(client);
    for (int i = 0; i < 20'000; ++i)
        loop.run([&] {
            if (requests.open.contains(id)) requests.progress(id, {i, i, i});
        });
    EXPECT_TRUE(has_clients(0));
    EXPECT_TRUE(loop.run([&] { return requests.open.empty(); }));
}

// ---- clients without manners

class RawClient {
  public:
    explicit RawClient(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, path.size());
        EXPECT_EQ(::connect(socket_.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        timeval limit{10, 0};
        ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    void say(const std::string& text) { (void)!::send(socket_.fd(), text.data(), text.size(), MSG_NOSIGNAL); }
    // Everything until the agent closes.
    std::string hear_all() {
        std::string out(1 << 20, '\0');
        std::size_t size = 0;
        for (ssize_t got = 0; (got = ::recv(socket_.fd(), out.data() + size, out.size() - size, 0)) > 0;)
            size += static_cast<std::size_t>(got);
        out.resize(size);
        return out;
    }

  private:
    FileHandle socket_;
};

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t out = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
    return out;
}

TEST_F(Control, ClosesAfterSeveralBadLines) {
    RawClient client(path);
    for (int i = 0; i < 20; ++i) client.say("nonsense\n");
    const auto heard = client.hear_all();
    EXPECT_EQ(count(heard, R"("event":"failed","kind":"refused")"), static_cast<std::size_t>(limits::max_bad_lines))
        << heard;
    EXPECT_TRUE(has_clients(0));
}

TEST_F(Control, AnswersBadLinesAndGoesOn) {
    RawClient client(path);
    client.say("{\"op\":\"hello\",\"asker\":\"cli\",\"version\":1}\nnonsense\n{\"op\":\"status\",\"id\":1}\n");
    for (int i = 0; i < 20; ++i) client.say("nonsense\n");
    EXPECT_EQ(count(client.hear_all(), R"("event":"answer")"), 1u);
}

TEST_F(Control, ClosesAtALineWithoutEnd) {
    RawClient client(path);
    for (int i = 0; i < 20; ++i) client.say(std::string(64 * 1024, 'x'));
    EXPECT_EQ(count(client.hear_all(), "failed"), 1u);
    EXPECT_TRUE(has_clients(0));
}

TEST_F(Control, BoundsLinesWithoutEndOverAllClients) {
    const std::string begun(700 * 1024, 'x');
    std::vector<std::unique_ptr<RawClient>> crowd;
    for (int i = 0; i < 40; ++i) {
        crowd.push_back(std::make_unique<RawClient>(path));
        crowd.back()->say(begun);
    }
    const auto kept = static_cast<std::size_t>(limits::max_control_input / static_cast<ByteCount>(begun.size()));
    EXPECT_TRUE(loop.until([&] { return server->clients() <= kept; }));
    EXPECT_GE(clients(), kept - 1) << "what is within the bound stays";
    auto client = connect();
    EXPECT_NE(get(client), broker::RequestId::none);
}

TEST_F(Control, RefusesAnotherVersionAndStrangeAskers) {
    RawClient other(path);
    other.say("{\"op\":\"hello\",\"asker\":\"cli\",\"version\":2}\n");
    EXPECT_NE(other.hear_all().find("version 1"), std::string::npos);
    RawClient stranger(path);
    for (int i = 0; i < 8; ++i) stranger.say("{\"op\":\"hello\",\"asker\":\"dnf\",\"version\":1}\n");
    EXPECT_EQ(count(stranger.hear_all(), "refused"), 8u);
}

TEST_F(Control, RefusesCommandsBeforeHello) {
    RawClient client(path);
    for (int i = 0; i < 8; ++i) client.say("{\"op\":\"get\",\"id\":1,\"url\":\"http://m/x\"}\n");
    EXPECT_EQ(count(client.hear_all(), "refused"), 8u);
    EXPECT_TRUE(loop.run([&] { return requests.asked.empty(); }));
}

// ---- who may come in

TEST_F(Control, MakesRoomByClosingTheClientIdleTheLongest) {
    std::vector<Client> clients_in_hand;
    clients_in_hand.push_back(connect());
    get(clients_in_hand[0]);  // busy: stays
    while (clients_in_hand.size() < limits::max_control_clients_per_user) {
        clients_in_hand.push_back(connect());
        ASSERT_TRUE(clients_in_hand.back().call("status", {}, 10s));
    }
    auto late = connect();
    ASSERT_TRUE(late.call("status", {}, 10s));
    EXPECT_EQ(clients(), limits::max_control_clients_per_user);
    EXPECT_FALSE(clients_in_hand[1].receive(10s));
    EXPECT_TRUE(clients_in_hand[0].call("status", {}, 10s));
    EXPECT_TRUE(clients_in_hand[2].call("status", {}, 10s));
}

TEST_F(Control, TurnsClientsAwayWhenAllAreBusy) {
    std::vector<Client> busy;
    for (std::size_t i = 0; i < limits::max_control_clients_per_user; ++i) {
        busy.push_back(connect());
        get(busy.back(), 1, "http://m/" + std::to_string(i));
    }
    auto late = Client::connect(path, "cli", 2s);
    if (late) EXPECT_FALSE(late->receive(10s));
    EXPECT_EQ(clients(), limits::max_control_clients_per_user);
}

TEST_F(Control, SocketIsOpenToEveryUser) {
    struct stat st {};
    ASSERT_EQ(::lstat(path.c_str(), &st), 0);
    EXPECT_TRUE(S_ISSOCK(st.st_mode));
    EXPECT_EQ(st.st_mode & 0777, 0666u);
}

TEST_F(Control, LetsAnyUserFetchButOnlyTheOwnerShare) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
    ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
    loop.run([&] { requests.has(some_url, "content"); });
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(9);
        auto client = Client::connect(path, "apt", 2s);
        if (!client) ::_exit(8);
        if (!client->call("status", {}, 10s)) ::_exit(7);
        const auto refused = client->call("refresh", {}, 10s);
        if (refused || refused.error().kind != ErrorKind::Refused) ::_exit(6);
        Get get;
        get.id = client->next_id();
        get.url = some_url;
        if (!client->send(get)) ::_exit(5);
        const auto events = client->receive(10s);
        ::_exit(events && events->size() == 1 && events->front().kind == EventKind::done ? 0 : 4);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(Control, TakesOverTheSocketOfADeadAgentButNotOfALivingOne) {
    const auto second = loop.run([&] {
        auto other = ControlServer::open(loop.io(), requests, view, {path});
        return other ? ErrorKind::Broken : other.error().kind;
    });
    EXPECT_EQ(second, ErrorKind::Refused);
    const std::string dead = folder + "/dead.socket";
    {
        FileHandle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        dead.copy(address.sun_path, dead.size());
        ASSERT_EQ(::bind(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ASSERT_TRUE(std::filesystem::exists(dead));
    EXPECT_EQ(Client::connect(dead, "cli", 2s).error().kind, ErrorKind::Absent);
    loop.run([&] {
        server.reset();
        server = std::move(ControlServer::open(loop.io(), requests, view, {dead}).value());
    });
    EXPECT_TRUE(Client::connect(dead, "cli", 2s));
}

TEST(ControlClient, SaysAbsentWhenNoAgentListens) {
    EXPECT_EQ(Client::connect("/tmp/packswarm-nobody/socket", "apt", 100ms).error().kind, ErrorKind::Absent);
    EXPECT_EQ(Client::connect(std::string(200, 'x'), "apt", 100ms).error().kind, ErrorKind::Refused);
}

}  // namespace
}  // namespace packswarm::control
