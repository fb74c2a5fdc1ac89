// LineSocket: one end of the control socket: lines in and out, with descriptors beside them (unix(7), SCM_RIGHTS).
// Never blocks. A descriptor comes with the first byte of its line, so descriptors and the lines that claim them keep
// the same order. Errors: Transient (the other end is gone), Refused (it broke a bound). One thread.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "p2p/base/file.hpp"

namespace packswarm::control {

// Whether descriptors of the other end are taken. Refused ones stay in the socket: never ours to read, ask or close.
enum class Files { taken, refused };

class LineSocket {
  public:
    explicit LineSocket(FileHandle socket, Files files = Files::taken) : socket_(std::move(socket)), takes_(files) {}

    int fd() const { return socket_.fd(); }
    // Takes what is there, at most a few hundred KiB. Lines that came before an error can still be taken.
    Result<void> receive();
    // The next whole line without its '\n', if there is one. Refused: it is longer than limits::max_control_line.
    Result<std::optional<std::string>> take_line();
    FileHandle take_file();              // the oldest unclaimed descriptor; closed when there is none
    std::vector<FileHandle> take_all();  // the socket and what came through it: the end of the wire

    void queue(std::string line, FileHandle file = {});
    Result<void> flush();  // sends until all is sent or the socket is full
    bool has_output() const { return !output_.empty(); }
    ByteCount queued() const { return queued_; }
    ByteCount unfinished() const { return static_cast<ByteCount>(input_.size() - taken_); }  // of lines, received

  private:
    struct Outgoing {
        std::string line;
        FileHandle file;
        std::size_t sent = 0;
    };
    Result<bool> receive_once();
    Result<std::optional<std::size_t>> without_files() const;
    Result<bool> send_once(Outgoing& next);

    FileHandle socket_;
    Files takes_;
    std::string input_;
    std::size_t taken_ = 0;    // bytes of input_ already given out as lines
    std::size_t scanned_ = 0;  // bytes of input_ known to hold no further '\n'
    std::deque<FileHandle> files_;
    std::deque<Outgoing> output_;
    ByteCount queued_ = 0;
};

}  // namespace packswarm::control
