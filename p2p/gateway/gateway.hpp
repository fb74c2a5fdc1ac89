// Gateway: HTTP/1.1 for package managers on loopback (and for a LAN that the owner allowed): pacman's CacheServer and
// Server lines, and a proxy for apt's http. Not here: deciding where bytes come from (broker). Loop's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "p2p/base/limits.hpp"
#include "p2p/base/result.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/gateway/http/pacing.hpp"

namespace boost::asio {
class io_context;
}

namespace packswarm::gateway {

struct Patience {  // how long a connection may wait for what
    Millis head = limits::http_head_timeout;
    Millis idle = limits::http_idle_timeout;
    Millis write = limits::http_write_stall;
    Millis answer = limits::http_answer_timeout;
    Millis again{7000};  // nothing to send yet: pacman, which waits ten seconds, is sent to the same address again
    Millis silence = pacing_silence;
    Millis spared{1000};  // a client's own place that it has used so lately is not given to its next connection
};

struct GatewaySettings {
    std::string address = "127.0.0.1";  // numeric
    int port = 0;                       // 0: any free one, see Gateway::port
    // Who may connect, as "192.168.0.0/16" or "fd00::/8". Loopback always may.
    std::vector<std::string> allowed_networks = {};
    // Names this agent in Via: an address that leads back here is answered 508. Give web the same text. Empty: random.
    std::string via = {};
    Patience patience = {};
    core::Formats formats = {};  // whose paths are served at its own address
};

class Gateway {
  public:
    // Listens at once. Refused: settings that make no sense; Broken: the port is taken or not ours to take.
    static Result<std::unique_ptr<Gateway>> open(boost::asio::io_context& io, broker::Requests& requests,
                                                 GatewaySettings settings);
    // Cancels what its clients asked for and closes. requests must still be alive.
    ~Gateway();

    int port() const;
    std::size_t clients() const;

  private:
    struct Networks;  // that may connect
    struct State;
    explicit Gateway(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace packswarm::gateway
