#include "p2p/store/floor_file.hpp"

#include <charconv>

#include "p2p/base/limits.hpp"
#include "p2p/base/log.hpp"

namespace packswarm::store {

namespace {

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
    return broker::Floor{std::string(line), WallTime(Seconds(seconds)), *digest};
}

}  // namespace

Result<Floors> FloorFile::read() const {
    Floors floors;
    const auto text = read_text(path_, limits::max_floors_text);
    if (!text && text.error().kind == ErrorKind::Absent) return floors;
    if (!text) return fail(ErrorKind::Broken, "the floors cannot be read: {}", text.error().message);
    std::string_view rest = *text;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.empty() || line.front() == '#') continue;
        if (auto floor = parse_line(line))
            floors[floor->lineage] = *floor;
        else
            spdlog::error("{}: a damaged line is left out: {}", path_.string(), printable(line));
    }
    return floors;
}

Result<void> FloorFile::write(const Floors& floors) const {
    std::string text =
        "# Newest verified date of each repository: older indexes are refused. Seconds, root digest, lineage.\n";
    for (const auto& [lineage, floor] : floors)
        text += fmt::format("{} {} {}\n", floor.date.time_since_epoch().count(), floor.root.hex(), lineage);
    return replace_file(path_, as_bytes(text));
}

}  // namespace packswarm::store
