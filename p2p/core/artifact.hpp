// The nouns of the product: artifacts, index entries and roots, repositories. Plain data; the rules stand beside it.
// Not here: parsing them (verify), keeping them (broker, store).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "p2p/base/digest.hpp"
#include "p2p/base/units.hpp"
#include "p2p/core/date_rules.hpp"
#include "p2p/core/format.hpp"
#include "p2p/core/kinship.hpp"
#include "p2p/core/left_out.hpp"
#include "p2p/core/repository_id.hpp"

namespace packswarm::core {

// 40 (v4) or 64 (v6) upper-case hexadecimal digits of an OpenPGP primary key.
using Fingerprint = std::string;

// One file that a verified index vouches for.
struct IndexEntry {
    std::string path;  // below the repository's base address; for pacman the file name
    ByteCount size = 0;
    Digest digest;
    std::string name;  // package name; empty for index files
    std::string version;
    std::string architecture;
    std::string signature;  // pacman: decoded %PGPSIG% (raw OpenPGP), else empty
};

// A root file (InRelease, Release + Release.gpg, or pacman .db) whose signature was checked.
struct IndexRoot {
    Format format;
    Digest digest;           // SHA-256 of the root file as fetched: names the snapshot
    Digest content;          // SHA-256 of the signed text, line ends and trailing blanks folded: one for every envelope
    bool is_signed = false;  // false only for pacman databases without .db.sig: entries are hints
    std::vector<Fingerprint> signers;            // primary keys with a good signature, sorted
    WallTime date{};                             // Debian Date; pacman: newest BUILDDATE or the signature's time
    std::optional<WallTime> valid_until;         // Debian Valid-Until
    std::string origin, label, suite, codename;  // Debian fields; pacman: suite = repository name
    Digest product;  // of origin, label and codename: vendors sign several products with one key; pacman: zero
    std::vector<std::string> architectures, components;
    bool by_hash = false;             // Acquire-By-Hash: yes
    std::vector<IndexEntry> files;    // Debian: index files, path relative to the directory of the Release file
    std::vector<IndexEntry> entries;  // pacman: packages
    LeftOut left_out;                 // of files or entries
    std::string not_shared;           // why nothing of it goes to peers although this machine believes it; mostly empty
    std::string remark;               // for the owner, of a root that is good; mostly empty
};

// What a list of packages says.
struct PackageList {
    std::vector<IndexEntry> entries;  // in the list's order
    LeftOut left_out;                 // what cannot be used: malformed, too long, or without path, size or digest
};

// One list of packages in the forms in which a root names it: one of them will do.
struct ListForms {
    std::vector<IndexEntry> forms;    // never empty; with the paths to ask for them
    std::optional<IndexEntry> plain;  // its text, under its own name
};

// Which keys may sign a repository's root.
struct KeyringSpec {
    std::vector<std::string> files;     // keyring files (.gpg, .asc) or folders of them; all are loaded
    std::vector<std::string> embedded;  // armored keys written into a sources file
    std::vector<Fingerprint>
        fingerprints;            // when not empty, only these (primary or subkey; '!' suffix: exactly this subkey)
    bool strict_names = false;   // of a folder's files only those whose names apt takes since 2.9.15
    bool outlived_keys = false;  // a signature made before its key expired counts, as for apt with sqv
    std::string gnupg_home;      // a GnuPG home such as /etc/pacman.d/gnupg; validity (trust) counts there
    friend bool operator==(const KeyringSpec&, const KeyringSpec&) = default;
};

enum class Sharing {
    allowed,
    forbidden,
    by_signer,  // allowed once a key of the owner's public keyrings has signed its root
};

// What the package manager's own copy of a root says. The package manager has checked it, we have not.
struct OwnCopy {
    Digest product;
    RootMark mark;
};

// Whether pacman wants a detached signature with each package (pacman.conf(5), SigLevel).
enum class PackageSignatures {
    demanded,      // Required: a package and its signature, both or neither
    as_found,      // nobody said: demanded, unless every mirror says that there is none
    not_demanded,  // Optional or Never: what is unsigned is handed out, and not shared
};

// One repository as this machine is configured to use it: what it is, where its mirrors are, who may sign it.
struct Repository {
    RepositoryId id;
    Format format;
    std::string suite;                    // Debian suite as in sources; pacman repository name
    std::vector<std::string> components;  // Debian
    std::vector<std::string> architectures;
    std::vector<std::string> bases;  // mirrors' base addresses, no trailing '/': base + "/" + path is a file's address.
                                     // Debian: what stands in sources; pacman: $repo and $arch expanded
    std::string release_path;  // Debian: where the root lies in its folder, when not at InRelease (InRelease-Path)
    KeyringSpec keyring;
    Sharing sharing = Sharing::forbidden;
    std::optional<OwnCopy> own_copy;  // of the root, in the package manager's own folder
    bool signed_database = true;      // pacman: SigLevel asks for a database signature
    PackageSignatures package_signatures = PackageSignatures::demanded;
    DateRules dates;  // Debian: what this machine's apt demands of them
};

// As its format has them (format.hpp): where the paths in a root begin; the names of the root, and the first of them.
std::string index_folder(const Repository& repository);
std::vector<std::string> root_paths(const Repository& repository);
std::string root_path(const Repository& repository);
// Its configuration asks for no signature of the root: what it lists is a hint, and each package shows its own.
bool nobody_signs(const Repository& repository);

}  // namespace packswarm::core
