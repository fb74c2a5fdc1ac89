// ControlServer: the owner's door, a unix stream socket that anybody on this machine may ask for files and the owner
// for more. A connection is one transaction. Everything a client can grow is bounded; a client that goes away takes its
// requests along. Not here: the protocol's text (protocol.hpp), the answers (owner_view.hpp). Loop's thread.
#pragma once

#include <filesystem>
#include <memory>

#include "p2p/base/limits.hpp"
#include "p2p/base/memory_sum.hpp"
#include "p2p/base/result.hpp"
#include "p2p/broker/requests.hpp"
#include "p2p/control/owner_view.hpp"

namespace boost::asio {
class io_context;
}

namespace packswarm::control {

struct ControlSettings {
    std::filesystem::path socket;  // its folder exists; mode 0666 so that apt's _apt user may connect
    Millis write_stall = limits::control_write_stall;
    MemorySum* memory = nullptr;  // where lines without an end count; null: by their own bound alone
};

class ControlServer {
  public:
    // Listens at once. A socket file that nobody listens on is replaced. Refused: another agent listens there; Broken:
    // no socket.
    static Result<std::unique_ptr<ControlServer>> open(boost::asio::io_context& io, broker::Requests& requests,
                                                       OwnerView& view, ControlSettings settings);
    // Cancels what its clients asked for, closes, removes the socket file. requests and view must still be alive.
    ~ControlServer();

    std::size_t clients() const;

  private:
    struct State;
    explicit ControlServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace packswarm::control
