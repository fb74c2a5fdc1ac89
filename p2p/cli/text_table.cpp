#include "p2p/cli/text_table.hpp"

#include <time.h>

#include <algorithm>
#include <array>

#include "p2p/base/result.hpp"

namespace packswarm::cli {
namespace {

constexpr std::size_t max_cell = 100;

std::string two_units(std::int64_t big, const char* big_unit, std::int64_t small, const char* small_unit) {
    return fmt::format("{} {} {} {}", big, big_unit, small, small_unit);
}

}  // namespace

TextTable::TextTable(std::initializer_list<std::string_view> headings) {
    for (auto heading : headings) {
        right_.push_back(heading.starts_with('>'));
        if (right_.back()) heading.remove_prefix(1);
        headings_.emplace_back(heading);
    }
}

void TextTable::add(std::vector<std::string> cells) {
    cells.resize(headings_.size());
    for (auto& cell : cells)
        if (cell.size() > max_cell) cell = cell.substr(0, max_cell) + "...";
    rows_.push_back(std::move(cells));
}

std::string TextTable::text() const {
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column < headings_.size(); ++column) {
        auto widest = headings_[column].size();
        for (const auto& row : rows_) widest = std::max(widest, row[column].size());
        widths.push_back(widest);
    }
    std::string out;
    const auto put = [&](const std::vector<std::string>& cells) {
        std::string line;
        for (std::size_t column = 0; column < cells.size(); ++column) {
            const std::string blank(widths[column] - cells[column].size(), ' ');
            line += (column > 0 ? "  " : "") + (right_[column] ? blank + cells[column] : cells[column] + blank);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    };
    put(headings_);
    for (const auto& row : rows_) put(row);
    return out;
}

std::string show_bytes(ByteCount bytes) {
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    auto value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
    return fmt::format("{:.{}f} {}", value, value < 100 ? 1 : 0, units[unit]);
}

std::string show_rate(double bytes_per_second) {
    return show_bytes(static_cast<ByteCount>(std::clamp(bytes_per_second, 0.0, 1e15))) + "/s";
}

std::string show_seconds(double seconds) {
    if (seconds < 60) return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 2 : 0);
    const auto whole = static_cast<std::int64_t>(std::min(seconds, 1e12));
    if (whole < 3600) return two_units(whole / 60, "min", whole % 60, "s");
    if (whole < 86400) return two_units(whole / 3600, "h", whole % 3600 / 60, "min");
    return two_units(whole / 86400, "d", whole % 86400 / 3600, "h");
}

std::string show_time(std::int64_t unix_seconds) {
    const time_t seconds = unix_seconds;
    struct tm parts {};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};
    const auto length = ::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
    return {text.data(), length};
}

}  // namespace packswarm::cli
