#include "p2p/daemon/option_pages.hpp"

#include <sstream>
#include <string_view>
#include <utility>

#include "p2p/base/limits.hpp"
#include "p2p/daemon/option.hpp"

namespace packswarm::daemon {

namespace {

constexpr std::size_t page_columns = 100;

constexpr auto manual_head = R"(.\" Printed by packswarmd --print-manual from the table in p2p/daemon/options.cpp.
.TH PACKSWARM.TOML 5 2026 "packswarm 0.1" "File Formats"
.SH NAME
packswarm.toml \- configuration of the package agent
.SH SYNOPSIS
.I /etc/packswarm/packswarm.toml
.SH DESCRIPTION
One TOML file; every option has a default, and the file may be missing.
.B packswarmd \-\-print\-config
prints it with every option's prose, range and default, as this version knows them.
Sizes are written as numbers of bytes or as "10 GiB".
Every option can also be given on the command line as \fB\-\-\fIsection\fR.\fIoption\fR.
.PP
A reload
.RB ( "systemctl reload packswarmd" ,
or SIGHUP) reads the file again and applies what was changed, but for options of which this page says
that a restart is needed: those stay as they were, and the log names them.
.SH OPTIONS
)";

constexpr auto manual_end = R"(.SH SEE ALSO
.BR packswarmd (8)
)";

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string size_text(ByteCount bytes) {
    for (const auto& [unit, name] : {std::pair{limits::gib, "GiB"}, {limits::mib, "MiB"}, {limits::kib, "KiB"}})
        if (bytes >= unit && bytes % unit == 0) return quoted(std::to_string(bytes / unit) + " " + name);
    return std::to_string(bytes);
}

std::string default_text(const Option& option) {
    static const Config defaults;
    return value_text(option.place.read(defaults), option.place.type);
}

std::string range_text(const Place<Config>& place) {
    if (place.type == Type::number) return fmt::format("{} to {}.", place.range.least, place.range.most);
    if (place.type == Type::size) return fmt::format("A size such as \"512 MiB\", at least {}.", place.range.least);
    return {};
}

std::string example_lines() {
    std::string out;
    for (const auto& key : repository_keys()) {
        constexpr std::size_t note_column = 41;
        auto line = fmt::format("#{} = {}", key.name, key.example);
        if (*key.note) line += std::string(line.size() < note_column ? note_column - line.size() : 3, ' ') + "# ";
        out += line + key.note + "\n";
    }
    return out;
}

std::string escaped(const std::string& word) {
    std::string out;
    for (const char sign : word) out += sign == '-' ? std::string("\\-") : std::string(1, sign);
    return out;
}

// Words in lines, as man(7) wants them: a hyphen is a minus sign, and no line begins with a sign of control.
std::string filled(const std::string& text) {
    std::string out, line;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        const auto shown = escaped(word);
        if (!line.empty() && line.size() + 1 + shown.size() > page_columns) out += std::exchange(line, "") + "\n";
        if (!line.empty())
            line += " ";
        else if (shown[0] == '.' || shown[0] == '\'')
            line = "\\&";
        line += shown;
    }
    return out + line + "\n";
}

std::string entry(const char* name, const std::string& text) {
    return fmt::format(".TP\n.B {}\n{}", name, filled(text));
}

std::string manual_entry(const Option& option) {
    std::string text = option.help;
    if (*option.more) text += fmt::format(" {}", option.more);
    if (const auto range = range_text(option.place); !range.empty()) text += " " + range;
    const auto value = default_text(option);
    text += fmt::format(" Default: {}.", value == "\"\"" || value == "[]" ? "empty" : value);
    if (option.applied == Applied::by_restart) text += " A change needs a restart.";
    return entry(option.name, text);
}

}  // namespace

std::string value_text(const Value& value, Type type) {
    if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
    if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
    if (const auto* number = std::get_if<std::int64_t>(&value))
        return type == Type::size ? size_text(*number) : std::to_string(*number);
    std::string out = "[";
    for (const auto& item : std::get<std::vector<std::string>>(value))
        out += (out.size() > 1 ? ", " : "") + quoted(item);
    return out + "]";
}

std::vector<OptionText> option_texts() {
    std::vector<OptionText> out;
    for (const auto& option : options())
        out.push_back({option.full_name(), std::string(option.help) + " Default: " + default_text(option)});
    return out;
}

std::string default_file() {
    std::string out = "# packswarm.toml: every option with its default. Lines that begin with '#' change nothing.\n";
    std::string section;
    for (const auto& option : options()) {
        if (section != option.section) out += fmt::format("\n[{}]\n", section = option.section);
        out += fmt::format("\n# {}\n", option.help);
        if (const auto range = range_text(option.place); !range.empty()) out += fmt::format("# {}\n", range);
        out += fmt::format("#{} = {}\n", option.name, default_text(option));
    }
    return out + R"(
# Repositories beside those learned from apt and pacman. Tables of one suite and keyring share their mirrors.
#[[repository]]
)" + example_lines();
}

std::string manual_page() {
    std::string out = manual_head;
    const char* section = nullptr;
    for (const auto& option : options()) {
        if (section == nullptr || std::string_view(section) != option.section)
            out += *option.section ? fmt::format(".SS \"[{}]\"\n", option.section) : ".SS \"at the top\"\n";
        section = option.section;
        out += manual_entry(option);
    }
    out += ".SS \"[[repository]]\"\n";
    out += filled("A repository that is not learned. Of those learned from pacman SigLevel decides what is signed.");
    for (const auto& key : repository_keys()) out += entry(key.name, key.more);
    return out + manual_end;
}

}  // namespace packswarm::daemon
