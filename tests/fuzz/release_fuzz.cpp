// rooms: verify
// Text of an InRelease before and after its signature is checked: the clearsigned frame and the Release fields.
#include <cstdint>

#include "verify/index_root.hpp"
#include "verify/release.hpp"
#include "verify/signature.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace packswarm;
    const ByteView bytes(reinterpret_cast<const char*>(data), size);
    (void)verify::check_clearsigned_frame(bytes);
    const auto root = verify::parse_release(as_text(bytes));
    if (root)
        for (const auto& file : root->files)
            if (file.path.empty() || file.path.front() == '/' || file.path.find("..") == 0 || file.size < 0)
                __builtin_trap();
    (void)verify::own_copy(as_text(bytes));
    if (root) (void)verify::check_suite(*root, as_text(bytes).substr(0, 20));
    return 0;
}
