// SourcesWatch: notices that the package managers' sources were changed on disk (inotify), so that nobody has to tell
// the agent. It looks at folders, since editors and package managers replace files. Not here: reading sources
// (repositories.hpp). Loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "p2p/base/lifetime.hpp"
#include "p2p/base/loop.hpp"

namespace packswarm::daemon {

class SourcesWatch {
  public:
    // changed runs when it has been quiet for a moment after something changed in one of the folders.
    SourcesWatch(boost::asio::io_context& io, Loop& loop, Task changed);
    ~SourcesWatch();
    SourcesWatch(const SourcesWatch&) = delete;
    SourcesWatch& operator=(const SourcesWatch&) = delete;

    void watch(
        const std::set<std::filesystem::path>& folders);  // these, and no others; those that are missing are left out

  private:
    void wait();
    void heard();

    Loop& loop_;
    Task changed_;
    boost::asio::posix::stream_descriptor events_;
    std::map<std::filesystem::path, int> watches_;
    TimerId quiet_ = TimerId::none;
    Lifetime lifetime_;
};

}  // namespace packswarm::daemon
