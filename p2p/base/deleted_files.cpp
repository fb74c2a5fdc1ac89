#include "p2p/base/deleted_files.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace packswarm {

namespace {

constexpr ByteCount block = 512;            // st_blocks(2)
constexpr std::size_t most_waiting = 1024;  // descriptors; beyond it whoever closes one waits

struct Waiting {
    int fd;
    ByteCount bytes;
};

class Closer {
  public:
    void close(Waiting file) {
        std::unique_lock lock(mutex_);
        if (waiting_.size() >= most_waiting || !has_thread()) {
            lock.unlock();
            ::close(file.fd);
            return;
        }
        waiting_.push_back(file);
        freed_.bytes += file.bytes;
        ++freed_.files;
    }
    BeingFreed being_freed() {
        const std::lock_guard lock(mutex_);
        return freed_;
    }

  private:
    bool has_thread() {
        if (runs_) return true;
        try {
            std::thread([this] { run(); }).detach();
            return runs_ = true;
        } catch (const std::system_error&) {
            return false;
        }
    }
    void run() {
        std::unique_lock lock(mutex_);
        for (; !waiting_.empty(); waiting_.pop_front()) {
            const auto file = waiting_.front();
            lock.unlock();
            ::close(file.fd);
            lock.lock();
            freed_.bytes -= file.bytes;
            --freed_.files;
        }
        runs_ = false;
    }

    std::mutex mutex_;
    std::deque<Waiting> waiting_;
    BeingFreed freed_;
    bool runs_ = false;
};

// Never taken down: its thread may be in a close when the process ends.
Closer& closer() {
    static auto* one = new Closer;
    return *one;
}

}  // namespace

void close_file(int fd) {
    struct stat st {};
    const bool is_deleted = ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0;
    if (is_deleted && st.st_blocks > 0) return closer().close({fd, st.st_blocks * block});
    ::close(fd);
}

BeingFreed being_freed() { return closer().being_freed(); }

}  // namespace packswarm
