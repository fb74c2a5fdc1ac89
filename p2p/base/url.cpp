#include "p2p/base/url.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "p2p/base/digest.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"

namespace packswarm {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

// Without "." segments (RFC 3986 5.2.4): "/flat/./x" and "/flat/x" name one file. Nothing when a ".." would climb.
std::optional<std::string> without_dots(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto segment = path.substr(at, end - at);
        if (segment == "..") return std::nullopt;
        if (segment != ".") {
            out += segment;
            if (end < path.size()) out += '/';
        }
        at = end + 1;
    }
    return out;
}

bool good_host(std::string_view host) {
    if (host.empty()) return false;
    if (host.front() == '[')
        return host.size() > 3 && host.back() == ']' &&
               host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
    return host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
           std::string_view::npos;
}

// Splits "host[:port]"; port stays as it is when the text has none.
bool split_authority(std::string_view text, std::string& host, int& port) {
    const auto bracket = text.rfind(']');
    const auto colon = text.rfind(':');
    const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
    host = lower(has_port ? text.substr(0, colon) : text);
    if (has_port) {
        const auto digits = text.substr(colon + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (error != std::errc{} || end != digits.data() + digits.size() || port < 1 || port > 65535) return false;
    }
    return good_host(host);
}

}  // namespace

Result<std::string> decode_path(std::string_view encoded) {
    std::string out;
    out.reserve(encoded.size());
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        char c = encoded[i];
        if (c == '%') {
            std::uint8_t byte = 0;
            if (i + 2 >= encoded.size() || !from_hex(encoded.substr(i + 1, 2), &byte, 1))
                return fail(ErrorKind::Refused, "a path with a broken percent-encoding");
            c = static_cast<char>(byte);
            i += 2;
        }
        if (is_control(c)) return fail(ErrorKind::Refused, "a path with a control character");
        out += c;
    }
    auto folded = without_dots(out);
    if (!folded) return fail(ErrorKind::Refused, "a path that climbs out of its folder");
    return std::move(*folded);
}

std::string encode_path(std::string_view decoded) {
    static constexpr std::string_view kept = "-._~/:@=,!$&()*;";
    std::string out;
    for (const char c : decoded) {
        if (std::isalnum(static_cast<unsigned char>(c)) || kept.find(c) != std::string_view::npos) {
            out += c;
        } else {
            const auto byte = static_cast<std::uint8_t>(c);
            std::string hex = to_hex(&byte, 1);
            std::transform(hex.begin(), hex.end(), hex.begin(),
                           [](unsigned char h) { return static_cast<char>(std::toupper(h)); });
            out += '%';
            out += hex;
        }
    }
    return out;
}

Result<Url> Url::parse(std::string_view text) {
    if (text.size() > limits::max_url)
        return fail(ErrorKind::Refused, "an address longer than {} characters", limits::max_url);
    if (std::any_of(text.begin(), text.end(), [](char c) { return is_control(c) || c == ' '; }))
        return fail(ErrorKind::Refused, "an address with spaces or control characters");
    Url url;
    const auto scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return fail(ErrorKind::Refused, "not an http or https address");
    url.scheme = lower(text.substr(0, scheme_end));
    if (url.scheme != "http" && url.scheme != "https") return fail(ErrorKind::Refused, "not an http or https address");
    url.port = url.scheme == "http" ? 80 : 443;
    auto rest = text.substr(scheme_end + 3);
    rest = rest.substr(0, rest.find('#'));
    const auto path_start = std::min(rest.find_first_of("/?"), rest.size());
    auto authority = rest.substr(0, path_start);
    rest = rest.substr(path_start);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        url.has_credentials = true;
        authority = authority.substr(at + 1);
    }
    if (!split_authority(authority, url.host, url.port))
        return fail(ErrorKind::Refused, "an address with a malformed host");
    const auto query = rest.find('?');
    if (query != std::string_view::npos) url.query = rest.substr(query + 1);
    url.spelled_path = rest.empty() || rest.front() == '?' ? "/" : rest.substr(0, query);
    auto path = decode_path(url.spelled_path);
    if (!path) return tl::unexpected(path.error());
    url.path = std::move(*path);
    return url;
}

std::string Url::origin() const {
    const bool standard = (scheme == "http" && port == 80) || (scheme == "https" && port == 443);
    return scheme + "://" + host + (standard ? "" : ":" + std::to_string(port));
}

std::string Url::asked() const { return origin() + spelled_path + (query.empty() ? "" : "?" + query); }

std::string Url::text() const { return origin() + encode_path(path) + (query.empty() ? "" : "?" + query); }

}  // namespace packswarm
