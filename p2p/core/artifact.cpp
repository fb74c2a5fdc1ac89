#include "p2p/core/artifact.hpp"

#include "p2p/base/url.hpp"

namespace packswarm::core {

std::string_view to_string(Format format) {
    switch (format) {
        case Format::debian:
            return "debian";
        case Format::pacman:
            return "pacman";
    }
    return "debian";
}

std::string Lineage::name() const {
    return std::string(to_string(format)) + "/" + signer + "/" + suite + "/" + architecture;
}

std::string index_folder(const Repository& repository) {
    if (repository.format == Format::pacman) return {};
    if (!repository.suite.empty() && repository.suite.back() == '/') {  // flat repository (sources.list(5): exact path)
        const auto folder =
            decode_path(repository.suite == "/" ? "" : repository.suite);  // "./" and "./sub/" are legal
        return folder.value_or(repository.suite);
    }
    return "dists/" + repository.suite + "/";
}

std::string root_path(const Repository& repository) {
    if (repository.format == Format::pacman) return repository.suite + ".db";
    return index_folder(repository) + (repository.release_path.empty() ? "InRelease" : repository.release_path);
}

}  // namespace packswarm::core
