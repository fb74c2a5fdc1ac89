// TemporaryHome: a folder of our own for keys, removed with the object. Any thread. Errors: Broken (it cannot be made).
#pragma once

#include <filesystem>
#include <utility>

#include "p2p/base/result.hpp"

namespace packswarm::verify {

class TemporaryHome {
  public:
    static Result<TemporaryHome> create();
    TemporaryHome(TemporaryHome&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    TemporaryHome& operator=(TemporaryHome&&) = delete;
    TemporaryHome(const TemporaryHome&) = delete;
    ~TemporaryHome();
    const std::filesystem::path& path() const { return path_; }

  private:
    TemporaryHome() = default;
    std::filesystem::path path_;
};

}  // namespace packswarm::verify
