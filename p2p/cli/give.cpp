#include "p2p/cli/give.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "formats/pacman/pacman.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/control/client.hpp"

namespace packswarm::cli {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t max_gifts = 20'000;  // files of one run: more than a cache holds
constexpr Millis answer_timeout{600'000};  // the agent hashes the file first

// A cache is opened as a whole before it is given away, so that the package manager may clear it meanwhile.
void allow_many_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

GiftResult read_answer(const std::string& answer, const std::string& path) {
    const Json json = Json::parse(answer, nullptr, false);
    GiftResult result{path, "refused", "", "the agent's answer cannot be read", 0};
    if (!json.is_object()) return result;
    const auto text = [&](const char* name) {
        return json.contains(name) && json[name].is_string() ? json[name].get<std::string>() : std::string();
    };
    result = {path, text("state"), text("sha256"), text("message"), 0};
    if (json.contains("size") && json["size"].is_number_integer()) result.size = json["size"].get<ByteCount>();
    return result;
}

struct Found {
    fs::path path;
    std::int64_t since = 0;  // when it came into its folder
};

template <class Wanted>
std::vector<fs::path> files_in(const std::vector<fs::path>& folders, std::optional<Seconds> max_age, Wanted wanted) {
    const auto oldest = max_age ? ::time(nullptr) - max_age->count() : 0;
    std::vector<Found> found;
    for (const auto& folder : folders) {
        std::error_code error;
        for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
            struct stat st {};
            const bool fits = wanted(entry->path().filename().string()) && ::lstat(entry->path().c_str(), &st) == 0 &&
                              S_ISREG(st.st_mode);
            if (fits && st.st_ctim.tv_sec >= oldest && found.size() < max_gifts)
                found.push_back({entry->path(), st.st_ctim.tv_sec});
        }
    }
    std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) { return a.since > b.since; });
    std::vector<fs::path> paths;
    paths.reserve(found.size());
    for (auto& one : found) paths.push_back(std::move(one.path));
    return paths;
}

std::vector<fs::path> pacman_cache_folders(const fs::path& root) {
    std::vector<fs::path> folders;
    const auto text = read_text(root / "etc/pacman.conf", limits::mib);
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = line.find('=');
        const auto key_at = line.find_first_not_of(" \t");
        if (equals == std::string_view::npos || key_at == std::string_view::npos ||
            line.substr(key_at, 8) != "CacheDir")
            continue;
        const auto value_at = line.find_first_not_of(" \t", equals + 1);
        if (value_at != std::string_view::npos)
            folders.push_back(root / fs::path(line.substr(value_at)).relative_path());
    }
    if (folders.empty()) folders.push_back(root / "var/cache/pacman/pkg");
    return folders;
}

}  // namespace

std::vector<Gift> open_gifts(const std::vector<fs::path>& paths, std::vector<std::string>& problems) {
    allow_many_files();
    std::vector<Gift> gifts;
    for (const auto& path : paths) {
        if (gifts.size() == max_gifts) {
            problems.push_back("more than " + std::to_string(max_gifts) + " files; give the rest in another run");
            break;
        }
        std::error_code error;
        const auto absolute = fs::absolute(path, error);
        auto file = open_for_reading(absolute);
        if (file)
            gifts.push_back({absolute, std::move(*file)});
        else
            problems.push_back(file.error().message);
    }
    return gifts;
}

Result<void> give(const std::string& socket, const std::string& op, const std::vector<Gift>& gifts,
                  const std::function<void(const GiftResult&)>& each) {
    auto client = control::Client::connect(socket, "cli", Millis(2'000));
    if (!client) return tl::unexpected(client.error());
    for (const auto& gift : gifts) {
        const auto answer = client->call(op, {.path = gift.path.string()}, answer_timeout, &gift.file);
        if (answer) {
            each(read_answer(*answer, gift.path.string()));
            continue;
        }
        const bool lost = answer.error().kind == ErrorKind::Transient || answer.error().kind == ErrorKind::Absent;
        if (lost) return tl::unexpected(answer.error());
        each({gift.path.string(), "refused", "", answer.error().message, 0});
    }
    return {};
}

std::string results_as_json(const std::vector<GiftResult>& results) {
    Json files = Json::array();
    for (const auto& result : results) {
        Json one{{"path", result.path}, {"state", result.state}, {"size", result.size}};
        if (!result.digest.empty()) one["sha256"] = result.digest;
        if (!result.message.empty()) one["message"] = result.message;
        files.push_back(std::move(one));
    }
    return Json{{"files", std::move(files)}}.dump(2, ' ', true, Json::error_handler_t::replace) + "\n";
}

std::vector<fs::path> apt_cache_files(const fs::path& root, std::optional<Seconds> max_age) {
    return files_in({root / "var/cache/apt/archives"}, max_age,
                    [](const std::string& name) { return name.ends_with(".deb"); });
}

std::vector<fs::path> pacman_cache_files(const fs::path& root, std::optional<Seconds> max_age) {
    return files_in(pacman_cache_folders(root), max_age, [](const std::string& name) {
        return formats::pacman()->classify(name) == core::PathKind::package && !name.ends_with(".part");
    });
}

std::optional<Seconds> parse_age(std::string_view text) {
    long long count = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    if (error != std::errc() || count < 0 || count > 100'000 || unit.size() != 1) return std::nullopt;
    switch (unit.front()) {
        case 's':
            return Seconds(count);
        case 'm':
            return Seconds(count * 60);
        case 'h':
            return Seconds(count * 3600);
        case 'd':
            return Seconds(count * 86400);
        default:
            return std::nullopt;
    }
}

Result<void> continue_in_background() {
    const pid_t child = ::fork();
    if (child < 0) return fail(ErrorKind::Broken, "starting a process: {}", std::strerror(errno));
    if (child > 0) ::_exit(0);
    ::setsid();
    const FileHandle nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int standard : {0, 1, 2}) ::dup2(nowhere.fd(), standard);
    return {};
}

}  // namespace packswarm::cli
