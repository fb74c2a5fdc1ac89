#include "p2p/base/trusted_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "p2p/base/own_files.hpp"

namespace packswarm {

Result<StagedFile> StagedFile::create(const std::filesystem::path& path, ByteCount size) {
    StagedFile out;
    out.state_ = std::make_shared<State>();
    auto made = open_own_file(path, O_RDWR | O_CREAT | O_EXCL);
    if (!made) return fail(ErrorKind::Broken, "{}", made.error().message);
    out.state_->handle = std::move(*made);
    out.state_->path = path;
    out.state_->size = size;
    if (::ftruncate(out.handle().fd(), size) != 0)
        return fail(ErrorKind::Broken, "sizing {} to {} bytes: {}", path.string(), size, std::strerror(errno));
    return out;
}

Result<StagedFile> StagedFile::reopen(const std::filesystem::path& path) {
    StagedFile out;
    out.state_ = std::make_shared<State>();
    auto opened = open_own_file(path, O_RDWR);
    if (!opened) return tl::unexpected(opened.error());
    const auto info = file_info(*opened);
    if (!info) return tl::unexpected(info.error());
    out.state_->handle = std::move(*opened);
    out.state_->path = path;
    out.state_->size = info->size;
    return out;
}

Result<StagedFile> StagedFile::take_over(const std::filesystem::path& path) {
    auto handle = open_for_reading(path);
    if (!handle) return tl::unexpected(handle.error());
    const auto info = file_info(*handle);
    if (!info) return tl::unexpected(info.error());
    StagedFile out;
    out.state_ = std::make_shared<State>();
    out.state_->handle = std::move(*handle);
    out.state_->path = path;
    out.state_->size = info->size;
    return out;
}

Result<void> StagedFile::write(ByteCount offset, ByteView bytes) const {
    if (offset < 0 || offset + static_cast<ByteCount>(bytes.size()) > size())
        return fail(ErrorKind::Refused, "{} bytes at {} do not fit a file of {}", bytes.size(), offset, size());
    return write_at(handle(), offset, bytes);
}

Result<void> StagedFile::cut(ByteCount size) const {
    if (size < 0 || size > this->size())
        return fail(ErrorKind::Refused, "a file of {} bytes is not cut to {}", this->size(), size);
    if (::ftruncate(handle().fd(), size) != 0)
        return fail(ErrorKind::Broken, "sizing {} to {} bytes: {}", path().string(), size, std::strerror(errno));
    state_->size = size;
    return {};
}

StagedFile::State::~State() {
    if (!kept && !path.empty()) static_cast<void>(delete_own(path));
}

}  // namespace packswarm
