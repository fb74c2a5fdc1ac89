#include "p2p/gateway/sites/target.hpp"

#include <algorithm>
#include <cctype>

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

tl::expected<Target, Problem> own_path(std::string_view decoded, const Door& door) {
    std::string examples;
    for (const auto format : door.formats) {
        if (auto file = format->at_gateway(decoded)) return Target{{}, format, std::move(*file)};
        if (const auto example = format->gateway_example(); !example.empty())
            examples += (examples.empty() ? "" : "; or ") + std::string(example);
    }
    return refused(404, "paths here look like " + examples);
}

tl::expected<Target, Problem> absolute_form(std::string_view target, const std::optional<Authority>& host,
                                            const Door& door) {
    const auto url = Url::parse(target);
    if (!url) return refused(400, url.error().message);
    if (host && !names_same(*url, *host)) return refused(400, "a Host other than that of the address");
    if (is_ours(url->host, door) && url->port == door.port) return own_path(url->path, door);
    if (url->has_credentials)
        return refused(403, "addresses with a password are not fetched for others: exempt this host from the proxy");
    return Target{url->asked()};
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
    return own_path(*path, door);
}

}  // namespace packswarm::gateway
