// Catalog: every file that the newest verified indexes vouch for, compact in memory (about 130 bytes a package), found
// by digest or by repository and path. Not here: how an index becomes trusted (broker/index_book.hpp).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2p/core/artifact.hpp"

namespace packswarm::core {

// One index file's entries, immutable once built.
class CatalogSheet {
  public:
    // left_out: what the index lists beside the entries and nobody may use.
    explicit CatalogSheet(const std::vector<IndexEntry>& entries, LeftOut left_out = {});
    std::size_t packages() const { return packages_; }
    std::optional<IndexEntry> find(const Digest& digest) const;
    // None where the index gives one path two digests: which of them a server has, nobody can tell.
    std::optional<IndexEntry> find(std::string_view path) const;
    std::vector<IndexEntry> named(std::string_view package) const;  // every entry of a package name; linear
    bool has(const Digest& digest) const { return row_of(digest).has_value(); }
    const LeftOut& left_out() const { return left_out_; }

  private:
    struct Row {
        Digest digest;
        ByteCount size;
        std::uint32_t text;  // offset in texts_: path, name, version, architecture, each ended by a NUL
        std::uint32_t signature;
        std::uint32_t signature_size;
    };
    IndexEntry entry(const Row& row) const;
    std::string_view path(const Row& row) const { return texts_.data() + row.text; }
    std::optional<std::size_t> row_of(const Digest& digest) const;
    void name_doubled_paths();

    std::vector<Row> rows_;  // by digest
    std::vector<std::uint32_t> by_path_;
    std::string texts_;
    std::string signatures_;
    std::size_t packages_ = 0;
    LeftOut left_out_;
};

struct CatalogHit {
    RepositoryId repository;
    IndexEntry entry;
};

class Catalog {
  public:
    // A repository has one sheet a name (an index file's path); setting it again replaces it.
    void set(const RepositoryId& repository, const std::string& sheet, const std::vector<IndexEntry>& entries,
             LeftOut left_out = {});
    void set(const RepositoryId& repository, const std::string& sheet, std::shared_ptr<const CatalogSheet> entries);
    bool has_sheet(const RepositoryId& repository, const std::string& sheet) const;
    // Drops the repository's sheets that are not named.
    void keep_only(const RepositoryId& repository, const std::vector<std::string>& sheets);
    bool has(const Digest& digest) const;
    bool has(const RepositoryId& repository, const Digest& digest) const;
    std::optional<CatalogHit> find(const Digest& digest) const;
    std::optional<CatalogHit> find_in(const RepositoryId& repository, const Digest& digest) const;
    std::optional<CatalogHit> find(const RepositoryId& repository, std::string_view path) const;
    std::vector<CatalogHit> named(std::string_view package) const;
    std::size_t packages(const RepositoryId& repository) const;  // how many its indexes list
    LeftOut left_out(const RepositoryId& repository) const;      // and what they list that nobody may use

  private:
    std::map<RepositoryId, std::map<std::string, std::shared_ptr<const CatalogSheet>>>
        sheets_;  // repository -> sheet name -> sheet
};

}  // namespace packswarm::core
