// rooms: formats verify
// Text of an InRelease before and after its signature is checked: the message cut apart, and the Release fields.
#include <cstdint>

#include "formats/debian/release.hpp"
#include "formats/debian/release_root.hpp"
#include "verify/clearsigned.hpp"
#include "verify/safe_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace packswarm;
    const ByteView bytes(reinterpret_cast<const char*>(data), size);
    if (const auto cut = verify::cut_clearsigned(bytes)) {
        const bool is_framed = cut->signatures.starts_with("-----BEGIN PGP SIGNATURE-----\n") &&
                               cut->signatures.ends_with("-----END PGP SIGNATURE-----\n");
        if (!is_framed || cut->text.size() > size || cut->text.find('\0') != std::string::npos) __builtin_trap();
        for (std::string_view rest(cut->text); !rest.empty();) {  // blanks at the end of a line are not signed
            const auto line = verify::take_line(rest);
            if (!line.empty() && (line.back() == ' ' || line.back() == '\t')) __builtin_trap();
        }
        (void)formats::parse_release(cut->text);
    }
    const auto root = formats::parse_release(as_text(bytes));
    if (root)
        for (const auto& file : root->files)
            if (file.path.empty() || file.path.front() == '/' || file.path.find("..") == 0 || file.size < 0)
                __builtin_trap();
    (void)formats::own_copy(as_text(bytes));
    if (root) (void)formats::check_suite(*root, as_text(bytes).substr(0, 20));
    return 0;
}
