// GpgContext: one GPGME context on one GnuPG home, whose operations run under a deadline in our own event loop, so that
// a gpg that hangs cannot hold a worker. Private to this room. Any thread, one object at a time. Errors: Broken (gpg
// missing), Transient (deadline passed); an operation's own failure is in Outcome.
#pragma once

#include <gpgme.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "p2p/base/file.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::verify {

struct GpgDataDeleter {
    void operator()(gpgme_data_t data) const { gpgme_data_release(data); }
};
using GpgData = std::unique_ptr<struct gpgme_data, GpgDataDeleter>;

GpgData gpg_data(ByteView bytes);  // borrows the bytes
GpgData gpg_output();              // grows in memory
std::string take_text(GpgData output);
std::string gpg_message(gpgme_error_t error);

// Reads a file from its start without touching the descriptor's position. Must stay where it is while in use.
class GpgFileReader {
  public:
    GpgFileReader(const FileHandle& file, ByteCount size) : file_(file), size_(size) {}
    GpgData data();

  private:
    static ssize_t read(void* self, void* buffer, std::size_t size);
    const FileHandle& file_;
    ByteCount size_;
    ByteCount offset_ = 0;
    gpgme_data_cbs callbacks_{};
};

class GpgContext {
  public:
    // program replaces gpg, for tests.
    static Result<GpgContext> open(const std::filesystem::path& home, const char* program = nullptr);

    gpgme_ctx_t get() const { return context_.get(); }
    // Starts an operation (one of gpgme_op_*_start) and drives it to its end. GPGME's own error is the value.
    using Start = std::function<gpgme_error_t(gpgme_ctx_t)>;
    using TakeKey = std::function<void(gpgme_key_t)>;  // keylist: each key, borrowed
    Result<gpgme_error_t> run(const Start& start, Millis deadline, const TakeKey& take_key = {});

  private:
    struct Deleter {
        void operator()(gpgme_ctx_t context) const { gpgme_release(context); }
    };
    explicit GpgContext(gpgme_ctx_t context) : context_(context) {}
    std::unique_ptr<struct gpgme_context, Deleter> context_;
};

}  // namespace packswarm::verify
