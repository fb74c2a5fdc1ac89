// Format: what a repository of one distribution is, as a value that every room may pass on. FormatRules is what a
// distribution has to say of itself; formats/ holds them all, and its table is the only place that names them. Rules
// hold no state: any thread. Not here: any distribution.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/result.hpp"
#include "p2p/base/units.hpp"

namespace packswarm::core {

struct IndexEntry;
struct IndexRoot;
struct KeyringSpec;
struct ListForms;
struct PackageList;
struct Repository;
class Signatures;

// What a path below a base is, by its name alone.
enum class PathKind {
    root,             // from which everything else is vouched for
    signature,        // of a root or of a package
    index,            // a list that the root vouches for, under a name that stays
    index_by_digest,  // the same under a name that is made of its digest
    package,
    other,
};
// Its bytes change under this name: indexes and roots, but not what is named by its digest.
bool is_rewritten(PathKind kind);

// How repositories of a format, and their package manager, behave where the agent has to know. Each is as it is for a
// format that says nothing.
struct Habits {
    ByteCount max_root = limits::max_release;
    bool root_lists_packages = false;     // the root is the only index: complete in itself
    bool root_carries_signature = false;  // some form of the root does; without: it always lies beside it
    bool root_may_be_unsigned = false;    // by its configuration; then each package has to be signed
    bool files_follow_root = false;       // where a base sends who asks for the root, there are its other files, too
    bool bases_are_one_list = false;      // a name means the same file at each of them, whoever asked for it
    bool asks_by_name = false;            // its client names no digests, and means what its own index lists
    bool keys_in_gnupg_home = false;      // of trusted keys, where trust between keys counts
    bool client_gives_up_early = false;   // ours is kept waiting by being sent to the same address again
};

// A file that is asked for at the gateway's own address.
struct GatewayFile {
    std::string repository, architecture;  // as its path names them
    std::string path;                      // below the repository's base
    std::string
        signature;      // likewise: of what its package manager takes only together with it; empty: it takes it alone
    std::string asker;  // who comes this way: "pacman"
};

// What is public of a format unless the owner says otherwise.
struct PublicNames {
    std::vector<std::string> keyrings;      // files: what a key in them signs
    std::vector<std::string> repositories;  // by name, of those that nobody signs
};

class FormatRules {
  public:
    virtual ~FormatRules() = default;
    virtual std::string_view name() const = 0;  // in lineages, names of repositories, configuration: never another one
    virtual const Habits& habits() const = 0;

    // ---- Names below a base
    // The names that a root may have, each a file with the same content; the first is what the agent asks for.
    virtual std::vector<std::string> root_paths(const Repository& repository) const = 0;
    // Where the paths in a root begin: empty, or with '/' at its end.
    virtual std::string index_folder(const Repository& repository) const = 0;
    // Of the detached signature of a root at this path; empty: the root carries its own, or nobody signs it.
    virtual std::string root_signature(const Repository& repository, const std::string& root) const = 0;
    // The root whose detached signature this path is.
    virtual std::optional<std::string> root_signed_at(const Repository& repository, const std::string& path) const = 0;
    // Of a package's own signature; empty: its packages have none.
    virtual std::string package_signature(const std::string& package) const = 0;
    // The package whose own signature this path is.
    virtual std::optional<std::string> package_signed_at(const std::string& path) const = 0;
    virtual PathKind classify(std::string_view path) const = 0;
    // Of a file that a root names: it is a list of packages, see read_list.
    virtual bool is_package_list(std::string_view path) const = 0;
    // The lists of packages that a root names for this repository, those that are missing in it left out. Paths are
    // below the base.
    virtual std::vector<ListForms> package_lists(const Repository& repository, const IndexRoot& root) const = 0;

    // ---- The gateway's own addresses
    // path: decoded, with '/' at its start. None: it is no path of this format.
    virtual std::optional<GatewayFile> at_gateway(std::string_view path) const = 0;
    virtual std::string_view gateway_example() const = 0;            // for who asks for something else; empty: none
    virtual bool is_usual_client(std::string_view agent) const = 0;  // User-Agent of its package manager

    // ---- Bytes
    // From the bytes of a root to what it says: signature, keys and suite are checked, its age is not. Errors: Corrupt
    // (altered, malformed, another suite's), Absent (not signed by a key we believe), Refused (keyring), Broken (gpg).
    virtual Result<IndexRoot> open_root(Signatures& signatures, const Repository& repository, ByteView root,
                                        std::optional<ByteView> signature) const = 0;
    // A list of packages whose digest a root vouched for. Corrupt: it is none.
    virtual Result<PackageList> read_list(const FileHandle& file, ByteCount size, std::string_view path) const = 0;
    // One that anybody may have written, and may still be writing: what it lists counts when the very text it was read
    // from has the digest and size that `plain` says. Absent: it is another one.
    virtual Result<PackageList> read_kept_list(const FileHandle& file, const IndexEntry& plain) const = 0;
    // A package whose digest is right: what it still has to show, since its index is not signed. Corrupt: it is another
    // one; Refused: only keys we do not believe signed it.
    virtual Result<void> check_package(Signatures& signatures, const FileHandle& file, ByteCount size,
                                       ByteView signature, const KeyringSpec& keyring,
                                       const IndexEntry& entry) const = 0;

    // ---- Machines
    virtual std::string machine_architecture() const = 0;  // this one's, in the format's own word
    virtual PublicNames public_names() const = 0;
};

// Which format something is of: equal to itself alone. One that nobody chose knows no path and opens nothing.
class Format {
  public:
    Format();
    explicit Format(const FormatRules& rules) : rules_(&rules) {}  // rules live as long as the program
    const FormatRules* operator->() const { return rules_; }
    const Habits& habits() const { return rules_->habits(); }
    explicit operator bool() const { return *this != Format(); }
    friend bool operator==(const Format&, const Format&) = default;
    friend std::strong_ordering operator<=>(const Format& a, const Format& b) {
        return a->name().compare(b->name()) <=> 0;
    }

  private:
    const FormatRules* rules_;
};
inline std::string_view to_string(Format format) { return format->name(); }

// Formats that a room is given to choose from.
class Formats {
  public:
    Formats() = default;
    explicit Formats(std::vector<Format> all) : all_(std::move(all)) {}
    auto begin() const { return all_.begin(); }
    auto end() const { return all_.end(); }
    std::optional<Format> find(std::string_view name) const;
    PathKind classify(std::string_view path) const;  // by the first that knows such paths
    bool is_usual_client(std::string_view agent) const;

  private:
    std::vector<Format> all_;
};

}  // namespace packswarm::core

template <>
struct std::hash<packswarm::core::Format> {
    std::size_t operator()(packswarm::core::Format format) const {
        return std::hash<std::string_view>()(format->name());
    }
};
