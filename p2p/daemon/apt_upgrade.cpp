#include "p2p/daemon/apt_upgrade.hpp"

#include <algorithm>

#include "formats/debian/debian.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/core/bundle.hpp"
#include "p2p/daemon/apt_lists.hpp"

namespace packswarm::daemon {

namespace {

// The root as it came: one file, or two.
void add_root(const core::Repository& repository, const broker::OpenedRoot& root, FolderPlan& out) {
    auto bundle = core::unpack_bundle(root.bundle);
    if (!bundle) return;
    for (const auto& path : core::root_paths(repository)) {
        const auto signature = repository.format->root_signature(repository, path);
        if (signature.empty() == bundle->signature.has_value()) continue;
        for (const auto& base : repository.bases) {
            out.files[apt_list_name(base + "/" + path)] = bundle->root;
            if (bundle->signature) out.files[apt_list_name(base + "/" + signature)] = *bundle->signature;
        }
        return;
    }
}

// Where the list stands among those of the root: by its own name, also where it is asked for by its digest.
std::string path_of(const core::Repository& repository, const core::IndexRoot& root, const core::IndexEntry& form) {
    const auto file = std::find_if(root.files.begin(), root.files.end(),
                                   [&](const core::IndexEntry& one) { return one.digest == form.digest; });
    return file == root.files.end() ? form.path : core::index_folder(repository) + file->path;
}

std::size_t end_of_name(const std::string& path) {  // before the ending of how it is packed
    return std::min(path.find('.', path.rfind('/') + 1), path.size());
}

struct Sources {
    broker::Store& store;
    const std::filesystem::path& stored;
    const std::filesystem::path& apt_lists;
};

void add_list(const core::Repository& repository, const core::IndexRoot& root, const core::ListForms& list,
              const Sources& from, FolderPlan& out) {
    const auto here = std::find_if(list.forms.begin(), list.forms.end(), [&](const core::IndexEntry& form) {
        return from.store.brief(form.digest).has_value();
    });
    const auto path = path_of(repository, root, here == list.forms.end() ? list.forms.front() : *here);
    const auto name = path.substr(0, end_of_name(path)), packed = path.substr(end_of_name(path));
    for (const auto& base : repository.bases) {
        const auto in_lists = apt_list_name(base + "/" + name);
        if (here != list.forms.end()) {
            const auto hex = here->digest.hex();
            out.links[in_lists + packed] = from.stored / hex.substr(0, 2) / hex;
            continue;
        }
        for (const char* ending : {"", ".lz4", ".xz", ".gz", ".zst", ".bz2"})  // apt's own, whatever it lists
            if (std::error_code error; std::filesystem::exists(from.apt_lists / (in_lists + ending), error))
                out.links[in_lists + ending] = from.apt_lists / (in_lists + ending);
    }
}

}  // namespace

FolderPlan AptUpgrade::lists(const broker::IndexBook& book, broker::Store& store,
                             const std::filesystem::path& stored) const {
    FolderPlan out;
    for (const auto& repository : book.table().all()) {
        const auto& root = book.state_of(repository.id).root;
        if (repository.format != formats::debian() || !root || repository.bases.empty()) continue;
        add_root(repository, *root, out);
        for (const auto& list : repository.format->package_lists(repository, root->index))
            add_list(repository, root->index, list, {store, stored, apt_lists}, out);
    }
    return out;
}

BoundedRun::Program AptUpgrade::printing() const {
    BoundedRun::Program out;
    out.path = program;
    out.max_output = limits::max_printed;
    out.deadline = std::chrono::duration_cast<Millis>(limits::simulation_deadline);
    const auto cache = folder / "cache";
    for (const auto& setting :
         {"Debug::NoLocking=1", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache=", "APT::Get::List-Cleanup=false"})
        out.arguments.insert(out.arguments.end(), {"-o", setting});
    for (const auto& [name, path] : {std::pair("Dir::Etc=", apt_dir), std::pair("Dir::State::status=", dpkg_status),
                                     std::pair("Dir::State::lists=", lists_folder()), std::pair("Dir::Cache=", cache)})
        out.arguments.insert(out.arguments.end(), {"-o", name + path.string()});
    out.arguments.insert(out.arguments.end(), {"-qq", "--yes", "--print-uris", "dist-upgrade"});
    return out;
}

}  // namespace packswarm::daemon
