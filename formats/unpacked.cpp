#include "formats/unpacked.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <optional>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/stop.hpp"

namespace packswarm::formats {

namespace {
constexpr std::size_t block_size = 1 << 17;
}

struct Unpacked::State {
    State() = default;
    State(const State&) = delete;
    ~State() { archive_read_free(reader); }

    static la_ssize_t read(archive* reader, void* context, const void** block);
    Result<void> start();
    tl::unexpected<Error> error() const;

    archive* reader = archive_read_new();
    const FileHandle* file = nullptr;  // packed bytes come from here, or from bytes
    ByteView bytes;
    ByteCount size = 0;  // of the packed bytes
    ByteCount taken = 0;
    ByteCount max_bytes = 0;
    ByteCount given = 0;
    bool ended = false;
    std::vector<char> buffer;
    std::optional<Error> read_error;
};

la_ssize_t Unpacked::State::read(archive* reader, void* context, const void** block) {
    auto& self = *static_cast<State*>(context);
    if (self.file == nullptr) {
        *block = self.bytes.data();
        const auto all = self.taken == 0 ? self.size : 0;
        self.taken = self.size;
        return static_cast<la_ssize_t>(all);
    }
    const auto want = std::min<ByteCount>(self.size - self.taken, static_cast<ByteCount>(self.buffer.size()));
    const auto got = read_at(*self.file, self.taken, {self.buffer.data(), static_cast<std::size_t>(want)});
    if (!got) {
        self.read_error = got.error();
        archive_set_error(reader, EIO, "reading failed");
        return -1;
    }
    *block = self.buffer.data();
    self.taken += static_cast<ByteCount>(*got);
    return static_cast<la_ssize_t>(*got);
}

tl::unexpected<Error> Unpacked::State::error() const {
    if (read_error) return tl::unexpected(*read_error);
    const char* text = archive_error_string(reader);
    return fail(ErrorKind::Corrupt, "a file that does not unpack: {}",
                printable(text == nullptr ? "unknown error" : text));
}

Result<void> Unpacked::State::start() {
    if (reader == nullptr) return fail(ErrorKind::Broken, "no memory to unpack a file");
    archive_read_support_filter_gzip(reader);
    archive_read_support_filter_bzip2(reader);
    archive_read_support_filter_lzma(reader);
    archive_read_support_filter_xz(reader);
    archive_read_support_filter_zstd(reader);
    archive_read_support_filter_lz4(reader);
    archive_read_support_format_raw(reader);
    archive_read_support_format_empty(reader);
    if (archive_read_open(reader, this, nullptr, &State::read, nullptr) != ARCHIVE_OK) return error();
    if (archive_filter_count(reader) > 2) return fail(ErrorKind::Corrupt, "a file compressed more than once");
    archive_entry* entry = nullptr;
    const int header = archive_read_next_header(reader, &entry);
    if (header != ARCHIVE_OK && header != ARCHIVE_EOF) return error();
    ended = header == ARCHIVE_EOF;
    return {};
}

Unpacked::Unpacked(std::unique_ptr<State> state) : state_(std::move(state)) {}
Unpacked::Unpacked(Unpacked&&) noexcept = default;
Unpacked& Unpacked::operator=(Unpacked&&) noexcept = default;
Unpacked::~Unpacked() = default;

namespace {

ByteCount bound(const UnpackBounds& bounds, ByteCount size) {
    if (bounds.max_ratio == 0) return bounds.max_bytes;
    return std::min(bounds.max_bytes, size * bounds.max_ratio + limits::mib);
}

}  // namespace

Result<Unpacked> Unpacked::open(const FileHandle& file, ByteCount size, UnpackBounds bounds) {
    auto state = std::make_unique<State>();
    state->file = &file;
    state->size = size;
    state->buffer.resize(block_size);
    state->max_bytes = bound(bounds, size);
    if (auto started = state->start(); !started) return tl::unexpected(started.error());
    return Unpacked(std::move(state));
}

Result<Unpacked> Unpacked::open(ByteView bytes, UnpackBounds bounds) {
    auto state = std::make_unique<State>();
    state->bytes = bytes;
    state->size = static_cast<ByteCount>(bytes.size());
    state->max_bytes = bound(bounds, state->size);
    if (auto started = state->start(); !started) return tl::unexpected(started.error());
    return Unpacked(std::move(state));
}

Result<ByteView> Unpacked::next() {
    const void* block = nullptr;
    std::size_t length = 0;
    la_int64_t offset = 0;
    while (!state_->ended && length == 0) {
        if (auto going = unless_stopped(); !going) return tl::unexpected(going.error());
        const int status = archive_read_data_block(state_->reader, &block, &length, &offset);
        if (status == ARCHIVE_EOF) {
            state_->ended = true;
            return ByteView();
        }
        if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return state_->error();
    }
    state_->given += static_cast<ByteCount>(length);
    if (state_->given > state_->max_bytes)
        return fail(ErrorKind::Corrupt, "a file of {} bytes unpacks to more than {}", state_->size, state_->max_bytes);
    return ByteView(static_cast<const char*>(block), length);
}

}  // namespace packswarm::formats
