#include "hooks/setup/setup.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "hooks/setup/texts.hpp"
#include "p2p/base/limits.hpp"
#include "verify/hasher.hpp"

namespace packswarm::hooks {
namespace {

namespace fs = std::filesystem;

fs::path below(const SetupOptions& options, const char* path) { return options.root / fs::path(path).relative_path(); }
fs::path records(const SetupOptions& options) { return below(options, "/etc/packswarm/setup"); }

fs::path apt_conf(const SetupOptions& options) { return below(options, "/etc/apt/apt.conf.d/90packswarm"); }
fs::path pacman_conf(const SetupOptions& options) { return below(options, "/etc/pacman.conf"); }
fs::path agent_conf(const SetupOptions& options) { return below(options, "/etc/packswarm/packswarm.toml"); }
fs::path pacman_hook(const SetupOptions& options) { return below(options, "/etc/pacman.d/hooks/packswarm.hook"); }

bool is_marked(const fs::path& path, const SetupOptions& options) {
    return path == pacman_conf(options) || path == agent_conf(options);
}
fs::path record(const fs::path& path, const SetupOptions& options, const char* end) {
    return records(options) / (path.filename().string() + end);
}

Result<std::optional<std::string>> content_of(const fs::path& path) {
    auto text = read_text(path, limits::mib);
    if (text) return std::optional(std::move(*text));
    if (text.error().kind == ErrorKind::Absent) return std::optional<std::string>();
    return tl::unexpected(text.error());
}

std::string hex_of(const std::string& text) { return verify::digest_of(as_bytes(text)).hex(); }

// A file that is all ours: it has our first line, or what stands there is somebody else's.
Result<std::vector<Change>> plan_own_file(const fs::path& path, const std::string& text) {
    const auto before = content_of(path);
    if (!before) return tl::unexpected(before.error());
    if (*before && (*before)->find("packswarm:") == std::string::npos)
        return fail(ErrorKind::Refused, "{} exists and is not ours; move it away first", path.string());
    if (*before == text) return std::vector<Change>{};
    return std::vector<Change>{{path, *before, text, ""}};
}

Result<std::vector<Change>> plan_own_file_undo(const fs::path& path) {
    const auto before = content_of(path);
    if (!before) return tl::unexpected(before.error());
    if (!*before) return std::vector<Change>{};
    if ((*before)->find("packswarm:") == std::string::npos)
        return fail(ErrorKind::Refused, "{} is not ours any more; remove it yourself if it is not wanted",
                    path.string());
    return std::vector<Change>{{path, *before, std::nullopt, ""}};
}

Result<std::vector<Change>> plan_pacman_conf(const SetupOptions& options) {
    const auto path = pacman_conf(options);
    const auto before = content_of(path);
    if (!before) return tl::unexpected(before.error());
    if (!*before) return fail(ErrorKind::Refused, "there is no {}", path.string());
    const auto plain = without_marks(**before);
    if (!plain) return fail(ErrorKind::Refused, "{}: {}; mend it first", path.string(), plain.error().message);
    auto after = marked_pacman_conf(*plain, options);
    if (!after) return tl::unexpected(after.error());
    if (*after == **before) return std::vector<Change>{};
    return std::vector<Change>{{path, *before, std::move(*after), ""}};
}

Result<std::vector<Change>> plan_agent_conf(const SetupOptions& options) {
    const auto path = agent_conf(options);
    const auto before = content_of(path);
    if (!before) return tl::unexpected(before.error());
    const auto plain = without_marks(before->value_or(""));
    if (!plain) return fail(ErrorKind::Refused, "{}: {}; mend it first", path.string(), plain.error().message);
    auto after = marked_agent_conf(*plain, options);
    if (!after) return fail(ErrorKind::Refused, "{}: {}", path.string(), after.error().message);
    if (*before == *after) return std::vector<Change>{};
    return std::vector<Change>{{path, *before, std::move(*after), ""}};
}

// A file in which some lines are ours.
Result<std::vector<Change>> plan_marked_undo(const fs::path& path, const SetupOptions& options) {
    const auto now = content_of(path);
    if (!now) return tl::unexpected(now.error());
    if (!*now) return std::vector<Change>{};
    const auto kept = content_of(record(path, options, ".before"));
    const auto digest = content_of(record(path, options, ".digest"));
    const bool untouched = digest && *digest && **digest == hex_of(**now) + "\n";
    if (untouched && kept && *kept) return std::vector<Change>{{path, *now, **kept, ""}};
    if (!has_marks(**now)) return std::vector<Change>{};
    auto plain = without_marks(**now);
    if (!plain)
        return fail(ErrorKind::Refused, "{}: {}; remove our lines by hand, or copy {} over it", path.string(),
                    plain.error().message, record(path, options, ".before").string());
    if (untouched && plain->empty()) return std::vector<Change>{{path, *now, std::nullopt, ""}};  // we made it
    return std::vector<Change>{
        {path, *now, std::move(*plain), "it was edited since: only our marked lines are removed"}};
}

Result<std::vector<Change>> joined(Result<std::vector<Change>> first, Result<std::vector<Change>> second) {
    if (!first) return first;
    if (!second) return second;
    first->insert(first->end(), std::make_move_iterator(second->begin()), std::make_move_iterator(second->end()));
    return first;
}

Result<void> make_folder(const fs::path& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return fail(ErrorKind::Broken, "creating {}: {}", folder.string(), error.message());
    return {};
}

// The file keeps its rights and, where it is a link, its place.
Result<void> write_file(const fs::path& path, const std::string& text) {
    if (auto made = make_folder(path.parent_path()); !made) return made;
    std::error_code error, missing;
    const auto real = fs::is_symlink(path, missing) ? fs::canonical(path, error) : path;
    if (error) return fail(ErrorKind::Broken, "following {}: {}", path.string(), error.message());
    struct stat st {};
    const unsigned mode = ::stat(real.c_str(), &st) == 0 ? st.st_mode & 07777 : 0644;
    return replace_file(real, as_bytes(text), mode);
}

Result<void> remove_file(const fs::path& path) {
    std::error_code error;
    fs::remove(path, error);
    if (error) return fail(ErrorKind::Broken, "removing {}: {}", path.string(), error.message());
    return {};
}

// Only a file that holds lines of others needs its original kept; what was not there before us has none.
Result<void> remember(const Change& change, const SetupOptions& options) {
    if (!is_marked(change.path, options)) return {};
    const auto copy = record(change.path, options, ".before");
    auto note = write_file(record(change.path, options, ".digest"), hex_of(*change.after) + "\n");
    if (!note || !change.before) return note;
    const auto original = without_marks(*change.before);
    if (!original) return tl::unexpected(original.error());
    std::error_code missing;
    const bool was_made_by_us = original->empty() && has_marks(*change.before) && !fs::exists(copy, missing);
    if (was_made_by_us) return {};
    if (auto kept = write_file(copy, *original); !kept) return kept;
    std::error_code error;
    fs::permissions(copy, fs::status(change.path, error).permissions(),
                    error);  // who may not read the one may not read the other
    return {};
}

Result<void> forget(const Change& change, const SetupOptions& options) {
    if (!is_marked(change.path, options)) return {};
    for (const char* end : {".before", ".digest"})
        if (auto removed = remove_file(record(change.path, options, end)); !removed) return removed;
    std::error_code ignored;
    fs::remove(records(options), ignored);  // only when empty
    fs::remove(records(options).parent_path(), ignored);
    return {};
}

Result<void> carry_out(const Change& change) {
    return change.after ? write_file(change.path, *change.after) : remove_file(change.path);
}

}  // namespace

Result<std::vector<Change>> plan_setup(Manager manager, const SetupOptions& options) {
    switch (manager) {
        case Manager::apt:
            if (!fs::exists(below(options, options.apt_method.c_str())))
                return fail(ErrorKind::Refused, "{} is not installed, and apt would fail without it",
                            options.apt_method);
            return plan_own_file(apt_conf(options), apt_conf_text(options));
        case Manager::pacman:
            return joined(plan_pacman_conf(options), plan_own_file(pacman_hook(options), pacman_hook_text(options)));
        case Manager::internet:
            return plan_agent_conf(options);
    }
    return fail(ErrorKind::Broken, "no such package manager");
}

Result<std::vector<Change>> plan_undo(Manager manager, const SetupOptions& options) {
    switch (manager) {
        case Manager::apt:
            return plan_own_file_undo(apt_conf(options));
        case Manager::pacman:
            return joined(plan_marked_undo(pacman_conf(options), options), plan_own_file_undo(pacman_hook(options)));
        case Manager::internet:
            return plan_marked_undo(agent_conf(options), options);
    }
    return fail(ErrorKind::Broken, "no such package manager");
}

Result<void> apply_setup(const std::vector<Change>& changes, const SetupOptions& options) {
    for (const auto& change : changes) {
        if (auto kept = remember(change, options); !kept) return kept;
        if (auto done = carry_out(change); !done) return done;
    }
    return {};
}

Result<void> apply_undo(const std::vector<Change>& changes, const SetupOptions& options) {
    for (const auto& change : changes) {
        if (auto done = carry_out(change); !done) return done;
        if (auto gone = forget(change, options); !gone) return gone;
    }
    return {};
}

Result<PacmanVersion> installed_pacman() {
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen("pacman --version 2>/dev/null", "re"), ::pclose);
    std::string text;
    std::array<char, 256> buffer;
    while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) text += buffer.data();
    const auto at = text.find("Pacman v");
    PacmanVersion version;
    if (at == std::string::npos || std::sscanf(text.c_str() + at, "Pacman v%d.%d", &version.major, &version.minor) != 2)
        return fail(ErrorKind::Absent, "no pacman on this machine");
    return version;
}

}  // namespace packswarm::hooks
