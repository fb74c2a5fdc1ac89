#include <algorithm>
#include <string_view>

#include "hooks/setup/setup.hpp"

namespace packswarm::hooks {
namespace {

constexpr std::size_t context = 3;
constexpr std::size_t max_lines = 4000;  // the table below has the square of it; larger files are shown whole

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

struct Edit {
    char kind;  // ' ', '-' or '+'
    std::string_view line;
};

// Longest common subsequence, backwards, then read forwards.
std::vector<Edit> edits_between(const std::vector<std::string_view>& a, const std::vector<std::string_view>& b) {
    const bool whole = a.size() > max_lines || b.size() > max_lines;
    std::vector<std::vector<unsigned>> common(whole ? 1 : a.size() + 1,
                                              std::vector<unsigned>(whole ? 1 : b.size() + 1));
    for (std::size_t i = a.size(); !whole && i-- > 0;)
        for (std::size_t j = b.size(); j-- > 0;)
            common[i][j] = a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    std::vector<Edit> edits;
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        if (!whole && i < a.size() && j < b.size() && a[i] == b[j])
            edits.push_back({' ', a[i++]}), ++j;
        else if (i < a.size() && (whole || j == b.size() || common[i + 1][j] >= common[i][j + 1]))
            edits.push_back({'-', a[i++]});
        else
            edits.push_back({'+', b[j++]});
    }
    return edits;
}

// Which lines are shown: changed ones and a few around them.
std::vector<bool> shown(const std::vector<Edit>& edits) {
    std::vector<bool> out(edits.size());
    for (std::size_t i = 0; i < edits.size(); ++i) {
        if (edits[i].kind == ' ') continue;
        const auto begin = i > context ? i - context : 0;
        std::fill(out.begin() + static_cast<std::ptrdiff_t>(begin),
                  out.begin() + static_cast<std::ptrdiff_t>(std::min(edits.size(), i + context + 1)), true);
    }
    return out;
}

std::string hunk_head(const std::vector<Edit>& edits, std::size_t begin, std::size_t end, std::size_t old_line,
                      std::size_t new_line) {
    const auto count = [&](char other) {
        return std::count_if(edits.begin() + static_cast<std::ptrdiff_t>(begin),
                             edits.begin() + static_cast<std::ptrdiff_t>(end),
                             [&](const Edit& edit) { return edit.kind != other; });
    };
    const auto old_count = count('+'), new_count = count('-');
    const auto place = [](std::size_t line, auto lines) {
        return std::to_string(lines == 0 ? line - 1 : line) + "," + std::to_string(lines);
    };
    return "@@ -" + place(old_line, old_count) + " +" + place(new_line, new_count) + " @@\n";
}

}  // namespace

std::string difference(const Change& change) {
    if (change.before == change.after) return {};
    const std::string before = change.before.value_or(""),
                      after = change.after.value_or("");  // the edits point into them
    const auto edits = edits_between(split_lines(before), split_lines(after));
    const auto visible = shown(edits);
    std::string out = "--- " + (change.before ? change.path.string() : "/dev/null") + "\n+++ " +
                      (change.after ? change.path.string() : "/dev/null") + "\n";
    std::size_t old_line = 1, new_line = 1;
    for (std::size_t i = 0; i < edits.size(); ++i) {
        const bool opens = visible[i] && (i == 0 || !visible[i - 1]);
        if (opens) {
            auto end = i;
            while (end < edits.size() && visible[end]) ++end;
            out += hunk_head(edits, i, end, old_line, new_line);
        }
        if (visible[i]) out += edits[i].kind + std::string(edits[i].line) + "\n";
        old_line += edits[i].kind != '+';
        new_line += edits[i].kind != '-';
    }
    return out;
}

}  // namespace packswarm::hooks
