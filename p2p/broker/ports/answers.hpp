// Answers of the ports, the interfaces that the broker owns and the rooms above implement; tests fill them with fakes
// under a fake clock. Every callback runs on the loop's thread, and none inside the call that asked for it. Errors come
// as Result; the kinds are those of base/result.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "p2p/base/result.hpp"
#include "p2p/base/trusted_file.hpp"

namespace packswarm::broker {

template <class T>
using Then = std::function<void(Result<T>)>;

using SharedBytes = std::shared_ptr<const FileHandle>;  // a file's bytes for reading

enum class FetchId : std::uint64_t { none = 0 };

}  // namespace packswarm::broker
