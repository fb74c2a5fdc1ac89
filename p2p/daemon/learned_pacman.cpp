#include <glob.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "formats/pacman/pacman.hpp"
#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/text.hpp"
#include "p2p/base/url.hpp"
#include "p2p/daemon/learned.hpp"

namespace packswarm::daemon {

namespace {

constexpr ByteCount max_configuration = 4 * limits::mib;
constexpr int max_includes = 64;

struct Section {
    std::vector<std::string> servers;
    std::string sig_level;
};

struct Reader {
    std::map<std::string, Section> sections;
    std::vector<std::string> order;
    std::string current, gpg_dir = "/etc/pacman.d/gnupg", architecture = "auto";
    std::string sig_level = "Optional";  // as pacman is built
    std::vector<std::string> warnings;
    std::vector<std::filesystem::path> folders;
    int includes = 0;

    void file(const std::string& path);
    void setting(const std::string& key, const std::string& value);
    void include(const std::string& pattern);
};

void Reader::file(const std::string& path) {
    const auto text = read_text(path, max_configuration);
    if (!text) return warnings.push_back(text.error().message);
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        line = std::string(trimmed(line));
        if (line.empty() || line[0] == '#') continue;
        if (line.front() == '[' && line.back() == ']') {
            current = line.substr(1, line.size() - 2);
            if (current != "options" && sections.count(current) == 0) order.push_back(current);
            if (current != "options") sections[current];
            continue;
        }
        const auto equals = line.find('=');
        if (equals != std::string::npos)
            setting(std::string(trimmed(line.substr(0, equals))), std::string(trimmed(line.substr(equals + 1))));
    }
}

void Reader::setting(const std::string& key, const std::string& value) {
    if (key == "Include") return include(value);
    if (current == "options") {
        if (key == "GPGDir") gpg_dir = value;
        if (key == "Architecture") architecture = value;
        if (key == "SigLevel") sig_level += " " + value;
        return;
    }
    if (current.empty()) return;
    if (key == "Server") sections[current].servers.push_back(value);
    if (key == "SigLevel") sections[current].sig_level += " " + value;
}

void Reader::include(const std::string& pattern) {
    if (++includes > max_includes) return;
    folders.push_back(std::filesystem::path(pattern).parent_path());
    glob_t found{};
    if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i) file(found.gl_pathv[i]);
    ::globfree(&found);
}

std::string expanded(std::string server, const std::string& repository, const std::string& architecture) {
    for (const auto& [name, value] :
         {std::pair{std::string("$repo"), repository}, {std::string("$arch"), architecture}})
        for (auto at = server.find(name); at != std::string::npos; at = server.find(name, at + value.size()))
            server.replace(at, name.size(), value);
    while (server.ends_with('/')) server.pop_back();
    return server;
}

// The agent must not be its own mirror: addresses of this machine are the gateway's, or another proxy's.
bool is_this_machine(const Url& url) {
    return url.host == "localhost" || url.host.starts_with("127.") || url.host == "[::1]";
}

// Whether signatures of what ("Package", "Database") are demanded: the last word counts (pacman.conf(5), SigLevel).
bool demands_signatures(const std::string& sig_level, std::string_view what) {
    bool demanded = false;
    std::istringstream words(sig_level);
    for (std::string word; words >> word;) {
        if (word.starts_with(what)) word.erase(0, what.size());
        if (word == "Required") demanded = true;
        if (word == "Optional" || word == "Never") demanded = false;
    }
    return demanded;
}

}  // namespace

Learned learn_from_pacman(const std::filesystem::path& file) {
    Learned out;
    out.folders = {file.parent_path()};
    if (!std::filesystem::exists(file)) return out;
    Reader reader;
    reader.file(file);
    out.warnings = reader.warnings;
    out.folders.insert(out.folders.end(), reader.folders.begin(), reader.folders.end());
    std::string architecture = reader.architecture.substr(0, reader.architecture.find(' '));
    if (architecture == "auto" || architecture.empty()) architecture = formats::pacman()->machine_architecture();
    for (const auto& name : reader.order) {
        const auto& section = reader.sections[name];
        core::Repository repository;
        repository.format = formats::pacman();
        repository.suite = name;
        repository.architectures = {architecture};
        repository.keyring.gnupg_home = reader.gpg_dir;
        repository.sharing = core::Sharing::by_signer;
        const auto sig_level = reader.sig_level + section.sig_level;
        repository.signed_database = demands_signatures(sig_level, "Database");
        const bool signed_packages = demands_signatures(sig_level, "Package");
        using enum core::PackageSignatures;
        repository.package_signatures = signed_packages ? demanded : not_demanded;
        for (const auto& server : section.servers) {
            const auto url = Url::parse(expanded(server, name, architecture));
            if (!url || url->has_credentials) {
                out.warnings.push_back("pacman server left out: " +
                                       (url ? "it has a password: " + url->text() : url.error().message));
                continue;
            }
            if (!is_this_machine(*url)) repository.bases.push_back(expanded(server, name, architecture));
        }
        if (!repository.bases.empty()) out.repositories.push_back(std::move(repository));
    }
    return out;
}

}  // namespace packswarm::daemon
