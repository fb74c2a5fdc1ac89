#include "p2p/cli/doctor.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"
#include "p2p/control/client.hpp"

namespace packswarm::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_parts = 200;  // of pacman's unfinished files that are looked at

constexpr auto start_it = "start it: systemctl enable --now packswarmd, and see journalctl -u packswarmd";

std::string text_of(const fs::path& path) {
    const auto text = read_text(path, limits::mib);
    return text ? *text : std::string();
}

// The value between the quotes behind name, in a file of apt's own syntax.
std::string apt_value(const std::string& text, const std::string& name) {
    const auto at = text.find(name);
    const auto begin = at == std::string::npos ? at : text.find('"', at);
    const auto end = begin == std::string::npos ? begin : text.find('"', begin + 1);
    return end == std::string::npos ? std::string() : text.substr(begin + 1, end - begin - 1);
}

// Files that set name outside comment lines.
std::vector<std::string> apt_files_that_set(const fs::path& folder, const std::string& name) {
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const auto text = text_of(entry->path());
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
            const auto line = text.rfind('\n', at);
            const auto first = text.find_first_not_of(" \t", line == std::string::npos ? 0 : line + 1);
            if (text.compare(first, 2, "//") == 0 || text[first] == '#') continue;
            files.push_back(entry->path().string());
            break;
        }
    }
    return files;
}

// The CacheDir lines of pacman.conf, or pacman's own folder.
std::vector<fs::path> pacman_caches(const fs::path& root) {
    std::vector<fs::path> folders;
    std::istringstream lines(text_of(root / "etc/pacman.conf"));
    for (std::string line; std::getline(lines, line);) {
        const auto text = std::string(trimmed(line));
        const auto equals = text.find('=');
        if (!text.starts_with("CacheDir") || equals == std::string::npos) continue;
        std::istringstream words(text.substr(equals + 1));
        for (std::string word; words >> word;) folders.push_back(root / fs::path(word).relative_path());
    }
    if (folders.empty()) folders.push_back(root / "var/cache/pacman/pkg");
    return folders;
}

}  // namespace

Check check_socket(const std::string& socket) {
    struct stat st {};
    if (::stat(socket.c_str(), &st) != 0) return {"agent", "fail", "there is no " + socket, start_it};
    if (!S_ISSOCK(st.st_mode))
        return {"agent", "fail", socket + " is no socket", "remove it and start the agent again"};
    if ((st.st_mode & 0666) != 0666)
        return {"agent", "warn", socket + " is not open to every user, so apt's _apt user may not get in",
                "restart the agent: it sets mode 0666"};
    auto client = control::Client::connect(socket, "cli", Millis(2'000));
    if (!client) return {"agent", "fail", client.error().message, start_it};
    const auto answer = client->call("status", {}, Millis(5'000));
    if (!answer)
        return {"agent", "fail", answer.error().message, "restart the agent, and see journalctl -u packswarmd"};
    return {"agent", "ok", "answers at " + socket, ""};
}

std::vector<Check> check_apt(const fs::path& root) {
    const auto folder = root / "etc/apt/apt.conf.d";
    std::error_code error;
    if (!fs::is_directory(folder, error)) return {};
    std::vector<Check> checks;
    const auto text = text_of(folder / "90packswarm");
    const auto method = apt_value(text, "Dir::Bin::Methods::http ");
    if (text.empty())
        checks.push_back({"apt", "warn", "apt does not come to the agent", "packswarm setup apt"});
    else if (method.empty() || ::access((root / fs::path(method).relative_path()).c_str(), X_OK) != 0)
        checks.push_back(
            {"apt", "fail", "apt is told to use " + method + ", which cannot be run: apt fails",
             "install packswarm again, or take the setting back: rm " + (folder / "90packswarm").string()});
    else
        checks.push_back({"apt", "ok", "comes to the agent through " + method, ""});
    for (const auto& file : apt_files_that_set(folder, "Acquire::http::Proxy"))
        checks.push_back({"apt-proxy", "warn", "a proxy is set in " + file + ", so apt passes the agent by",
                          "remove it, or set Packswarm::Use-With-Proxy \"true\";"});
    return checks;
}

std::vector<Check> check_pacman(const fs::path& root) {
    const auto conf = root / "etc/pacman.conf";
    std::error_code error;
    if (!fs::exists(conf, error)) return {};
    const auto text = text_of(conf);
    const auto command = text.find("\nXferCommand");
    const bool through_command =
        command != std::string::npos &&
        text.substr(command, text.find('\n', command + 1) - command).find("packswarm") != std::string::npos;
    const bool through_servers = text.find("# packswarm: begin") != std::string::npos;
    if (!through_command && !through_servers)
        return {{"pacman", "warn", "pacman does not come to the agent", "packswarm setup pacman"}};
    std::vector<Check> checks{{"pacman", "ok", "comes to the agent", ""}};
    if (!fs::exists(root / "etc/pacman.d/hooks/packswarm.hook", error) &&
        !fs::exists(root / "usr/share/libalpm/hooks/packswarm.hook", error))
        checks.push_back(
            {"pacman-hook", "warn", "new packages are not taken over from pacman's cache", "packswarm setup pacman"});
    return checks;
}

std::vector<Check> check_parts(const fs::path& root, const SizeOf& size_of) {
    std::vector<Check> checks;
    std::size_t left = max_parts;
    for (const auto& folder : pacman_caches(root)) {
        std::error_code error;
        for (fs::directory_iterator entry(folder, error), end; !error && entry != end && left > 0;
             entry.increment(error)) {
            std::error_code gone;
            if (entry->path().extension() != ".part" || !entry->is_regular_file(gone)) continue;
            --left;
            const auto size = size_of(entry->path().stem().string());
            const auto here = entry->file_size(gone);
            if (gone || !size || here < static_cast<std::uintmax_t>(*size)) continue;
            checks.push_back({"pacman-part", "warn",
                              entry->path().string() +
                                  " has all its bytes, and pacman cannot finish it: it says that the "
                                  "file could not be retrieved",
                              "rm '" + entry->path().string() + "'"});
        }
    }
    return checks;
}

}  // namespace packswarm::cli
