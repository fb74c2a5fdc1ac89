#include "p2p/core/bundle.hpp"

#include <charconv>

#include "p2p/base/limits.hpp"

namespace packswarm::core {

namespace {
constexpr std::string_view magic = "packswarm-root-1\n";
}

Bytes pack_bundle(const Bundle& bundle) {
    if (!bundle.signature) return bundle.root;
    const std::string head = std::string(magic) + std::to_string(bundle.root.size()) + "\n";
    Bytes out(head.begin(), head.end());
    out.insert(out.end(), bundle.root.begin(), bundle.root.end());
    out.insert(out.end(), bundle.signature->begin(), bundle.signature->end());
    return out;
}

Result<Bundle> unpack_bundle(Bytes bytes) {
    const auto text = as_text(bytes);
    if (!text.starts_with(magic)) return Bundle{std::move(bytes), std::nullopt};
    std::size_t length = 0;
    const char* digits = text.data() + magic.size();
    const auto [end, error] = std::from_chars(digits, text.data() + text.size(), length);
    if (error != std::errc{} || end == text.data() + text.size() || *end != '\n')
        return fail(ErrorKind::Corrupt, "a root bundle without a length");
    const std::size_t start = static_cast<std::size_t>(end + 1 - text.data());
    if (length > text.size() - start || text.size() - start - length > static_cast<std::size_t>(limits::max_signature))
        return fail(ErrorKind::Corrupt, "a root bundle whose length does not fit");
    Bundle out;
    out.root.assign(text.begin() + static_cast<long>(start), text.begin() + static_cast<long>(start + length));
    out.signature = Bytes(text.begin() + static_cast<long>(start + length), text.end());
    return out;
}

}  // namespace packswarm::core
