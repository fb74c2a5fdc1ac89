#include "verify/gpg_context.hpp"

#include <poll.h>

#include <cerrno>
#include <cstring>

#include "p2p/base/stop.hpp"

namespace packswarm::verify {

namespace {

constexpr long long longest_poll = 200;  // milliseconds between two looks at whether to stop

// GPGME must be told to set itself up once per process, before any thread uses it. Without gpgconf it starts gpg alone
// to see what is there, instead of six programs one after the other; one that does not know the flag takes its time.
bool gpgme_ready() {
    static const bool ready = [] {
        gpgme_set_global_flag("disable-gpgconf", "1");
        return gpgme_check_version(nullptr) != nullptr && gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP) == 0;
    }();
    return ready;
}

// The event loop that GPGME's manual asks for (GnuPG Made Easy 7.9.6.2), over poll and with a deadline.
class EventLoop {
  public:
    explicit EventLoop(const GpgContext::TakeKey& take_key) : take_key_(take_key) {}
    gpgme_io_cbs callbacks() { return {&EventLoop::add, this, &EventLoop::remove, &EventLoop::event, this}; }
    Result<gpgme_error_t> drive(gpgme_ctx_t context, TimePoint deadline);

  private:
    struct Watch {
        EventLoop* loop;
        int fd;
        int reads;
        gpgme_io_cb_t handler;
        void* data;
    };

    static gpgme_error_t add(void* self, int fd, int reads, gpgme_io_cb_t handler, void* data, void** tag);
    static void remove(void* tag);
    static void event(void* self, gpgme_event_io_t type, void* data);
    void serve(const std::vector<pollfd>& ready);

    const GpgContext::TakeKey& take_key_;
    std::vector<std::unique_ptr<Watch>> watches_;
    bool done_ = false;
    gpgme_error_t result_ = 0;
};

gpgme_error_t EventLoop::add(void* self, int fd, int reads, gpgme_io_cb_t handler, void* data, void** tag) {
    auto& loop = *static_cast<EventLoop*>(self);
    loop.watches_.push_back(std::make_unique<Watch>(Watch{&loop, fd, reads, handler, data}));
    *tag = loop.watches_.back().get();
    return 0;
}

void EventLoop::remove(void* tag) {
    if (tag == nullptr) return;
    auto& watches = static_cast<Watch*>(tag)->loop->watches_;
    std::erase_if(watches, [&](const auto& watch) { return watch.get() == tag; });
}

void EventLoop::event(void* self, gpgme_event_io_t type, void* data) {
    auto& loop = *static_cast<EventLoop*>(self);
    if (type == GPGME_EVENT_DONE) {
        const auto& end = *static_cast<gpgme_io_event_done_data_t>(data);
        loop.done_ = true;
        loop.result_ = end.err != 0 ? end.err : end.op_err;
    } else if (type == GPGME_EVENT_NEXT_KEY) {
        const auto key = static_cast<gpgme_key_t>(data);
        if (loop.take_key_) loop.take_key_(key);
        gpgme_key_unref(key);
    }
}

// A handler may remove any watch, its own too, so each one is looked up again.
void EventLoop::serve(const std::vector<pollfd>& ready) {
    for (const auto& one : ready) {
        if (one.revents == 0) continue;
        for (const auto& watch : watches_) {
            if (watch->fd != one.fd) continue;
            watch->handler(watch->data, watch->fd);
            break;
        }
    }
}

Result<gpgme_error_t> EventLoop::drive(gpgme_ctx_t context, TimePoint deadline) {
    while (!done_) {
        if (auto going = unless_stopped(); !going) {
            gpgme_cancel(context);
            return tl::unexpected(going.error());
        }
        const auto left = std::chrono::duration_cast<Millis>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0 || watches_.empty()) {
            const bool idle = watches_.empty();
            gpgme_cancel(context);
            return fail(ErrorKind::Transient, "gpg {}", idle ? "ended without an answer" : "gave no answer in time");
        }
        std::vector<pollfd> fds;
        for (const auto& watch : watches_)
            fds.push_back({watch->fd, static_cast<short>(watch->reads != 0 ? POLLIN : POLLOUT), 0});
        const int count =
            ::poll(fds.data(), fds.size(), static_cast<int>(std::min<long long>(left.count(), longest_poll)));
        if (count < 0 && errno != EINTR) return fail(ErrorKind::Broken, "waiting for gpg: {}", std::strerror(errno));
        if (count > 0) serve(fds);
    }
    return result_;
}

}  // namespace

GpgData gpg_data(ByteView bytes) {
    gpgme_data_t data = nullptr;
    gpgme_data_new_from_mem(&data, bytes.data(), bytes.size(), 0);
    return GpgData(data);
}

GpgData gpg_output() {
    gpgme_data_t data = nullptr;
    gpgme_data_new(&data);
    return GpgData(data);
}

std::string take_text(GpgData output) {
    std::size_t size = 0;
    char* text = gpgme_data_release_and_get_mem(output.release(), &size);
    std::string out = text == nullptr ? std::string() : std::string(text, size);
    gpgme_free(text);
    return out;
}

std::string gpg_message(gpgme_error_t error) {
    char text[256] = {};
    gpgme_strerror_r(error, text, sizeof text - 1);
    return text;
}

ssize_t GpgFileReader::read(void* self, void* buffer, std::size_t size) {
    auto& reader = *static_cast<GpgFileReader*>(self);
    const auto want = std::min<ByteCount>(static_cast<ByteCount>(size), reader.size_ - reader.offset_);
    const auto got =
        read_at(reader.file_, reader.offset_, {static_cast<char*>(buffer), static_cast<std::size_t>(want)});
    if (!got) {
        errno = EIO;
        return -1;
    }
    reader.offset_ += static_cast<ByteCount>(*got);
    return static_cast<ssize_t>(*got);
}

GpgData GpgFileReader::data() {
    callbacks_.read = &GpgFileReader::read;
    gpgme_data_t data = nullptr;
    gpgme_data_new_from_cbs(&data, &callbacks_, this);
    return GpgData(data);
}

Result<GpgContext> GpgContext::open(const std::filesystem::path& home, const char* program) {
    if (!gpgme_ready()) return fail(ErrorKind::Broken, "gpg cannot be used: install the package gnupg (or gpg)");
    gpgme_ctx_t raw = nullptr;
    if (const auto error = gpgme_new(&raw); error != 0)
        return fail(ErrorKind::Broken, "starting GPGME: {}", gpg_message(error));
    GpgContext context(raw);
    gpgme_set_protocol(raw, GPGME_PROTOCOL_OpenPGP);
    gpgme_set_offline(raw, 1);
    if (const auto error = gpgme_ctx_set_engine_info(raw, GPGME_PROTOCOL_OpenPGP, program, home.c_str()); error != 0)
        return fail(ErrorKind::Broken, "gpg cannot be used: {}", gpg_message(error));
    return context;
}

Result<gpgme_error_t> GpgContext::run(const Start& start, Millis deadline, const TakeKey& take_key) {
    EventLoop loop(take_key);
    auto callbacks = loop.callbacks();
    gpgme_set_io_cbs(get(), &callbacks);
    const auto error = start(get());
    Result<gpgme_error_t> out = error;
    if (error == 0) out = loop.drive(get(), std::chrono::steady_clock::now() + deadline);
    gpgme_set_io_cbs(get(), nullptr);
    return out;
}

}  // namespace packswarm::verify
