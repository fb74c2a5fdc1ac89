// RepositoryTable: finds the repository and the path below its base for an address a package manager asked for. A
// repository is a group of bases that stand together in one entry of the configuration; entries that name the same base
// (under one suite and keyring) are one. Equal names and keys join nothing: what else is the same repository is shown
// by its content (kinship.hpp).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "p2p/base/url.hpp"
#include "p2p/core/artifact.hpp"

namespace packswarm::core {

struct Location {
    const Repository* repository = nullptr;
    std::string path;  // decoded, below the base, no leading '/'
    std::string base;  // the base that the address used
};

// Entries that share a base become one, with the bases, components and architectures of all; the first one's name
// stays.
std::vector<Repository> stand_together(std::vector<Repository> entries);

class RepositoryTable {
  public:
    RepositoryTable() = default;
    explicit RepositoryTable(std::vector<Repository> entries);

    // All repositories whose base is a prefix of the address (several suites share one base); longest base first.
    std::vector<Location> locate(const Url& url) const;
    const Repository* find(Format format, const std::string& suite, const std::string& architecture) const;
    const Repository* find(const RepositoryId& id) const;
    const std::vector<Repository>& all() const { return repositories_; }

  private:
    std::vector<Repository> repositories_;
};

// The address of path on a mirror: base + "/" + percent-encoded path.
std::string address(const std::string& base, const std::string& path);

}  // namespace packswarm::core
