#include "hooks/setup/texts.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "p2p/base/text.hpp"

namespace packswarm::hooks {
namespace {

constexpr std::string_view pacman_begin = "# packswarm: begin (packswarm setup pacman --undo takes it back)\n";
constexpr std::string_view internet_begin = "# packswarm: begin (packswarm setup internet --undo takes it back)\n";
constexpr std::string_view mark_end = "# packswarm: end\n";

std::vector<std::string_view> whole_lines(std::string_view text) {  // each with its line end
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto length = end == std::string_view::npos ? text.size() : end + 1;
        lines.push_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

struct Setting {
    std::string_view key, value;
};

Setting setting_of(std::string_view line) {
    line = trimmed(line);
    if (line.starts_with('#')) return {};
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return {line, {}};
    return {trimmed(line.substr(0, equals)), trimmed(line.substr(equals + 1))};
}

std::string_view section_of(std::string_view line) {  // empty when the line opens none
    line = trimmed(line);
    if (line.size() < 3 || line.front() != '[' || line.back() != ']') return {};
    return line.substr(1, line.size() - 2);
}

struct Section {
    std::string_view name;
    std::size_t header = 0;       // line number
    std::size_t last_server = 0;  // 0: no Server or Include that goes over the network
};

std::vector<Section> sections_of(const std::vector<std::string_view>& lines) {
    std::vector<Section> sections;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (const auto name = section_of(lines[i]); !name.empty()) sections.push_back({name, i, 0});
        if (sections.empty()) continue;
        const auto [key, value] = setting_of(lines[i]);
        const bool serves = key == "Include" || (key == "Server" && !value.starts_with("file:"));
        if (serves) sections.back().last_server = i;
    }
    return sections;
}

bool is_begin(std::string_view line) {
    return trimmed(line) == trimmed(pacman_begin) || trimmed(line) == trimmed(internet_begin);
}

std::string block(std::string_view begin, std::string_view line) {
    return std::string(begin) + std::string(line) + "\n" + std::string(mark_end);
}

// Puts one block behind each of the chosen lines. A last line without its end gets one, inside the block, where undo
// finds it.
class Insertions {
  public:
    Insertions(std::vector<std::string_view> lines, std::string_view begin)
        : lines_(std::move(lines)), begin_(begin), after_(lines_.size()) {}
    void add(std::size_t line, std::string_view text) { after_[line] += block(begin_, text); }
    std::string text() const {
        std::string out;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            out += lines_[i];
            if (after_[i].empty()) continue;
            const bool open = out.back() != '\n';
            out += (open ? "\n" : "") + after_[i];
            if (open) out.pop_back();
        }
        return out;
    }

  private:
    std::vector<std::string_view> lines_;
    std::string_view begin_;
    std::vector<std::string> after_;
};

// Where swarm.internet is to stand in a TOML file: behind which line, and how it is written there.
struct TomlPlace {
    std::optional<std::size_t> line;  // none: at the end
    std::string_view prefix;
};

Result<TomlPlace> place_of_swarm(const std::vector<std::string_view>& lines) {
    TomlPlace place{std::nullopt, "[swarm]\n"};
    std::string_view section;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto text = trimmed(std::string_view(lines[i]).substr(0, lines[i].find('#')));
        const auto key = setting_of(text).key;
        if (const auto name = section_of(text); !name.empty()) section = name;
        const bool is_ours = (section == "swarm" && key == "internet") || (section.empty() && key == "swarm.internet");
        if (is_ours)
            return fail(ErrorKind::Refused, "line {} sets swarm.internet already; change it there, or remove it",
                        i + 1);
        if (section.empty() && key == "swarm")
            return fail(ErrorKind::Refused, "line {} sets all of swarm at once; write [swarm] instead", i + 1);
        if (text == "[swarm]") place = {i, ""};
        if (section.empty() && key.starts_with("swarm.") && !place.line) place = {i, "swarm."};
    }
    return place;
}

}  // namespace

std::string apt_conf_text(const SetupOptions& options) {
    std::string text =
        "// packswarm: written by \"packswarm setup apt\"; \"packswarm setup apt --undo\" or removing this file takes "
        "it back.\n"
        "// Downloads go through the method below, and on to apt's own whenever the agent is away.\n"
        "Dir::Bin::Methods::http \"" +
        options.apt_method +
        "\";\n"
        "Dir::Bin::Methods::https \"" +
        options.apt_method +
        "\";\n"
        "Acquire::Max-Pipeline-Depth \"200\";\n"
        "// The pauses before a next try are the method's: beside an item in such a pause apt may never send what else "
        "it "
        "has queued for a host.\n"
        "Acquire::Retries::Delay \"false\";\n"
        "Packswarm::Retries::Delay \"true\";\n";
    if (!options.socket.empty()) text += "Packswarm::Socket \"" + options.socket + "\";\n";
    const std::string socket = options.socket.empty() ? "" : " --socket " + options.socket;
    return text +
           "// Before dpkg runs, the agent may take the files that apt's cache holds. Nothing waits for it, nothing "
           "fails by it.\n"
           "DPkg::Pre-Install-Pkgs { \"if [ -x " +
           options.program + " ]; then " + options.program + socket +
           " import --quiet --background --stdin || true; else cat > /dev/null; fi\"; };\n";
}

std::string pacman_hook_text(const SetupOptions& options) {
    const std::string socket = options.socket.empty() ? "" : " --socket " + options.socket;
    return "# packswarm: after a transaction the agent may take the files that pacman's cache holds. Nothing waits for "
           "it.\n"
           "[Trigger]\n"
           "Operation = Install\n"
           "Operation = Upgrade\n"
           "Type = Package\n"
           "Target = *\n"
           "\n"
           "[Action]\n"
           "Description = Offering new packages to packswarm...\n"
           "When = PostTransaction\n"
           "Exec = /bin/sh -c \"if [ -x " +
           options.program + " ]; then " + options.program + socket +
           " import --quiet --background --pacman --newer 24h || true; fi\"\n";
}

bool has_marks(std::string_view text) {
    for (const auto line : whole_lines(text))
        if (is_begin(line) || trimmed(line) == trimmed(mark_end)) return true;
    return false;
}

Result<std::string> without_marks(std::string_view text) {
    std::string out;
    bool inside = false, cut_last_end = false;
    for (const auto line : whole_lines(text)) {
        const bool begins = is_begin(line);
        const bool ends = trimmed(line) == trimmed(mark_end);
        if (begins == inside && (begins || ends))
            return fail(ErrorKind::Refused, "a line \"{}\" stands alone", trimmed(line));
        if (ends && !inside) return fail(ErrorKind::Refused, "a line \"{}\" stands alone", trimmed(line));
        if (ends && !line.ends_with('\n')) cut_last_end = true;
        if (!begins && !ends && !inside) out += line;
        inside = begins || (inside && !ends);
    }
    if (inside) return fail(ErrorKind::Refused, "a line that begins with \"# packswarm: begin\" stands alone");
    if (cut_last_end && out.ends_with('\n')) out.pop_back();
    return out;
}

Result<std::string> marked_pacman_conf(std::string_view text, const SetupOptions& options) {
    const auto lines = whole_lines(text);
    Insertions insertions(lines, pacman_begin);
    const bool knows_arch =
        std::any_of(lines.begin(), lines.end(), [](auto line) { return setting_of(line).key == "Architecture"; });
    const std::string address = "http://" + options.gateway + "/$repo/os/" + (knows_arch ? "$arch" : options.machine);
    int touched = 0;
    if (options.way == PacmanWay::xfer_command)
        for (const auto line : lines)
            if (setting_of(line).key == "XferCommand")
                return fail(ErrorKind::Refused, "pacman.conf sets XferCommand already; comment that line out first");
    for (const auto& section : sections_of(lines)) {
        const bool is_options = section.name == "options";
        if (options.way == PacmanWay::xfer_command) {
            if (!is_options) continue;
            const std::string socket = options.socket.empty() ? "" : " --socket " + options.socket;
            insertions.add(section.header, "XferCommand = " + options.program + socket + " fetch %u %o");
        } else {
            if (is_options || section.last_server == 0) continue;
            insertions.add(section.header,
                           (options.pacman.has_cache_server() ? "CacheServer = " : "Server = ") + address);
            if (options.pacman.has_cache_server()) insertions.add(section.last_server, "Server = " + address);
        }
        ++touched;
    }
    if (touched == 0) return fail(ErrorKind::Refused, "pacman.conf has no section that could come through the agent");
    return insertions.text();
}

Result<std::string> marked_agent_conf(std::string_view text, const SetupOptions& options) {
    const auto lines = whole_lines(text);
    const auto place = place_of_swarm(lines);
    if (!place) return tl::unexpected(place.error());
    const auto setting = fmt::format("{}internet = \"{}\"", place->prefix, options.internet);
    if (lines.empty()) return block(internet_begin, setting);
    Insertions insertions(lines, internet_begin);
    insertions.add(place->line.value_or(lines.size() - 1), setting);
    return insertions.text();
}

}  // namespace packswarm::hooks
