// Control: the real control socket with scripted requests, and an owner's view that says what it was asked.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "p2p/base/limits.hpp"
#include "p2p/base/mishap.hpp"
#include "p2p/control/client.hpp"
#include "tests/support/io_thread.hpp"
#include "tests/support/scripted_requests.hpp"

#include "p2p/control/control_server.hpp"

namespace packswarm::control {

using namespace std::chrono_literals;
using test::file_with;

inline constexpr const char* some_url = "http://mirror.example/pool/hello.deb";

class EchoView : public OwnerView {
  public:
    void answer(Question question, std::function<void(Result<std::string>)> then) override {
        if (question.args.package == "much") return then("\"" + std::string(60'000, 'm') + "\"");
        if (question.args.package == "throw") throw std::runtime_error("no answer to that");
        if (question.op == "doctor") return then(fail(ErrorKind::Refused, "not today"));
        if (question.op == "peers") return waiting.push_back(std::move(then));
        if (question.op == "mirrors")
            return then(std::string("\"") + std::string(limits::max_control_line, 'm') + "\"");
        std::string text(100, '\0');
        if (question.file.open()) text.resize(read_at(question.file.handle(), 0, text).value());
        const auto& args = question.args;
        then(fmt::format(R"({{"args":"{}{}","file":"{}"}})", args.package, args.path,
                         question.file.open() ? text : "none"));
    }
    std::vector<std::function<void(Result<std::string>)>> waiting;
};

class Control : public testing::Test {
  protected:
    Control() : requests(loop.io()) {
        char folder_name[] = "/tmp/packswarm-control-XXXXXX";
        folder = ::mkdtemp(folder_name);
        path = folder + "/control.socket";
        restart();
    }
    ~Control() override {
        loop.run([&] { server.reset(); });
        std::filesystem::remove_all(folder);
    }
    void restart(Millis write_stall = 60s) {
        loop.run([&] {
            server.reset();
            server = std::move(ControlServer::open(loop.io(), requests, view, {path, write_stall}).value());
        });
    }
    Client connect(const std::string& asker = "cli") { return std::move(Client::connect(path, asker, 2s).value()); }
    std::size_t clients() {
        return loop.run([&] { return server->clients(); });
    }
    bool has_clients(std::size_t count) {
        return loop.until([&, count] { return server->clients() == count; });
    }

    // Sends a get and waits until the broker has it.
    broker::RequestId get(Client& client, std::uint64_t id = 1, const std::string& url = some_url) {
        Get get;
        get.id = id;
        get.url = url;
        EXPECT_TRUE(client.send(get));
        EXPECT_TRUE(loop.until([&] { return requests.asked_for(url); }));
        return loop.run([&] { return requests.id_of(url); });
    }
    Event next(Client& client) {
        auto& rest = heard[client.fd()];
        if (rest.empty()) rest = std::move(client.receive(10s).value());
        EXPECT_FALSE(rest.empty()) << "no event in time";
        if (rest.empty()) return {};
        Event event = std::move(rest.front());
        rest.erase(rest.begin());
        return event;
    }

    test::IoThread loop;
    test::ScriptedRequests requests;
    EchoView view;
    std::string folder, path;
    std::map<int, std::vector<Event>> heard;  // by descriptor of the client
    std::unique_ptr<ControlServer> server;
};

}  // namespace packswarm::control
