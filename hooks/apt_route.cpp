#include "hooks/apt_route.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "p2p/base/file.hpp"
#include "p2p/base/limits.hpp"
#include "p2p/base/text.hpp"
#include "p2p/base/url.hpp"

namespace packswarm::hooks {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

template <class Each>
void for_words(std::string_view text, std::string_view separators, Each each) {
    while (true) {
        const auto begin = text.find_first_not_of(separators);
        if (begin == std::string_view::npos) return;
        text.remove_prefix(begin);
        const auto end = std::min(text.find_first_of(separators), text.size());
        each(text.substr(0, end));
        text.remove_prefix(end);
    }
}

// no_proxy: domains, with or without a leading dot, that are reached without a proxy.
bool is_excepted(std::string_view host, std::string_view no_proxy) {
    bool found = false;
    for_words(no_proxy, ", ", [&](std::string_view domain) {
        const auto name = lower(domain.starts_with('.') ? domain.substr(1) : domain);
        found |= host == name ||
                 (host.ends_with(name) && host.size() > name.size() && host[host.size() - name.size() - 1] == '.');
    });
    return found;
}

void add_logins(const std::filesystem::path& file, std::set<std::string>& hosts) {
    const auto text = read_text(file, limits::mib);
    if (text) hosts.merge(login_hosts(*text));
}

}  // namespace

ProxyEnvironment ProxyEnvironment::from_process() {
    return {environment("http_proxy"), environment("https_proxy"), environment("no_proxy")};
}

std::string host_of(std::string_view uri) {
    const auto scheme = uri.find("://");
    if (scheme != std::string_view::npos) uri.remove_prefix(scheme + 3);
    uri = uri.substr(0, uri.find_first_of("/?#"));
    const auto at = uri.rfind('@');
    if (at != std::string_view::npos) uri.remove_prefix(at + 1);
    const auto bracket = uri.find(']');
    const auto colon = uri.find(':', bracket == std::string_view::npos ? 0 : bracket);
    return lower(uri.substr(0, colon));
}

std::set<std::string> login_hosts(std::string_view netrc) {
    std::set<std::string> hosts;
    bool is_name = false;
    for_words(netrc, " \t\r\n", [&](std::string_view word) {
        if (is_name) hosts.insert(host_of(word));
        is_name = word == "machine";
    });
    return hosts;
}

AptRoute::AptRoute(AptConfig config, ProxyEnvironment environment)
    : config_(std::move(config)), environment_(std::move(environment)) {
    const auto file = config_.find_path("Dir::Etc::netrc");
    if (!file.empty()) add_logins(file, logins_);
    const auto folder = config_.find_path("Dir::Etc::netrcparts");
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
        if (entry->path().extension() == ".conf") add_logins(entry->path(), logins_);
}

bool AptRoute::is_proxied(const std::string& scheme, const std::string& host) const {
    if (config_.find_bool("Packswarm::Use-With-Proxy", false)) return false;
    if (is_excepted(host, environment_.none)) return false;
    std::string proxy;
    for (const auto& key : {scheme + "::Proxy::" + host, std::string("http::Proxy::" + host), scheme + "::Proxy",
                            std::string("http::Proxy")}) {
        proxy = config_.find("Acquire::" + key);
        if (!proxy.empty()) break;
    }
    if (proxy.empty()) proxy = scheme == "https" ? environment_.https : environment_.http;
    return !proxy.empty() && proxy != "DIRECT" && proxy != "false";
}

bool AptRoute::has_client_certificate(const std::string& host) const {
    for (const std::string name : {"SslCert", "SslKey"})
        if (!config_.find("Acquire::https::" + name).empty() ||
            !config_.find("Acquire::https::" + host + "::" + name).empty())
            return true;
    return false;
}

std::string AptRoute::why_not(const AptMessage& acquire) const {
    const auto url = Url::parse(acquire.find("URI"));
    if (!url) return url.error().message;
    if (url->has_credentials) return "the address carries credentials";
    if (has_login(url->host)) return "auth.conf has a login for this host";
    if (url->scheme == "https" && has_client_certificate(url->host)) return "a client certificate is set";
    const auto proxy = acquire.find("Proxy");
    if (!proxy.empty() && proxy != "DIRECT" && !config_.find_bool("Packswarm::Use-With-Proxy", false))
        return "a proxy is set for this host";
    if (is_proxied(url->scheme, url->host)) return "a proxy is set";
    if (url->host.ends_with(".onion")) return "onion services are not for the agent";
    const auto forced = lower(config_.find("Acquire::ForceHash"));
    if (!forced.empty() && forced != "sha256") return "another hash than SHA256 is forced";
    return {};
}

}  // namespace packswarm::hooks
