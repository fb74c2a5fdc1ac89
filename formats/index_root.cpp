#include "formats/index_root.hpp"

#include "p2p/base/log.hpp"
#include "verify/hasher.hpp"

namespace packswarm::formats {

Result<core::IndexRoot> open_root(core::Signatures& signatures, const core::Repository& repository, ByteView bytes,
                                  std::optional<ByteView> signature) {
    auto root = repository.format->open_root(signatures, repository, bytes, signature);
    if (!root) return fail(root.error().kind, "{}: {}", printable(core::root_path(repository)), root.error().message);
    root->format = repository.format;
    root->digest = verify::digest_of(bytes);
    if (root->content == Digest{}) root->content = root->digest;
    return root;
}

}  // namespace packswarm::formats
