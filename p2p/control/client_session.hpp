// ClientSession: one client of the control socket: reads its commands, asks the broker and the owner's view, writes the
// events. Progress waits (and is replaced by newer progress) while the client is slow to read; nothing else is ever
// left out. Not here: listening and how many clients there may be (control_server.cpp). Loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "p2p/broker/requests.hpp"
#include "p2p/control/closing.hpp"
#include "p2p/control/line_socket.hpp"
#include "p2p/control/owner_view.hpp"
#include "p2p/control/protocol.hpp"

namespace packswarm::control {

class ClientSession : public std::enable_shared_from_this<ClientSession> {
  public:
    struct Parts {
        broker::Requests& requests;
        OwnerView& view;
        std::shared_ptr<Closing> closing;
        std::function<void()> left;  // called on the closing thread: nothing of this client's is open here any more
        unsigned uid = 0;            // SO_PEERCRED
        std::string transaction;     // made unique by the server; the asker's name is put before it
        Millis write_stall{0};       // a client that takes nothing for so long is closed
        std::function<void()> has_long_line = nullptr;  // that is not whole yet: all of them together have a bound
    };
    ClientSession(boost::asio::io_context& io, FileHandle socket, Parts parts);
    ~ClientSession();

    void when_closed(std::function<void()> hook) {
        closed_hook_ = std::move(hook);
    }  // called once, at the end of close
    void start();
    void close();  // cancels what is in hand; fine to call twice
    unsigned uid() const { return parts_.uid; }
    // Root or the agent's own user: only theirs are files to share, and the questions that change anything.
    bool is_of_owner() const;
    bool is_idle() const { return gets_.empty() && queries_.empty(); }
    TimePoint last_used() const { return last_used_; }
    ByteCount unfinished() const { return wire_.unfinished(); }

  private:
    struct OpenGet {
        broker::RequestId request = broker::RequestId::none;
        std::optional<broker::Progress> waiting;  // not yet sent: the client was slow
    };

    void read_when_there_is_something();
    void on_readable();
    void read_commands();
    void on_bad_line(const Error& error);
    void on_command(Hello hello);
    void on_command(Get get);
    void on_command(Cancel cancel);
    void on_command(Query query);
    void obey(std::string_view line);
    broker::RequestEvents events_of(std::uint64_t id);
    void on_started(std::uint64_t id, const broker::Started& started);
    void on_progress(std::uint64_t id, const broker::Progress& progress);
    void on_delivered(std::uint64_t id, const broker::Delivered& delivered);

    void finish_get(std::uint64_t id, Event event);
    void send_failure(std::uint64_t id, Error error);
    void send(Event event);
    void send_waiting_progress();
    void flush();
    void flush_when_there_is_room();

    Parts parts_;
    std::function<void()> closed_hook_;
    LineSocket wire_;
    boost::asio::posix::stream_descriptor ready_;  // only waits; the wire owns the descriptor
    boost::asio::steady_timer stall_;
    std::string asker_;  // empty before hello
    std::map<std::uint64_t, OpenGet> gets_;
    std::set<std::uint64_t> queries_;
    TimePoint last_used_;
    int bad_lines_ = 0;
    bool reading_ = false, writing_ = false, closed_ = false;
};

}  // namespace packswarm::control
