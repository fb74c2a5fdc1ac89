#include "p2p/gateway/gateway.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <random>

#include "p2p/base/ip_network.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/gateway/connection.hpp"
#include "p2p/gateway/local_user.hpp"

namespace packswarm::gateway {

namespace asio = boost::asio;

namespace {

using ErrorCode = boost::system::error_code;
using asio::ip::tcp;

constexpr auto pause_after_failed_accept = Millis(100);  // out of descriptors: do not spin
constexpr auto transaction_gap = Seconds(60);  // requests after so long a silence belong to another transaction

// The IPv4 address inside ::ffff:192.0.2.1, as sockets that listen on both show it.
asio::ip::address unmapped(const asio::ip::address& address) {
    if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

std::string random_name() {
    std::random_device random;
    return fmt::format("packswarm-{:08x}{:08x}", random(), random());
}

Result<tcp::acceptor> listen_on(asio::io_context& io, const GatewaySettings& settings) {
    ErrorCode error;
    const auto address = asio::ip::make_address(settings.address, error);
    if (error || settings.port < 0 || settings.port > 65535)
        return fail(ErrorKind::Refused,
                    "the gateway cannot listen on \"{}\" port {}: a numeric address and a port are needed",
                    settings.address, settings.port);
    const tcp::endpoint endpoint(address, static_cast<unsigned short>(settings.port));
    tcp::acceptor acceptor(io);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) acceptor.non_blocking(true, error);
    if (error)
        return fail(ErrorKind::Broken, "the gateway cannot listen on {} port {}: {}", settings.address, settings.port,
                    error.message());
    return acceptor;
}

FairPlaces::Holder holder_here(const tcp::endpoint& client, const tcp::endpoint& server) {
    const auto user = local_user(client, server);
    return {"this machine", user ? fmt::format("user {}", *user) : std::string("an unknown user")};
}

// An IPv6 host has a whole /64 to choose addresses from.
FairPlaces::Holder holder_elsewhere(const asio::ip::address& address) {
    const auto text = address.to_string();
    return {network_of(text, 24, 48), network_of(text, 32, 64)};
}

void turn_away(tcp::socket socket, const Problem& problem) {
    const auto now = std::chrono::floor<Seconds>(std::chrono::system_clock::now());
    const auto text = problem_reply(problem, Body::sent, false, now);
    ErrorCode ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(text), ignored);
}

}  // namespace

struct Gateway::Networks {
    std::vector<IpNetwork> all;

    static Result<Networks> parse(const std::vector<std::string>& texts) {
        Networks out;
        for (const auto& text : texts) {
            auto one = IpNetwork::parse(text);
            if (!one) return tl::unexpected(one.error());
            if (text.find('/') == std::string::npos)
                return fail(ErrorKind::Refused, "'{}' is no network: it lacks a length, as /24", text);
            out.all.push_back(std::move(*one));
        }
        return out;
    }
    bool contain(const asio::ip::address& address) const {
        const auto text = address.to_string();
        return address.is_loopback() ||
               std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.contains(text); });
    }
};

struct Gateway::State : std::enable_shared_from_this<Gateway::State> {
    State(asio::io_context& io, broker::Requests& requests_, tcp::acceptor acceptor_, Networks allowed_,
          GatewaySettings settings_)
        : requests(requests_),
          acceptor(std::move(acceptor_)),
          pause(io),
          allowed(std::move(allowed_)),
          settings(std::move(settings_)),
          started(std::chrono::floor<Seconds>(std::chrono::system_clock::now())) {}

    broker::Requests& requests;
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    Networks allowed;
    GatewaySettings settings;
    WallTime started;
    TimePoint last_request{};
    std::uint64_t last_transaction = 0;
    std::vector<std::shared_ptr<Connection>> connections;
    FairPlaces places{limits::max_gateway_clients};

    void accept_next() {
        acceptor.async_accept([self = shared_from_this()](const ErrorCode& error, tcp::socket socket) {
            if (!self->acceptor.is_open()) return;
            if (error && error != asio::error::connection_aborted) return self->accept_later(error);
            if (!error) self->welcome(std::move(socket));
            self->accept_next();
        });
    }

    void accept_later(const ErrorCode& why) {
        SPDLOG_WARN("accepting on the gateway: {}", why.message());
        pause.expires_after(pause_after_failed_accept);
        pause.async_wait([self = shared_from_this()](const ErrorCode& error) {
            if (!error) self->accept_next();
        });
    }

    void welcome(tcp::socket socket) {
        ErrorCode error;
        const auto remote = socket.remote_endpoint(error);
        const auto local = error ? tcp::endpoint() : socket.local_endpoint(error);
        if (error) return;
        if (!allowed.contain(unmapped(remote.address())))
            return turn_away(std::move(socket), {403, "this network may not use this agent"});
        const tcp::endpoint client(unmapped(remote.address()), remote.port()),
            server(unmapped(local.address()), local.port());
        const bool is_here = client.address().is_loopback() || client.address() == server.address();
        const auto holder = is_here ? holder_here(client, server) : holder_elsewhere(client.address());
        if (places.are_all_taken() && !make_place(holder))
            return turn_away(std::move(socket), {503, "too many connections"});
        const Door door{server.address().to_string(), server.port(), settings.via, settings.formats};
        Connection::Parts parts{requests,
                                door,
                                settings.patience,
                                [this] { return transaction(); },
                                is_here ? Asker::here : Asker::elsewhere,
                                holder};
        auto connection = std::make_shared<Connection>(std::move(socket), std::move(parts));
        connections.push_back(connection);
        places.take(holder);
        connection->start([weak = weak_from_this(), raw = connection.get()] {
            if (const auto self = weak.lock()) self->forget(raw);
        });
    }

    // Of who holds most, and of everybody when nobody holds too much: who is idle before who waits for an answer, who
    // has taken nothing for longest before the others.
    bool make_place(const FairPlaces::Holder& newcomer) {
        const auto owner = places.gives_way(newcomer);
        const bool only_idle = !owner || *owner == newcomer;
        const auto lately = std::chrono::steady_clock::now() - settings.patience.spared;
        std::shared_ptr<Connection> chosen;
        for (const auto& one : connections) {
            if (owner && one->holder() != *owner) continue;
            if (only_idle && (!one->is_idle() || one->last_use() > lately)) continue;
            const auto rank = [](const Connection& each) { return std::pair(!each.is_idle(), each.last_use()); };
            if (!chosen || rank(*one) < rank(*chosen)) chosen = one;
        }
        if (!chosen) return false;
        SPDLOG_DEBUG("the gateway's {} places are taken: a connection of {} is closed for {}", places.taken(),
                     chosen->holder().member, newcomer.member);
        chosen->stop();
        forget(chosen.get());
        return true;
    }

    void forget(const Connection* connection) {
        const auto at = std::find_if(connections.begin(), connections.end(),
                                     [&](const auto& one) { return one.get() == connection; });
        if (at == connections.end()) return;
        places.leave((*at)->holder());
        connections.erase(at);
    }

    // HTTP does not say which requests belong together; time does well enough.
    std::string transaction() {
        const auto now = std::chrono::steady_clock::now();
        if (last_transaction == 0 || now - last_request > transaction_gap) ++last_transaction;
        last_request = now;
        return fmt::format("gateway-{}-{}", started.time_since_epoch().count(), last_transaction);
    }

    void stop() {
        ErrorCode ignored;
        acceptor.close(ignored);
        pause.cancel();
        for (const auto& connection : std::exchange(connections, {})) connection->stop();
    }
};

Gateway::Gateway(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Gateway>> Gateway::open(asio::io_context& io, broker::Requests& requests,
                                               GatewaySettings settings) {
    auto allowed = Networks::parse(settings.allowed_networks);
    if (!allowed) return tl::unexpected(allowed.error());
    auto acceptor = listen_on(io, settings);
    if (!acceptor) return tl::unexpected(acceptor.error());
    std::signal(SIGPIPE, SIG_IGN);  // sendfile(2) has no MSG_NOSIGNAL
    if (settings.via.empty()) settings.via = random_name();
    auto state = std::make_shared<State>(io, requests, std::move(*acceptor), std::move(*allowed), std::move(settings));
    state->accept_next();
    return std::unique_ptr<Gateway>(new Gateway(std::move(state)));
}

Gateway::~Gateway() { state_->stop(); }

int Gateway::port() const {
    ErrorCode ignored;
    return state_->acceptor.local_endpoint(ignored).port();
}

std::size_t Gateway::clients() const { return state_->connections.size(); }

}  // namespace packswarm::gateway
