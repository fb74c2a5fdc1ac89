#include "p2p/core/artifact.hpp"

namespace packswarm::core {

std::string index_folder(const Repository& repository) { return repository.format->index_folder(repository); }

std::vector<std::string> root_paths(const Repository& repository) { return repository.format->root_paths(repository); }

std::string root_path(const Repository& repository) { return root_paths(repository).front(); }

bool nobody_signs(const Repository& repository) {
    return repository.format.habits().root_may_be_unsigned && !repository.signed_database;
}

}  // namespace packswarm::core
