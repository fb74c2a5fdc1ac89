#include "p2p/broker/transfer/remains_note.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "p2p/base/checksum.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::broker {

namespace {

constexpr std::string_view first_line = "packswarm remains 1\n";
constexpr std::size_t sum_length = 8 + 1;  // digits and the line's end
constexpr auto latest = WallTime(Seconds(253'402'300'799));

// Takes the text before the next `until` off the front; nothing when there is none.
std::optional<std::string_view> next(std::string_view& text, char until) {
    const auto end = text.find(until);
    if (end == std::string_view::npos) return std::nullopt;
    const auto word = text.substr(0, end);
    text.remove_prefix(end + 1);
    return word;
}

std::optional<ByteCount> count_of(std::optional<std::string_view> word) {
    ByteCount value = 0;
    if (!word || word->empty()) return std::nullopt;
    const auto [end, error] = std::from_chars(word->data(), word->data() + word->size(), value);
    if (error != std::errc{} || end != word->data() + word->size() || value < 0) return std::nullopt;
    return value;
}

}  // namespace

Bytes RemainsNote::text() const {
    const auto date = modified ? modified->time_since_epoch().count() : 0;
    auto out = fmt::format("{}{} {} {}\n", first_line, digest.hex(), size, std::max<std::int64_t>(0, date));
    for (const auto& gift : gifts) {
        if (gift.giver.empty() || gift.giver.find('\n') != std::string::npos) continue;
        out += fmt::format("{} {} {}\n", gift.range.begin, gift.range.end, gift.giver);
    }
    out = sealed(std::move(out));
    if (static_cast<ByteCount>(out.size()) > limits::max_remains_note) return {};
    return {out.begin(), out.end()};
}

std::string RemainsNote::sealed(std::string lines) { return lines + fmt::format("{:08x}\n", crc32(lines)); }

std::optional<RemainsNote> RemainsNote::parse(ByteView bytes) {
    std::string_view text(bytes.data(), bytes.size());
    if (static_cast<ByteCount>(text.size()) > limits::max_remains_note || !text.starts_with(first_line) ||
        text.size() < first_line.size() + sum_length)
        return std::nullopt;
    const auto said = text.substr(text.size() - sum_length);
    text.remove_suffix(sum_length);
    if (said != fmt::format("{:08x}\n", crc32(text))) return std::nullopt;
    text.remove_prefix(first_line.size());
    RemainsNote out;
    const auto digest = next(text, ' ');
    const auto parsed = digest ? Digest::parse(*digest) : std::nullopt;
    const auto size = count_of(next(text, ' ')), date = count_of(next(text, '\n'));
    if (!parsed || !size || !date || *size > limits::max_artifact || WallTime(Seconds(*date)) > latest)
        return std::nullopt;
    out.digest = *parsed;
    out.size = *size;
    if (*date > 0) out.modified = WallTime(Seconds(*date));
    while (!text.empty()) {
        const auto begin = count_of(next(text, ' ')), end = count_of(next(text, ' '));
        const auto giver = next(text, '\n');
        if (!begin || !end || !giver || giver->empty() || *begin >= *end || *end > out.size) return std::nullopt;
        out.gifts.push_back({std::string(*giver), {*begin, *end}});
    }
    return out;
}

}  // namespace packswarm::broker
