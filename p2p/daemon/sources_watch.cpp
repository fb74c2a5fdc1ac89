#include "p2p/daemon/sources_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "p2p/base/log.hpp"

namespace packswarm::daemon {

namespace {
constexpr auto quiet_time = Millis(200);  // an installer writes a source, a key and a preference one after the other
constexpr std::size_t max_folders = 128;
constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB;
}  // namespace

SourcesWatch::SourcesWatch(boost::asio::io_context& io, Loop& loop, Task changed)
    : loop_(loop), changed_(std::move(changed)), events_(io) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        spdlog::warn("changed sources are noticed at a reload only: {}", std::strerror(errno));
        return;
    }
    events_.assign(fd);
    wait();
}

SourcesWatch::~SourcesWatch() { loop_.cancel(quiet_); }

void SourcesWatch::watch(const std::set<std::filesystem::path>& folders) {
    if (!events_.is_open()) return;
    for (auto at = watches_.begin(); at != watches_.end();) {
        const auto one = at++;
        if (folders.count(one->first) != 0) continue;
        ::inotify_rm_watch(events_.native_handle(), one->second);
        watches_.erase(one);
    }
    for (const auto& folder : folders) {
        if (watches_.size() >= max_folders) return;
        // Again for those that are known: a folder that was replaced is another one.
        const int watch = ::inotify_add_watch(events_.native_handle(), folder.c_str(), changes | IN_ONLYDIR);
        if (watch >= 0) watches_[folder] = watch;
    }
}

void SourcesWatch::wait() {
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, alive = lifetime_.view()](const boost::system::error_code& error) {
                           if (error || !alive) return;
                           heard();
                           wait();
                       });
}

void SourcesWatch::heard() {
    std::array<char, 16 * 1024> buffer;
    while (::read(events_.native_handle(), buffer.data(), buffer.size()) > 0) {
    }
    loop_.cancel(quiet_);
    quiet_ = loop_.after(quiet_time, [this] {
        quiet_ = TimerId::none;
        changed_();
    });
}

}  // namespace packswarm::daemon
