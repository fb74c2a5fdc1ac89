#include "p2p/gateway/local_user.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "p2p/base/file.hpp"

namespace packswarm::gateway {

namespace {

using boost::asio::ip::tcp;

struct Question {
    nlmsghdr head{};
    inet_diag_req_v2 body{};
};

void set_address(__be32 (&out)[4], const boost::asio::ip::address& address) {
    if (address.is_v4()) {
        const auto bytes = address.to_v4().to_bytes();
        std::memcpy(out, bytes.data(), bytes.size());
    } else {
        const auto bytes = address.to_v6().to_bytes();
        std::memcpy(out, bytes.data(), bytes.size());
    }
}

Question question(const tcp::endpoint& client, const tcp::endpoint& server) {
    Question out;
    out.head.nlmsg_len = sizeof out;
    out.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    out.head.nlmsg_flags = NLM_F_REQUEST;
    out.body.sdiag_family = client.address().is_v4() ? AF_INET : AF_INET6;
    out.body.sdiag_protocol = IPPROTO_TCP;
    out.body.idiag_states = ~0U;
    out.body.id.idiag_sport = htons(client.port());
    out.body.id.idiag_dport = htons(server.port());
    set_address(out.body.id.idiag_src, client.address());
    set_address(out.body.id.idiag_dst, server.address());
    out.body.id.idiag_cookie[0] = out.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return out;
}

}  // namespace

std::optional<unsigned> local_user(const tcp::endpoint& client, const tcp::endpoint& server) {
    const FileHandle kernel(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
    if (!kernel.open()) return std::nullopt;
    const auto asked = question(client, server);
    if (::send(kernel.fd(), &asked, sizeof asked, 0) < 0) return std::nullopt;
    alignas(nlmsghdr) std::array<char, 4096> answer{};
    const auto got = ::recv(kernel.fd(), answer.data(), answer.size(), 0);
    nlmsghdr head{};
    inet_diag_msg body{};
    if (got < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof body)) return std::nullopt;
    std::memcpy(&head, answer.data(), sizeof head);
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
    std::memcpy(&body, answer.data() + NLMSG_HDRLEN, sizeof body);
    return body.idiag_uid;
}

}  // namespace packswarm::gateway
