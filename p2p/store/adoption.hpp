// Adoption: one foreign file brought to a path of ours by the cheapest safe way. Not here: room, verification.
// Any thread; copying takes its time. Errors: Refused (no regular file), Transient (changed meanwhile), Broken (disk).
#pragma once

#include "p2p/store/vault.hpp"

namespace packswarm::store {

// target must not exist; size is what the source had when room was made for it.
Result<Adopted> adopt_file(const FileHandle& source, const std::filesystem::path& target, ByteCount size, Adopt how);

// Whether a second name for this inode is as safe as a copy: a regular file without setuid or setgid, owned by root or
// by this user, writable by nobody else. The group bits bound every access list entry (acl(5)), so they speak for those
// too.
bool may_link(const FileHandle& file);

}  // namespace packswarm::store
