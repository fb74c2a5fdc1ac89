#include "p2p/daemon/upgrade_question.hpp"

#include <algorithm>

#include "p2p/base/log.hpp"
#include "p2p/base/url.hpp"
#include "p2p/core/apt_printed.hpp"
#include "p2p/core/pacman_command.hpp"

namespace packswarm::daemon {

UpgradeQuestion::UpgradeQuestion(const World& world, PackageManagers managers, std::function<void(Files)> then)
    : world_(world), managers_(std::move(managers)), then_(std::move(then)) {
    world_.loop.post(lifetime_.guard([this] { ask_apt(); }));
}

UpgradeQuestion::~UpgradeQuestion() { lifetime_.end(); }

// The folders are laid out by a worker, then the program runs; it may be gone, or fail: then the next one is asked.
void UpgradeQuestion::ask(std::vector<Folder> folders, const BoundedRun::Program& program,
                          void (UpgradeQuestion::*take)(const std::string&), Task next) {
    auto printed = [this, take, next, name = program.path](const Result<std::string>& text) {
        if (text)
            (this->*take)(*text);
        else
            spdlog::info("prefetch: {} does not tell what an upgrade would fetch: {}", name, text.error().message);
        next();
    };
    auto laid_out = lifetime_.guard([this, program, printed = std::move(printed)](const Result<void>& made) {
        if (!made) return printed(tl::unexpected(made.error()));
        const auto later = [this, printed](const Result<std::string>& text) {  // the run may end only when it rests
            world_.loop.post(lifetime_.guard([printed, text] { printed(text); }));
        };
        run_ = std::make_unique<BoundedRun>(world_.io, world_.loop, program, later);
    });
    world_.workers.run([folders = std::move(folders), laid_out]() -> Task {
        Result<void> made;
        for (const auto& folder : folders)
            if (made) made = lay_out(folder.path, folder.plan);
        return [laid_out, made] { laid_out(made); };
    });
}

void UpgradeQuestion::ask_apt() {
    if (!managers_.apt) return ask_pacman();
    const auto& apt = *managers_.apt;
    const auto& book = world_.broker.book();
    auto lists = apt.lists(book, world_.vault, world_.vault.folder() / "files");
    if (lists.files.empty()) return ask_pacman();
    ask({{apt.folder, {}}, {apt.folder / "cache", {}}, {apt.lists_folder(), std::move(lists)}}, apt.printing(),
        &UpgradeQuestion::apt_printed, [this] { ask_pacman(); });
}

void UpgradeQuestion::apt_printed(const std::string& text) {
    const auto addresses = core::parse_printed_addresses(text);
    if (!addresses) return spdlog::info("prefetch: {}", addresses.error().message);
    for (const auto& address : *addresses) {
        const auto url = Url::parse(address);
        if (!url) continue;
        for (const auto& location : world_.broker.book().table().locate(*url)) add(*location.repository, location.path);
    }
}

void UpgradeQuestion::ask_pacman() {
    if (!managers_.pacman) return end();
    const auto& pacman = *managers_.pacman;
    auto databases = pacman.databases(world_.broker.book());
    if (databases.files.empty()) return end();
    ask({{pacman.folder, pacman.installed()}, {pacman.databases_folder(), std::move(databases)}}, pacman.printing(),
        &UpgradeQuestion::pacman_printed, [this] { end(); });
}

void UpgradeQuestion::pacman_printed(const std::string& text) {
    const auto packages = core::parse_printed_packages(text);
    if (!packages) return spdlog::info("prefetch: {}", packages.error().message);
    for (const auto& package : *packages)
        for (const auto& repository : world_.broker.book().table().all())
            if (!package.is_here && repository.suite == package.repository &&
                repository.format.habits().root_lists_packages)
                add(repository, package.file);
}

void UpgradeQuestion::add(const core::Repository& repository, const std::string& path) {
    auto hit = world_.broker.book().catalog().find(repository.id, path);
    if (!hit || hit->entry.name.empty()) return;
    const auto is_same = [&](const core::CatalogHit& other) { return other.entry.digest == hit->entry.digest; };
    if (std::none_of(found_.begin(), found_.end(), is_same)) found_.push_back(std::move(*hit));
}

void UpgradeQuestion::end() {
    run_.reset();
    const auto& book = world_.broker.book();
    std::stable_partition(found_.begin(), found_.end(), [&](const core::CatalogHit& hit) {
        const auto* repository = book.table().find(hit.repository);
        return repository != nullptr && book.is_security(*repository);
    });
    if (const auto then = std::exchange(then_, {})) then(std::move(found_));
}

}  // namespace packswarm::daemon
