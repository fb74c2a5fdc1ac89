#include "p2p/store/floor_file.hpp"

#include <charconv>

#include "p2p/base/checksum.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"
#include "p2p/base/own_files.hpp"

namespace packswarm::store {

namespace {

constexpr std::size_t max_shown = 80;  // characters of a damaged line

std::string_view take_word(std::string_view& line) {
    const auto end = std::min(line.find(' '), line.size());
    const auto word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

std::optional<broker::Floor> parse_line(std::string_view line) {
    const auto date = take_word(line);
    const auto digest = Digest::parse(take_word(line));
    std::int64_t seconds = 0;
    const auto [end, problem] = std::from_chars(date.data(), date.data() + date.size(), seconds);
    if (problem != std::errc() || end != date.data() + date.size() || !digest || line.empty()) return std::nullopt;
    return broker::Floor{core::FloorName(std::string(line)), WallTime(Seconds(seconds)), *digest};
}

// The first line of a file that ends with a checksum. Those without, which an owner or an older agent wrote, are read
// too.
constexpr std::string_view heading =
    "# Newest verified date of each repository: older indexes are refused. Seconds, root digest, lineage; a checksum "
    "last.\n";
constexpr std::string_view sum_mark = "# checksum ";

std::string sum_line(std::string_view text) { return fmt::format("{}{:08x}\n", sum_mark, crc32(text)); }

bool has_wrong_sum(std::string_view text) {
    if (!text.starts_with(heading)) return false;
    const auto last = text.rfind(sum_mark);
    return last == std::string_view::npos || text.substr(last) != sum_line(text.substr(0, last));
}

}  // namespace

FloorText FloorFile::read() const {
    FloorText out;
    const auto text = read_own_text(path_, limits::max_floors_text);
    if (!text && text.error().kind == ErrorKind::Absent) return out;
    if (!text || text->empty()) {
        out.problem = text ? "it is empty" : text.error().message;
        return out;
    }
    if (has_wrong_sum(*text)) out.problem = "its checksum is wrong";
    std::string_view rest = *text;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty() || line.front() == '#') continue;
        if (auto floor = parse_line(line))
            out.floors[floor->name] = *floor;
        else if (out.problem.empty())
            out.problem = "a line makes no sense: " + printable(line, max_shown);
    }
    return out;
}

Result<void> FloorFile::write(const Floors& floors) const {
    std::string text(heading);
    for (const auto& [name, floor] : floors)
        text += fmt::format("{} {} {}\n", floor.date.time_since_epoch().count(), floor.root.hex(), name);
    return replace_file(path_, as_bytes(text + sum_line(text)));
}

}  // namespace packswarm::store
