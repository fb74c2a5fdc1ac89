// Closing: closes what strangers can reach, away from the loop. close(2) waits for as long as the sender of a
// descriptor likes (socket(7), SO_LINGER; FUSE's flush), also for descriptors that lie unread in a socket's queue. Each
// user's are closed in turn, by a thread that lives as long as there are some: nobody waits for another user's. Any
// thread.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "p2p/base/file.hpp"

namespace packswarm::control {

class Closing {
  public:
    Closing();
    ~Closing() { end(); }
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;

    // uid: whose these are. closed: called on the closing thread, once all of them are closed.
    void close(unsigned uid, std::vector<FileHandle> files, std::function<void()> closed = {});
    // Nothing more is called. Waits for no close: what is left goes with the process.
    void end();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

// A descriptor that came from a client: whoever drops it leaves it to the closing thread.
class PassedFile {
  public:
    PassedFile() = default;
    PassedFile(FileHandle file, unsigned uid, std::shared_ptr<Closing> closing)
        : file_(std::move(file)), uid_(uid), closing_(std::move(closing)) {}
    PassedFile(PassedFile&&) = default;
    PassedFile& operator=(PassedFile&& other) = delete;
    ~PassedFile();

    bool open() const { return file_.open(); }
    const FileHandle& handle() const { return file_; }
    FileHandle take() { return std::move(file_); }  // for who closes it off the loop

  private:
    FileHandle file_;
    unsigned uid_ = 0;
    std::shared_ptr<Closing> closing_;
};

}  // namespace packswarm::control
