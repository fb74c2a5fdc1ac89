// BoundedRun: another program's output, without a shell and within bounds: nothing to read, nothing inherited but what
// is named here, so many bytes, so much time; who goes beyond is killed with its children. Loop's thread, which never
// waits for it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"
#include "p2p/base/result.hpp"

namespace packswarm::daemon {

class BoundedRun {
  public:
    struct Program {
        std::string path;                    // absolute
        std::vector<std::string> arguments;  // argv[0] left out
        ByteCount max_output = 0;
        Millis deadline{0};
    };
    using Then = std::function<void(Result<std::string>)>;

    // then: what it wrote to standard output, when it ended with 0. Never inside this call; not after the destructor,
    // which kills it. Absent: no such program; Transient: it did not end in time; Refused: too much output, or another
    // end.
    BoundedRun(boost::asio::io_context& io, Loop& loop, const Program& program, Then then);
    ~BoundedRun();
    BoundedRun(const BoundedRun&) = delete;
    BoundedRun& operator=(const BoundedRun&) = delete;

  private:
    Result<void> start(const Program& program);
    void read();
    void reap();
    void end(Result<std::string> result);
    void kill();

    Loop& loop_;
    boost::asio::posix::stream_descriptor output_;
    std::string text_, buffer_;
    ByteCount max_output_;
    Then then_;
    int pid_ = 0;  // 0: reaped, or never begun
    TimerId deadline_ = TimerId::none;
    Lifetime lifetime_;
};

}  // namespace packswarm::daemon
