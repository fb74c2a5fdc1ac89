// Descriptors that come through the socket: from strangers none is taken, and none is ever closed on the loop.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <future>

#include "p2p/control/closing.hpp"
#include "tests/component/control/control_fixture.hpp"

namespace packswarm::control {
namespace {

constexpr unsigned nobody = 65534;

// Bytes wait in it for a reader that does not read: its last close waits for a minute (socket(7), SO_LINGER).
int lingering_socket() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0), socket = ::socket(AF_INET, SOCK_STREAM, 0);
    const int small = 4096;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ::setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener, 1) != 0) return -1;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    if (::connect(socket, reinterpret_cast<sockaddr*>(&address), length) != 0) return -1;
    const std::string bytes(64 * 1024, 'x');
    while (::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
    const linger wait{1, 60};
    return ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &wait, sizeof wait) == 0 ? socket : -1;
}

void send_with(int control, const std::string& text, const std::vector<int>& files) {
    std::vector<char> space(CMSG_SPACE(files.size() * sizeof(int)));
    iovec part{const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.data();
    message.msg_controllen = space.size();
    auto* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(files.size() * sizeof(int));
    std::memcpy(CMSG_DATA(head), files.data(), files.size() * sizeof(int));
    ::sendmsg(control, &message, MSG_NOSIGNAL);
}

int connect_raw(const std::string& path) {
    const int out = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, path.size());
    return ::connect(out, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? out : -1;
}

class PassedFiles : public Control {
  protected:
    // Another user's process does this and ends; the reader of its bytes stays until the test is over.
    void a_stranger(const std::function<void()>& does) {
        ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            if (::setresgid(nobody, nobody, nobody) != 0 || ::setresuid(nobody, nobody, nobody) != 0) ::_exit(9);
            does();
            ::_exit(0);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_EQ(WEXITSTATUS(status), 0);
    }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
    }
};

TEST_F(PassedFiles, OfAStrangerAreNotTakenAndHoldNobodyUp) {
    a_stranger([&] {
        const int control = connect_raw(path), socket = lingering_socket();
        if (control < 0 || socket < 0) ::_exit(8);
        send_with(control, "{\"op\":\"hello\",\"asker\":\"cli\",\"version\":1}\n", {socket});
        ::close(socket);
        char answer[4096];
        const auto got = ::read(control, answer, sizeof answer);
        if (got <= 0 || std::string(answer, static_cast<std::size_t>(got)).find("root and the agent's own user") ==
                            std::string::npos)
            ::_exit(7);
    });
    EXPECT_TRUE(connect().call("status", {}, 10s));
    EXPECT_TRUE(has_clients(0) || has_clients(1));
}

TEST_F(PassedFiles, ThatLieUnreadHoldNobodyUpWhenTheirClientGoes) {
    for (int round = 0; round < 3; ++round)
        a_stranger([&] {
            const int control = connect_raw(path), socket = lingering_socket();
            if (control < 0 || socket < 0) ::_exit(8);
            send_with(control, "half a line", {socket, socket, socket});
        });
    EXPECT_TRUE(connect().call("status", {}, 10s));
    a_stranger([&] {  // another user's, and its own new clients, are served beside them
        auto client = Client::connect(path, "apt", 2s);
        if (!client || !client->call("status", {}, 10s)) ::_exit(6);
    });
}

TEST_F(PassedFiles, OfTheOwnerMayBeAsManyAsOneMessageBrings) {
    const auto file = file_with("x");
    const int control = connect_raw(path);
    send_with(control, "{\"op\":\"hello\",\"asker\":\"cli\",\"version\":1}\n", std::vector<int>(253, file->fd()));
    char answer[4096];
    const auto got = ::read(control, answer, sizeof answer);
    EXPECT_NE(std::string(answer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))).find("no line claims"),
              std::string::npos);
    ::close(control);
    EXPECT_TRUE(has_clients(0));
}

TEST(ClosingTest, AUserWaitsForNobodyElses) {
    Closing closing;
    std::vector<FileHandle> waits;
    waits.emplace_back(lingering_socket());
    ASSERT_TRUE(waits.front().open());
    std::promise<void> other;
    std::atomic<bool> is_closed{false};
    closing.close(1, std::move(waits), [&] { is_closed = true; });
    closing.close(2, {}, [&] { other.set_value(); });
    EXPECT_EQ(other.get_future().wait_for(10s), std::future_status::ready);
    EXPECT_FALSE(is_closed) << "the socket does not wait: nothing is shown";
}

}  // namespace
}  // namespace packswarm::control
