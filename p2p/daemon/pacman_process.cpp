#include "p2p/daemon/pacman_process.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/text.hpp"

namespace packswarm::daemon {

namespace {

constexpr std::size_t max_found = 16, max_turned_down = 16;
constexpr std::size_t max_stat = 64 * 1024;

// Files of /proc have no size beforehand.
std::optional<std::string> read_proc(const std::filesystem::path& path, std::size_t most) {
    const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.open()) return std::nullopt;
    std::string out;
    char buffer[4096];
    for (ssize_t got = 0; out.size() <= most; out.append(buffer, static_cast<std::size_t>(got))) {
        got = ::read(file.fd(), buffer, sizeof buffer);
        if (got < 0) return std::nullopt;
        if (got == 0) return out;
    }
    return out;  // longer than it may be: whoever parses it sees that
}

std::string link_at(const std::filesystem::path& path) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(path, error);
    return error ? "" : target.string();
}

// proc_pid_stat(5): the name is in brackets and may hold anything; what follows the last bracket counts from the third
// field.
std::string field_of(const std::filesystem::path& process, int wanted) {
    const auto text = read_proc(process / "stat", max_stat);
    if (!text || text->rfind(')') == std::string::npos) return "";
    std::istringstream fields(text->substr(text->rfind(')') + 1));
    std::string field;
    for (int number = 3; number <= wanted; ++number)
        if (!(fields >> field)) return "";
    return field;
}
std::string start_of(const std::filesystem::path& process) { return field_of(process, 22); }
std::string parent_of(const std::filesystem::path& process) { return field_of(process, 4); }

bool is_called_pacman(const std::filesystem::path& process) {
    const auto comm = read_proc(process / "comm", 64);
    return comm && trimmed(*comm) == "pacman";
}

double seconds_up(const std::filesystem::path& proc) {
    if (const auto text = read_proc(proc / "uptime", max_stat)) return std::strtod(text->c_str(), nullptr);
    struct timespec now {};  // a /proc of processes only (subset=pid), as the service has it
    return ::clock_gettime(CLOCK_BOOTTIME, &now) == 0
               ? static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9
               : 0;
}

// A line of proc_pid_status(5), without its name.
std::string status_of(const std::filesystem::path& process, std::string_view name) {
    const auto text = read_proc(process / "status", max_stat);
    std::istringstream lines(text.value_or(""));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(name)) return line.substr(name.size());
    return "";
}

// Started by root or by us, and run as who started it: anybody may start a set-uid program under any name. Not the
// folder's owner: that is root for every process that may not be dumped.
bool is_roots_or_ours(const std::filesystem::path& process, uid_t own) {
    std::istringstream fields(status_of(process, "Uid:"));
    uid_t real = 0, effective = 0;
    return fields >> real >> effective && real == effective && (real == 0 || real == own);
}

// Its number in each namespace from ours inwards: a container's has two and more.
bool is_in_inner_pid_namespace(const std::filesystem::path& process) {
    std::istringstream numbers(status_of(process, "NSpid:"));
    int outer = 0, inner = 0;
    return static_cast<bool>(numbers >> outer >> inner);
}

// The table of its network namespace's devices: one file for each namespace, which anybody may look at. The link in
// ns/ is only for those who may trace the process, and we may not trace root's.
std::optional<std::pair<dev_t, ino_t>> network_of(const std::filesystem::path& process) {
    struct stat st {};
    if (::stat((process / "net/dev").c_str(), &st) != 0) return std::nullopt;
    return std::pair(st.st_dev, st.st_ino);
}

Result<PacmanProcess> examine(const std::filesystem::path& proc, const std::filesystem::path& folder, uid_t own) {
    if (!is_roots_or_ours(folder, own)) return fail(ErrorKind::Refused, "it is neither root's nor ours");
    if (network_of(folder) != network_of(proc / "self"))
        return fail(ErrorKind::Refused, "it is in another network namespace");
    if (is_in_inner_pid_namespace(folder)) return fail(ErrorKind::Refused, "it is in a container");
    const auto root = link_at(folder / "root");
    if (!root.empty() && root != "/") return fail(ErrorKind::Refused, "it has another root folder");
    const auto cmdline = read_proc(folder / "cmdline", limits::max_pacman_command);
    if (!cmdline) return fail(ErrorKind::Absent, "it has ended");
    auto command = core::parse_pacman_command(*cmdline);
    if (!command) return tl::unexpected(command.error());
    for (auto& option : command->options) {
        if (!option.is_path) continue;
        auto path = trusted_path(option.value, own);
        if (!path) return fail(ErrorKind::Refused, "{}: {}", option.name, path.error().message);
        option.value = std::move(*path);
    }
    PacmanProcess out;
    out.pid = std::atoi(folder.filename().c_str());
    out.started = start_of(folder);
    if (out.started.empty()) return fail(ErrorKind::Absent, "it has ended");
    out.age_s =
        seconds_up(proc) - std::strtod(out.started.c_str(), nullptr) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    out.command = std::move(*command);
    return out;
}

}  // namespace

PacmanSearch find_pacmans(const std::filesystem::path& proc, uid_t own) {
    PacmanSearch out;
    std::error_code error;
    for (auto at = std::filesystem::directory_iterator(proc, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
        const auto name = at->path().filename().string();
        if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
        if (!is_called_pacman(at->path())) continue;
        const auto parent = proc / parent_of(at->path());
        if (is_called_pacman(parent) && is_roots_or_ours(parent, own))
            continue;  // a child that fetches, or is about to become gpg
        if (out.found.size() >= max_found) break;
        auto process = examine(proc, at->path(), own);
        if (process)
            out.found.push_back(std::move(*process));
        else if (out.turned_down.size() < max_turned_down)
            out.turned_down.push_back(fmt::format("process {}: {}", name, process.error().message));
    }
    return out;
}

bool is_running(const std::filesystem::path& proc, const PacmanProcess& process) {
    return start_of(proc / std::to_string(process.pid)) == process.started;
}

Result<std::string> trusted_path(const std::string& path, uid_t own) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    if (!real) return fail(ErrorKind::Refused, "{} cannot be followed to its end", printable(path));
    const std::filesystem::path whole(real.get());
    std::filesystem::path part;
    for (const auto& name : whole) {
        part /= name;
        struct stat st {};
        if (::lstat(part.c_str(), &st) != 0 || S_ISLNK(st.st_mode))
            return fail(ErrorKind::Refused, "{} changes", printable(path));
        const bool sticky = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX) != 0 && part != whole;
        const bool others_write = (st.st_mode & S_IWOTH) != 0 || ((st.st_mode & S_IWGRP) != 0 && st.st_gid != 0);
        if ((st.st_uid != 0 && st.st_uid != own) || (others_write && !sticky))
            return fail(ErrorKind::Refused, "{} can be changed by others than root", printable(part.string()));
    }
    return whole.string();
}

}  // namespace packswarm::daemon
