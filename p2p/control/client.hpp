// Client: the agent's door from outside: connects to the control socket, sends commands, hears events. Blocking with
// deadlines, or driven by poll on fd(). Used by the apt method, the command line and the seeder. Not here: fallback
// when there is no agent. Errors: Absent (no agent listens), Transient (agent went away or is silent), Refused (it
// broke the protocol). One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "p2p/base/units.hpp"
#include "p2p/control/protocol.hpp"

namespace packswarm::control {

class Client {
  public:
    // Connects and says hello as asker ("apt", "pacman", "cli"). Does not wait for anything from the agent but the
    // connection.
    static Result<Client> connect(const std::string& path, const std::string& asker, Millis timeout);
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    int fd() const;  // for poll: POLLIN, then receive(0ms)
    // Whether receive returns at once without anything new on fd(): ask before polling.
    bool has_events() const;
    std::uint64_t next_id();  // ids for Get and Query, unique within this connection

    // Hands the whole line to the agent, at most send_timeout; events that arrive meanwhile wait for receive. After an
    // error the connection is of no use any more. file goes with a Query that says with_file.
    Result<void> send(const Command& command, const FileHandle* file = nullptr);
    // Waits up to timeout for at least one event (0: only takes what is there); an empty vector when none came. What
    // came before the agent went away is returned first, the error by the next call.
    Result<std::vector<Event>> receive(Millis timeout);
    // One query and its answer (JSON text); the agent's refusal comes back as its error. Other events wait for receive.
    Result<std::string> call(const std::string& op, const Arguments& args, Millis timeout,
                             const FileHandle* file = nullptr);

    static constexpr Millis send_timeout{10'000};

  private:
    struct State;
    explicit Client(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace packswarm::control
