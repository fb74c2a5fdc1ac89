// RudeServer: a scripted HTTP/1.1 server on raw loopback sockets, for everything a mirror should never do. Each
// connection gets its own thread, which runs the script once per request until the script closes it or returns. Not
// here: good manners (tests/support/nginx.hpp).
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "p2p/base/units.hpp"

namespace packswarm::test {

class RudeServer;

// One request and the connection it came on, as the script sees them. Writes fail quietly once the other side is gone.
class RudeTalk {
  public:
    const std::string& head() const { return head_; }   // request line and headers, up to and with the empty line
    std::string path() const;                           // second word of the request line
    std::string header(const std::string& name) const;  // value, or empty
    bool send(std::string_view bytes);                  // false: the other side or the test has gone
    void answer(const std::string& status, const std::string& headers, std::string_view body);  // adds Content-Length
    void drip(std::string_view bytes, Millis pause);                                            // one byte at a time
    void endless(std::string_view block);  // until the other side goes
    void stall();                          // silence until the other side or the test goes
    void close() { open_ = false; }        // an orderly end after what was sent
    void reset();                          // RST: what was sent may be lost

  private:
    friend class RudeServer;
    RudeTalk(RudeServer& server, int fd) : server_(server), fd_(fd) {}
    bool read_head();
    RudeServer& server_;
    int fd_;
    bool open_ = true;
    std::string head_, buffer_;
};

class RudeServer {
  public:
    using Script = std::function<void(RudeTalk&)>;
    explicit RudeServer(Script script, const std::string& address = "127.0.0.1");
    ~RudeServer();
    RudeServer(const RudeServer&) = delete;
    RudeServer& operator=(const RudeServer&) = delete;

    std::string url(const std::string& path = "") const;  // http://127.0.0.1:PORT/path
    int port() const { return port_; }
    int connections() const { return connections_; }  // accepted so far
    std::vector<std::string> heads() const;           // of every request so far

  private:
    friend class RudeTalk;
    void accept_all();
    void serve(int fd);
    bool pause(Millis time);  // false: the test is over
    Script script_;
    std::string address_;
    int listener_ = -1;
    int port_ = 0;
    std::atomic<int> connections_{0};
    mutable std::mutex mutex_;
    std::condition_variable ended_;
    bool ending_ = false;
    std::vector<std::string> heads_;
    std::vector<int> sockets_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

// A loopback port on which nobody listens: connections are refused.
int closed_port();

}  // namespace packswarm::test
