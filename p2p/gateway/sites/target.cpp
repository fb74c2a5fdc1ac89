#include "p2p/gateway/sites/target.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

#include "p2p/base/limits.hpp"
#include "p2p/base/url.hpp"

namespace packswarm::gateway {

namespace {

tl::unexpected<Problem> refused(int status, std::string message) {
    return tl::unexpected(Problem{status, std::move(message)});
}

// A dot at the end says that a name is whole.
std::string_view without_last_dot(std::string_view host) {
    if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
    return host;
}

bool is_ours(std::string_view host, const Door& door) {
    host = without_last_dot(host);
    if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
    const bool is_number = host.find_first_not_of("0123456789.") == std::string_view::npos;
    return host == "localhost" || host == "::1" || host == door.address || (is_number && host.substr(0, 4) == "127.");
}

// A host and maybe a port (RFC 9110 7.2), without what an address has before and behind them.
bool is_authority(std::string_view host) {
    const auto is_plain = [](unsigned char c) {
        return std::isalnum(c) != 0 || std::string_view(".-_:[]").find(static_cast<char>(c)) != std::string_view::npos;
    };
    return !host.empty() && std::all_of(host.begin(), host.end(), is_plain);
}

struct Authority {
    std::string host;  // lower case
    std::optional<int> port;
};

std::optional<Authority> parse_authority(std::string_view text) {
    if (!is_authority(text)) return std::nullopt;
    auto url = Url::parse("http://" + std::string(text) + "/");
    if (!url) return std::nullopt;
    Authority out{std::move(url->host), std::nullopt};
    if (text.size() > out.host.size()) out.port = url->port;
    return out;
}

// Some leave the port out of Host, or a dot off the end of a name.
bool names_same(const Url& url, const Authority& host) {
    return without_last_dot(url.host) == without_last_dot(host.host) && host.port.value_or(url.port) == url.port;
}

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 1; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        parts.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

bool is_name(std::string_view text) {
    const auto is_odd = [](char c) {
        return static_cast<unsigned char>(c) <= ' ' || c == '\\' || c == '?' || c == '#' || c == '%';
    };
    return !text.empty() && text.size() <= limits::max_name && std::none_of(text.begin(), text.end(), is_odd);
}

tl::expected<Target, Problem> pacman_path(std::string_view decoded) {
    const auto parts = split(decoded);
    if (parts.size() != 4 || parts[1] != "os" || !is_name(parts[0]) || !is_name(parts[2]) || !is_name(parts[3]))
        return refused(404,
                       "paths here look like /core/os/x86_64/core.db: Server = http://127.0.0.1:PORT/$repo/os/$arch");
    return Target{{}, std::string(parts[0]), std::string(parts[2]), std::string(parts[3])};
}

tl::expected<Target, Problem> absolute_form(std::string_view target, const std::optional<Authority>& host,
                                            const Door& door) {
    const auto url = Url::parse(target);
    if (!url) return refused(400, url.error().message);
    if (host && !names_same(*url, *host)) return refused(400, "a Host other than that of the address");
    if (is_ours(url->host, door) && url->port == door.port) return pacman_path(url->path);
    if (url->has_credentials)
        return refused(403, "addresses with a password are not fetched for others: exempt this host from the proxy");
    return Target{url->asked(), {}, {}, {}};
}

}  // namespace

tl::expected<Target, Problem> parse_target(std::string_view target, std::optional<std::string_view> host,
                                           const Door& door) {
    if (target.size() > limits::max_url) return refused(400, "an address too long");
    const auto asked_of = host ? parse_authority(*host) : std::nullopt;
    if (host && !asked_of) return refused(400, "a Host that is no host and port");
    if (target.empty() || target.front() != '/') return absolute_form(target, asked_of, door);
    if (asked_of && !is_ours(asked_of->host, door)) return refused(403, "ask by address (127.0.0.1), not by a name");
    const auto path = decode_path(target.substr(0, target.find('?')));
    if (!path) return refused(400, path.error().message);
    return pacman_path(*path);
}

bool needs_signature(const Target& target) {
    return target.is_pacman_path() && target.file.find(".pkg.tar") != std::string::npos &&
           !target.file.ends_with(".sig");
}

}  // namespace packswarm::gateway
