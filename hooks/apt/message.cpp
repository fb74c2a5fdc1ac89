#include "hooks/apt/message.hpp"

#include <strings.h>

#include <algorithm>
#include <charconv>

#include "p2p/base/http_date.hpp"
#include "p2p/base/limits.hpp"

namespace packswarm::hooks {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool same_name(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
    const auto blank = " \t\r";
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

// "200 URI Start" gives 200 and "URI Start".
Result<AptMessage> parse_first_line(std::string_view line) {
    int code = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), code);
    const bool three_digits = error == std::errc() && rest - line.data() == 3 && code >= 100;
    if (!three_digits) return fail(ErrorKind::Refused, "a message of apt's protocol starts with three digits");
    return AptMessage(code, trimmed(line.substr(3)));
}

}  // namespace

AptMessage::AptMessage(int code, std::string_view label) : code_(code), label_(label) {}

Result<AptMessage> AptMessage::parse(std::string_view text) {
    while (!text.empty() && (text.front() == '\n' || text.front() == '\r')) text.remove_prefix(1);
    auto message = parse_first_line(take_line(text));
    if (!message) return message;
    while (!text.empty()) {
        const auto line = take_line(text);
        if (line.empty()) break;
        if (line.front() == ' ' || line.front() == '\t') {
            if (message->fields_.empty()) return fail(ErrorKind::Refused, "a message goes on before it has a field");
            message->fields_.back().second.append("\n").append(trimmed(line));
            continue;
        }
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0)
            return fail(ErrorKind::Refused, "a line without a field's name");
        message->fields_.emplace_back(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
    }
    return message;
}

std::string_view AptMessage::find(std::string_view name) const {
    for (const auto& [key, value] : fields_)
        if (same_name(key, name)) return value;
    return {};
}

AptMessage& AptMessage::add(std::string_view name, std::string_view value) {
    std::string clean(value);
    std::replace_if(clean.begin(), clean.end(), is_control, ' ');
    fields_.emplace_back(name, std::move(clean));
    return *this;
}

std::string AptMessage::text() const {
    std::string out = std::to_string(code_) + " " + label_ + "\n";
    for (const auto& [name, value] : fields_) out += name + ": " + value + "\n";
    return out + "\n";
}

Result<std::vector<std::string>> AptMessageReader::feed(std::string_view bytes) {
    pending_ += bytes;
    std::vector<std::string> messages;
    std::size_t begin = 0;
    for (auto end = pending_.find('\n', scanned_); end != std::string::npos; end = pending_.find('\n', end + 1)) {
        const bool blank = end == begin || pending_[end - 1] == '\n' ||
                           (pending_[end - 1] == '\r' && (end - begin < 2 || pending_[end - 2] == '\n'));
        if (!blank) continue;
        const bool only_blank = pending_.find_first_not_of("\r\n", begin) >= end;
        if (!only_blank) messages.push_back(pending_.substr(begin, end + 1 - begin));
        begin = end + 1;
    }
    pending_.erase(0, begin);
    scanned_ = pending_.size();
    if (static_cast<ByteCount>(pending_.size()) > limits::max_apt_message)
        return fail(ErrorKind::Refused, "a message of apt's protocol is larger than {} bytes", limits::max_apt_message);
    return messages;
}

std::optional<WallTime> parse_apt_date(std::string_view text) {
    for (const std::string_view zone : {" UTC", " +0000"})
        if (text.ends_with(zone))
            return parse_http_date(std::string(text.substr(0, text.size() - zone.size())) + " GMT");
    return parse_http_date(text);
}

std::optional<ByteCount> parse_byte_count(std::string_view text) {
    ByteCount count = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || rest != text.data() + text.size() || text.empty() || text.front() == '-')
        return std::nullopt;
    return count;
}

}  // namespace packswarm::hooks
