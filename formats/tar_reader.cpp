#include "formats/tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <cerrno>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::formats {

struct TarReader::State {
    explicit State(Unpacked from) : content(std::move(from)) {}
    State(const State&) = delete;
    ~State() { archive_read_free(reader); }

    static la_ssize_t read(archive* reader, void* context, const void** block);
    tl::unexpected<Error> error() const;

    Unpacked content;
    archive* reader = archive_read_new();
    std::size_t members = 0;
    std::optional<Error> content_error;
};

la_ssize_t TarReader::State::read(archive* reader, void* context, const void** block) {
    auto& self = *static_cast<State*>(context);
    const auto got = self.content.next();
    if (!got) {
        self.content_error = got.error();
        archive_set_error(reader, EIO, "unpacking failed");
        return -1;
    }
    *block = got->data();
    return static_cast<la_ssize_t>(got->size());
}

tl::unexpected<Error> TarReader::State::error() const {
    if (content_error) return tl::unexpected(*content_error);
    const char* text = archive_error_string(reader);
    return fail(ErrorKind::Corrupt, "not a readable tar: {}", printable(text == nullptr ? "unknown error" : text));
}

TarReader::TarReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
TarReader::TarReader(TarReader&&) noexcept = default;
TarReader& TarReader::operator=(TarReader&&) noexcept = default;
TarReader::~TarReader() = default;

Result<TarReader> TarReader::open(Unpacked content) {
    auto state = std::make_unique<State>(std::move(content));
    if (state->reader == nullptr) return fail(ErrorKind::Broken, "no memory to read a tar");
    archive_read_support_format_tar(state->reader);
    if (archive_read_open(state->reader, state.get(), nullptr, &State::read, nullptr) != ARCHIVE_OK)
        return state->error();
    return TarReader(std::move(state));
}

Result<std::optional<TarMember>> TarReader::next() {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(state_->reader, &entry);
    if (status == ARCHIVE_EOF) return std::optional<TarMember>();
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return state_->error();
    if (++state_->members > limits::max_tar_members)
        return fail(ErrorKind::Corrupt, "a tar of more than {} members", limits::max_tar_members);
    const char* path = archive_entry_pathname(entry);
    if (path == nullptr) path = archive_entry_pathname_utf8(entry);
    if (path == nullptr) return fail(ErrorKind::Corrupt, "a tar with an unreadable member name");
    return TarMember{path, archive_entry_size(entry), archive_entry_filetype(entry) == AE_IFREG};
}

Result<std::string> TarReader::text(ByteCount max) {
    std::string out;
    std::array<char, 1 << 13> buffer;
    while (true) {
        const auto got = archive_read_data(state_->reader, buffer.data(), buffer.size());
        if (got < 0) return state_->error();
        if (got == 0) return out;
        out.append(buffer.data(), static_cast<std::size_t>(got));
        if (static_cast<ByteCount>(out.size()) > max)
            return fail(ErrorKind::Corrupt, "a tar member of more than {} bytes", max);
    }
}

}  // namespace packswarm::formats
