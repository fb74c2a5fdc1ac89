// TarReader: the members of a plain or compressed tar, one after the other, within the bounds of Unpacked. Over
// libarchive. Any thread, one object at a time. Errors: Corrupt (malformed, truncated, over a bound), Broken (reading
// failed).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "formats/unpacked.hpp"

namespace packswarm::formats {

struct TarMember {
    std::string path;
    ByteCount size = 0;
    bool is_file = false;
};

class TarReader {
  public:
    static Result<TarReader> open(Unpacked content);
    TarReader(TarReader&&) noexcept;
    TarReader& operator=(TarReader&&) noexcept;
    ~TarReader();

    Result<std::optional<TarMember>> next();  // nullopt at the end
    Result<std::string> text(ByteCount max);  // of the current member; Corrupt when it is longer

  private:
    struct State;
    explicit TarReader(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace packswarm::formats
