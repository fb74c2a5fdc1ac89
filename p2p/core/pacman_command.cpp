#include "p2p/core/pacman_command.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "p2p/base/limits.hpp"

namespace packswarm::core {

namespace {

constexpr const char* print_format = "%r %s %l";  // repository, bytes to download, address
constexpr int most_repeats = 2;                   // -uu, -dd

enum class Kind {
    sync,  // the operation
    upgrade,
    nodeps,
    download_only,
    needed,
    unneeded,  // says nothing about what is downloaded
    unneeded_value,
    names,  // a value of package names, with patterns
    word,
    path,
};

struct Known {
    char letter;  // 0: none
    std::string_view name;
    Kind kind;
};

constexpr std::array known{
    Known{'S', "sync", Kind::sync},
    Known{'u', "sysupgrade", Kind::upgrade},
    Known{'d', "nodeps", Kind::nodeps},
    Known{'w', "downloadonly", Kind::download_only},
    Known{0, "needed", Kind::needed},
    Known{'y', "refresh", Kind::unneeded},
    Known{'q', "quiet", Kind::unneeded},
    Known{'v', "verbose", Kind::unneeded},
    Known{0, "noconfirm", Kind::unneeded},
    Known{0, "confirm", Kind::unneeded},
    Known{0, "asdeps", Kind::unneeded},
    Known{0, "asexplicit", Kind::unneeded},
    Known{0, "dbonly", Kind::unneeded},
    Known{0, "noprogressbar", Kind::unneeded},
    Known{0, "noscriptlet", Kind::unneeded},
    Known{0, "disable-download-timeout", Kind::unneeded},
    Known{0, "disable-sandbox", Kind::unneeded},
    Known{0, "disable-sandbox-filesystem", Kind::unneeded},
    Known{0, "disable-sandbox-syscalls", Kind::unneeded},
    Known{0, "disable-sandbox-network", Kind::unneeded},
    Known{0, "color", Kind::unneeded_value},
    Known{0, "hookdir", Kind::unneeded_value},
    Known{0, "logfile", Kind::unneeded_value},
    Known{0, "overwrite", Kind::unneeded_value},
    Known{0, "ignore", Kind::names},
    Known{0, "ignoregroup", Kind::names},
    Known{0, "assume-installed", Kind::names},
    Known{0, "arch", Kind::word},
    Known{0, "config", Kind::path},
    Known{'b', "dbpath", Kind::path},
    Known{'r', "root", Kind::path},
    Known{0, "cachedir", Kind::path},
    Known{0, "gpgdir", Kind::path},
};

bool takes_value(Kind kind) { return kind >= Kind::unneeded_value; }

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool is_made_of(std::string_view text, std::string_view others) {
    return !text.empty() && text.size() <= limits::max_name && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
    });
}

// A package, a group, something provided, with a version or not, and maybe its repository: extra/gcc, sh, glibc>=2.36.
bool is_target(std::string_view text) {
    return is_made_of(text, "@._+-:/<>=") && (is_alphanumeric(text[0]) || text[0] == '@' || text[0] == '_') &&
           std::count(text.begin(), text.end(), '/') <= 1;
}

bool is_plain_path(std::string_view text) {
    return !text.empty() && text[0] == '/' && text.size() <= limits::max_url &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

class Reader {
  public:
    explicit Reader(std::vector<std::string_view> words) : words_(std::move(words)) {}

    Result<PacmanCommand> read() {
        bool options_ended = false;
        while (at_ < words_.size()) {
            const auto word = words_[at_++];
            Result<void> taken;
            if (options_ended || word.empty() || word[0] != '-')
                taken = target(word);
            else if (word == "--")
                options_ended = true;
            else
                taken = word.starts_with("--") ? long_option(word.substr(2)) : letters(word.substr(1));
            if (!taken) return tl::unexpected(taken.error());
        }
        if (!is_sync_) return fail(ErrorKind::Refused, "it is no sync operation");
        if (out_.targets.empty() && out_.upgrades == 0) return fail(ErrorKind::Refused, "it downloads no package");
        return std::move(out_);
    }

  private:
    Result<void> target(std::string_view word) {
        if (!is_target(word)) return fail(ErrorKind::Refused, "a target is no package's name");
        if (out_.targets.size() >= limits::max_pacman_targets)
            return fail(ErrorKind::Refused, "it has more than {} targets", limits::max_pacman_targets);
        out_.targets.emplace_back(word);
        return {};
    }

    Result<void> long_option(std::string_view word) {
        const auto equals = word.find('=');
        const auto name = word.substr(0, equals);
        const auto option =
            std::find_if(known.begin(), known.end(), [&](const Known& one) { return one.name == name; });
        if (option == known.end()) return fail(ErrorKind::Refused, "it has an option that is not on the list");
        if (!takes_value(option->kind)) {
            if (equals != std::string_view::npos) return fail(ErrorKind::Refused, "--{} takes no value", option->name);
            return take(*option, {});
        }
        return equals == std::string_view::npos ? take_next(*option) : take(*option, word.substr(equals + 1));
    }

    Result<void> letters(std::string_view word) {
        if (word.empty()) return fail(ErrorKind::Refused, "it reads its targets from elsewhere");
        while (!word.empty()) {
            const auto option =
                std::find_if(known.begin(), known.end(), [&](const Known& one) { return one.letter == word[0]; });
            if (word[0] == 0 || option == known.end())
                return fail(ErrorKind::Refused, "it has an option that is not on the list");
            word.remove_prefix(1);
            if (takes_value(option->kind)) return word.empty() ? take_next(*option) : take(*option, word);
            if (auto taken = take(*option, {}); !taken) return taken;
        }
        return {};
    }

    Result<void> take_next(const Known& option) {
        if (at_ >= words_.size()) return fail(ErrorKind::Refused, "--{} lacks its value", option.name);
        return take(option, words_[at_++]);
    }

    Result<void> take(const Known& option, std::string_view value) {
        switch (option.kind) {
            case Kind::sync:
                is_sync_ = true;
                return {};
            case Kind::upgrade:
                out_.upgrades = std::min(out_.upgrades + 1, most_repeats);
                return {};
            case Kind::nodeps:
                out_.nodeps = std::min(out_.nodeps + 1, most_repeats);
                return {};
            case Kind::download_only:
                out_.download_only = true;
                return {};
            case Kind::needed:
                out_.needed = true;
                return {};
            case Kind::unneeded:
            case Kind::unneeded_value:
                return {};
            case Kind::names:
                return keep(option, value, is_made_of(value, "@._+-:<>=*?[]!,"));
            case Kind::word:
                return keep(option, value, is_made_of(value, "_-") && value[0] != '-');
            case Kind::path:
                return keep(option, value, is_plain_path(value));
        }
        return {};
    }

    Result<void> keep(const Known& option, std::string_view value, bool is_good) {
        if (!is_good) return fail(ErrorKind::Refused, "the value of --{} is not of its form", option.name);
        if (out_.options.size() >= limits::max_pacman_targets)
            return fail(ErrorKind::Refused, "it has too many options");
        out_.options.push_back({"--" + std::string(option.name), std::string(value), option.kind == Kind::path});
        return {};
    }

    std::vector<std::string_view> words_;
    std::size_t at_ = 1;  // behind the program's name
    bool is_sync_ = false;
    PacmanCommand out_;
};

std::optional<PrintedPackage> parse_line(std::string_view line) {
    const auto first = line.find(' ');
    const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto repository = line.substr(0, first), size = line.substr(first + 1, second - first - 1),
               address = line.substr(second + 1);
    const auto slash = address.rfind('/');
    if (slash == std::string_view::npos || address.find("://") == std::string_view::npos) return std::nullopt;
    const auto file = address.substr(slash + 1);
    const bool is_number =
        !size.empty() && std::all_of(size.begin(), size.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number || !is_made_of(repository, "@._+-") || !is_made_of(file, "@._+-:~")) return std::nullopt;
    return PrintedPackage{std::string(repository), std::string(file), address.starts_with("file:")};
}

}  // namespace

Result<PacmanCommand> parse_pacman_command(std::string_view cmdline) {
    if (cmdline.size() > limits::max_pacman_command)
        return fail(ErrorKind::Refused, "its command line is longer than {} bytes", limits::max_pacman_command);
    std::vector<std::string_view> words;
    for (std::size_t at = 0; at < cmdline.size();) {
        const auto end = std::min(cmdline.find('\0', at), cmdline.size());
        words.push_back(cmdline.substr(at, end - at));
        at = end + 1;
    }
    return Reader(std::move(words)).read();
}

std::vector<std::string> printing_arguments(const PacmanCommand& command) {
    std::vector<std::string> out{"--sync",      "--print", "--print-format", print_format,
                                 "--noconfirm", "--color", "never"};
    out.insert(out.end(), static_cast<std::size_t>(command.upgrades), "--sysupgrade");
    out.insert(out.end(), static_cast<std::size_t>(command.nodeps), "--nodeps");
    if (command.download_only) out.emplace_back("--downloadonly");
    if (command.needed) out.emplace_back("--needed");
    for (const auto& option : command.options) {
        out.push_back(option.name);
        out.push_back(option.value);
    }
    out.emplace_back("--");
    out.insert(out.end(), command.targets.begin(), command.targets.end());
    return out;
}

Result<std::vector<PrintedPackage>> parse_printed_packages(std::string_view text) {
    std::vector<PrintedPackage> out;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (auto package = parse_line(text.substr(0, end))) out.push_back(std::move(*package));
        if (out.size() > limits::max_printed_packages)
            return fail(ErrorKind::Refused, "it names more than {} packages", limits::max_printed_packages);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

}  // namespace packswarm::core
